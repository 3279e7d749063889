#include "twobox/supervisor.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/support/datagram_socket.h"
#include "tests/support/temporary_directory.h"

using namespace twobox;
using namespace std::chrono_literals;
using twobox::testing::DatagramSocket;
using twobox::testing::TemporaryDirectory;

namespace {

const SteadyTime kStart{std::chrono::hours(1)};

/// Environment variables, unset again at the end.
struct Environment {
  std::vector<std::string> names;
  void set(const std::string& name, const std::string& value) {
    REQUIRE(::setenv(name.c_str(), value.c_str(), 1) == 0);
    names.push_back(name);
  }
  ~Environment() {
    for (const std::string& name : names) ::unsetenv(name.c_str());
  }
};

}  // namespace

TEST_CASE("supervisor: ready is said once, the status when it changes") {
  const TemporaryDirectory directory;
  const DatagramSocket listener(directory.file("notify"));
  Supervisor supervisor(directory.file("notify"), std::nullopt);
  supervisor.alive("one", kStart);
  CHECK(listener.receive() == "READY=1\nSTATUS=one\n");
  supervisor.alive("one", kStart + 1h);
  CHECK(listener.receive() == "");
  supervisor.alive("two", kStart + 1h);
  CHECK(listener.receive() == "STATUS=two\n");
  CHECK_FALSE(supervisor.due().has_value());
  supervisor.stopping();
  CHECK(listener.receive() == "STOPPING=1\nSTATUS=stopping\n");
}

TEST_CASE("supervisor: the watchdog gets a sign of life each half of its time") {
  const TemporaryDirectory directory;
  const DatagramSocket listener(directory.file("notify"));
  Supervisor supervisor(directory.file("notify"), 60s);
  supervisor.alive("", kStart);
  CHECK(listener.receive() == "READY=1\nSTATUS=\nWATCHDOG=1\n");
  CHECK(supervisor.due() == kStart + 30s);
  supervisor.alive("", kStart + 29s);
  CHECK(listener.receive() == "");
  supervisor.alive("", kStart + 30s);
  CHECK(listener.receive() == "WATCHDOG=1\n");
  CHECK(supervisor.due() == kStart + 60s);
}

TEST_CASE("supervisor: what could not be sent is sent later, without spinning") {
  const TemporaryDirectory directory;
  Supervisor supervisor(directory.file("notify"), 80s);
  supervisor.alive("one", kStart);
  CHECK(supervisor.due() == kStart + 10s);
  const DatagramSocket listener(directory.file("notify"));
  supervisor.alive("one", kStart + 10s);
  CHECK(listener.receive() == "READY=1\nSTATUS=one\nWATCHDOG=1\n");
}

TEST_CASE("supervisor: none is told nothing, and a watchdog of another process is not ours") {
  Environment environment;
  Supervisor nobody = Supervisor::from_environment();
  nobody.alive("one", kStart);
  CHECK_FALSE(nobody.due().has_value());

  const TemporaryDirectory directory;
  const DatagramSocket listener(directory.file("notify"));
  environment.set("NOTIFY_SOCKET", directory.file("notify"));
  environment.set("WATCHDOG_USEC", "60000000");
  environment.set("WATCHDOG_PID", "1");
  Supervisor other = Supervisor::from_environment();
  other.alive("one", kStart);
  CHECK(listener.receive() == "READY=1\nSTATUS=one\n");
  environment.set("WATCHDOG_PID", std::to_string(::getpid()));
  Supervisor ours = Supervisor::from_environment();
  ours.alive("one", kStart);
  CHECK(ours.due() == kStart + 30s);
}

TEST_CASE("supervisor: sockets passed to another process are not ours") {
  Environment environment;
  environment.set("LISTEN_FDS", "1");
  environment.set("LISTEN_PID", "1");
  CHECK(take_passed_sockets().empty());
  CHECK(std::getenv("LISTEN_FDS") == nullptr);
}
