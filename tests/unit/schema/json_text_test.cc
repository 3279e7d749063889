#include "schema/json_text.h"

#include <doctest/doctest.h>

#include "schema/parse.h"

using namespace std::string_literals;
using twobox::FaultLog;
using twobox::Faults;
using twobox::JsonArray;
using twobox::JsonObject;
using twobox::JsonOtherNumber;
using twobox::JsonValue;
using twobox::read_json;

namespace {

constexpr std::size_t kEnough = 1 << 20;

JsonValue value_of(std::string_view text) {
  FaultLog log;
  auto value = read_json(text, kEnough, log);
  REQUIRE(value.has_value());
  CHECK(log.take_in_document_order().empty());
  return *std::move(value);
}

/// The one fault of a text that can't be read.
std::string fault_of(std::string_view text, std::size_t max_bytes = kEnough) {
  FaultLog log;
  CHECK_FALSE(read_json(text, max_bytes, log).has_value());
  const Faults faults = log.take_in_document_order();
  REQUIRE(faults.size() == 1);
  return to_string(faults[0]);
}

std::string repeat(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("numbers stay what they were in the text") {
  struct Row {
    std::string_view text;
    bool is_unsigned, is_negative;  // neither: a number that no 64-bit integer holds
  };
  const Row rows[] = {
      {"0", true, false},
      {"-0", true, false},
      {"-1", false, true},
      {"18446744073709551615", true, false},
      {"18446744073709551616", false, false},
      {"-9223372036854775808", false, true},
      {"-9223372036854775809", false, false},
      {"1.0", false, false},
      {"1e2", false, false},
      {"1E2", false, false},
      {"1.9", false, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const JsonValue value = value_of(row.text);
    CHECK(std::holds_alternative<std::uint64_t>(value.value) == row.is_unsigned);
    CHECK(std::holds_alternative<std::int64_t>(value.value) == row.is_negative);
    if (const auto* const other = std::get_if<JsonOtherNumber>(&value.value))
      CHECK(other->text == row.text);
  }
}

TEST_CASE("members keep the order of the text, and positions grow through it") {
  const JsonValue value = value_of(R"({"z": [1, 2], "a": {"b": null}, "m": true})");
  const auto& members = std::get<JsonObject>(value.value);
  REQUIRE(members.size() == 3);
  CHECK(members[0].key == "z");
  CHECK(members[1].key == "a");
  CHECK(members[2].key == "m");
  const auto& numbers = std::get<JsonArray>(members[0].value.value);
  CHECK(value.position < members[0].value.position);
  CHECK(members[0].value.position < numbers[0].position);
  CHECK(numbers[1].position < members[1].value.position);
  CHECK(members[1].value.position < members[2].value.position);
}

TEST_CASE("strings come unescaped") {
  CHECK(std::get<std::string>(value_of(R"("a\n\u00e9\ud83d\ude00\u0000")").value) == "a\né😀\0"s);
}

TEST_CASE("text that is no JSON is refused with the place where reading stopped") {
  struct Row {
    std::string_view text;
    std::string_view want;
  };
  const Row rows[] = {
      {"", "(document): found text that is not JSON at line 1, column 1 ("},
      {" \n ", "(document): found text that is not JSON at line 2, column 2 ("},
      {"{", "(document): found text that is not JSON at line 1, column 2 ("},
      {R"({"a": [1,]})", "/a/1: found text that is not JSON at line 1, column 10 ("},
      {"{\"a\": 1,\n \"b\": }", "/b: found text that is not JSON at line 2, column 7 ("},
      {R"({"a": 1,})", "(document): found text that is not JSON at line 1, column 9 ("},
      {R"({"a": 1} x)", "(document): found text that is not JSON at line 1, column 10 ("},
      {"{'a': 1}", "(document): found text that is not JSON at line 1, column 2 ("},
      {"// no\n{}", "(document): found text that is not JSON at line 1, column 1 ("},
      {"[01]", "/1: found text that is not JSON at line 1, column 3 ("},
      {"[+1]", "/0: found text that is not JSON at line 1, column 2 ("},
      {"[NaN]", "/0: found text that is not JSON at line 1, column 2 ("},
      {"\"a\nb\"", "(document): found text that is not JSON at line 1, column 3 ("},
      {R"("\ud800")", "(document): found text that is not JSON at line 1, column 8 ("},
      {"[1e999]", "/0: found a number too large to be read at line 1, column 6, allowed"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const std::string fault = fault_of(row.text);
    CHECK(fault.substr(0, row.want.size()) == row.want);
    CHECK(fault.find('\n') == std::string::npos);
  }
}

TEST_CASE("a fault never repeats the text read last, which may be long or no UTF-8") {
  const std::string fault = fault_of("\"" + std::string(1000, 'x'));
  CHECK(fault.size() < 300);
  CHECK(fault_of("[1" + repeat("0", 100000) + "]").size() < 300);
}

TEST_CASE("invalid UTF-8 is refused") {
  const std::string bad[] = {
      "\xff",         "\xc3",
      "\xc0\xaf",     "\xe0\x80\xaf",
      "\xed\xa0\x80", "\xf4\x90\x80\x80",
      "\x80",         "\xf5\x80\x80\x80",
  };
  for (const std::string& bytes : bad) {
    CAPTURE(bytes.size());
    CHECK(fault_of("{\"a\": \"" + bytes + "\"}").starts_with("/a: found invalid UTF-8 at line 1"));
    CHECK(fault_of("{\"" + bytes + "\": 1}").starts_with("(document): found invalid UTF-8"));
    CHECK(fault_of("{" + bytes + "}").starts_with("(document): found text that is not JSON"));
  }
}

TEST_CASE("a byte order mark and UTF-16 are refused") {
  CHECK(fault_of("\xEF\xBB\xBF{}") ==
        "(document): found a byte order mark, allowed is one JSON object, in UTF-8 without it");
  CHECK(fault_of("\xFF\xFE{\0}\0"s).starts_with("(document): found text that is not JSON"));
}

TEST_CASE("a depth of 32 is read and of 33 refused") {
  CHECK(std::holds_alternative<JsonArray>(value_of(repeat("[", 32) + repeat("]", 32)).value));
  CHECK(fault_of(repeat("[", 33) + repeat("]", 33)) ==
        repeat("/0", 32) + ": found a value nested 33 deep, allowed is a depth of at most 32");
  const std::string objects = repeat(R"({"a":)", 31);
  CHECK(std::holds_alternative<JsonObject>(value_of(objects + "[]" + repeat("}", 31)).value));
  CHECK(fault_of(objects + "[[") ==
        repeat("/a", 31) + "/0: found a value nested 33 deep, allowed is a depth of at most 32");
  // Far more than a recursive reader's stack.
  CHECK(fault_of(repeat("[", 1000000)).ends_with("allowed is a depth of at most 32"));
}

TEST_CASE("of a repeated key the first value stays and each further one is a fault") {
  FaultLog log;
  const auto value = read_json(
      R"({"a": 1, "b": {"c": 1, "\u0063": {"x": 1, "x": 2}}, "a": [3], "a": 4})", kEnough, log);
  const Faults faults = log.take_in_document_order();
  REQUIRE(faults.size() == 4);
  CHECK(to_string(faults[0]) ==
        R"(/b/c: found the key "c" again, allowed is each key once in an object)");
  CHECK(faults[1].pointer == "/b/c/x");
  CHECK(faults[2].pointer == "/a");
  CHECK(faults[3].pointer == "/a");
  REQUIRE(value.has_value());
  const auto& members = std::get<JsonObject>(value->value);
  REQUIRE(members.size() == 2);
  CHECK(std::get<std::uint64_t>(members[0].value.value) == 1);
  CHECK(std::get<JsonObject>(members[1].value.value).size() == 1);
}

TEST_CASE("the limit of size is exact") {
  CHECK(fault_of("[12]", 3) == "(document): found 4 bytes, allowed is at most 3 bytes");
  FaultLog log;
  CHECK(read_json("[12]", 4, log).has_value());
}

TEST_CASE("keys of more than 255 bytes are refused") {
  const std::string longest(255, 'k');
  CHECK(std::get<JsonObject>(value_of("{\"" + longest + "\": 1}").value)[0].key == longest);
  CHECK(fault_of("{\"a\": {\"" + longest + "k\": 1}}") ==
        "/a: found a key of 256 bytes, allowed is at most 255");
}

TEST_CASE("values are shown in one short line") {
  struct Row {
    std::string_view text;
    std::string_view want;
  };
  const Row rows[] = {
      {"null", "null"},
      {"true", "true"},
      {"false", "false"},
      {"80", "80"},
      {"-1", "-1"},
      {"1.50", "1.50"},
      {"1e2", "1e2"},
      {R"("a\nb")", R"("a\nb")"},
      {"[]", "an empty array"},
      {"[1]", "an array"},
      {"{}", "an empty object"},
      {R"({"a":1})", "an object"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(shown(value_of(row.text)) == row.want);
  }
  CHECK(shown(value_of("1." + repeat("5", 100))) == "1." + repeat("5", 62) + "...");
}
