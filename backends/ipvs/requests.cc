#include "backends/ipvs/requests.h"

#include <linux/ip_vs.h>

#include <cerrno>
#include <string>

#include "reconciler/describe.h"

namespace twobox::ipvs {
namespace {

using netlink::MessageHandle;

Error not_ours(const std::string& name) {
  return {ErrorKind::kBug, 0, name + " is not an IPVS object"};
}

template <typename Change>
Command first_of(const Change& change, Command create, Command edit, Command remove) {
  if (!change.after) return remove;
  return change.before ? edit : create;
}

// One overload for each kind of IPVS object; the last one takes all others.

std::vector<Command> commands_for(const IpvsServiceChange& change) {
  return {first_of(change, IPVS_CMD_NEW_SERVICE, IPVS_CMD_SET_SERVICE, IPVS_CMD_DEL_SERVICE)};
}
std::vector<Command> commands_for(const RealServerChange& change) {
  return {first_of(change, IPVS_CMD_NEW_DEST, IPVS_CMD_SET_DEST, IPVS_CMD_DEL_DEST)};
}
std::vector<Command> commands_for(const SyncDaemonChange& change) {
  if (!change.after) return {IPVS_CMD_DEL_DAEMON};
  if (!change.before) return {IPVS_CMD_NEW_DAEMON};
  return {IPVS_CMD_DEL_DAEMON, IPVS_CMD_NEW_DAEMON};  // a running one can't be edited
}
std::vector<Command> commands_for(const IpvsTimeoutsChange& change) {
  if (!change.after) return {};  // the kernel always has some
  return {IPVS_CMD_SET_CONFIG};
}

template <typename Other>
Result<std::vector<Command>> commands_for(const Other& change) {
  return not_ours(key_text(change.key));
}

Result<MessageHandle> encode_for(const IpvsServiceChange& change, Command command) {
  const bool keyed = command == IPVS_CMD_DEL_SERVICE;
  return encode(command, change.key, keyed ? std::nullopt : change.after);
}
Result<MessageHandle> encode_for(const RealServerChange& change, Command command) {
  const bool keyed = command == IPVS_CMD_DEL_DEST;
  return encode(command, change.key, keyed ? std::nullopt : change.after);
}
Result<MessageHandle> encode_for(const SyncDaemonChange& change, Command command) {
  const bool keyed = command == IPVS_CMD_DEL_DAEMON;
  return encode(command, change.key, keyed ? std::nullopt : change.after);
}
Result<MessageHandle> encode_for(const IpvsTimeoutsChange& change, Command) {
  return encode(*change.after);
}
template <typename Other>
Result<MessageHandle> encode_for(const Other& change, Command) {
  return not_ours(key_text(change.key));
}

std::string doing(Command command, const Change& change) {
  const std::string name = std::visit([](const auto& of) { return key_text(of.key); }, change);
  switch (command) {
    case IPVS_CMD_NEW_SERVICE:
      return "add service " + name;
    case IPVS_CMD_SET_SERVICE:
      return "edit service " + name;
    case IPVS_CMD_DEL_SERVICE:
      return "delete service " + name;
    case IPVS_CMD_NEW_DEST:
      return "add real server " + name;
    case IPVS_CMD_SET_DEST:
      return "edit real server " + name;
    case IPVS_CMD_DEL_DEST:
      return "delete real server " + name;
    case IPVS_CMD_NEW_DAEMON:
      return "start " + name + " sync daemon";
    case IPVS_CMD_DEL_DAEMON:
      return "stop " + name + " sync daemon";
    default:
      return "set IPVS " + name;
  }
}

/// What an errno means for this change, or "" where strerror's words say it.
/// Source: net/netfilter/ipvs/ip_vs_ctl.c, ip_vs_sync.c.
std::string meaning_for(const IpvsServiceChange& change, int errno_value) {
  if (errno_value == ENOENT && change.after) {
    const std::string module = "ip_vs_" + change.after->scheduler;
    return "scheduler module " + module + " is not available: run `modprobe " + module + "`";
  }
  if (errno_value == EAFNOSUPPORT) return "this kernel's IPVS has no IPv6";
  return {};
}
std::string meaning_for(const RealServerChange& change, int errno_value) {
  const bool tunnel = change.after && change.after->forwarding == Forwarding::kTunnel;
  if (errno_value == ESRCH) return "its service does not exist";
  if (errno_value == ERANGE)
    return "the weight is above 2147483647, or the lower threshold above the upper one";
  if (errno_value != EINVAL) return {};
  if (change.key.address.family() == family_of(change.key.service))
    return "the kernel takes no such address, threshold or encapsulation";
  return tunnel ? "a sync daemon runs, and its protocol can't carry mixed address families"
                : "a real server of the other address family can only be reached by a tunnel";
}
std::string meaning_for(const SyncDaemonChange& change, int errno_value) {
  if (errno_value == ENODEV && change.after)
    return "there is no interface " + change.after->interface.str();
  if (errno_value == EINVAL)
    return "a real server of another address family than its service exists, which the sync "
           "protocol can't carry, or the group is no multicast address";
  return {};
}
std::string meaning_for(const IpvsTimeoutsChange&, int errno_value) {
  return errno_value == EINVAL ? "a timeout is too long for this kernel" : "";
}
template <typename Other>
std::string meaning_for(const Other&, int) {
  return {};
}

}  // namespace

Result<std::vector<Command>> first_commands(const Change& change) {
  return std::visit([](const auto& of) -> Result<std::vector<Command>> { return commands_for(of); },
                    change);
}

std::vector<Command> next_commands(Command command, int errno_value) {
  const bool exists = errno_value == EEXIST;
  switch (command) {
    case IPVS_CMD_NEW_SERVICE:
      if (exists) return {IPVS_CMD_SET_SERVICE};
      break;
    case IPVS_CMD_SET_SERVICE:  // here ENOENT speaks of the scheduler
      if (errno_value == ESRCH) return {IPVS_CMD_NEW_SERVICE};
      break;
    case IPVS_CMD_NEW_DEST:
    case IPVS_CMD_SET_DEST:
      if (exists) return {IPVS_CMD_SET_DEST};
      // ESRCH speaks of the service, which may come back in the same round just before.
      if (errno_value == ENOENT || errno_value == ESRCH) return {IPVS_CMD_NEW_DEST};
      break;
    case IPVS_CMD_NEW_DAEMON:
      if (exists) return {IPVS_CMD_DEL_DAEMON, IPVS_CMD_NEW_DAEMON};
      break;
    default:
      break;
  }
  return {};
}

bool is_gone_already(Command command, int errno_value) {
  const bool deletes = command == IPVS_CMD_DEL_SERVICE || command == IPVS_CMD_DEL_DEST ||
                       command == IPVS_CMD_DEL_DAEMON;
  // A daemon whose thread was stopped before it ran gives the thread's -EINTR, and it is stopped.
  // (ip_vs_sync.c, stop_sync_thread; kernel/kthread.c, kthread)
  if (command == IPVS_CMD_DEL_DAEMON && errno_value == EINTR) return true;
  return deletes && (errno_value == ESRCH || errno_value == ENOENT);
}

Result<MessageHandle> encode_change(const Change& change, Command command) {
  return std::visit([command](const auto& of) { return encode_for(of, command); }, change);
}

Error explain(Error refusal, const Change& change, Command command) {
  if (refusal.kind == ErrorKind::kKernelRefused && refusal.errno_value == EPERM) {
    refusal.kind = ErrorKind::kUnavailable;
    refusal.message = "IPVS needs CAP_NET_ADMIN; root of a rootless container does not have it";
  } else if (refusal.kind == ErrorKind::kKernelRefused) {
    const std::string meaning = std::visit(
        [&refusal](const auto& of) { return meaning_for(of, refusal.errno_value); }, change);
    if (!meaning.empty()) refusal.message = meaning;
  }
  return with_context(std::move(refusal), doing(command, change));
}

}  // namespace twobox::ipvs
