// How a service's real servers are checked, as the user wrote it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "schema/net.h"

namespace twobox {

struct TcpCheck {  // connects
  friend bool operator==(const TcpCheck&, const TcpCheck&) = default;
};

/// HTTP status codes from `first` to `last`.
struct StatusRange {
  std::uint16_t first = 200;
  std::uint16_t last = 299;
  friend bool operator==(const StatusRange&, const StatusRange&) = default;
};
struct HttpCheck {  // GET
  bool tls = false;
  std::string path = "/";
  std::optional<std::string> host;         // Host header; default: the server's address
  std::optional<std::string> server_name;  // SNI; default: `host` if that is set
  bool verify = false;                     // the certificate, against the system's authorities
  std::vector<StatusRange> statuses = {{}};
  std::optional<std::string> body;  // text that the first 64 KiB of the answer contain
  friend bool operator==(const HttpCheck&, const HttpCheck&) = default;
};
struct ExecCheck {                // exit status 0 within `timeout`
  std::vector<std::string> argv;  // argv[0] is an absolute path; no shell
  std::string user = "nobody";
  friend bool operator==(const ExecCheck&, const ExecCheck&) = default;
};
/// A verdict that another agent writes: "up" or "down" and white space. A file that is missing or
/// says anything else is a failed check.
struct FileCheck {
  std::string path;
  friend bool operator==(const FileCheck&, const FileCheck&) = default;
};

struct Check {
  std::variant<TcpCheck, HttpCheck, ExecCheck, FileCheck> how;
  std::optional<Port> port;  // default: the server's
  /// Also asks the server as the director's packets would reach it, with the VIP as destination.
  bool through_vip = false;
  std::chrono::milliseconds interval{2000};  // from one begin to the next
  std::chrono::milliseconds connect_timeout{1000};
  std::chrono::milliseconds timeout{3000};  // of the whole check
  std::uint32_t rise = 2;                   // successes in a row until a server counts as up again
  std::uint32_t fall = 2;                   // failures in a row until it counts as down
  std::uint32_t jitter = 10;                // percent of `interval`, at most, added at random
  friend bool operator==(const Check&, const Check&) = default;
};

}  // namespace twobox
