#include "backends/address/settings.h"

#include <linux/ip.h>
#include <linux/ipv6.h>

#include <algorithm>
#include <span>
#include <string_view>

namespace twobox {
namespace {

struct Place {
  std::string_view name;
  std::size_t index;
};

// Every one is a plain integer, shown unchanged by both doors. (net/ipv4/devinet.c, devinet_sysctl
// and inet_fill_link_af)
constexpr Place kIpv4Places[] = {
    {"forwarding", IPV4_DEVCONF_FORWARDING - 1},
    {"mc_forwarding", IPV4_DEVCONF_MC_FORWARDING - 1},
    {"proxy_arp", IPV4_DEVCONF_PROXY_ARP - 1},
    {"accept_redirects", IPV4_DEVCONF_ACCEPT_REDIRECTS - 1},
    {"secure_redirects", IPV4_DEVCONF_SECURE_REDIRECTS - 1},
    {"send_redirects", IPV4_DEVCONF_SEND_REDIRECTS - 1},
    {"shared_media", IPV4_DEVCONF_SHARED_MEDIA - 1},
    {"rp_filter", IPV4_DEVCONF_RP_FILTER - 1},
    {"accept_source_route", IPV4_DEVCONF_ACCEPT_SOURCE_ROUTE - 1},
    {"bootp_relay", IPV4_DEVCONF_BOOTP_RELAY - 1},
    {"log_martians", IPV4_DEVCONF_LOG_MARTIANS - 1},
    {"tag", IPV4_DEVCONF_TAG - 1},
    {"arp_filter", IPV4_DEVCONF_ARPFILTER - 1},
    {"medium_id", IPV4_DEVCONF_MEDIUM_ID - 1},
    {"disable_xfrm", IPV4_DEVCONF_NOXFRM - 1},
    {"disable_policy", IPV4_DEVCONF_NOPOLICY - 1},
    {"arp_announce", IPV4_DEVCONF_ARP_ANNOUNCE - 1},
    {"arp_ignore", IPV4_DEVCONF_ARP_IGNORE - 1},
    {"promote_secondaries", IPV4_DEVCONF_PROMOTE_SECONDARIES - 1},
    {"arp_accept", IPV4_DEVCONF_ARP_ACCEPT - 1},
    {"arp_notify", IPV4_DEVCONF_ARP_NOTIFY - 1},
    {"accept_local", IPV4_DEVCONF_ACCEPT_LOCAL - 1},
    {"src_valid_mark", IPV4_DEVCONF_SRC_VMARK - 1},
    {"proxy_arp_pvlan", IPV4_DEVCONF_PROXY_ARP_PVLAN - 1},
    {"route_localnet", IPV4_DEVCONF_ROUTE_LOCALNET - 1},
    {"ignore_routes_with_linkdown", IPV4_DEVCONF_IGNORE_ROUTES_WITH_LINKDOWN - 1},
    {"drop_unicast_in_l2_multicast", IPV4_DEVCONF_DROP_UNICAST_IN_L2_MULTICAST - 1},
    {"drop_gratuitous_arp", IPV4_DEVCONF_DROP_GRATUITOUS_ARP - 1},
};

// Only those with the same unit at both doors: link messages give times in milliseconds where files
// have seconds. (net/ipv6/addrconf.c, ipv6_store_devconf)
constexpr Place kIpv6Places[] = {
    {"forwarding", DEVCONF_FORWARDING},
    {"hop_limit", DEVCONF_HOPLIMIT},
    {"accept_ra", DEVCONF_ACCEPT_RA},
    {"accept_redirects", DEVCONF_ACCEPT_REDIRECTS},
    {"autoconf", DEVCONF_AUTOCONF},
    {"dad_transmits", DEVCONF_DAD_TRANSMITS},
    {"use_tempaddr", DEVCONF_USE_TEMPADDR},
    {"max_addresses", DEVCONF_MAX_ADDRESSES},
    {"accept_ra_defrtr", DEVCONF_ACCEPT_RA_DEFRTR},
    {"accept_ra_pinfo", DEVCONF_ACCEPT_RA_PINFO},
    {"proxy_ndp", DEVCONF_PROXY_NDP},
    {"accept_source_route", DEVCONF_ACCEPT_SOURCE_ROUTE},
    {"disable_ipv6", DEVCONF_DISABLE_IPV6},
    {"accept_dad", DEVCONF_ACCEPT_DAD},
    {"force_tllao", DEVCONF_FORCE_TLLAO},
    {"ndisc_notify", DEVCONF_NDISC_NOTIFY},
    {"drop_unsolicited_na", DEVCONF_DROP_UNSOLICITED_NA},
    {"keep_addr_on_down", DEVCONF_KEEP_ADDR_ON_DOWN},
    {"enhanced_dad", DEVCONF_ENHANCED_DAD},
};

std::optional<std::string> value_at(std::span<const Place> places, std::string_view name,
                                    std::span<const std::int32_t> values) {
  const auto place = std::ranges::find(places, name, &Place::name);
  if (place == places.end() || place->index >= values.size()) return std::nullopt;
  return std::to_string(values[place->index]);
}

}  // namespace

std::optional<std::string> find_setting(const SettingsByInterface& settings, const SysctlKey& key) {
  constexpr std::string_view kIpv4 = "net.ipv4.conf.";
  constexpr std::string_view kIpv6 = "net.ipv6.conf.";
  static_assert(kIpv4.size() == kIpv6.size());

  const std::string_view whole = key.name;
  const bool is_ipv4 = whole.starts_with(kIpv4);
  if (!is_ipv4 && !whole.starts_with(kIpv6)) return std::nullopt;

  const std::string_view rest = whole.substr(kIpv4.size());
  const std::size_t dot = rest.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  std::string interface(rest.substr(0, dot));
  std::ranges::replace(interface, '/', '.');  // sysctl(8): eth0/100 is the interface eth0.100

  const auto name = InterfaceName::parse(interface);
  if (!name) return std::nullopt;
  const auto found = settings.find(*name);
  if (found == settings.end()) return std::nullopt;

  const std::string_view setting = rest.substr(dot + 1);
  return is_ipv4 ? value_at(kIpv4Places, setting, found->second.ipv4)
                 : value_at(kIpv6Places, setting, found->second.ipv6);
}

}  // namespace twobox
