#include "reconciler/import_keepalived.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "reconciler/keepalived_service.h"
#include "reconciler/keepalived_values.h"
#include "reconciler/keepalived_vrrp.h"

namespace twobox {
namespace {

class KeepalivedImport {
 public:
  explicit KeepalivedImport(const std::vector<KeepalivedLine>& lines)
      : vrrp_(read_keepalived_vrrp(lines, notes_)) {
    for (const auto& [address, vip] : vrrp_.vips) begin_vip(address, vip);
    for (const KeepalivedLine& line : lines)
      if (line.keyword() == "virtual_server_group" && line.words.size() > 1)
        groups_[line.words[1]] = &line;
    for (const KeepalivedLine& line : lines) read_line(line);
  }

  Import take(const MacsByAddress& macs) {
    Import import;
    for (auto& [address, vip] : vips_) {
      settle_bypass(address, vip);
      add_vip(import.document, std::move(vip));
    }
    import.document.sync = vrrp_.sync;
    import.document.timeouts = vrrp_.timeouts;
    import.notes = notes_.take();
    if (has_services_)
      import.notes.emplace_back(
          "keepalived must leave IPVS to twobox: start it with -P (VRRP alone), or take its "
          "virtual_servers out");
    name_nodes(import, vrrp_.directors.empty() ? direct_ : vrrp_.directors, macs);
    return import;
  }

 private:
  void begin_vip(const IpAddress& address, const KeepalivedVip& from) {
    RoleSource role = FollowAddress{};
    if (vrrp_.fifo) role = FollowKeepalived{from.instance, *vrrp_.fifo};
    const Bypass bypass = from.bypass_by_script ? Bypass::kRedirect : Bypass::kNone;
    vips_.emplace(address, Vip{from.prefix, from.interface, std::move(role), bypass, {}});
  }

  void read_line(const KeepalivedLine& line) {
    const std::string& keyword = line.keyword();
    if (keyword == "global_defs" || keyword == "vrrp_instance" || keyword == "virtual_server_group")
      return;
    if (keyword == "virtual_server") return read_server(line);
    if (keyword.find_first_of("@$~") == 0)
      return notes_.add(line, keyword +
                                  ": only keepalived itself can tell what it makes of this; "
                                  "left out");
    if (keyword.starts_with("include")) return notes_.not_understood(line, line.word(1));
    notes_.add(line, keyword + ": stays keepalived's" +
                         (line.block.empty() ? "" : ": " + keywords_of(line.block)));
  }

  void read_server(const KeepalivedLine& block) {
    has_services_ = true;
    const KeepalivedService read = read_keepalived_service(block, notes_);
    direct_.insert(read.direct.begin(), read.direct.end());
    if (block.word(1) == "group") return add_group(block, read);
    if (block.word(1) == "fwmark") return add_mark(block, block.word(2), read);
    add_endpoint(block, block.word(1), block.word(2), read);
  }

  void add_group(const KeepalivedLine& block, const KeepalivedService& read) {
    const auto group = groups_.find(std::string(block.word(2)));
    if (group == groups_.end()) return notes_.not_understood(block, keepalived_rest(block));
    for (const KeepalivedLine& line : group->second->block) {
      if (line.keyword() == "fwmark")
        add_mark(line, line.word(1), read);
      else
        add_endpoint(line, line.keyword(), line.word(1), read);
    }
  }

  void add_endpoint(const KeepalivedLine& line, std::string_view address_text,
                    std::string_view port_text, const KeepalivedService& read) {
    const auto address = keepalived_address(address_text);
    const auto port = keepalived_port(port_text);
    if (!address || !port)
      return notes_.add(line, keepalived_rest(line) +
                                  ": a document's services have one address and a port from 1 to "
                                  "65535; left out");
    add_service(vip_at(*address, line), *port, read.service);
  }

  /// One that no vrrp_instance moves is this machine's: a role to look at, and an interface.
  Vip& vip_at(const IpAddress& address, const KeepalivedLine& line) {
    const auto found = vips_.find(address);
    if (found != vips_.end()) return found->second;
    notes_.add(line, address.to_string() +
                         ": no vrrp_instance has it, so the file does not say on which interface "
                         "it is: fill it in in place of \"lo\"");
    return vips_
        .emplace(address,
                 Vip{IpPrefix::host(address), loopback(), FollowAddress{}, Bypass::kNone, {}})
        .first->second;
  }

  void add_mark(const KeepalivedLine& line, std::string_view mark_text,
                const KeepalivedService& read) {
    const auto mark = keepalived_number(mark_text, 1, UINT32_MAX);
    const auto port = port_of_all(read.service);
    Vip* const vip = only_vip(read.family.value_or(AddressFamily::kIpv4));
    if (!mark) return notes_.not_understood(line, mark_text);
    const std::string name = "mark " + std::to_string(*mark);
    if (vip == nullptr || !port)
      return notes_.add(line, name + ": the file does not say which " + (port ? "VIP" : "port") +
                                  " it stands for; left out");
    Service service = read.service;
    service.mark = static_cast<std::uint32_t>(*mark);
    if (has_service(*vip, service.protocol, *port))
      return notes_.add(line,
                        name + ": taken for another node's, since a mark above stands for " +
                            "the same port; left out: write \"mark\": {\"a\": .., \"b\": ..}");
    notes_.add(line, name + ": presumed to stand for " +
                         endpoint_text(vip->address.address(), port->host_order()) +
                         " on every node; where nodes have different marks write \"mark\": {\"a\": "
                         ".., \"b\": ..}");
    vip->bypass = Bypass::kMacMark;
    add_service(*vip, *port, std::move(service));
  }

  static std::optional<Port> port_of_all(const Service& service) {
    if (service.servers->empty()) return std::nullopt;
    const auto& first = service.servers->front().port;
    const bool same = std::ranges::all_of(
        *service.servers, [&](const Server& server) { return server.port == first; });
    return same ? first : std::nullopt;
  }

  Vip* only_vip(AddressFamily family) {
    Vip* only = nullptr;
    for (auto& [address, vip] : vips_) {
      if (address.family() != family) continue;
      if (only != nullptr) return nullptr;
      only = &vip;
    }
    return only;
  }

  static bool has_service(const Vip& vip, Protocol protocol, Port port) {
    return std::ranges::any_of(vip.services, [&](const Service& service) {
      return service.protocol == protocol && service.port == port;
    });
  }

  static void add_service(Vip& vip, Port port, Service service) {
    service.port = port;
    for (Server& server : *service.servers)
      if (server.port == port) server.port.reset();
    if (service.fallback && service.fallback->port == port) service.fallback->port.reset();
    // A check asks by TCP; for another protocol a document wants to know where.
    if (service.check && service.protocol != Protocol::kTcp && !service.check->port)
      service.check->port = port;
    else if (service.check && service.protocol == Protocol::kTcp && service.check->port == port)
      service.check->port.reset();
    vip.services.push_back(std::move(service));
  }

  void settle_bypass(const IpAddress& address, Vip& vip) {
    const auto found = vrrp_.vips.find(address);
    if (found == vrrp_.vips.end()) return;
    const std::string& place = found->second.place;
    if (vip.services.empty())
      notes_.add(place, address.to_string() + ": no virtual_server balances it");
    else if (vip.bypass == Bypass::kNone)
      notes_.add(place,
                 address.to_string() +
                     ": the file says nothing that keeps a backup from balancing again what the "
                     "master sent it; bypass is \"none\" until you choose one");
    if (vip.bypass == Bypass::kRedirect && vrrp_.sync)
      notes_.add(place,
                 address.to_string() + ": redirect beside a sync daemon puts the VIP on lo, too");
  }

  KeepalivedNotes notes_;
  KeepalivedVrrp vrrp_;
  std::map<std::string, const KeepalivedLine*> groups_;
  std::map<IpAddress, Vip> vips_;
  std::set<IpAddress> direct_;
  bool has_services_ = false;
};

}  // namespace

Import import_keepalived(const std::vector<KeepalivedLine>& lines, const MacsByAddress& macs) {
  return KeepalivedImport(lines).take(macs);
}

}  // namespace twobox
