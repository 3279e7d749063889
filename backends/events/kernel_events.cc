#include "backends/events/kernel_events.h"

#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>

#include "backends/netlink/attributes.h"
#include "backends/netlink/socket.h"
#include "backends/netlink/subscription.h"
#include "reconciler/objects.h"

namespace twobox {
namespace {

using netlink::MessageView;

// Keeps one call short while somebody floods us.
constexpr int kDatagramsAtOnce = 1000;

void note_route_message(std::uint16_t type, KernelWake& wake) {
  switch (type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
    case RTM_NEWADDR:
    case RTM_DELADDR:
      wake.links_or_addresses = true;
      break;
    case RTM_NEWNETCONF:
    case RTM_DELNETCONF:
      wake.interface_settings = true;
      break;
    default:
      break;
  }
}

// False only for what is surely about another table. Every message but the generation's names its
// table in attribute 1, and each object that `nft flush ruleset` deletes has a message of its own.
// (net/netfilter/nf_tables_api.c)
bool is_about_our_table(MessageView message, std::uint16_t type) {
  constexpr std::uint16_t kTable = 1;
  static_assert(
      kTable == std::uint16_t{NFTA_TABLE_NAME} && kTable == std::uint16_t{NFTA_CHAIN_TABLE} &&
      kTable == std::uint16_t{NFTA_RULE_TABLE} && kTable == std::uint16_t{NFTA_SET_TABLE} &&
      kTable == std::uint16_t{NFTA_SET_ELEM_LIST_TABLE} &&
      kTable == std::uint16_t{NFTA_OBJ_TABLE} && kTable == std::uint16_t{NFTA_FLOWTABLE_TABLE});
  if (NFNL_SUBSYS_ID(type) != NFNL_SUBSYS_NFTABLES) return true;
  if (NFNL_MSG_TYPE(type) == NFT_MSG_NEWGEN) return false;
  const auto payload = netlink::attributes_of(message, sizeof(nfgenmsg));
  if (!payload) return true;
  nfgenmsg header{};
  std::memcpy(&header, message.data() + NLMSG_HDRLEN, sizeof(header));
  const auto attributes = netlink::AttributeTable::parse(*payload, kTable);
  if (!attributes) return true;
  const auto table = (*attributes)[kTable].as_text();
  return !table || (header.nfgen_family == NFPROTO_INET && *table == kNftTableName);
}

/// A family comes and goes with its module. (net/netlink/genetlink.c, genl_ctrl_event)
bool is_about_ipvs_module(MessageView message) {
  const auto payload = netlink::attributes_of(message, GENL_HDRLEN);
  if (!payload) return true;
  const auto attributes = netlink::AttributeTable::parse(*payload, CTRL_ATTR_MAX);
  if (!attributes) return true;
  const auto name = (*attributes)[CTRL_ATTR_FAMILY_NAME].as_text();
  return !name || *name == IPVS_GENL_NAME;
}

/// Of other tables only what may drop: chains and rules.
void note_netfilter_message(MessageView message, std::uint16_t type, KernelWake& wake) {
  if (is_about_our_table(message, type)) {
    wake.nftables = true;
    return;
  }
  const int kind = NFNL_MSG_TYPE(type);
  for (const int drops : {NFT_MSG_NEWCHAIN, NFT_MSG_DELCHAIN, NFT_MSG_NEWRULE, NFT_MSG_DELRULE})
    if (kind == drops) wake.other_tables = true;
}

}  // namespace

Result<KernelEvents> KernelEvents::open(const OwnPorts& own) {
  std::vector<Source> sources;
  auto route =
      netlink::subscribe(NETLINK_ROUTE, {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
                                         RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF});
  if (!route) return route.error();
  sources.push_back({std::move(*route), NETLINK_ROUTE, own.route});

  auto netfilter = netlink::subscribe(NETLINK_NETFILTER, {NFNLGRP_NFTABLES});
  if (netfilter)
    sources.push_back({std::move(*netfilter), NETLINK_NETFILTER, own.netfilter});
  else if (netfilter.error().errno_value != EPROTONOSUPPORT)
    return netfilter.error();
  auto generic = netlink::subscribe(NETLINK_GENERIC, {netlink::kFamiliesGroup});
  if (!generic) return generic.error();
  sources.push_back({std::move(*generic), NETLINK_GENERIC, {}});
  return KernelEvents(std::move(sources));
}

std::vector<int> KernelEvents::fds() const {
  std::vector<int> fds;
  for (const Source& source : sources_) fds.push_back(source.socket.get());
  return fds;
}

KernelWake KernelEvents::drain() {
  KernelWake wake;
  for (const Source& source : sources_) drain(source, wake);
  return wake;
}

void KernelEvents::drain(const Source& source, KernelWake& wake) {
  for (int datagram = 0; datagram < kDatagramsAtOnce; ++datagram) {
    const ssize_t count =
        ::recv(source.socket.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT | MSG_TRUNC);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    // ENOBUFS: the kernel threw messages away. Any other failure has lost them just as well.
    if (count < 0 || static_cast<std::size_t>(count) > buffer_.size()) {
      wake.overrun = true;
      continue;
    }
    read_datagram(source, std::span(buffer_).first(static_cast<std::size_t>(count)), wake);
  }
}

void KernelEvents::read_datagram(const Source& source, MessageView rest, KernelWake& wake) {
  while (rest.size() >= sizeof(nlmsghdr)) {
    const nlmsghdr header = netlink::header_of(rest);
    if (header.nlmsg_len < sizeof(nlmsghdr) || header.nlmsg_len > rest.size()) {
      wake.overrun = true;
      return;
    }
    const MessageView message = rest.first(header.nlmsg_len);
    rest = rest.subspan(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), rest.size()));
    // A notification carries the port of whoever asked for the change; 0 is the kernel itself.
    if (header.nlmsg_pid == source.own_port) continue;
    if (source.protocol == NETLINK_ROUTE)
      note_route_message(header.nlmsg_type, wake);
    else if (source.protocol == NETLINK_NETFILTER)
      note_netfilter_message(message, header.nlmsg_type, wake);
    else if (is_about_ipvs_module(message))
      wake.ipvs_module = true;
  }
}

}  // namespace twobox
