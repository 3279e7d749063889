// Recorded messages of the kernel, and what they mean.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "backends/ipvs/codec.h"
#include "backends/ipvs/family.h"
#include "tests/wire/ipvs_support.h"

using namespace twobox;
using namespace twobox::ipvs_wire;

namespace {

using Services = std::map<IpvsServiceKey, IpvsServiceConfig>;
using Servers = std::map<RealServerKey, RealServerConfig>;

IpvsServiceConfig persistent(std::string_view scheduler, std::uint32_t timeout, unsigned length) {
  IpvsServiceConfig config = scheduled_by(scheduler);
  config.persistence = Persistence{timeout, length};
  return config;
}

Services recorded_services() {
  IpvsServiceConfig sh = persistent("sh", 360, 24);
  sh.scheduler_flags = {.flag_1 = true, .flag_2 = true, .flag_3 = false};
  IpvsServiceConfig mh = scheduled_by("mh");
  mh.one_packet = true;
  mh.scheduler_flags.flag_2 = true;
  IpvsServiceConfig sip = persistent("rr", 60, 32);
  sip.persistence_engine = "sip";
  return {{endpoint(Protocol::kTcp, "172.16.0.30", 80), scheduled_by("wlc")},
          {endpoint(Protocol::kTcp, "172.16.0.30", 443), sh},
          {endpoint(Protocol::kUdp, "172.16.0.30", 53), mh},
          // -M 255.0.255.0: somebody else's, and no prefix.
          {endpoint(Protocol::kTcp, "172.16.0.30", 0), persistent("rr", 60, ipvs::kNotAPrefix)},
          {endpoint(Protocol::kUdp, "172.16.0.30", 5060), sip},
          {FirewallMark{AddressFamily::kIpv4, 7}, scheduled_by("wrr")},
          {FirewallMark{AddressFamily::kIpv6, 0x80000000}, persistent("lc", 300, 64)},
          {endpoint(Protocol::kTcp, "2001:db8::30", 80), scheduled_by("wlc")},
          {endpoint(Protocol::kSctp, "2001:db8::30", 9), scheduled_by("rr")}};
}

}  // namespace

TEST_CASE("ipvs: recorded services") {
  for (const std::string kernel : kKernels) {
    CAPTURE(kernel);
    Services services;
    for (const Bytes& message : recorded("services-" + kernel + ".hex")) {
      const auto service = ipvs::decode_service(message);
      REQUIRE(service.has_value());
      REQUIRE(service->has_value());
      services.insert(**service);
    }
    CHECK(services == recorded_services());
  }
}

TEST_CASE("ipvs: recorded real servers") {
  const IpvsServiceKey service = endpoint(Protocol::kTcp, "172.16.0.30", 80);
  constexpr auto kTunnel = Forwarding::kTunnel;
  const Servers want = {
      {{service, ip("172.16.0.31"), 80}, {Forwarding::kDirect, 100, 0, 0, {}}},
      {{service, ip("172.16.0.32"), 8080}, {Forwarding::kMasquerade, 0, 0, 0, {}}},
      {{service, ip("172.16.0.33"), 80}, {kTunnel, 0x7fffffff, 1000, 800, {}}},
      {{service, ip("172.16.0.34"), 80}, {kTunnel, 1, 0, 0, {1, 6080, 1}}},
      {{service, ip("172.16.0.35"), 80}, {kTunnel, 1, 0, 0, {2, 0, 0}}},
      {{service, ip("2001:db8::36"), 80}, {kTunnel, 1, 0, 0, {}}},
      {{service, ip("10.99.0.1"), 80}, {Forwarding::kDirect, 1, 0, 0, {}}}};
  for (const std::string kernel : kKernels) {
    CAPTURE(kernel);
    Servers servers;
    unsigned without_words = 0;  // 172.16.0.37, cache bypass
    for (const Bytes& message : recorded("servers-" + kernel + ".hex")) {
      const auto server = ipvs::decode_server(message, service);
      REQUIRE(server.has_value());
      if (*server) servers.insert(**server);
      if (!*server) ++without_words;
    }
    CHECK(servers == want);
    CHECK(without_words == 1);
  }
}

TEST_CASE("ipvs: recorded sync daemons") {
  const std::map<SyncDaemonKey, SyncDaemonConfig> want = {
      {{SyncState::kMaster}, {*InterfaceName::parse("wire0"), 5, 1472, ip("224.0.0.81"), 8848, 1}},
      {{SyncState::kBackup}, {*InterfaceName::parse("wire0"), 255, 1200, ip("ff05::81"), 9000, 9}}};
  for (const std::string kernel : kKernels) {
    CAPTURE(kernel);
    std::map<SyncDaemonKey, SyncDaemonConfig> daemons;
    for (const Bytes& message : recorded("daemons-" + kernel + ".hex")) {
      const auto daemon = ipvs::decode_daemon(message);
      REQUIRE(daemon.has_value());
      REQUIRE(daemon->has_value());
      daemons.insert(**daemon);
    }
    CHECK(daemons == want);
  }
}

TEST_CASE("ipvs: recorded timeouts") {
  for (const std::string kernel : kKernels) {
    CAPTURE(kernel);
    const auto messages = recorded("timeouts-" + kernel + ".hex");
    REQUIRE(messages.size() == 1);
    const auto timeouts = ipvs::decode_timeouts(messages.front());
    REQUIRE(timeouts.has_value());
    CHECK(*timeouts == IpvsTimeoutsConfig{901, 121, 301});
  }
}

TEST_CASE("ipvs: the family's number is found among the recorded families") {
  const std::map<std::string, std::uint16_t> numbers = {{"6.1", 0x20}, {"6.12", 0x23}};
  for (const std::string kernel : kKernels) {
    CAPTURE(kernel);
    std::set<std::uint16_t> found;
    for (const Bytes& message : recorded("families-" + kernel + ".hex")) {
      const auto number = ipvs::decode_family(message);
      REQUIRE(number.has_value());
      if (*number) found.insert(**number);
    }
    CHECK(found == std::set{numbers.at(kernel)});
  }
}

TEST_CASE("ipvs: every cut of a recorded message is read or refused, inside its bounds") {
  const IpvsServiceKey service = endpoint(Protocol::kTcp, "172.16.0.30", 80);
  for (const std::string kind : {"services", "servers", "daemons", "timeouts", "families"}) {
    CAPTURE(kind);
    for (const Bytes& whole : recorded(kind + "-6.12.hex")) {
      for (std::size_t size = 0; size < whole.size(); ++size) {
        const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        // The kernel ends each message with its nest; cut, that nest no longer fits.
        CHECK_FALSE((size >= 20 && ipvs::decode_service(cut).has_value()));
        CHECK_FALSE((size >= 20 && ipvs::decode_server(cut, service).has_value()));
        CHECK_FALSE((size >= 20 && ipvs::decode_daemon(cut).has_value()));
        static_cast<void>(ipvs::decode_timeouts(cut));
        static_cast<void>(ipvs::decode_family(cut));
      }
    }
  }
}

TEST_CASE("ipvs: every byte of a recorded message may be wrong") {
  const IpvsServiceKey service = endpoint(Protocol::kTcp, "172.16.0.30", 80);
  for (const std::string kind : {"services", "servers", "daemons", "timeouts", "families"}) {
    for (const Bytes& whole : recorded(kind + "-6.12.hex")) {
      for (std::size_t at = 16; at < whole.size(); ++at) {
        for (const unsigned value : {0x00U, 0x01U, 0x7fU, 0xffU}) {
          Bytes wrong = whole;
          wrong[at] = static_cast<std::byte>(value);
          static_cast<void>(ipvs::decode_service(wrong));
          static_cast<void>(ipvs::decode_server(wrong, service));
          static_cast<void>(ipvs::decode_daemon(wrong));
          static_cast<void>(ipvs::decode_timeouts(wrong));
          static_cast<void>(ipvs::decode_family(wrong));
        }
      }
    }
  }
}
