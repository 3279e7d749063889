#include "twobox/files.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "tests/support/temporary_directory.h"

using namespace twobox;
using twobox::testing::TemporaryDirectory;

namespace {

std::size_t entries_in(const TemporaryDirectory& directory) {
  const std::filesystem::directory_iterator begin(directory.path());
  return static_cast<std::size_t>(std::distance(begin, std::filesystem::directory_iterator()));
}

int errno_of_reading(const std::string& path) {
  const auto text = read_file(path, 100);
  REQUIRE_FALSE(text.has_value());
  CHECK(text.error().kind == ErrorKind::kUnavailable);
  CHECK(text.error().message.find(path) != std::string::npos);
  return text.error().errno_value;
}

}  // namespace

TEST_CASE("a file comes back as it was written") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("record");
  for (const std::string& text :
       {std::string(), std::string("one\n"), std::string("\0\xff", 2), std::string(200'000, 'x')}) {
    REQUIRE(replace_file(path, text).has_value());
    const auto read = read_file(path, 200'000);
    REQUIRE(read.has_value());
    CHECK(*read == text);
  }
}

TEST_CASE("a file may have the limit's bytes, and not one more") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("document");
  REQUIRE(replace_file(path, std::string(100, 'x')).has_value());
  CHECK(read_file(path, 100).has_value());
  const auto too_long = read_file(path, 99);
  REQUIRE_FALSE(too_long.has_value());
  CHECK(too_long.error().errno_value == EFBIG);
}

TEST_CASE("what is not there, or is no file, is refused with its errno") {
  const TemporaryDirectory directory;
  CHECK(errno_of_reading(directory.file("missing")) == ENOENT);
  CHECK(errno_of_reading(directory.path()) == EISDIR);
  CHECK(errno_of_reading("/dev/zero") == EINVAL);
}

TEST_CASE("a named pipe is refused at once: its writer may never come") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("pipe");
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK(errno_of_reading(path) == EINVAL);
}

TEST_CASE("a shell's pipe is read to its end") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  REQUIRE(::write(ends[1], "text", 4) == 4);
  ::close(ends[1]);
  const auto text = read_file("/proc/self/fd/" + std::to_string(ends[0]), 100);
  ::close(ends[0]);
  REQUIRE(text.has_value());
  CHECK(*text == "text");
}

TEST_CASE("replacing leaves one file, readable by its owner only") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("record");
  REQUIRE(replace_file(path, "old").has_value());
  REQUIRE(replace_file(path, "new").has_value());
  CHECK(*read_file(path, 100) == "new");
  CHECK(entries_in(directory) == 1);
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
}

TEST_CASE("a reader that has the old file open still reads all of it") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("record");
  REQUIRE(replace_file(path, "old text").has_value());
  std::FILE* const reader = std::fopen(path.c_str(), "r");
  REQUIRE(reader != nullptr);
  REQUIRE(replace_file(path, "new").has_value());
  char text[16] = {};
  CHECK(std::fread(text, 1, sizeof(text), reader) == 8);
  std::fclose(reader);
  CHECK(std::string(text) == "old text");
}

TEST_CASE("what a crash left beside the file is no obstacle") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("record");
  REQUIRE(replace_file(path + ".new", "half of a longer text").has_value());
  REQUIRE(replace_file(path, "new").has_value());
  CHECK(*read_file(path, 100) == "new");
  CHECK(entries_in(directory) == 1);
}

TEST_CASE("replacing through somebody's symbolic link is refused, its target untouched") {
  const TemporaryDirectory directory;
  REQUIRE(replace_file(directory.file("target"), "precious").has_value());
  std::filesystem::create_symlink("target", directory.file("record.new"));
  const Status written = replace_file(directory.file("record"), "new");
  REQUIRE_FALSE(written.has_value());
  CHECK(written.error().errno_value == ELOOP);
  CHECK(*read_file(directory.file("target"), 100) == "precious");
}

TEST_CASE("replacing where it can't be done says why") {
  const TemporaryDirectory directory;
  const Status nowhere = replace_file(directory.file("missing/record"), "text");
  REQUIRE_FALSE(nowhere.has_value());
  CHECK(nowhere.error().kind == ErrorKind::kTransport);
  CHECK(nowhere.error().errno_value == ENOENT);
  std::filesystem::create_directory(directory.file("taken"));
  const Status taken = replace_file(directory.file("taken"), "text");
  REQUIRE_FALSE(taken.has_value());
  CHECK(taken.error().errno_value == EISDIR);
  CHECK(std::filesystem::is_directory(directory.file("taken")));
}

TEST_CASE("what could only be written in part leaves the old file, and nothing beside it") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("record");
  REQUIRE(replace_file(path, "old").has_value());

  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit usual{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &usual) == 0);
  const rlimit small{100, usual.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const Status written = replace_file(path, std::string(200, 'x'));
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &usual) == 0);
  std::signal(SIGXFSZ, handler);

  REQUIRE_FALSE(written.has_value());
  CHECK(written.error().errno_value == EFBIG);
  CHECK(*read_file(path, 100) == "old");
  CHECK(entries_in(directory) == 1);
}

TEST_CASE("a file named without its directory is in the current one") {
  const TemporaryDirectory directory;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(directory.path());
  const Status written = replace_file("record", "text");
  std::filesystem::current_path(before);
  CHECK(written.has_value());
  CHECK(*read_file(directory.file("record"), 100) == "text");
}
