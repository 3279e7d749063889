#include "backends/system/config_files.h"

#include <cerrno>

#include "tests/unit/system/root.h"

using namespace twobox;
using namespace twobox::testing;

TEST_CASE("lines come with their file and number, without comments") {
  const Root root;
  root.write("/etc/x.conf", "# all\n\n  one two # three\nfour ! five\n");
  const auto lines = config_lines(root.str(), "/etc/*.conf", "#!");
  REQUIRE(lines);
  CHECK(*lines ==
        std::vector<ConfigLine>{{"/etc/x.conf", 3, "one two"}, {"/etc/x.conf", 4, "four"}});
  CHECK(config_lines(root.str(), "/etc/*.conf", "#")->back().text == "four ! five");
}

TEST_CASE("what is included stands where it is included") {
  const Root root;
  root.write("/etc/k/k.conf", "first\ninclude parts/*.conf\nlast\n");
  root.write("/etc/k/parts/1.conf", "in 1\ninclude \"/etc/other\";\n");
  root.write("/etc/k/parts/2.conf", "in 2");
  root.write("/etc/other", "in other\n");
  const auto lines = config_lines(root.str(), "/etc/k/k.conf", "#");
  REQUIRE(lines);
  std::string text;
  for (const ConfigLine& line : *lines) text += line.file + ":" + std::to_string(line.line) + " ";
  CHECK(text ==
        "/etc/k/k.conf:1 /etc/k/k.conf:2 /etc/k/parts/1.conf:1 /etc/k/parts/1.conf:2 "
        "/etc/other:1 /etc/k/parts/2.conf:1 /etc/k/k.conf:3 ");
}

TEST_CASE("what is not there has no lines; what can't be read is an error") {
  const Root root;
  CHECK(config_lines(root.str(), "/etc/k/*.conf", "#")->empty());
  root.make_directory("/etc/k/k.conf");
  const auto lines = config_lines(root.str(), "/etc/k/*.conf", "#");
  REQUIRE_FALSE(lines);
  CHECK(lines.error().kind == ErrorKind::kUnavailable);
  CHECK(lines.error().errno_value == EISDIR);
  CHECK(lines.error().message == "read " + root.str() + "/etc/k/k.conf: Is a directory");
}

TEST_CASE("a file that includes itself ends") {
  const Root root;
  root.write("/etc/x.conf", "include x.conf\n");
  const auto lines = config_lines(root.str(), "/etc/x.conf", "#");
  REQUIRE_FALSE(lines);
  CHECK(lines.error().errno_value == ELOOP);
}
