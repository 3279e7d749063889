#include "backends/ipvs/backend.h"

#include <linux/netlink.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <iterator>

#include "backends/ipvs/codec.h"
#include "backends/ipvs/family.h"
#include "backends/ipvs/requests.h"
#include "backends/ipvs/tables.h"
#include "backends/ipvs/traffic.h"
#include "backends/modules.h"
#include "reconciler/servers_of.h"

namespace twobox {
namespace {

constexpr int kReadings = 5;
// Two boxes' real servers fit into one part of a dump, and most lists of others do.
constexpr std::size_t kReceiveSize = std::size_t{8} * 1024;
// Enough for: created, but there; edited, but gone; created again.
constexpr int kRounds = 4;
// Requests that exist at a time. All of a large table's at once are pages upon pages to be cleared.
constexpr std::size_t kRequestsAtOnce = 256;

bool only_deletes(std::span<const Change> changes) {
  return std::ranges::all_of(changes, [](const Change& change) {
    return std::visit([](const auto& of) { return !of.after; }, change);
  });
}

/// True when the tables were read while they changed, or ip_vs was unloaded under us.
bool is_torn(const Error& error) {
  return error.kind == ErrorKind::kTornDump ||
         (error.kind == ErrorKind::kKernelRefused && error.errno_value == ENOENT);
}

// Every command has GENL_ADMIN_PERM, which asks for the capability in the initial user namespace,
// whoever owns the network namespace. (net/netlink/genetlink.c, genl_family_rcv_msg)
Error permission_in_words(Error error) {
  if (error.kind == ErrorKind::kKernelRefused && error.errno_value == EPERM)
    return {ErrorKind::kUnavailable, EPERM,
            error.message +
                "; IPVS needs CAP_NET_ADMIN even for reading, and root of a rootless "
                "container does not have it"};
  return error;
}

}  // namespace

Result<IpvsBackend> IpvsBackend::open() {
  auto socket = netlink::Socket::open(NETLINK_GENERIC, std::chrono::seconds(2), kReceiveSize);
  if (!socket) return socket.error();
  return IpvsBackend(*std::move(socket));
}

Status IpvsBackend::observe(KernelState& state, bool& loaded) {
  std::optional<Error> torn;
  for (int reading = 0; reading < kReadings; ++reading) {
    const auto family = family_.find(socket_);
    if (!family) return family.error();
    Result<ipvs::Tables> tables = ipvs::Tables{};
    if (*family) tables = ipvs::read_tables({socket_, **family, lists_});
    if (!tables && is_torn(tables.error())) {
      torn = tables.error();
      family_.forget();
      continue;
    }
    if (!tables) return permission_in_words(tables.error());

    loaded = family->has_value();
    state.ipvs_services = std::move(tables->services);
    state.ipvs_servers = std::move(tables->servers);
    state.ipvs_daemons = std::move(tables->daemons);
    state.ipvs_timeouts = std::move(tables->timeouts);
    return success();
  }
  return Error{ErrorKind::kTornDump, torn->errno_value, torn->message};
}

Status IpvsBackend::observe_services(const std::set<IpvsServiceKey>& keys, KernelState& state,
                                     bool& loaded) {
  const auto family = family_.find(socket_);
  if (!family) return family.error();
  auto tables = *family ? ipvs::read_services({socket_, **family, lists_}, keys)
                        : Result<ipvs::Tables>(ipvs::Tables{});
  if (!tables && is_torn(tables.error())) return observe(state, loaded);
  if (!tables) return permission_in_words(tables.error());
  loaded = family->has_value();
  for (const IpvsServiceKey& key : keys) {
    state.ipvs_services.erase(key);
    const auto [first, last] = servers_of(state.ipvs_servers, key);
    state.ipvs_servers.erase(first, last);
  }
  state.ipvs_services.merge(tables->services);
  state.ipvs_servers.merge(tables->servers);
  return success();
}

Result<Traffic> IpvsBackend::observe_traffic() {
  const auto family = family_.find(socket_);
  if (!family) return family.error();
  if (!*family) return Traffic{};
  auto traffic = ipvs::read_traffic(socket_, **family);
  if (!traffic) return permission_in_words(traffic.error());
  return traffic;
}

std::vector<Status> IpvsBackend::apply(std::span<const Change> changes) {
  std::vector<Status> outcomes(changes.size(), success());
  auto family = family_.find(socket_);
  if (family && !*family) {
    if (only_deletes(changes)) return outcomes;
    family = load_family();
  }
  if (!family) {
    std::ranges::fill(outcomes, Status(family.error()));
    return outcomes;
  }
  load_schedulers(changes);

  std::vector<Pending> round;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    auto commands = ipvs::first_commands(changes[i]);
    if (!commands) outcomes[i] = commands.error();
    if (commands && !commands->empty()) round.push_back({i, *std::move(commands)});
  }
  for (int sent = 0; sent < kRounds && !round.empty(); ++sent) {
    std::vector<Pending> next;
    for (std::size_t at = 0; at < round.size(); at += kRequestsAtOnce) {
      const auto part = std::span(round).subspan(at, std::min(kRequestsAtOnce, round.size() - at));
      std::ranges::move(send(changes, part, **family, outcomes), std::back_inserter(next));
    }
    round = std::move(next);
  }
  return outcomes;
}

Result<std::optional<std::uint16_t>> IpvsBackend::load_family() {
  const Status loaded = load_kernel_module("ip_vs");
  auto family = family_.find(socket_);
  if (!family || *family) return family;
  if (!loaded) return with_context(loaded.error(), "IPVS is not in this kernel");
  return Error{ErrorKind::kUnavailable, ENOENT,
               "ip_vs is loaded, but gives this network namespace no netlink family IPVS"};
}

// The kernel asks for a missing scheduler's module itself, by starting /sbin/modprobe. This works
// without that program too; when it fails, the kernel has the last word.
void IpvsBackend::load_schedulers(std::span<const Change> changes) {
  missing_schedulers_.clear();
  std::map<std::string, Status> tried;
  for (const Change& change : changes) {
    const auto* const service = std::get_if<IpvsServiceChange>(&change);
    if (service == nullptr || !service->after || service->after->scheduler == "none") continue;
    const std::string& name = service->after->scheduler;
    if (tried.contains(name)) continue;
    const Status loaded = load_kernel_module("ip_vs_" + name);
    tried.emplace(name, loaded);
    if (!loaded) missing_schedulers_.emplace(name, loaded.error());
  }
}

/// The messages of one change, or why there is none.
Result<std::vector<netlink::MessageHandle>> IpvsBackend::encode(const Change& change,
                                                                const Pending& pending,
                                                                std::uint16_t family) const {
  std::vector<netlink::MessageHandle> messages;
  for (const std::uint8_t command : pending.commands) {
    auto message = ipvs::encode_change(change, command);
    if (!message) return explain(message.error(), change, command);
    nlmsg_hdr(message->get())->nlmsg_type = family;
    // Only of these can the kernel's handler be interrupted. (ip_vs_sync.c, stop_sync_thread)
    if (std::holds_alternative<SyncDaemonChange>(change))
      nlmsg_hdr(message->get())->nlmsg_flags |= NLM_F_ACK;
    messages.push_back(*std::move(message));
  }
  return messages;
}

/// Sends the commands of a part of a round, notes the outcomes and returns what is to be sent in
/// the next.
std::vector<IpvsBackend::Pending> IpvsBackend::send(std::span<const Change> changes,
                                                    std::span<const Pending> part,
                                                    std::uint16_t family,
                                                    std::vector<Status>& outcomes) {
  std::vector<netlink::MessageHandle> messages;
  std::vector<nlmsghdr*> headers;
  std::vector<const Pending*> sent;
  for (const Pending& pending : part) {
    auto own = encode(changes[pending.index], pending, family);
    if (!own) {
      outcomes[pending.index] = own.error();
      continue;
    }
    sent.push_back(&pending);
    for (auto& message : *own) {
      headers.push_back(nlmsg_hdr(message.get()));
      messages.push_back(std::move(message));
    }
  }

  const std::vector<Status> answers = socket_.request_all(headers);
  std::vector<Pending> next;
  std::size_t answered = 0;
  for (const Pending* const pending : sent) {
    answered += pending->commands.size();
    const Status& answer = answers[answered - 1];
    const std::uint8_t command = pending->commands.back();
    Status& outcome = outcomes[pending->index];
    outcome = success();
    if (answer || ipvs::is_gone_already(command, answer.error().errno_value)) continue;
    outcome = explain(answer.error(), changes[pending->index], command);
    if (answer.error().kind != ErrorKind::kKernelRefused) continue;
    auto commands = ipvs::next_commands(command, answer.error().errno_value);
    if (!commands.empty()) next.push_back({pending->index, std::move(commands)});
  }
  return next;
}

Error IpvsBackend::explain(Error refusal, const Change& change, std::uint8_t command) const {
  const auto* const service = std::get_if<IpvsServiceChange>(&change);
  if (service != nullptr && service->after && refusal.errno_value == ENOENT) {
    const auto missing = missing_schedulers_.find(service->after->scheduler);
    if (missing != missing_schedulers_.end())
      refusal = with_context(missing->second,
                             "scheduler " + service->after->scheduler + " is not available");
  }
  return ipvs::explain(std::move(refusal), change, command);
}

}  // namespace twobox
