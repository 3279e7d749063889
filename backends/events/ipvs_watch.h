// Wakes when somebody changes IPVS, which announces nothing: by a probe where the kernel returns
// from its handlers of such commands.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "backends/file_descriptor.h"
#include "schema/error.h"

namespace twobox {

/// A counter of the perf subsystem on each processor and its ring of samples.
class PerfRing {
 public:
  /// Takes ownership of `event`, which samples PERF_SAMPLE_TID. Error: kTransport with errno.
  static Result<PerfRing> map(FileDescriptor event);
  PerfRing(const PerfRing&) = delete;
  PerfRing& operator=(const PerfRing&) = delete;
  PerfRing(PerfRing&& other) noexcept;
  PerfRing& operator=(PerfRing&& other) noexcept;
  ~PerfRing();

  int fd() const { return event_.get(); }

  /// Empties the ring; true if a sample was of another process than `own`, or samples were lost.
  bool drain(std::uint32_t own);

 private:
  PerfRing(FileDescriptor event, void* pages) : event_(std::move(event)), pages_(pages) {}

  FileDescriptor event_;
  void* pages_ = nullptr;
};

/// Every process's changes of IPVS in every network namespace, this process's left out; a hint,
/// never state. Not thread-safe.
class IpvsWatch {
 public:
  /// Errors: kUnavailable with EPERM or EACCES without CAP_PERFMON or CAP_SYS_ADMIN, with ENOENT
  /// while ip_vs is not loaded or where the kernel has no kprobes; kTransport.
  static Result<IpvsWatch> open();

  /// Readable when changes wait.
  int fd() const { return epoll_.get(); }

  /// True if IPVS was changed since the last call; never blocks.
  bool drain();

 private:
  IpvsWatch(FileDescriptor epoll, std::vector<PerfRing> rings, std::vector<FileDescriptor> others)
      : epoll_(std::move(epoll)), rings_(std::move(rings)), others_(std::move(others)) {}

  FileDescriptor epoll_;
  std::vector<PerfRing> rings_;         // one for each processor
  std::vector<FileDescriptor> others_;  // further probes, which write into these rings
};

}  // namespace twobox
