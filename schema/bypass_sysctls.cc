#include "schema/bypass_sysctls.h"

#include <algorithm>

namespace twobox {

std::string interface_sysctls(const InterfaceName& interface) {
  std::string name = interface.str();
  std::ranges::replace(name, '.', '/');
  return "net.ipv4.conf." + name + ".";
}

bool is_parked_on_loopback(const Document& document, const Vip& vip) {
  return vip.bypass == Bypass::kMacMark || vip.bypass == Bypass::kBackupOnly ||
         (vip.bypass == Bypass::kRedirect && document.sync);
}

std::map<std::string, std::string> bypass_sysctls(const Document& document, const Vip& vip) {
  std::map<std::string, std::string> sysctls;
  // Without these two a backup would tell the wire that the VIP on its lo is here. IPv6 never
  // answers for an address of another interface (net/ipv6/ndisc.c, ndisc_recv_ns).
  if (is_parked_on_loopback(document, vip) &&
      vip.address.address().family() == AddressFamily::kIpv4) {
    sysctls[interface_sysctls(vip.interface) + "arp_announce"] = "2";
    sysctls[interface_sysctls(vip.interface) + "arp_ignore"] = "1";
  }
  if (vip.bypass == Bypass::kBackupOnly) sysctls[kBackupOnlySysctl] = "1";
  return sysctls;
}

}  // namespace twobox
