#include "tests/unit/reconciler/order_settings.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "schema/validate.h"
#include "tests/support/fake_kernel.h"

namespace twobox::test {
namespace {

std::string address_text(AddressFamily family, const std::string& last) {
  return (family == AddressFamily::kIpv4 ? "172.16.0." : "fd00:16::") + last;
}
std::string in_quotes(const std::string& text) {
  return '"' + text + '"';
}

/// What a document asks for beside the scheme. Every VIP is at the node that is master of "web",
/// except "mail", which may be the other's.
struct Shape {
  std::string name;
  std::vector<int> web_ports;
  std::vector<int> mail_ports;
  bool mail_is_the_others = false;
  std::string servers;    // a node's or plain servers; "" = every node
  bool has_sync = false;  // also where the scheme does without

  std::set<Endpoint> endpoints(AddressFamily family) const {
    std::set<Endpoint> all;
    for (const int port : web_ports)
      all.insert({address(family, "30"), Protocol::kTcp, static_cast<std::uint16_t>(port)});
    for (const int port : mail_ports)
      all.insert({address(family, "29"), Protocol::kTcp, static_cast<std::uint16_t>(port)});
    return all;
  }
};

std::vector<Shape> shapes(AddressFamily family) {
  const std::string plain = in_quotes(address_text(family, "41"));
  return {{"no VIP", {}, {}, false, ""},
          {"web", {80}, {}, false, ""},
          {"web on two ports", {80, 443}, {}, false, ""},
          {"web and mail", {80}, {25}, false, ""},
          {"web on one, mail on the other", {80}, {25}, true, ""},
          {"web, b drained", {80}, {}, false, R"({"node": "a"}, {"node": "b", "weight": 0})"},
          {"web by a plain real server", {80}, {}, false, R"({"address": )" + plain + "}"},
          {"web, sync", {80}, {}, false, "", true}};
}

std::string vip_text(const Shape& shape, Bypass scheme, const std::string& address,
                     const std::string& master, const std::vector<int>& ports) {
  std::string services;
  for (const int port : ports) {
    services += (services.empty() ? "" : ", ") + std::string(R"({"protocol": "tcp", "port": )") +
                std::to_string(port);
    if (scheme == Bypass::kMacMark) services += ", \"mark\": " + std::to_string(1000 + port);
    if (!shape.servers.empty()) services += ", \"servers\": [" + shape.servers + "]";
    services += "}";
  }
  return R"({"address": ")" + address + R"(", "interface": "enp0s3", "role": {"master": ")" +
         master + R"("}, "bypass": )" + in_quotes(std::string(to_string(scheme))) +
         ", \"services\": [" + services + "]}";
}

std::string document_text(AddressFamily family, Bypass scheme, const Shape& shape) {
  std::string vips;
  if (!shape.web_ports.empty())
    vips = R"("web": )" + vip_text(shape, scheme, address_text(family, "30"), "a", shape.web_ports);
  if (!shape.mail_ports.empty())
    vips += R"(, "mail": )" + vip_text(shape, scheme, address_text(family, "29"),
                                       shape.mail_is_the_others ? "b" : "a", shape.mail_ports);
  const std::string sync =
      scheme == Bypass::kBackupOnly || shape.has_sync ? R"("sync": {"interface": "enp0s3"}, )" : "";
  return R"({"version": 1, "nodes": {"a": {"addresses": [")" + address_text(family, "31") +
         R"("], "macs": ["08:00:27:77:84:ef"]}, "b": {"addresses": [")" +
         address_text(family, "32") + R"("], "macs": ["08:00:27:e1:3c:c5"]}}, )" + sync +
         R"("sysctls": {"net.ipv4.ip_forward": "1"}, "vips": {)" + vips + "}}";
}

KernelState fresh_kernel() {
  KernelState kernel;
  for (const char* name : {"net.ipv4.ip_forward", "net.ipv4.vs.backup_only",
                           "net.ipv4.conf.enp0s3.arp_ignore", "net.ipv4.conf.enp0s3.arp_announce"})
    kernel.sysctls[SysctlKey{name}] = {"0"};
  kernel.ipvs_timeouts[{}] = {900, 120, 300};
  return kernel;
}

Box reach(DesiredState desired) {
  testing::FakeKernel kernel(fresh_kernel());
  testing::MemoryOwnership ownership;
  Refusals refusals;
  const auto pass = reconcile_once(desired, kernel, ownership, refusals, SteadyTime{});
  REQUIRE(pass.has_value());
  REQUIRE(pass->remaining.in_sync());
  return {std::move(desired), kernel.state.kernel, ownership.record()};
}

using RolePair = std::array<Role, 2>;
constexpr std::array<RolePair, 6> kRolePairs = {{{Role::kMaster, Role::kBackup},
                                                 {Role::kBackup, Role::kMaster},
                                                 {Role::kMaster, Role::kFault},
                                                 {Role::kFault, Role::kMaster},
                                                 {Role::kBackup, Role::kBackup},
                                                 {Role::kFault, Role::kFault}}};

Setting make_setting(AddressFamily family, Bypass scheme, const Shape& shape,
                     const RolePair& roles) {
  const auto read = read_document(document_text(family, scheme, shape));
  REQUIRE(std::holds_alternative<ValidDocument>(read));
  const auto box = [&](std::size_t own) {
    const std::size_t of_mail = shape.mail_is_the_others ? 1 - own : own;
    return reach(resolve(std::get<ValidDocument>(read), own == 0 ? "a" : "b",
                         {{"web", roles.at(own)}, {"mail", roles.at(of_mail)}}));
  };
  return {std::string(to_string(scheme)) + ", " + shape.name + ", a " +
              std::string(to_string(roles[0])) + ", b " + std::string(to_string(roles[1])),
          scheme,
          shape.name,
          {box(0), box(1)},
          shape.endpoints(family)};
}

Setting empty_cluster() {
  return {"nothing", std::nullopt, "", {reach(nothing_desired()), reach(nothing_desired())}, {}};
}

}  // namespace

IpAddress address(AddressFamily family, const std::string& last) {
  return *IpAddress::parse(address_text(family, last));
}

InterfaceName wire() {
  return *InterfaceName::parse("enp0s3");
}

unsigned Setting::masters(const IpAddress& vip) const {
  const AddressKey key{wire(), IpPrefix::host(vip)};
  return (boxes[0].desired.kernel.addresses.contains(key) ? 1U : 0U) |
         (boxes[1].desired.kernel.addresses.contains(key) ? 2U : 0U);
}

std::vector<Setting> all_settings(AddressFamily family) {
  std::vector<Setting> settings = {empty_cluster()};
  for (const Bypass scheme : kSchemes) {
    for (const Shape& shape : shapes(family)) {
      // backup_only is one switch for the whole machine: all VIPs must have one role.
      if (scheme == Bypass::kBackupOnly && shape.mail_is_the_others) continue;
      for (const RolePair& roles : kRolePairs)
        settings.push_back(make_setting(family, scheme, shape, roles));
    }
  }
  return settings;
}

}  // namespace twobox::test
