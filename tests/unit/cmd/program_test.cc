// The program from outside: exit codes and which of its two outputs says what.
#include <doctest/doctest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>

#include "tests/support/temporary_directory.h"
#include "tests/unit/schema/documents.h"
#include "twobox/files.h"

using namespace twobox;
using twobox::test::document_with;
using twobox::test::valid_document;
using twobox::testing::TemporaryDirectory;

namespace {

constexpr std::size_t kMuch = std::size_t{1} << 20;

struct Run {
  int exit_code;
  std::string out;
  std::string err;
};

/// `arguments` as a shell would split them.
Run twobox_with(const std::string& arguments) {
  const TemporaryDirectory directory;
  const std::string out = directory.file("out");
  const std::string err = directory.file("err");
  const std::string line =
      "'" TWOBOX_PROGRAM "' " + arguments + " </dev/null >'" + out + "' 2>'" + err + "'";
  const int status = std::system(line.c_str());
  REQUIRE(WIFEXITED(status));
  return {WEXITSTATUS(status), *read_file(out, kMuch), *read_file(err, kMuch)};
}

/// A file with a document in it.
struct DocumentFile {
  TemporaryDirectory directory;
  std::string path = directory.file("document.json");

  explicit DocumentFile(const std::string& text) { REQUIRE(replace_file(path, text).has_value()); }
};

}  // namespace

TEST_CASE("usage errors exit 64, with their reason on stderr") {
  for (const char* arguments :
       {"", "nonsense", "validate", "validate a b", "put", "diff a -o yaml", "diff --nonsense a",
        "apply", "run --tls-cert a", "run --document a --resync 0", "status extra", "cleanup extra",
        "schema extra", "doctor a b", "explain no-such-check", "import a", "import keepalived"}) {
    CAPTURE(arguments);
    const Run run = twobox_with(arguments);
    CHECK(run.exit_code == 64);
    CHECK(run.out == "");
    CHECK(run.err != "");
  }
}

TEST_CASE("help and version are no errors") {
  for (const char* arguments : {"--help", "diff --help", "--version"}) {
    CAPTURE(arguments);
    const Run run = twobox_with(arguments);
    CHECK(run.exit_code == 0);
    CHECK(run.out != "");
    CHECK(run.err == "");
  }
}

TEST_CASE("validate is silent about a valid document") {
  const DocumentFile document(valid_document());
  const Run run = twobox_with("validate " + document.path);
  CHECK(run.exit_code == 0);
  CHECK(run.out == "");
  CHECK(run.err == "");
}

TEST_CASE("validate names each fault in a line of its own") {
  const DocumentFile document(
      test::with(document_with("/version", "2"), "/vips/web/bypass", "null"));
  const Run run = twobox_with("validate " + document.path);
  CHECK(run.exit_code == 1);
  CHECK(run.out == "");
  const std::string start = "twobox: " + document.path + ": ";
  CHECK(run.err.starts_with(start));
  CHECK(std::count(run.err.begin(), run.err.end(), '\n') == 2);
  CHECK(run.err.find("/version: found 2, allowed is exactly 1\n") != std::string::npos);
  CHECK(run.err.find("/vips/web/bypass: found null, allowed is ") != std::string::npos);
}

TEST_CASE("validate of what can't be read") {
  const TemporaryDirectory directory;
  const Run missing = twobox_with("validate " + directory.file("missing"));
  CHECK(missing.exit_code == 1);
  CHECK(missing.err ==
        "twobox: open " + directory.file("missing") + ": No such file or directory\n");
  CHECK(twobox_with("validate " + directory.path().string()).exit_code == 1);
  CHECK(twobox_with("validate /dev/null").exit_code == 1);
}

TEST_CASE("validate takes 1 MiB, and more with --large") {
  const DocumentFile document(valid_document() + std::string(kMuch, ' '));
  const Run run = twobox_with("validate " + document.path);
  CHECK(run.exit_code == 1);
  CHECK(run.err == "twobox: " + document.path +
                       ": (document): more than 1048576 bytes; --large allows 64 MiB\n");
  CHECK(twobox_with("validate --large " + document.path).exit_code == 0);
}

TEST_CASE("schema prints the published file") {
  const Run run = twobox_with("schema");
  CHECK(run.exit_code == 0);
  CHECK(run.out == *read_file(TWOBOX_SOURCE_DIR "/schema/document.schema.json", kMuch));
  CHECK(run.err == "");
}

TEST_CASE("explain lists doctor's checks, and says all about one") {
  const Run list = twobox_with("explain");
  CHECK(list.exit_code == 0);
  CHECK(std::count(list.out.begin(), list.out.end(), '\n') == 14);
  const Run one = twobox_with("explain vrrp-dropped");
  CHECK(one.exit_code == 0);
  CHECK(one.out.starts_with("vrrp-dropped: the firewall drops VRRP\n\nlooks at: "));
}

TEST_CASE("doctor without a document or a daemon is an error, no finding") {
  const DocumentFile invalid("{}");
  for (const std::string& arguments : {invalid.path, invalid.directory.file("missing"),
                                       "--api unix:" + invalid.directory.file("nobody.sock")}) {
    const Run run = twobox_with("doctor -o json " + arguments);
    CHECK(run.exit_code == 1);
    CHECK(run.out == "");
    CHECK(run.err != "");
  }
}

TEST_CASE("diff and apply of a document that is missing or invalid are errors") {
  const DocumentFile invalid("{}");
  for (const std::string& file : {invalid.directory.file("missing"), invalid.path})
    for (const std::string command : {"diff ", "apply ", "apply --dry-run "}) {
      const Run run = twobox_with(command + "-o json " + file);
      CHECK(run.exit_code == 1);
      CHECK(run.out == "");
      CHECK(run.err.find(file) != std::string::npos);
    }
}

TEST_CASE("status without a daemon") {
  const TemporaryDirectory directory;
  const std::string api = "unix:" + directory.file("api.sock");
  for (const std::string options : {"", "-o json "}) {
    const Run run = twobox_with("status " + options + "--api " + api);
    CHECK(run.exit_code == 1);
    CHECK(run.out == "");
    CHECK(run.err == "twobox: no daemon answers on " + api + "\n");
  }
  CHECK(twobox_with("status --api nonsense").exit_code == 1);
}

TEST_CASE("import keepalived: what is missing is said on stderr, and the exit status is 2") {
  const TemporaryDirectory directory;
  const std::string main = directory.file("keepalived.conf");
  REQUIRE(replace_file(main,
                       "include vrrp.*\ninclude nothing\nvirtual_server 192.0.2.30 80 {\n"
                       " lb_kind DR\n real_server 192.0.2.31 80\n}\n"));
  REQUIRE(
      replace_file(directory.file("vrrp.conf"),
                   "vrrp_instance x {\n interface eth0\n virtual_ipaddress {\n192.0.2.30\n}\n}\n"));
  const Run run = twobox_with("import keepalived " + main);
  CHECK(run.exit_code == 2);
  CHECK(run.out.find("\"address\": \"192.0.2.30\"") != std::string::npos);
  CHECK(run.err.find("include nothing: there is no such file") != std::string::npos);
  CHECK(run.err.find("vrrp.conf:1: vrrp_instance x: stays keepalived's") != std::string::npos);
  CHECK(run.err.find("to fill in: /nodes: ") != std::string::npos);
  CHECK(run.err.find("to fill in: /nodes/a/macs: ") != std::string::npos);
}

TEST_CASE("import keepalived: a file that can't be read or makes no sense is exit 1") {
  const DocumentFile torn("a {\n");
  const Run none = twobox_with("import keepalived /no/such/file");
  CHECK(none.exit_code == 1);
  CHECK(none.out == "");
  const Run unclosed = twobox_with("import keepalived " + torn.path);
  CHECK(unclosed.exit_code == 1);
  CHECK(unclosed.out == "");
  CHECK(unclosed.err.find(":1: a '{' without its '}'") != std::string::npos);
}
