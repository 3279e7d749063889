#include "backends/netlink/attributes.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/unit/netlink/bytes.h"

using namespace twobox;
using namespace twobox::netlink;

namespace {

const Bytes kFive = {std::byte{5}};

void check_malformed(const auto& result) {
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().kind == ErrorKind::kTransport);
  CHECK(result.error().errno_value == EBADMSG);
}

}  // namespace

TEST_CASE("AttributeTable finds attributes by type") {
  const Bytes payload = attribute_of(1, std::uint32_t{7}) + attribute(3, bytes_of_text("mh"));
  const auto table = AttributeTable::parse(payload, 3);
  REQUIRE(table.has_value());
  CHECK(*(*table)[1].as<std::uint32_t>() == 7);
  CHECK(*(*table)[3].as_text() == "mh");
  CHECK_FALSE((*table)[2].present());
  CHECK_FALSE((*table)[4].present());
  CHECK_FALSE((*table)[65535].present());
}

TEST_CASE("AttributeTable masks the nested and byte-order flags off the type") {
  const Bytes payload = attribute(2 | NLA_F_NESTED, attribute_of(1, std::uint8_t{9})) +
                        attribute_of(3 | NLA_F_NET_BYTEORDER, std::uint16_t{1});
  const auto table = AttributeTable::parse(payload, 3);
  REQUIRE(table.has_value());
  const auto inner = AttributeTable::parse((*table)[2].bytes(), 1);
  REQUIRE(inner.has_value());
  CHECK(*(*inner)[1].as<std::uint8_t>() == 9);
  CHECK((*table)[3].type() == 3);
}

TEST_CASE("of repeated attributes the last counts, and newer types are passed over") {
  const Bytes payload = attribute_of(1, std::uint8_t{1}) + attribute_of(900, std::uint8_t{9}) +
                        attribute_of(1, std::uint8_t{2});
  const auto table = AttributeTable::parse(payload, 1);
  REQUIRE(table.has_value());
  CHECK(*(*table)[1].as<std::uint8_t>() == 2);
  CHECK_FALSE((*table)[900].present());
}

TEST_CASE("attributes whose length does not fit are refused") {
  struct Row {
    std::string_view what;
    Bytes payload;
  };
  const Row rows[] = {
      {"a header cut off", Bytes(3)},
      {"length 0 (an endless loop for the careless)", attribute_claiming(0, 1, kFive)},
      {"shorter than its own header", attribute_claiming(3, 1, kFive)},
      {"longer than what is left", attribute_claiming(9, 1, kFive)},
      {"as long as a length can be", attribute_claiming(65535, 1, kFive)},
      {"a good one, then a bad one", attribute(1, kFive) + attribute_claiming(200, 2, kFive)},
      {"a good one, then rubbish", attribute(1, kFive) + Bytes(2)},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    check_malformed(AttributeTable::parse(row.payload, 4));
    check_malformed(attribute_list(row.payload));
  }
}

TEST_CASE("the padding behind the last attribute may be missing") {
  Bytes payload = attribute(1, kFive);
  payload.resize(5);
  const auto table = AttributeTable::parse(payload, 1);
  REQUIRE(table.has_value());
  CHECK(*(*table)[1].as<std::uint8_t>() == 5);
}

TEST_CASE("nothing parses to nothing") {
  REQUIRE(AttributeTable::parse({}, 4).has_value());
  REQUIRE(attribute_list({}).has_value());
  CHECK(attribute_list({})->empty());
}

TEST_CASE("AttributeView::as wants exactly the size of its type") {
  const Bytes payload =
      attribute(1, Bytes(2)) + attribute(2, Bytes(4)) + attribute(3, Bytes(5)) + attribute(4, {});
  const auto table = AttributeTable::parse(payload, 5);
  REQUIRE(table.has_value());
  for (const std::uint16_t type : std::initializer_list<std::uint16_t>{1, 3, 4, 5}) {
    CAPTURE(type);
    check_malformed((*table)[type].as<std::uint32_t>());
  }
  CHECK((*table)[2].as<std::uint32_t>().has_value());
  CHECK(*(*table)[5].as_or<std::uint32_t>(77) == 77);
  check_malformed((*table)[1].as_or<std::uint32_t>(77));
}

TEST_CASE("AttributeView::as_text ends at the first NUL or at the end") {
  struct Row {
    std::string_view payload;
    std::string_view want;
  };
  const Row rows[] = {
      {std::string_view("wlc\0", 4), "wlc"},
      {"wlc", "wlc"},
      {"", ""},
      {std::string_view("\0", 1), ""},
      {std::string_view("a\0b\0", 4), "a"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.payload);
    const Bytes payload = bytes_of_text(row.payload);
    const auto text = AttributeView(1, payload).as_text();
    REQUIRE(text.has_value());
    CHECK(*text == row.want);
  }
  check_malformed(AttributeView().as_text());
}

TEST_CASE("attribute_list keeps order and repetitions") {
  const Bytes payload = attribute_of(1, std::uint8_t{1}) + attribute_of(1, std::uint8_t{2}) +
                        attribute(9 | NLA_F_NESTED, {});
  const auto list = attribute_list(payload);
  REQUIRE(list.has_value());
  REQUIRE(list->size() == 3);
  CHECK(*(*list)[0].as<std::uint8_t>() == 1);
  CHECK(*(*list)[1].as<std::uint8_t>() == 2);
  CHECK((*list)[2].type() == 9);
  CHECK((*list)[2].bytes().empty());
}

TEST_CASE("every cut of a good payload either parses or is refused, inside its bounds") {
  const Bytes payload = attribute_of(1, std::uint32_t{7}) + attribute(2, bytes_of_text("wlc")) +
                        attribute(3 | NLA_F_NESTED, attribute_of(1, std::uint16_t{80}));
  for (std::size_t size = 0; size <= payload.size(); ++size) {
    CAPTURE(size);
    const Bytes cut(payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(size));
    const auto table = AttributeTable::parse(cut, 3);
    const auto list = attribute_list(cut);
    CHECK(table.has_value() == list.has_value());
  }
}
