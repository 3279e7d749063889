#include "backends/sysctl/backend.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>

#include "backends/netlink/handles.h"
#include "backends/sysctl/path.h"
#include "backends/text_file.h"
#include "reconciler/sysctl_value.h"

namespace twobox {
namespace {

using netlink::FileDescriptor;

// Faults of this process, not of the sysctl that was being read.
bool is_our_shortage(int errno_value) {
  return errno_value == EMFILE || errno_value == ENFILE || errno_value == ENOMEM;
}

/// 0, or the errno of the failure. The value goes out in one write: the kernel takes each write as
/// a whole value.
int write_file(const std::string& path, const std::string& text) {
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.is_open()) return errno;
  const ssize_t count = ::write(file.get(), text.data(), text.size());
  if (count < 0) return errno;
  return static_cast<std::size_t>(count) == text.size() ? 0 : EINVAL;
}

Error write_error(int errno_value, const SysctlKey& key, const std::string& value) {
  const std::string doing = "set " + key.name + " to '" + value + "': ";
  const std::string reason = std::strerror(errno_value);
  switch (errno_value) {
    case ENOENT:
    case ENOTDIR:
      return {ErrorKind::kUnavailable, errno_value,
              doing + "there is no such sysctl; is its module loaded, does its interface exist?"};
    case EACCES:
    case EPERM:
    case EROFS:
      return {
          ErrorKind::kUnavailable, errno_value,
          doing + reason +
              "; writing needs CAP_NET_ADMIN, and under systemd's ProtectKernelTunables=yes also "
              "ReadWritePaths=/proc/sys/net"};
    case EINVAL:
    case ERANGE:
      return {ErrorKind::kKernelRefused, errno_value,
              doing + "the kernel does not take this value"};
    default:
      return {ErrorKind::kKernelRefused, errno_value, doing + reason};
  }
}

}  // namespace

Status SysctlBackend::observe(const std::set<SysctlKey>& keys, const Known& known,
                              KernelState& kernel) const {
  std::map<SysctlKey, SysctlConfig> values;
  for (const SysctlKey& key : keys) {
    if (const auto value = known ? known(key) : std::nullopt) {
      values[key] = {normal_sysctl_value(*value)};
      continue;
    }
    const auto path = sysctl_path(root_, key);
    if (!path) continue;
    const auto text = read_text_file(*path, O_NOFOLLOW);
    if (text)
      values[key] = {normal_sysctl_value(*text)};
    else if (is_our_shortage(text.error().errno_value))
      return Error{ErrorKind::kTransport, text.error().errno_value, text.error().message};
  }
  kernel.sysctls = std::move(values);
  return success();
}

std::vector<Status> SysctlBackend::apply(std::span<const Change> changes) const {
  std::vector<Status> outcomes;
  outcomes.reserve(changes.size());
  for (const Change& change : changes) {
    const auto* const sysctl = std::get_if<SysctlChange>(&change);
    outcomes.push_back(sysctl != nullptr ? apply_one(*sysctl)
                                         : Error{ErrorKind::kBug, 0, "not a sysctl change"});
  }
  return outcomes;
}

Status SysctlBackend::apply_one(const SysctlChange& change) const {
  if (!change.after)
    return Error{ErrorKind::kBug, 0, "sysctl " + change.key.name + " can't be deleted"};
  const auto path = sysctl_path(root_, change.key);
  if (!path)
    return Error{ErrorKind::kInvalidDocument, 0, change.key.name + " is not the name of a sysctl"};
  const std::string& value = change.after->value;
  // The newline makes an empty value a write too.
  const int errno_value = write_file(*path, value + "\n");
  return errno_value == 0 ? success() : write_error(errno_value, change.key, value);
}

}  // namespace twobox
