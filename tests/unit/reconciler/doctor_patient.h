// A node of the reference set-up as doctor sees it when nothing is wrong; tests then spoil one
// fact.
#pragma once

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "reconciler/doctor.h"

namespace twobox::testing {

inline InterfaceName interface_named(const char* name) {
  return *InterfaceName::parse(name);
}
inline IpAddress address_of_text(const char* text) {
  return *IpAddress::parse(text);
}
inline MacAddress mac_of_text(const char* text) {
  return *MacAddress::parse(text);
}

const InterfaceName kWire = interface_named("enp0s3");
const Error kUnreadable{ErrorKind::kUnavailable, 13, "read it: Permission denied"};
constexpr const char* kMacOfA = "08:00:27:77:84:ef";
constexpr const char* kMacOfB = "08:00:27:e1:3c:c5";

/// The reference set-up, with parts replaced by JSON pointer.
inline nlohmann::json reference_document(
    const std::map<std::string, nlohmann::json>& replaced = {}) {
  auto document = nlohmann::json::parse(R"({
    "version": 1,
    "nodes": {"a": {"addresses": ["172.16.0.31"], "macs": ["08:00:27:77:84:ef"]},
              "b": {"addresses": ["172.16.0.32"], "macs": ["08:00:27:e1:3c:c5"]}},
    "vips": {"web": {"address": "172.16.0.30", "interface": "enp0s3", "role": {"master": "a"},
                     "bypass": "redirect", "services": [{"protocol": "tcp", "port": 80}]}}})");
  for (const auto& [pointer, value] : replaced)
    document[nlohmann::json::json_pointer(pointer)] = value;
  return document;
}

inline ValidDocument valid(const nlohmann::json& document) {
  auto read = read_document(document.dump());
  if (const auto* const faults = std::get_if<Faults>(&read)) FAIL(to_string(faults->front()));
  return std::get<ValidDocument>(std::move(read));
}

class Patient {
 public:
  explicit Patient(const nlohmann::json& document = reference_document(), NodeName node = "a")
      : document_(valid(document)), facts{document_, document.dump(), std::move(node), {}} {
    for (const auto& [name, vip] : document_->vips) {
      const bool master = std::get<MasterNode>(vip.role).node == facts.node;
      facts.roles[name] = {master ? Role::kMaster : Role::kBackup, "document"};
      facts.claimants.emplace(name, std::set<MacAddress>());
      facts.keepers.emplace(vip.interface, std::optional<AddressKeeper>());
    }
    ObservedState kernel;
    for (const char* where : {"all", "enp0s3", "tunl0"})
      for (const char* name : {"arp_ignore", "arp_announce", "rp_filter"})
        kernel.kernel.sysctls[{std::string("net.ipv4.conf.") + where + "." + name}] = {"0"};
    kernel.dropping_chains.emplace();
    facts.kernel = std::move(kernel);
    facts.interfaces = std::map<InterfaceName, InterfaceShape>{{kWire, {1500, false}}};
    facts.ipv4_default_route = std::optional(kWire);
    facts.listeners = std::vector<ListenerFact>();
    for (const SelftestListener& wanted : selftest_listeners(*document_, facts.node))
      facts.listeners->push_back({wanted, true});
    facts.neighbours = {{{kWire, address_of_text("172.16.0.32")}, mac_of_text(kMacOfB)},
                        {{kWire, address_of_text("172.16.0.31")}, mac_of_text(kMacOfA)}};
    facts.nftables = NftablesService{};
    facts.keepalived = std::vector<KeepalivedLine>();
    for (const std::string& module : doctor_modules(*document_))
      facts.modules.emplace(module, true);
  }
  Patient(const Patient&) = delete;
  Patient& operator=(const Patient&) = delete;

  void set_sysctl(const std::string& name, const std::string& value) {
    facts.kernel->kernel.sysctls[{name}] = {value};
  }
  void add_address(const char* interface, const char* address) {
    facts.kernel->kernel.addresses[{interface_named(interface), *IpPrefix::parse(address)}] = {};
  }
  /// What a check makes of it: "EVIDENCE | FIX", "skipped REASON", "" if it passes.
  std::string verdict(std::string_view id) const {
    const DoctorCheck* const check = find_doctor_check(id);
    REQUIRE(check != nullptr);
    std::string text;
    const Examination examination = check->examine(facts);
    for (const DoctorFinding& finding : examination.findings)
      text += finding.evidence + " | " + finding.fix + "\n";
    for (const std::string& reason : examination.skipped) text += "skipped " + reason + "\n";
    return text.empty() ? text : text.substr(0, text.size() - 1);
  }

 private:
  ValidDocument document_;

 public:
  DoctorFacts facts;
};

}  // namespace twobox::testing
