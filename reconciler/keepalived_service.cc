#include "reconciler/keepalived_service.h"

#include <array>
#include <string_view>

#include "reconciler/keepalived_check.h"
#include "schema/netmask.h"

namespace twobox {
namespace {

std::optional<Forwarding> forwarding_of(std::string_view text) {
  if (text == "DR") return Forwarding::kDirect;
  if (text == "NAT") return Forwarding::kMasquerade;
  if (text == "TUN") return Forwarding::kTunnel;
  return std::nullopt;
}

/// A word that switches something on stands alone or with a BOOL.
bool is_on(const KeepalivedLine& line) {
  const std::string_view value = line.word(1);
  return value != "off" && value != "false" && value != "no";
}

/// "255.255.255.0" or, with IPv6, "64".
std::optional<unsigned> prefix_length_of(std::string_view text) {
  if (const auto number = keepalived_number(text, 1, 128)) return static_cast<unsigned>(*number);
  return netmask_length(text);
}

class ServiceReader {
 public:
  explicit ServiceReader(KeepalivedNotes& notes) : notes_(notes) {}

  KeepalivedService read(const KeepalivedLine& block) {
    // What the servers have in common may stand below them.
    for (const KeepalivedLine& line : block.block)
      if (!is_server(line)) read_setting(line);
    for (const KeepalivedLine& line : block.block)
      if (is_server(line)) read_server(line);
    finish(block);
    return std::move(read_);
  }

 private:
  static bool is_server(const KeepalivedLine& line) {
    return line.keyword() == "real_server" || line.keyword() == "sorry_server";
  }

  void read_setting(const KeepalivedLine& line) {
    const std::string& keyword = line.keyword();
    if (keyword == "lb_kind" || keyword == "lvs_method") return read_forwarding(line, forwarding_);
    if (keyword == "sorry_server_lvs_method")
      return read_forwarding(line, fallback_forwarding_.emplace(Forwarding::kDirect));
    if (keyword == "protocol") return read_protocol(line);
    if (keyword == "persistence_timeout") return read_persistence(line);
    if (keyword == "persistence_granularity") return read_granularity(line);
    if (keyword == "lb_algo" || keyword == "lvs_sched") {
      read_.service.scheduler = line.word(1);
    } else if (keyword == "ip_family") {
      read_.family = line.word(1) == "inet6" ? AddressFamily::kIpv6 : AddressFamily::kIpv4;
    } else if (keyword == "ops") {
      read_.service.one_packet = true;
    } else if (keyword == "quorum") {
      read_quorum(line);
    } else if (keyword == "weight") {
      read_weight(line, weight_);
    } else if (keyword == "inhibit_on_failure") {
      inhibits_ = is_on(line);
    } else if (!read_flag(keyword) && !checks_.take(line, notes_)) {
      notes_.no_counterpart(line);
    }
  }

  void read_forwarding(const KeepalivedLine& line, Forwarding& forwarding) {
    const auto method = forwarding_of(line.word(1));
    if (!method) return notes_.not_understood(line, line.word(1));
    forwarding = *method;
    if (line.words.size() > 2 && line.word(3) != "ipip")
      notes_.add(line, line.keyword() + ": tunnels are ipip in a document; \"" +
                           keepalived_rest(line) + "\" becomes that");
  }

  void read_protocol(const KeepalivedLine& line) {
    constexpr std::array kProtocols = {std::pair{"TCP", Protocol::kTcp},
                                       std::pair{"UDP", Protocol::kUdp},
                                       std::pair{"SCTP", Protocol::kSctp}};
    for (const auto& [name, protocol] : kProtocols) {
      if (line.word(1) != name) continue;
      read_.service.protocol = protocol;
      return;
    }
    notes_.not_understood(line, line.word(1));
  }

  void read_persistence(const KeepalivedLine& line) {
    constexpr std::uint32_t kUsual = 360;
    const auto seconds = keepalived_number(line.word(1), 0, UINT32_MAX);
    if (!seconds && line.words.size() > 1) return notes_.not_understood(line, line.word(1));
    read_.service.persistence_timeout = seconds ? static_cast<std::uint32_t>(*seconds) : kUsual;
  }

  void read_granularity(const KeepalivedLine& line) {
    read_.service.persistence_prefix_length = prefix_length_of(line.word(1));
    if (!read_.service.persistence_prefix_length) notes_.not_understood(line, line.word(1));
    granularity_ = &line;
  }

  void read_quorum(const KeepalivedLine& line) {
    const auto quorum = keepalived_number(line.word(1), 1, 65535);
    if (!quorum) return notes_.not_understood(line, line.word(1));
    read_.service.quorum = static_cast<std::uint32_t>(*quorum);
    if (*quorum != 1)
      notes_.add(line, "quorum: keepalived adds weights up, twobox counts servers; look at it");
  }

  bool read_flag(const std::string& keyword) {
    SchedulerFlags& flags = read_.service.scheduler_flags;
    if (keyword == "flag-1" || keyword == "sh-fallback" || keyword == "mh-fallback")
      return flags.flag_1 = true;
    if (keyword == "flag-2" || keyword == "sh-port" || keyword == "mh-port")
      return flags.flag_2 = true;
    if (keyword == "flag-3") return flags.flag_3 = true;
    return false;
  }

  void read_weight(const KeepalivedLine& line, std::uint32_t& weight) {
    const auto number = keepalived_number(line.word(1), 0, 0x7fffffff);
    if (!number) return notes_.not_understood(line, line.word(1));
    weight = static_cast<std::uint32_t>(*number);
  }

  /// nullopt, with a note, for a server without a single port: its packets' own is not for a
  /// document to say.
  std::optional<Server> server_at(const KeepalivedLine& line) {
    const auto address = keepalived_address(line.word(1));
    const auto port = keepalived_port(line.word(2));
    if (!address || !port) {
      notes_.add(line, line.keyword() + " " + keepalived_rest(line) +
                           ": no address and port from 1 to 65535; left out");
      return std::nullopt;
    }
    return Server{.target = *address, .port = *port, .weight = weight_, .forwarding = forwarding_};
  }

  void read_server(const KeepalivedLine& line) {
    auto server = server_at(line);
    if (!server) return;
    if (!read_.family) read_.family = std::get<IpAddress>(server->target).family();
    if (line.keyword() == "sorry_server") {
      server->weight = 1;
      server->forwarding = fallback_forwarding_.value_or(forwarding_);
      read_.service.fallback = *server;
      return;
    }
    read_server_block(line, *server);
    if (server->forwarding == Forwarding::kDirect)
      read_.direct.insert(std::get<IpAddress>(server->target));
    servers_.push_back(*server);
  }

  void read_server_block(const KeepalivedLine& block, Server& server) {
    KeepalivedCheckDefaults defaults = checks_;
    bool inhibits = inhibits_;
    const KeepalivedLine* checker = nullptr;
    for (const KeepalivedLine& line : block.block) {
      const std::string& keyword = line.keyword();
      if (keyword == "weight") {
        read_weight(line, server.weight);
      } else if (keyword == "lvs_method" || keyword == "lb_kind") {
        read_forwarding(line, server.forwarding);
      } else if (keyword == "uthreshold") {
        read_weight(line, server.upper_threshold);
      } else if (keyword == "lthreshold") {
        read_weight(line, server.lower_threshold);
      } else if (keyword == "inhibit_on_failure") {
        inhibits = is_on(line);
      } else if (is_keepalived_checker(keyword) && checker == nullptr) {
        checker = &line;
      } else if (is_keepalived_checker(keyword)) {
        notes_.add(line, keyword + ": a server has one check in a document; left out");
      } else if (!defaults.take(line, notes_)) {
        notes_.no_counterpart(line);
      }
    }
    take_check(block, checker, std::move(defaults));
    if (inhibits) read_.service.on_failure = OnFailure::kWeightZero;
  }

  /// In a document the service has the check, the same for all its servers: the first that there
  /// is.
  void take_check(const KeepalivedLine& server, const KeepalivedLine* checker,
                  KeepalivedCheckDefaults defaults) {
    if (checker == nullptr) {
      unchecked_.push_back(&server);
      return;
    }
    const auto check = read_keepalived_check(*checker, std::move(defaults), notes_);
    if (!check) return;
    if (!read_.service.check)
      read_.service.check = *check;
    else if (*read_.service.check != *check)
      notes_.add(*checker, checker->keyword() +
                               ": it differs from the check of a server above, and a service has "
                               "one for all; left out");
  }

  void finish(const KeepalivedLine& block) {
    Service& service = read_.service;
    service.servers = std::move(servers_);
    if (service.check)
      for (const KeepalivedLine* server : unchecked_)
        notes_.add(*server, "real_server: it has no check; it gets that of the other servers");
    if (!service.check) service.on_failure = OnFailure::kRemove;
    if (granularity_ != nullptr && service.persistence_timeout == 0 &&
        service.persistence_prefix_length) {
      service.persistence_prefix_length.reset();
      notes_.add(*granularity_,
                 "persistence_granularity: without persistence it means nothing; "
                 "left out");
    }
    if (service.servers->empty())
      notes_.add(block, block.keyword() + ": no real_server, so the service has none");
  }

  KeepalivedNotes& notes_;
  KeepalivedService read_{.service = {.protocol = Protocol::kTcp, .port = *Port::from_number(1)},
                          .family = {},
                          .direct = {}};
  std::vector<Server> servers_;
  std::vector<const KeepalivedLine*> unchecked_;
  const KeepalivedLine* granularity_ = nullptr;
  KeepalivedCheckDefaults checks_;
  Forwarding forwarding_ = Forwarding::kMasquerade;  // keepalived's own default
  std::optional<Forwarding> fallback_forwarding_;
  std::uint32_t weight_ = 1;
  bool inhibits_ = false;
};

}  // namespace

KeepalivedService read_keepalived_service(const KeepalivedLine& block, KeepalivedNotes& notes) {
  return ServiceReader(notes).read(block);
}

}  // namespace twobox
