// What the addresses and ARP sysctls of this node show.
#include <algorithm>
#include <charconv>

#include "reconciler/doctor_checks.h"
#include "reconciler/doctor_settings.h"
#include "schema/bypass_sysctls.h"

namespace twobox::doctor {
namespace {

constexpr int kAnnounceBest = 2;  // arp_announce: never the VIP of another interface

/// Whether the kernel keeps quiet about an address of another interface (net/ipv4/arp.c,
/// arp_ignore()). 3 depends on the address's scope.
bool hides_other_interfaces(int arp_ignore) {
  return arp_ignore == 1 || arp_ignore == 2 || arp_ignore == 8;
}

Examination judge_parked(const KernelState& kernel, const Vip& vip, const std::string& where) {
  const auto ignore = maximum_of(kernel, vip.interface, kArpIgnore);
  const auto announce = maximum_of(kernel, vip.interface, kArpAnnounce);
  if (!ignore) return {{}, {unreadable(vip.interface, kArpIgnore)}};
  if (!announce) return {{}, {unreadable(vip.interface, kArpAnnounce)}};
  std::string evidence;
  std::string command = "sysctl -w";
  if (!hides_other_interfaces(ignore->value())) {
    evidence += ", and ARP for it is answered: " + shown(*ignore, vip.interface, kArpIgnore);
    command += " " + setting_of(vip.interface, kArpIgnore).name + "=1";
  }
  if (announce->value() != kAnnounceBest) {
    evidence += ", and ARP requests name it: " + shown(*announce, vip.interface, kArpAnnounce);
    command += " " + setting_of(vip.interface, kArpAnnounce).name + "=2";
  }
  if (evidence.empty()) return {};
  return {{{where + evidence, command}}, {}};
}

/// `key`: where a VIP stands on a node that is not its master.
Examination judge_place(const DoctorFacts& facts, const VipName& name, const Vip& vip,
                        const AddressKey& key) {
  const std::string where = name + ": " + vip.address.address().to_string() + " is on " +
                            key.interface.str() + " of " + facts.node + ", which is " +
                            std::string(to_string(facts.roles.at(name).role));
  if (key.interface == vip.interface)
    return {
        {{where, "ip address delete " + key.prefix.to_string() + " dev " + key.interface.str()}},
        {}};
  // IPv6 never answers for an address of another interface (net/ipv6/ndisc.c, ndisc_recv_ns()).
  if (vip.address.address().family() != AddressFamily::kIpv4) return {};
  return judge_parked(facts.kernel->kernel, vip, where);
}

/// Values that the document and its bypass schemes hold for single interfaces.
std::map<std::string, std::string> held_sysctls(const Document& document) {
  std::map<std::string, std::string> held = document.sysctls;
  for (const auto& [name, vip] : document.vips) held.merge(bypass_sysctls(document, vip));
  return held;
}

/// Whether a master with this arp_ignore does not answer for its VIP: 8 answers for nothing, 2 only
/// whom the address's own network has (net/ipv4/arp.c, arp_ignore()).
bool silences_master(int arp_ignore, const Document& document, const InterfaceName& interface) {
  return std::ranges::any_of(document.vips, [&](const auto& entry) {
    const Vip& vip = entry.second;
    return vip.interface == interface && vip.address.address().family() == AddressFamily::kIpv4 &&
           (arp_ignore == 8 || (arp_ignore == 2 && vip.address.length() == 32));
  });
}

Examination judge_override(const DoctorFacts& facts, const InterfaceName& interface,
                           std::string_view name, const std::map<std::string, std::string>& held) {
  const auto maximum = maximum_of(facts.kernel->kernel, interface, name);
  if (!maximum) return {{}, {unreadable(interface, name)}};
  const auto wanted = held.find(setting_of(interface, name).name);
  int best = maximum->own;
  std::string harm = "a master does not answer for its VIP";
  if (wanted != held.end()) {
    const std::string& text = wanted->second;
    std::from_chars(text.data(), text.data() + text.size(), best);
    harm = "the document holds " + interface.str() + " at " + text;
  } else if (name != kArpIgnore || !silences_master(maximum->value(), *facts.document, interface)) {
    return {};
  }
  if (maximum->all <= best) return {};
  return {{{shown(*maximum, interface, name) + "; " + harm,
            setting_command(setting_of(all_interfaces(), name), best)}},
          {}};
}

}  // namespace

Examination arp_of_backup(const DoctorFacts& facts) {
  if (!facts.kernel) return {{}, {facts.kernel.error().message}};
  Examination examination;
  for (const auto& [name, vip] : facts.document->vips) {
    if (facts.roles.at(name).role == Role::kMaster) continue;
    for (const auto& [key, config] : facts.kernel->kernel.addresses)
      if (key.prefix.address() == vip.address.address())
        add(examination, judge_place(facts, name, vip, key));
  }
  return examination;
}

Examination all_overrides(const DoctorFacts& facts) {
  if (!facts.kernel) return {{}, {facts.kernel.error().message}};
  const auto held = held_sysctls(*facts.document);
  Examination examination;
  for (const InterfaceName& interface : vip_interfaces(*facts.document))
    for (const std::string_view name : kMaximumSettings)
      add(examination, judge_override(facts, interface, name, held));
  return examination;
}

}  // namespace twobox::doctor
