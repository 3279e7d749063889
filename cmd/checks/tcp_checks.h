// Checks that connect.
#pragma once

#include <array>
#include <unordered_map>
#include <vector>

#include "checks/check_kind.h"
#include "checks/event_loop.h"

namespace twobox {

/// A connection that is answered is reset before the handshake's last packet has left. So the
/// server's program never sees it and has nothing to log, a program that hangs finds no dead
/// connections in its queue when it returns, and neither side keeps a TIME_WAIT. What is checked is
/// the same: it is the server's kernel that answers, and it does not while the program's queue is
/// full. (net/ipv4/tcp_input.c: tcp_rcv_synsent_state_process(), tcp_conn_request())
class TcpChecks final : public CheckKind {
 public:
  /// `loop` outlives it.
  TcpChecks(EventLoop& loop, OnOutcome on_outcome)
      : loop_(loop), on_outcome_(std::move(on_outcome)) {}
  TcpChecks(const TcpChecks&) = delete;
  TcpChecks& operator=(const TcpChecks&) = delete;
  ~TcpChecks() override;

  void begin(CheckId id, const CheckTarget& target) override;
  void give_up(CheckId id) override;

 private:
  struct Attempt {
    CheckId id;
    FileDescriptor socket;
    IpAddress address;
    Port port;
    std::chrono::milliseconds timeout;
    EventLoop::AlarmId deadline;
  };
  using Attempts = std::unordered_map<int, Attempt>;  // by socket

  Result<FileDescriptor> take_socket(AddressFamily family);
  void hear(int fd, std::uint32_t events);
  void end(Attempts::iterator attempt, CheckOutcome outcome);

  EventLoop& loop_;
  OnOutcome on_outcome_;
  Attempts attempts_;
  std::array<std::vector<FileDescriptor>, 2> idle_;  // by family; watched and not connected
};

}  // namespace twobox
