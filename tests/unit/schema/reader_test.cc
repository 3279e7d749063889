#include "schema/reader.h"

#include <doctest/doctest.h>

#include "schema/json_text.h"
#include "tests/unit/schema/documents.h"

using twobox::FaultLog;
using twobox::Faults;
using twobox::Field;
using twobox::JsonValue;
using twobox::ObjectReader;
using twobox::read_json;
using twobox::test::Lines;

namespace {

/// A text to read from, and the faults that reading leaves.
struct Text {
  explicit Text(std::string_view text) : root(read_json(text, 1 << 20, log).value()) {}

  Field field() { return Field(root, "", log); }
  Lines faults() {
    Lines lines;
    for (const twobox::Fault& fault : log.take_in_document_order())
      lines.push_back(to_string(fault));
    return lines;
  }

  FaultLog log;
  JsonValue root;
};

}  // namespace

TEST_CASE("whole numbers are taken within their range and written as such only") {
  struct Row {
    std::string_view text;
    std::optional<std::uint64_t> want;
    std::string_view found;
  };
  const Row rows[] = {
      {"1", 1, ""},
      {"65535", 65535, ""},
      {"0", {}, "0"},
      {"-0", {}, "0"},
      {"65536", {}, "65536"},
      {"65616", {}, "65616"},
      {"-1", {}, "-1"},
      {"1.9", {}, "1.9 (not written as a whole number)"},
      {"1.0", {}, "1.0 (not written as a whole number)"},
      {"1e2", {}, "1e2 (not written as a whole number)"},
      {"18446744073709551616", {}, "18446744073709551616"},
      {"true", {}, "true"},
      {"null", {}, "null"},
      {R"("80")", {}, R"("80")"},
      {"[80]", {}, "an array"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    Text text(row.text);
    CHECK(text.field().whole_number(1, 65535) == row.want);
    const std::string fault = "(document): found " + std::string(row.found) +
                              ", allowed is a whole number from 1 to 65535";
    CHECK(text.faults() == (row.want ? Lines{} : Lines{fault}));
  }
}

TEST_CASE("booleans are true and false") {
  CHECK(Text("true").field().boolean() == true);
  CHECK(Text("false").field().boolean() == false);
  for (const std::string_view other : {"0", "1", "null", R"("true")"}) {
    Text text(other);
    CHECK_FALSE(text.field().boolean().has_value());
    CHECK(text.faults() ==
          Lines{"(document): found " + std::string(other) + ", allowed is true or false"});
  }
}

TEST_CASE("texts, arrays and objects are told apart") {
  Text text(R"(["a", [1], {"b": 2}])");
  const auto* const array = text.field().array("an array");
  REQUIRE(array != nullptr);
  const Field first = text.field().element(*array, 0);
  const Field second = text.field().element(*array, 1);
  const Field third = text.field().element(*array, 2);
  REQUIRE(first.text("text") != nullptr);
  CHECK(*first.text("text") == "a");
  CHECK(second.array("an array") != nullptr);
  CHECK(third.object("an object") != nullptr);
  CHECK(third.is_object());
  CHECK(text.faults().empty());

  CHECK(first.array("an array") == nullptr);
  CHECK(second.object("an object") == nullptr);
  CHECK(third.text("text") == nullptr);
  CHECK(text.faults() == Lines{R"(/0: found "a", allowed is an array)",
                               "/1: found an array, allowed is an object",
                               "/2: found an object, allowed is text"});
}

TEST_CASE("what is asked for is read, and whatever was not is a fault") {
  Text text(R"({"zeta": 1, "prt": 2, "port": 3, "name": 4})");
  auto object = ObjectReader::open(text.field());
  REQUIRE(object.has_value());
  CHECK(object->required("port").whole_number(0, 9) == 3);
  const auto name = object->optional("name");
  REQUIRE(name.has_value());
  CHECK(name->pointer() == "/name");
  CHECK_FALSE(object->optional("weight").has_value());
  object->refuse_others();
  CHECK(
      text.faults() ==
      Lines{
          R"(/zeta: found an unknown key, allowed is "port", "name" or "weight")",
          R"(/prt: found an unknown key (did you mean "port"?), allowed is "port", "name" or "weight")"});
}

TEST_CASE("a required field that is missing is named when it is read") {
  Text text(R"({"a": 1})");
  auto object = ObjectReader::open(text.field());
  REQUIRE(object.has_value());
  CHECK_FALSE(object->required("port").whole_number(1, 2).has_value());
  CHECK_FALSE(object->required("flag").boolean().has_value());
  CHECK(object->required("x/y").text("text") == nullptr);
  CHECK(text.faults() == Lines{"/port: found nothing, allowed is a whole number from 1 to 2",
                               "/flag: found nothing, allowed is true or false",
                               "/x~1y: found nothing, allowed is text"});
}

TEST_CASE("only an object opens") {
  Text text("[]");
  CHECK_FALSE(ObjectReader::open(text.field()).has_value());
  CHECK(text.faults() == Lines{"(document): found an empty array, allowed is an object"});
}

TEST_CASE("faults come in the order of the text, whatever the order of reading") {
  Text text(R"({"a": 1, "b": {"c": 2}, "d": 3})");
  auto object = ObjectReader::open(text.field());
  REQUIRE(object.has_value());
  object->required("d").refuse("x");
  auto inner = ObjectReader::open(object->required("b"));
  REQUIRE(inner.has_value());
  inner->required("c").refuse("x");
  inner->required("missing").refuse("x");
  object->required("a").refuse("x");
  CHECK(text.faults() == Lines{"/a: found 1, allowed is x",
                               "/b/missing: found nothing, allowed is x",
                               "/b/c: found 2, allowed is x", "/d: found 3, allowed is x"});
}

TEST_CASE("a log lists ten thousand faults and says that there are more") {
  FaultLog log;
  for (std::uint32_t i = 0; i < FaultLog::kMaxFaults; ++i) log.add(i, "/x", "found 1");
  CHECK(log.is_complete());
  log.add(0, "/y", "found 2");
  log.add(0, "/y", "found 2");
  CHECK_FALSE(log.is_complete());
  const Faults faults = log.take_in_document_order();
  CHECK(faults.size() == FaultLog::kMaxFaults + 1);
  CHECK(to_string(faults.back()) ==
        "(document): found more faults than are listed, allowed is none");
}
