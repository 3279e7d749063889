#include "reconciler/keepalived_text.h"

#include <doctest/doctest.h>

#include <map>

using namespace twobox;

namespace {

using Files = std::map<std::string, std::string>;

/// As one line: "a b[c d[]]", with the place of each line behind '@' if asked for.
std::string shape(const std::vector<KeepalivedLine>& lines, bool places = false) {
  std::string text;
  for (const KeepalivedLine& line : lines) {
    if (!text.empty()) text += "; ";
    for (std::size_t i = 0; i < line.words.size(); ++i) text += (i == 0 ? "" : "|") + line.words[i];
    if (places) text += "@" + line.place;
    if (!line.block.empty()) text += "[" + shape(line.block, places) + "]";
  }
  return text;
}

Result<std::vector<KeepalivedLine>> read(const std::string& text, const Files& files = {}) {
  const auto include = [&files](const std::string& pattern,
                                const std::string&) -> Result<std::vector<KeepalivedFile>> {
    const auto found = files.find(pattern);
    if (found == files.end()) return std::vector<KeepalivedFile>();
    if (found->second == "EACCES") return Error{ErrorKind::kUnavailable, 13, "no permission"};
    return std::vector{KeepalivedFile{pattern, found->second}};
  };
  return read_keepalived({"k", text}, include);
}

std::string shape_of(const std::string& text, const Files& files = {}) {
  const auto lines = read(text, files);
  REQUIRE(lines);
  return shape(*lines);
}

std::string error_of(const std::string& text, const Files& files = {}) {
  const auto lines = read(text, files);
  return lines ? "none" : lines.error().message;
}

}  // namespace

TEST_CASE("lines, words and blocks") {
  CHECK(shape_of("") == "");
  CHECK(shape_of("a b\tc\r\n\n  d\n") == "a|b|c; d");
  CHECK(shape_of("a {\n b c\n d {\n e\n }\n}\nf") == "a[b|c; d[e]]; f");
  CHECK(shape_of("a{b{c}}\nd") == "a[b[c]]; d");
  CHECK(shape_of("a x\n{\n b\n}\n") == "a|x[b]");
  CHECK(shape_of("a { }\nb") == "a; b");
}

TEST_CASE("comments and quotes") {
  CHECK(shape_of("# a\n! b { \nc # d\ne ! f }\ng#h\n") == "c; e; g");
  CHECK(shape_of("a \"b # {c} !\" d") == "a|b # {c} !|d");
  CHECK(shape_of("a 'x \"y' \"\"") == "a|x \"y|");
  CHECK(shape_of("a b\" c d \"e") == "a|b c d e");
}

TEST_CASE("each line knows where it stands") {
  const auto lines = read("\na {\n\n b\n}\ninclude x\n", {{"x", "c\n\nd"}});
  REQUIRE(lines);
  CHECK(shape(*lines, true) == "a@k:2[b@k:4]; c@x:1; d@x:3");
}

TEST_CASE("an include stands for the lines of its files, in blocks as well") {
  CHECK(shape_of("a {\n include x\n e\n}\n", {{"x", "b {\n c\n}\ninclude y"}, {"y", "d"}}) ==
        "a[b[c]; d; e]");
  CHECK(shape_of("includer nothing\na\n") == "a");
  CHECK(shape_of("include\na\n") == "include; a");
}

TEST_CASE("what does not match is an error with its place") {
  CHECK(error_of("a {\n b\n") == "k:1: a '{' without its '}'");
  CHECK(error_of("a\n}\n") == "k:2: a '}' without its '{'");
  CHECK(error_of("{\n}\n") == "k:1: a '{' without a word before it");
  CHECK(error_of("a\nb \"c\nd\"\n") == "k:2: a quote (\") without its partner on the line");
  CHECK(error_of("a {\ninclude x\n}\n", {{"x", "b }"}}) == "x:1: a '}' without its '{'");
  CHECK(error_of("a\ninclude x\n", {{"x", "EACCES"}}) == "k:2: no permission");
}

TEST_CASE("neither depth nor includes go on for ever") {
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "a{";
  CHECK(error_of(deep) == "k:1: more than 16 blocks in one another");
  CHECK(error_of("include k", {{"k", "include k"}}) == "k:1: more than 16 files in one another");
  // Each file twice the next, 2^16 in all.
  CHECK(error_of("include x", {{"x", "include x\ninclude x"}}) ==
        "x:1: more than 16 files in one another");
  Files wide;
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "include x\n";
  wide["x"] = "a";
  CHECK(error_of(many, wide) == "x:1: more than 1000 files");
}
