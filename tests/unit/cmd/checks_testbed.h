// Servers to check, good ones and bad ones, and a way to make one check.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <thread>

#include "backends/file_descriptor.h"
#include "checks/check_kind.h"
#include "checks/event_loop.h"

namespace twobox::testing {

IpAddress ip(std::string_view text);

/// A check of 127.0.0.1:`port`, as service 192.0.2.1:80 has it, that takes 100 ms to connect and
/// 300 ms in all.
CheckTarget local_target(std::uint16_t port);
CheckTarget local_target(std::uint16_t port, HttpCheck check);
/// A command of the user who runs the tests, by /bin/sh -c.
CheckTarget shell_target(const std::string& command, std::chrono::milliseconds timeout);

/// A socket that listens on 127.0.0.1 or ::1 and never accepts.
class Listening {
 public:
  explicit Listening(int backlog = 4096, AddressFamily family = AddressFamily::kIpv4);
  std::uint16_t port() const { return port_; }
  int fd() const { return socket_.get(); }

 private:
  FileDescriptor socket_;
  std::uint16_t port_ = 0;
};

/// A port of 127.0.0.1 where nobody listens.
std::uint16_t closed_port();

/// Hands each connection to `serve`, one after the other, and closes it behind.
class Serving {
 public:
  using Serve = std::function<void(int connection)>;
  explicit Serving(Serve serve);
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;
  ~Serving();
  std::uint16_t port() const { return listening_.port(); }

 private:
  Listening listening_;
  Serve serve_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

/// What the client sends up to an empty line.
std::string read_request(int connection);
/// False when the client has gone.
bool send_text(int connection, std::string_view text);
/// Returns when the client has gone.
void wait_for_end(int connection);

/// Runs checks of one kind on a loop of its own.
class Checks {
 public:
  Checks();
  EventLoop& loop() { return loop_; }
  OnOutcome sink();

  /// Makes one check and waits for its outcome.
  CheckOutcome outcome_of(CheckKind& kind, const CheckTarget& target);
  /// Turns the loop until `done` or a minute has passed.
  void turn_until(const std::function<bool()>& done);
  std::map<CheckId, CheckOutcome> outcomes;

 private:
  EventLoop loop_;
  CheckId last_ = 0;
};

bool is_passed(const CheckOutcome& outcome);
bool is_failed(const CheckOutcome& outcome);
bool is_not_made(const CheckOutcome& outcome);

}  // namespace twobox::testing
