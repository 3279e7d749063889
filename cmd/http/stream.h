// A connection as httplib reads and writes it, with a bound on how long a client may take.
#pragma once

#include <httplib.h>

#include <chrono>

#include "http/connection.h"
#include "http/workers.h"

namespace twobox {

/// A client may take this long, and a second more for each kPace bytes; only kHurriedPatience when
/// others wait for the thread.
constexpr std::chrono::milliseconds kPatience{10'000};
constexpr std::chrono::milliseconds kHurriedPatience{1'000};
constexpr std::size_t kPace = std::size_t{128} << 10;

class ClientStream : public httplib::Stream {
 public:
  /// Both outlive the stream.
  ClientStream(Connection& connection, const Workers& workers);

  bool is_readable() const override;
  /// False when the client is gone or the server closes.
  bool is_writable() const override;
  /// Bytes read; 0 or less: no more will come, in time at least.
  ssize_t read(char* to, std::size_t room) override;
  /// All of it, or -1.
  ssize_t write(const char* from, std::size_t count) override;
  /// The entrance's name, in place of an address: entrance_from().
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override;

 private:
  using Clock = std::chrono::steady_clock;
  bool wait_for(Want want, Clock::time_point since, std::size_t moved) const;

  Connection& connection_;
  const Workers& workers_;
  Clock::time_point begin_ = Clock::now();
  std::size_t taken_ = 0;  // of connection_.bytes
  std::size_t read_ = 0;   // from the channel
};

/// From the name that ClientStream gives for an address.
Entrance entrance_from(const std::string& name);

}  // namespace twobox
