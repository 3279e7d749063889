#include "tests/ipvs_kernel/support.h"

#include <doctest/doctest.h>

#include <cstdlib>

#include "reconciler/describe.h"
#include "reconciler/diff.h"

namespace twobox::ipvs_kernel {
namespace {

IpvsBackend open_backend() {
  auto backend = IpvsBackend::open();
  REQUIRE(backend.has_value());
  return *std::move(backend);
}

template <typename Map>
void add_changes(std::vector<Change>& all, const Map& want, const Map& have) {
  for (const auto& change : diff(want, have)) all.emplace_back(change);
}

}  // namespace

IpAddress ip(std::string_view text) {
  const auto address = IpAddress::parse(text);
  REQUIRE(address.has_value());
  return *address;
}

InterfaceName interface(std::string_view name) {
  const auto parsed = InterfaceName::parse(name);
  REQUIRE(parsed.has_value());
  return *parsed;
}

IpvsServiceKey tcp(std::string_view address, std::uint16_t port) {
  return Endpoint{ip(address), Protocol::kTcp, port};
}
IpvsServiceKey udp(std::string_view address, std::uint16_t port) {
  return Endpoint{ip(address), Protocol::kUdp, port};
}
IpvsServiceKey sctp(std::string_view address, std::uint16_t port) {
  return Endpoint{ip(address), Protocol::kSctp, port};
}
IpvsServiceKey mark4(std::uint32_t mark) {
  return FirewallMark{AddressFamily::kIpv4, mark};
}
IpvsServiceKey mark6(std::uint32_t mark) {
  return FirewallMark{AddressFamily::kIpv6, mark};
}

IpvsServiceConfig scheduled_by(std::string_view scheduler) {
  IpvsServiceConfig config;
  config.scheduler = scheduler;
  return config;
}

Kernel::Kernel() : backend_(open_backend()) {
  KernelState nothing;
  nothing.ipvs_timeouts = observe().ipvs_timeouts;
  for (const Status& status : apply(changes(nothing, observe()))) REQUIRE(status.has_value());
}

void empty_ipvs() {
  const Kernel emptied;
}

KernelState Kernel::observe() {
  KernelState state;
  bool loaded = false;
  const Status status = backend_.observe(state, loaded);
  INFO((status ? std::string() : status.error().message));
  REQUIRE(status.has_value());
  REQUIRE(loaded);
  return state;
}

std::vector<Status> Kernel::apply(const std::vector<Change>& changes) {
  return backend_.apply(changes);
}

void Kernel::converge(KernelState want) {
  const KernelState have = observe();
  if (want.ipvs_timeouts.empty()) want.ipvs_timeouts = have.ipvs_timeouts;
  const std::vector<Change> needed = changes(want, have);
  const std::vector<Status> outcomes = apply(needed);
  REQUIRE(outcomes.size() == needed.size());
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    INFO((outcomes[i] ? std::string() : outcomes[i].error().message));
    REQUIRE_MESSAGE(outcomes[i].has_value(), object_name(needed[i]));
  }
  const KernelState now = observe();
  for (const Change& left : changes(want, now)) FAIL_CHECK("still differs: " << object_name(left));
  CHECK(now == want);
}

std::vector<Change> changes(const KernelState& want, const KernelState& have) {
  std::vector<Change> all;
  add_changes(all, want.ipvs_services, have.ipvs_services);
  add_changes(all, want.ipvs_servers, have.ipvs_servers);
  add_changes(all, want.ipvs_daemons, have.ipvs_daemons);
  add_changes(all, want.ipvs_timeouts, have.ipvs_timeouts);
  return all;
}

void run(const std::string& command) {
  const int status = std::system(command.c_str());
  REQUIRE_MESSAGE(status == 0, command);
}

}  // namespace twobox::ipvs_kernel
