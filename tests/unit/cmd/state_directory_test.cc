#include "twobox/state_directory.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "tests/support/temporary_directory.h"
#include "twobox/files.h"

using namespace twobox;
using twobox::testing::TemporaryDirectory;

namespace {

const AddressKey kVip{*InterfaceName::parse("enp0s3"), *IpPrefix::parse("172.16.0.30/32")};

OwnershipRecord one_address() {
  OwnershipRecord record;
  record.addresses = {kVip};
  return record;
}

/// The one file in the directory, or "".
std::string only_file(const TemporaryDirectory& directory) {
  std::string found;
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    CHECK(found == "");
    found = entry.path();
  }
  return found;
}

/// A state directory whose record says that we made kVip.
void record_one_address(const TemporaryDirectory& directory) {
  auto ownership = OwnershipFile::open(directory.path());
  REQUIRE(ownership.has_value());
  REQUIRE(ownership->save(one_address()).has_value());
}

/// Another process that holds the lock of a state directory until it is told to end.
class Holder {
 public:
  explicit Holder(const std::string& state_directory) {
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      const auto lock = ChangeLock::take(state_directory);
      const char taken = lock ? 'y' : 'n';
      if (::write(ready[1], &taken, 1) == 1) ::pause();
      ::_exit(0);
    }
    char taken = 0;
    REQUIRE(::read(ready[0], &taken, 1) == 1);
    REQUIRE(taken == 'y');
    ::close(ready[0]);
    ::close(ready[1]);
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  ~Holder() { end(); }

  pid_t pid() const { return pid_; }
  void end() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
};

}  // namespace

TEST_CASE("a state directory that is not there is an empty record, and is not made") {
  const TemporaryDirectory directory;
  const std::string missing = directory.file("state");
  const auto ownership = OwnershipFile::open(missing);
  REQUIRE(ownership.has_value());
  CHECK(ownership->record() == OwnershipRecord{});
  CHECK_FALSE(std::filesystem::exists(missing));
}

TEST_CASE("what was saved is there for the next process") {
  const TemporaryDirectory directory;
  record_one_address(directory);
  const auto next = OwnershipFile::open(directory.path());
  REQUIRE(next.has_value());
  CHECK(next->record() == one_address());
}

TEST_CASE("a record that can't be written stays what it was") {
  const TemporaryDirectory directory;
  auto ownership = OwnershipFile::open(directory.file("missing"));
  REQUIRE(ownership.has_value());
  const Status saved = ownership->save(one_address());
  REQUIRE_FALSE(saved.has_value());
  CHECK(saved.error().kind == ErrorKind::kTransport);
  CHECK(ownership->record() == OwnershipRecord{});
}

TEST_CASE("a damaged record is refused, with its path and what to do") {
  const TemporaryDirectory directory;
  record_one_address(directory);
  const std::string path = only_file(directory);
  for (const char* text : {"", "{\"format\": 1", "{\"format\": 2}", "\xff\xfe"}) {
    CAPTURE(text);
    REQUIRE(replace_file(path, text).has_value());
    const auto ownership = OwnershipFile::open(directory.path());
    REQUIRE_FALSE(ownership.has_value());
    CHECK(ownership.error().kind == ErrorKind::kTransport);
    CHECK(ownership.error().message == path +
                                           ": move it away to start with an empty record: the "
                                           "ownership record is damaged");
  }
}

TEST_CASE("a record that is no file is refused") {
  const TemporaryDirectory directory;
  record_one_address(directory);
  const std::string path = only_file(directory);
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  const auto ownership = OwnershipFile::open(directory.path());
  REQUIRE_FALSE(ownership.has_value());
  CHECK(ownership.error().kind == ErrorKind::kUnavailable);
}

TEST_CASE("a record from before a reboot is empty, and the next one is of this boot") {
  const TemporaryDirectory directory;
  record_one_address(directory);
  const std::string path = only_file(directory);
  REQUIRE(replace_file(path, ownership_json({"of an earlier boot", one_address()})).has_value());
  auto ownership = OwnershipFile::open(directory.path());
  REQUIRE(ownership.has_value());
  CHECK(ownership->record() == OwnershipRecord{});
  REQUIRE(ownership->save(one_address()).has_value());
  CHECK(OwnershipFile::open(directory.path())->record() == one_address());
}

TEST_CASE("the lock makes the directory, for its owner only") {
  const TemporaryDirectory directory;
  const std::string state = directory.file("a/state");
  REQUIRE(ChangeLock::take(state).has_value());
  struct stat status {};
  REQUIRE(::stat(state.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0700);
}

TEST_CASE("a lock that another process holds is refused with that process's id") {
  const TemporaryDirectory directory;
  Holder holder(directory.path());
  const auto lock = ChangeLock::take(directory.path());
  REQUIRE_FALSE(lock.has_value());
  CHECK(lock.error().kind == ErrorKind::kUnavailable);
  CHECK(lock.error().errno_value == EWOULDBLOCK);
  CHECK(lock.error().message.find("(process " + std::to_string(holder.pid()) + ")") !=
        std::string::npos);
  holder.end();
  CHECK(ChangeLock::take(directory.path()).has_value());
}

TEST_CASE("a lock ends with its holder") {
  const TemporaryDirectory directory;
  {
    const auto lock = ChangeLock::take(directory.path());
    REQUIRE(lock.has_value());
    CHECK_FALSE(ChangeLock::take(directory.path()).has_value());
  }
  CHECK(ChangeLock::take(directory.path()).has_value());
}

TEST_CASE("a lock in a place that can't be is refused") {
  const TemporaryDirectory directory;
  REQUIRE(replace_file(directory.file("file"), "").has_value());
  const auto lock = ChangeLock::take(directory.file("file/state"));
  REQUIRE_FALSE(lock.has_value());
  CHECK(lock.error().kind == ErrorKind::kUnavailable);
  CHECK(lock.error().message.find("create state directory") != std::string::npos);
}

TEST_CASE("the last good document is kept by the path it came from") {
  const TemporaryDirectory directory;
  REQUIRE(save_last_good(directory.path(), "/etc/twobox/a.json", "A").has_value());
  REQUIRE(save_last_good(directory.path(), "/etc/twobox/b.json", "B").has_value());
  CHECK(*read_file(last_good_path(directory.path(), "/etc/twobox/a.json"), 10) == "A");
  CHECK(*read_file(last_good_path(directory.path(), "/etc/twobox/b.json"), 10) == "B");
  const auto absolute = std::filesystem::current_path() / "c.json";
  CHECK(last_good_path(directory.path(), "c.json") == last_good_path(directory.path(), absolute));
}
