#include "backends/events/ipvs_watch.h"

#include <linux/perf_event.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>

namespace twobox {
namespace {

// What changes services, real servers, sync daemons and timeouts, by netlink and by the older
// socket options. (net/netfilter/ipvs/ip_vs_ctl.c)
constexpr std::array kHandlers = {"ip_vs_genl_set_cmd", "do_ip_vs_set_ctl"};
constexpr std::size_t kDataPages = 1;

Error failure(const std::string& doing) {
  const int code = errno;
  const bool unavailable = code == EPERM || code == EACCES || code == ENOENT || code == ENODEV ||
                           code == EOPNOTSUPP || code == EINVAL;
  return {unavailable ? ErrorKind::kUnavailable : ErrorKind::kTransport, code,
          doing + ": " + std::strerror(code)};
}

std::size_t page_size() {
  return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/// The number that stands for kprobes among the kernel's counters.
Result<std::uint32_t> kprobe_type() {
  std::ifstream file("/sys/bus/event_source/devices/kprobe/type");
  std::uint32_t type = 0;
  if (file >> type) return type;
  return Error{ErrorKind::kUnavailable, ENOENT, "this kernel has no kprobe events"};
}

/// Counts returns from `function` on one processor: by then a change has been made.
Result<FileDescriptor> open_probe(std::uint32_t type, const char* function, int processor) {
  perf_event_attr attributes{};
  attributes.size = sizeof(attributes);
  attributes.type = type;
  attributes.config = 1;  // retprobe: /sys/bus/event_source/devices/kprobe/format/retprobe
  attributes.kprobe_func = reinterpret_cast<std::uintptr_t>(function);
  attributes.sample_period = 1;
  attributes.sample_type = PERF_SAMPLE_TID;
  attributes.wakeup_events = 1;
  FileDescriptor event(
      static_cast<int>(::syscall(SYS_perf_event_open, &attributes, /*pid=*/-1, processor,
                                 /*group_fd=*/-1, PERF_FLAG_FD_CLOEXEC)));
  if (!event.is_open()) return failure(std::string("probe ") + function);
  return event;
}

/// "0-3,6" -> 0 1 2 3 6.
std::vector<int> online_processors() {
  std::ifstream file("/sys/devices/system/cpu/online");
  std::vector<int> processors;
  int first = 0;
  while (file >> first) {
    int last = first;
    if (file.peek() == '-') file.ignore() >> last;
    for (int processor = first; processor <= last; ++processor) processors.push_back(processor);
    if (file.peek() == ',') file.ignore();
  }
  return processors;
}

struct Sample {  // PERF_SAMPLE_TID
  perf_event_header header;
  std::uint32_t pid;
  std::uint32_t tid;
};

/// The ring's bytes, which go round at its end.
class Ring {
 public:
  explicit Ring(void* pages)
      : page_(static_cast<perf_event_mmap_page*>(pages)),
        data_(static_cast<const std::byte*>(pages) + page_size()) {}

  std::uint64_t head() const {
    return std::atomic_ref<__u64>(page_->data_head).load(std::memory_order_acquire);
  }
  std::uint64_t tail() const { return page_->data_tail; }
  void set_tail(std::uint64_t tail) {
    std::atomic_ref<__u64>(page_->data_tail).store(tail, std::memory_order_release);
  }
  template <typename T>
  T at(std::uint64_t position) const {
    T value{};
    std::array<std::byte, sizeof(T)> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = data_[(position + i) % (kDataPages * page_size())];
    std::memcpy(&value, bytes.data(), sizeof(value));
    return value;
  }

 private:
  perf_event_mmap_page* page_;
  const std::byte* data_;
};

}  // namespace

Result<PerfRing> PerfRing::map(FileDescriptor event) {
  void* const pages = ::mmap(nullptr, (1 + kDataPages) * page_size(), PROT_READ | PROT_WRITE,
                             MAP_SHARED, event.get(), 0);
  if (pages == MAP_FAILED) return failure("map the ring of a probe");
  return PerfRing(std::move(event), pages);
}

PerfRing::PerfRing(PerfRing&& other) noexcept
    : event_(std::move(other.event_)), pages_(std::exchange(other.pages_, nullptr)) {}

PerfRing& PerfRing::operator=(PerfRing&& other) noexcept {
  std::swap(event_, other.event_);
  std::swap(pages_, other.pages_);
  return *this;
}

PerfRing::~PerfRing() {
  if (pages_ != nullptr) ::munmap(pages_, (1 + kDataPages) * page_size());
}

bool PerfRing::drain(std::uint32_t own) {
  Ring ring(pages_);
  const std::uint64_t head = ring.head();
  bool changed = false;
  std::uint64_t tail = ring.tail();
  while (head - tail >= sizeof(perf_event_header)) {
    const auto header = ring.at<perf_event_header>(tail);
    const bool is_sample = header.type == PERF_RECORD_SAMPLE && header.size >= sizeof(Sample);
    // Whatever else it is (lost samples, say): somebody may have changed something.
    if (!is_sample || ring.at<Sample>(tail).pid != own) changed = true;
    if (header.size < sizeof(header) || header.size > head - tail) break;
    tail += header.size;
  }
  ring.set_tail(head);
  return changed;
}

Result<IpvsWatch> IpvsWatch::open() {
  const auto type = kprobe_type();
  if (!type) return type.error();
  FileDescriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.is_open()) return failure("epoll_create1");
  std::vector<PerfRing> rings;
  std::vector<FileDescriptor> others;
  for (const int processor : online_processors()) {
    auto first = open_probe(*type, kHandlers[0], processor);
    if (!first) return first.error();
    auto ring = PerfRing::map(*std::move(first));
    if (!ring) return ring.error();
    for (std::size_t i = 1; i < kHandlers.size(); ++i) {
      auto other = open_probe(*type, kHandlers[i], processor);
      if (!other) return other.error();
      if (::ioctl(other->get(), PERF_EVENT_IOC_SET_OUTPUT, ring->fd()) != 0)
        return failure("join the rings of two probes");
      others.push_back(*std::move(other));
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = rings.size();
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, ring->fd(), &event) != 0)
      return failure("epoll_ctl");
    rings.push_back(*std::move(ring));
  }
  return IpvsWatch(std::move(epoll), std::move(rings), std::move(others));
}

bool IpvsWatch::drain() {
  const auto own = static_cast<std::uint32_t>(::getpid());
  bool changed = false;
  // poll() on a ring takes its readiness away, so a pass over all of them after each wake.
  std::array<epoll_event, 16> ready{};
  ::epoll_wait(epoll_.get(), ready.data(), static_cast<int>(ready.size()), 0);
  for (PerfRing& ring : rings_) changed = ring.drain(own) || changed;
  return changed;
}

}  // namespace twobox
