#include "backends/events/directory_watch.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "tests/kernel/address_support.h"
#include "tests/kernel/events_support.h"

namespace twobox::address_test {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() { fs::create_directories(path_ / "etc"); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }

  std::string document() const { return (path_ / "etc/document.json").string(); }
  void sh(const std::string& command) const { run("cd " + path_.string() + " && " + command); }

 private:
  fs::path path_ = fs::temp_directory_path() / ("twobox-events-" + std::to_string(::getpid()));
};

bool wakes(DirectoryWatch& watch, const Folder& folder, const std::string& command) {
  CAPTURE(command);
  static_cast<void>(watch.drain());
  folder.sh(command);
  const bool changed = watch.drain();
  CHECK_FALSE(is_readable({watch.fd()}));
  CHECK_FALSE(watch.drain());
  return changed;
}

TEST_CASE("events: every way to write or replace a file wakes, and nothing beside it does") {
  const Folder folder;
  DirectoryWatch watch = *DirectoryWatch::open(folder.document());
  for (const char* const command :
       {"echo 1 >etc/document.json", "echo 2 >>etc/document.json",
        "echo 3 >new && mv new etc/document.json", "echo 4 >etc/document.json",
        "chmod 600 etc/document.json", "mv etc/document.json etc/old",
        "ln etc/old etc/document.json", "rm etc/document.json", "ln -s old etc/document.json"})
    CHECK(wakes(watch, folder, command));
  folder.sh("rm etc/document.json; echo 5 >etc/document.json");
  for (const char* const command :
       {"echo 1 >etc/other.json", "mv etc/other.json etc/third.json", "rm etc/third.json",
        "cat etc/document.json >/dev/null", "echo 1 >document.json", "mkdir etc/sub"})
    CHECK_FALSE(wakes(watch, folder, command));
}

TEST_CASE("events: the descriptor itself becomes readable") {
  const Folder folder;
  DirectoryWatch watch = *DirectoryWatch::open(folder.document());
  CHECK_FALSE(is_readable({watch.fd()}));
  folder.sh("echo 1 >etc/document.json");
  CHECK(is_readable({watch.fd()}));
}

TEST_CASE("events: a file behind links changes with the link, its target and Kubernetes' swap") {
  const Folder folder;
  folder.sh(
      "mkdir etc/v1 etc/v2 srv && echo 1 >etc/v1/document.json && echo 2 >etc/v2/document.json && "
      "echo 3 >srv/real.json");
  SUBCASE("Kubernetes") {
    folder.sh("ln -s v1 etc/..data && ln -s ..data/document.json etc/document.json");
    DirectoryWatch watch = *DirectoryWatch::open(folder.document());
    CHECK(wakes(watch, folder, "ln -s v2 etc/..data_tmp && mv -T etc/..data_tmp etc/..data"));
    CHECK(wakes(watch, folder, "echo 4 >etc/v2/document.json"));
    CHECK_FALSE(wakes(watch, folder, "echo 4 >etc/v1/document.json"));
  }
  SUBCASE("another folder") {
    folder.sh("ln -s ../srv/real.json etc/document.json");
    DirectoryWatch watch = *DirectoryWatch::open(folder.document());
    CHECK(wakes(watch, folder, "echo 5 >srv/real.json"));
    CHECK(wakes(watch, folder, "echo 6 >srv/new && mv srv/new srv/real.json"));
    CHECK(wakes(watch, folder, "ln -sfn ../srv/later.json etc/document.json"));
    CHECK(wakes(watch, folder, "echo 7 >srv/later.json"));
    CHECK_FALSE(wakes(watch, folder, "echo 8 >srv/real.json"));
    CHECK(wakes(watch, folder, "rm etc/document.json && echo 9 >etc/document.json"));
    CHECK_FALSE(wakes(watch, folder, "echo 8 >srv/later.json"));
  }
}

TEST_CASE("events: a directory that is replaced is found again") {
  const Folder folder;
  DirectoryWatch watch = *DirectoryWatch::open(folder.document());
  CHECK(wakes(watch, folder, "mv etc gone"));
  CHECK(wakes(watch, folder, "mkdir etc"));
  CHECK(wakes(watch, folder, "echo 1 >etc/document.json"));
  CHECK_FALSE(wakes(watch, folder, "echo 1 >gone/document.json"));
  CHECK(wakes(watch, folder, "rm -r etc && mkdir etc && echo 2 >etc/document.json"));
  CHECK(wakes(watch, folder, "echo 3 >etc/document.json"));
}

TEST_CASE("events: a directory that is not there is named") {
  const auto watch = DirectoryWatch::open("/no/such/directory/document.json");
  REQUIRE_FALSE(watch.has_value());
  CHECK(watch.error().kind == ErrorKind::kUnavailable);
  CHECK(watch.error().errno_value == ENOENT);
  CHECK(watch.error().message == "watch /no/such/directory: No such file or directory");
}

}  // namespace
}  // namespace twobox::address_test
