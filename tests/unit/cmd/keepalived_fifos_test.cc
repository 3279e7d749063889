#include "twobox/keepalived_fifos.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/temporary_directory.h"

using namespace twobox;
using twobox::testing::TemporaryDirectory;

namespace {

/// keepalived's end: it keeps its pipe open for reading too.
struct Keepalived {
  explicit Keepalived(const std::string& path) {
    REQUIRE(::mkfifo(path.c_str(), 0644) == 0);
    fd = FileDescriptor(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    REQUIRE(fd.is_open());
  }
  void says(std::string_view text) const {
    REQUIRE(::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  FileDescriptor fd;
};

using Faults = std::set<std::string>;

}  // namespace

TEST_CASE("lines of keepalived's pipe") {
  struct Row {
    const char* line;
    std::optional<KeepalivedMessage> want;
  };
  const Row rows[] = {
      {"INSTANCE \"VI_1\" MASTER 100", KeepalivedMessage{"VI_1", false}},
      {"INSTANCE \"VI_1\" BACKUP 50", KeepalivedMessage{"VI_1", false}},
      {"INSTANCE \"VI_1\" FAULT 0", KeepalivedMessage{"VI_1", true}},
      {"INSTANCE \"VI_1\" STOP 100", KeepalivedMessage{"VI_1", false}},
      {"INSTANCE \"with space and \" quote\" FAULT 1",
       KeepalivedMessage{"with space and \" quote", true}},
      {"INSTANCE \"VI_1\" FAULT", KeepalivedMessage{"VI_1", true}},
      {"INSTANCE \"VI_1\" MASTER_PRIORITY 100", std::nullopt},
      {"INSTANCE \"VI_1\"", std::nullopt},
      {"INSTANCE \"", std::nullopt},
      {"GROUP \"VG_1\" FAULT 0", std::nullopt},
      {"VS [192.0.2.1]:tcp:80 UP", std::nullopt},
      {"", std::nullopt},
  };
  for (const Row& row : rows) {
    CAPTURE(row.line);
    CHECK(parse_keepalived_line(row.line) == row.want);
  }
}

TEST_CASE("lines come whole, without NULs, and none is endless") {
  using Lines = std::vector<std::string>;
  LineSplitter splitter;
  CHECK(splitter.take("on").empty());
  CHECK(splitter.take("e\ntwo\nthr") == Lines{"one", "two"});
  using namespace std::string_view_literals;
  CHECK(splitter.take("ee\n\0four\n"sv) == Lines{"three", "four"});
  const std::string longest(LineSplitter::kLongest, 'x');
  CHECK(splitter.take(longest + "\n") == Lines{longest});
  CHECK(splitter.take(longest + "x\nafter\n") == Lines{"after"});
}

TEST_CASE("a pipe tells which instances are faulty") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("fifo");
  KeepalivedFifos fifos;
  fifos.set_watched({path});  // not there yet
  CHECK(fifos.fds().empty());
  CHECK_FALSE(fifos.drain());

  const Keepalived keepalived(path);
  fifos.set_watched({path});
  REQUIRE(fifos.fds().size() == 1);
  CHECK_FALSE(fifos.drain());
  keepalived.says("INSTANCE \"VI_1\" FAULT 100\nINSTANCE \"VI_2\" FAULT 100\nINST");
  CHECK(fifos.drain());
  CHECK(fifos.faults() == Faults{"VI_1", "VI_2"});
  keepalived.says("ANCE \"VI_2\" BACKUP 100\n");
  CHECK(fifos.drain());
  CHECK(fifos.faults() == Faults{"VI_1"});

  fifos.set_watched({});
  CHECK(fifos.faults().empty());
}

TEST_CASE("a pipe that is made anew is read to its end and then left for the new one") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("fifo");
  KeepalivedFifos fifos;
  const Keepalived before(path);
  fifos.set_watched({path});
  before.says("INSTANCE \"old\" FAULT 1\n");
  REQUIRE(::unlink(path.c_str()) == 0);
  const Keepalived after(path);
  fifos.set_watched({path});
  after.says("INSTANCE \"new\" FAULT 1\n");
  CHECK(fifos.drain());
  CHECK(fifos.faults() == Faults{"new", "old"});
}

TEST_CASE("when keepalived goes, its pipe does not wake us without end") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("fifo");
  KeepalivedFifos fifos;
  {
    const Keepalived keepalived(path);
    fifos.set_watched({path});
    keepalived.says("INSTANCE \"VI_1\" FAULT 1\n");
  }
  CHECK(fifos.drain());
  CHECK(fifos.fds().empty());
  CHECK(fifos.faults() == Faults{"VI_1"});
}

TEST_CASE("what is no pipe is not read") {
  const TemporaryDirectory directory;
  KeepalivedFifos fifos;
  fifos.set_watched({directory.file("."), "/dev/zero"});
  CHECK(fifos.fds().empty());
}
