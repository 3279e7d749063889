#include "schema/fault_text.h"

#include <doctest/doctest.h>

#include <array>

#include "schema/document.h"

using namespace std::string_view_literals;
using twobox::child_pointer;
using twobox::Fault;
using twobox::in_quotes;
using twobox::nearest_word;
using twobox::on_one_line;
using twobox::one_of;

TEST_CASE("on_one_line leaves no control character and cuts between characters") {
  struct Row {
    std::string_view text;
    std::size_t max;
    std::string_view want;
  };
  const Row rows[] = {
      {"", 3, ""},
      {"abc", 3, "abc"},
      {"abcd", 3, "abc..."},
      {"\n\r\t", 3, "\\n\\r\\t"},
      {"\0\x1b[31m\x7f"sv, 9, "\\u0000\\u001b[31m\\u007f"},
      {"\u0085\u009b", 9, "\\u0085\\u009b"},
      {"\u00a0é", 9, "\u00a0é"},
      {"ééé", 3, "ééé"},
      {"éééé", 3, "ééé..."},
      {"😀😀", 1, "😀..."},
      {"\n\n", 1, "\\n..."},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(on_one_line(row.text, row.max) == row.want);
  }
}

TEST_CASE("in_quotes writes text as JSON does, and at most 64 characters of it") {
  CHECK(in_quotes("rr") == R"("rr")");
  CHECK(in_quotes("a\"b\\c\n") == R"("a\"b\\c\n")");
  CHECK(in_quotes(std::string(64, 'x')) == "\"" + std::string(64, 'x') + "\"");
  CHECK(in_quotes(std::string(65, 'x')) == "\"" + std::string(64, 'x') + "...\"");
  CHECK(in_quotes(std::string(1 << 20, 'x')) == "\"" + std::string(64, 'x') + "...\"");
}

TEST_CASE("pointers are written as RFC 6901 wants") {
  CHECK(child_pointer("", "nodes") == "/nodes");
  CHECK(child_pointer("/sysctls", "net.ipv4.conf.eth0/100.x") ==
        "/sysctls/net.ipv4.conf.eth0~1100.x");
  CHECK(child_pointer("/a", "~1") == "/a/~01");
  CHECK(child_pointer("/a", "") == "/a/");
  CHECK(child_pointer("/a", std::size_t{10}) == "/a/10");
}

TEST_CASE("one_of lists words as one says them") {
  constexpr std::array<std::string_view, 3> kThree{"tcp", "udp", "sctp"};
  CHECK(one_of(std::span(kThree).first(1)) == R"("tcp")");
  CHECK(one_of(std::span(kThree).first(2)) == R"("tcp" or "udp")");
  CHECK(one_of(kThree) == R"("tcp", "udp" or "sctp")");
}

TEST_CASE("nearest_word finds what was meant, and nothing far off") {
  constexpr std::array<std::string_view, 4> kWords{"port", "protocol", "scheduler",
                                                   "scheduler_flags"};
  CHECK(nearest_word("schedulr", kWords) == "scheduler");
  CHECK(nearest_word("Scheduler", kWords) == "scheduler");
  CHECK(nearest_word("scheduler-flag", kWords) == "scheduler_flags");
  CHECK(nearest_word("prt", kWords) == "port");
  CHECK(nearest_word("prot", kWords).empty());
  CHECK(nearest_word("bogus", kWords).empty());
  CHECK(nearest_word("", kWords).empty());
  CHECK(nearest_word(std::string(1 << 20, 's'), kWords).empty());
}

TEST_CASE("a fault is one line, whatever is in its pointer") {
  CHECK(to_string(Fault{"/a/0", "found 1, allowed is 2"}) == "/a/0: found 1, allowed is 2");
  CHECK(to_string(Fault{"", "found 1"}) == "(document): found 1");
  CHECK(to_string(Fault{"/a\nb", "found 1"}) == "/a\\nb: found 1");
}
