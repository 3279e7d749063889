// Notices when somebody changes IPVS: by IpvsWatch where the kernel lets us, otherwise by looking.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backends/events/ipvs_watch.h"
#include "schema/error.h"

namespace twobox {

/// A number for what /proc/net/ip_vs says of services and real servers; traffic does not change it.
/// One read of that file costs a fraction of the dumps, but it leaves out thresholds, flags of
/// schedulers, sync daemons and timeouts. (net/netfilter/ipvs/ip_vs_ctl.c, ip_vs_info_seq_show)
std::uint64_t ipvs_fingerprint(std::string_view table);

/// A hint, never state. The caller owns the clock. Not thread-safe.
class IpvsChanges {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// `table` is read where there is no probe.
  explicit IpvsChanges(std::string table = "/proc/net/ip_vs") : path_(std::move(table)) {}

  /// Call after each reading of the kernel, with what it found. True when listening begins only
  /// now: what has changed since that reading is not known.
  bool listen(bool ipvs_loaded, Time now);

  /// ip_vs came or went, and the probe with it.
  void module_changed();

  /// Readable when changes wait; -1 without a probe.
  int fd() const { return watch_ ? watch_->fd() : -1; }
  /// When to call changed() although nothing is readable.
  std::optional<Time> next() const { return due_; }
  /// True if something was changed since the last call. Never blocks, but may read the table.
  bool changed(Time now);

  /// Why there is no probe; absent when there is one, or no IPVS.
  const std::optional<Error>& without_probe() const { return without_probe_; }

 private:
  bool look(Time now);

  std::string path_;
  std::optional<IpvsWatch> watch_;
  std::optional<Error> without_probe_;
  std::optional<Time> due_;  // to look, without a probe
  std::optional<std::uint64_t> last_;
  std::string text_;  // kept for its capacity
};

}  // namespace twobox
