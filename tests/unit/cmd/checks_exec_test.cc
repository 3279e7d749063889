// Checks that run a command, and those that read a file.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include "checks/exec_checks.h"
#include "checks/file_checks.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/cmd/checks_testbed.h"

using namespace twobox;
using namespace twobox::testing;
using namespace std::chrono_literals;

namespace {

CheckOutcome outcome_of(const std::string& command, std::chrono::milliseconds timeout = 60s) {
  Checks checks;
  ExecChecks exec(checks.loop(), checks.sink());
  return checks.outcome_of(exec, shell_target(command, timeout));
}

CheckOutcome outcome_as(const std::string& user, const std::string& command) {
  Checks checks;
  ExecChecks exec(checks.loop(), checks.sink());
  CheckTarget target = shell_target(command, 60s);
  std::get<ExecCheck>(target.check.how).user = user;
  return checks.outcome_of(exec, target);
}

/// Dead, or a zombie that its new parent has yet to wait for.
bool runs(const std::string& pid) {
  std::ifstream status("/proc/" + pid + "/stat");
  std::string line;
  if (!std::getline(status, line)) return false;
  return line.find(") Z ") == std::string::npos;
}

bool ends_soon(const std::string& pid) {
  for (int attempt = 0; attempt < 500 && runs(pid); ++attempt) std::this_thread::sleep_for(10ms);
  return !runs(pid);
}

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

void write(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

}  // namespace

TEST_CASE("exec check: how a command ends") {
  CHECK(is_passed(outcome_of("exit 0")));
  CHECK(outcome_of("exit 3").cause == "/bin/sh: exit status 3");
  CHECK(outcome_of("echo no  disk; echo left >&2; exit 1").cause ==
        "/bin/sh: exit status 1: no disk left");
  CHECK(outcome_of("kill -SEGV $$").cause == "/bin/sh: killed by signal 11 (Segmentation fault)");
  const CheckOutcome talkative = outcome_of("yes | head -c 100000; echo end; exit 1");
  CHECK(talkative.cause.starts_with("/bin/sh: exit status 1: "));
  CHECK(talkative.cause.ends_with("y y end"));
  CHECK(talkative.cause.size() < 250);
}

TEST_CASE("exec check: a file that can't be executed") {
  Checks checks;
  ExecChecks exec(checks.loop(), checks.sink());
  CheckTarget target = shell_target("", 60s);
  std::get<ExecCheck>(target.check.how).argv = {"/nonexistent/check"};
  const CheckOutcome outcome = checks.outcome_of(exec, target);
  CHECK(is_failed(outcome));
  CHECK(outcome.cause ==
        "/nonexistent/check: exit status 127: it can't be executed: No such file or directory");
}

TEST_CASE("exec check: what a command finds about it") {
  REQUIRE(::setenv("TWOBOX_SECRET", "1", 1) == 0);
  const int open_to_children = ::open("/dev/null", O_RDONLY);
  REQUIRE(::dup2(open_to_children, 77) == 77);
  sigset_t blocked;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  CHECK(outcome_of("echo \"$TWOBOX_SECRET$HOME\"; exit 1").cause == "/bin/sh: exit status 1");
  CHECK(is_passed(outcome_of("test ! -e /proc/self/fd/77")));
  CHECK(is_passed(outcome_of("test \"$PWD\" = / && ! read -r line")));
  CHECK(outcome_of("kill -TERM $$; exit 0").cause == "/bin/sh: killed by signal 15 (Terminated)");
  ::pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
  ::close(77);
  ::close(open_to_children);
  REQUIRE(::unsetenv("TWOBOX_SECRET") == 0);
}

TEST_CASE("exec check: when the time is up the whole group goes") {
  const TemporaryDirectory directory;
  const std::string child = directory.file("child");
  const CheckOutcome outcome =
      outcome_of("echo waiting; sleep 100 & echo $! > " + child + "; sleep 100", 500ms);
  CHECK(outcome.cause == "/bin/sh: not ended within 500 ms: waiting");
  REQUIRE_FALSE(first_line(child).empty());
  CHECK(ends_soon(first_line(child)));
}

TEST_CASE("exec check: what a command leaves behind goes with it") {
  const TemporaryDirectory directory;
  const std::string child = directory.file("child");
  CHECK(is_passed(outcome_of("sleep 100 & echo $! > " + child + "; exit 0")));
  REQUIRE_FALSE(first_line(child).empty());
  CHECK(ends_soon(first_line(child)));
}

TEST_CASE("exec check: given up, or ended with the checker; nobody is left to wait for") {
  const TemporaryDirectory directory;
  {
    Checks checks;
    ExecChecks exec(checks.loop(), checks.sink());
    exec.begin(1, shell_target("echo $$ > " + directory.file("one") + "; exec sleep 100", 90s));
    exec.begin(2, shell_target("echo $$ > " + directory.file("two") + "; exec sleep 100", 90s));
    checks.turn_until([&] {
      return !first_line(directory.file("one")).empty() &&
             !first_line(directory.file("two")).empty();
    });
    exec.give_up(1);
    checks.turn_until([&] { return !runs(first_line(directory.file("one"))); });
    CHECK_FALSE(runs(first_line(directory.file("one"))));
    CHECK(runs(first_line(directory.file("two"))));
    CHECK(checks.outcomes.empty());
  }
  CHECK_FALSE(runs(first_line(directory.file("two"))));
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(errno == ECHILD);
}

TEST_CASE("exec check: whose rights a command has") {
  CHECK(outcome_as("nobody-of-this-name", "exit 0").cause ==
        "/bin/sh: this machine has no user nobody-of-this-name");
  if (::geteuid() != 0) {
    CHECK(outcome_as("root", "exit 0").cause.starts_with("/bin/sh: only root can run a command"));
    MESSAGE("SKIPPED: becoming another user needs root");
    return;
  }
  CHECK(is_passed(outcome_as("nobody", "test \"$(id -un) $(id -u)\" = \"nobody $(id -ru)\"")));
  CHECK(is_passed(outcome_as("nobody", "test \"$(id -Gn)\" = nogroup")));
  CHECK(is_passed(outcome_as("nobody", "grep -q 'CapEff:.*0000000000000000' /proc/self/status")));
  REQUIRE(::seteuid(65534) == 0);
  const CheckOutcome refused = outcome_as("root", "exit 0");
  REQUIRE(::seteuid(0) == 0);
  CHECK(is_failed(refused));
  CHECK(refused.cause ==
        "/bin/sh: only root can run a command as root, and this daemon is user number 65534");
}

TEST_CASE("exec check: many at once") {
  Checks checks;
  ExecChecks exec(checks.loop(), checks.sink());
  constexpr CheckId kCount = 8;
  for (CheckId id = 1; id <= kCount; ++id)
    exec.begin(id, shell_target("exit " + std::to_string(id % 2), 60s));
  checks.turn_until([&] { return checks.outcomes.size() == kCount; });
  REQUIRE(checks.outcomes.size() == kCount);
  for (const auto& [id, outcome] : checks.outcomes) CHECK(is_passed(outcome) == (id % 2 == 0));
}

TEST_CASE("file check: up, and everything else") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("verdict");
  struct Row {
    std::string text;
    std::string want;  // "": passes
  };
  const Row rows[] = {
      {"up", ""},
      {" \tup\r\n\n", ""},
      {"down\n", ": says down"},
      {"upp", ": says neither up nor down"},
      {"UP", ": says neither up nor down"},
      {"up down", ": says neither up nor down"},
      {"", ": says neither up nor down"},
      {"up" + std::string(4094, ' '), ""},
      {"up" + std::string(4095, ' '), ": larger than 4 KiB"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    write(path, row.text);
    const CheckOutcome outcome = read_verdict(path);
    CHECK(is_passed(outcome) == row.want.empty());
    CHECK(outcome.cause == (row.want.empty() ? "" : path + row.want));
  }
  CHECK(read_verdict(directory.file("none")).cause ==
        directory.file("none") + ": no such file or directory");
  CHECK(read_verdict(directory.path()).cause.ends_with(": not a regular file"));
  REQUIRE(::mkfifo(directory.file("pipe").c_str(), 0600) == 0);
  CHECK(read_verdict(directory.file("pipe")).cause.ends_with(": not a regular file"));
}
