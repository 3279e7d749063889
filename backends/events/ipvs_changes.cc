#include "backends/events/ipvs_changes.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace twobox {
namespace {

constexpr std::chrono::seconds kBetweenLooks{1};
// A large table takes long to print, so it is looked at less often.
constexpr int kLongestShareOfTime = 20;

constexpr std::uint64_t kFnvBasis = 14695981039346656037U;  // FNV-1a, 64 bits
constexpr std::uint64_t kFnvPrime = 1099511628211U;

std::uint64_t continued(std::uint64_t hash, std::string_view bytes) {
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * kFnvPrime;
  return hash;
}

/// A real server's line ends with its connections, active and inactive.
std::string_view without_connections(std::string_view line) {
  for (int column = 0; column < 2; ++column) {
    line = line.substr(0, line.find_last_not_of(' ') + 1);
    line = line.substr(0, line.find_last_not_of("0123456789") + 1);
  }
  return line;
}

/// False if the file can't be read.
bool read_file(const std::string& path, std::string& text) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return false;
  constexpr std::size_t kAtOnce = std::size_t{256} * 1024;
  text.clear();
  while (true) {
    const std::size_t size = text.size();
    text.resize(size + kAtOnce);
    const ssize_t count = ::read(file.get(), text.data() + size, kAtOnce);
    text.resize(size + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count <= 0) return count == 0;
  }
}

}  // namespace

std::uint64_t ipvs_fingerprint(std::string_view table) {
  std::uint64_t hash = kFnvBasis;
  while (!table.empty()) {
    const std::size_t end = std::min(table.find('\n'), table.size());
    std::string_view line = table.substr(0, end);
    if (line.starts_with("  ->")) line = without_connections(line);
    hash = continued(continued(hash, line), "\n");
    table.remove_prefix(std::min(end + 1, table.size()));
  }
  return hash;
}

bool IpvsChanges::listen(bool ipvs_loaded, Time now) {
  if (!ipvs_loaded) {
    module_changed();
    return false;
  }
  if (watch_ || without_probe_) return false;
  auto watch = IpvsWatch::open();
  if (watch) {
    watch_ = *std::move(watch);
    return true;
  }
  without_probe_ = watch.error();
  due_ = now;
  return false;
}

void IpvsChanges::module_changed() {
  watch_.reset();
  without_probe_.reset();
  due_.reset();
  last_.reset();
}

bool IpvsChanges::changed(Time now) {
  if (watch_) return watch_->drain();
  return due_ && *due_ <= now && look(now);
}

bool IpvsChanges::look(Time now) {
  const Time begin = std::chrono::steady_clock::now();
  const bool read = read_file(path_, text_);
  const std::uint64_t seen = read ? ipvs_fingerprint(text_) : 0;
  const auto took = std::chrono::steady_clock::now() - begin;
  due_ = now +
         std::max<std::chrono::steady_clock::duration>(kBetweenLooks, kLongestShareOfTime * took);
  return std::exchange(last_, seen) != seen;
}

}  // namespace twobox
