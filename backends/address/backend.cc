#include "backends/address/backend.h"

#include <linux/netlink.h>
#include <netlink/msg.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <string>

namespace twobox {
namespace {

using address::AddressRecord;
using address::IfPresent;
using address::LinkRecord;
using netlink::MessageHandle;
using netlink::MessageView;

std::string text_of(const AddressKey& key) {
  return key.prefix.to_string() + " on " + key.interface.str();
}

Error no_such_interface(const InterfaceName& name) {
  return {ErrorKind::kUnavailable, ENODEV, "interface " + name.str() + " does not exist"};
}

bool is_errno(const Status& status, int errno_value) {
  return !status && status.error().errno_value == errno_value;
}

/// The kernel's refusal with what to do about it.
Error explained(Error error, const AddressKey& key) {
  switch (error.errno_value) {
    case ENODEV:  // the interface went away between our asking for its index and the change
      return no_such_interface(key.interface);
    case EPERM:
      error.kind = ErrorKind::kUnavailable;
      error.message += "; CAP_NET_ADMIN is needed";
      break;
    case EACCES:  // net/ipv6/addrconf.c, addrconf_add_dev
      error.message += "; IPv6 is off there: run: sysctl -w net/ipv6/conf/" + key.interface.str() +
                       "/disable_ipv6=0";
      break;
    default:
      break;
  }
  return error;
}

Status failed(const Error& error, const char* doing, const AddressKey& key) {
  return with_context(explained(error, key), doing + (" " + text_of(key)));
}

auto find_record(const std::vector<AddressRecord>& records, std::uint32_t index,
                 const IpPrefix& prefix) {
  return std::ranges::find_if(records, [&](const AddressRecord& record) {
    return record.interface_index == index && record.prefix == prefix;
  });
}

// The kernel's own rule is "all or the interface". (include/linux/inetdevice.h, IN_DEV_ORCONF)
bool promotes_secondaries(const LinkRecord& link) {
  const SettingsByInterface settings{{link.name, link.settings}};
  std::string interface = link.name.str();
  std::ranges::replace(interface, '.', '/');  // sysctl(8)'s spelling of a dot inside a part
  const SysctlKey key{"net.ipv4.conf." + interface + ".promote_secondaries"};
  if (find_setting(settings, key).value_or("0") != "0") return true;
  std::ifstream all("/proc/sys/net/ipv4/conf/all/promote_secondaries");
  int value = 0;
  return all >> value && value != 0;
}

// Deleting a subnet's primary address deletes its secondary ones: with a VIP of the node's own
// subnet that was added first, the node would lose its own address.
Status check_deletion(const AddressRecord& doomed, const std::vector<AddressRecord>& all,
                      const LinkRecord& link) {
  std::string lost;
  for (const AddressRecord& other : all)
    if (address::falls_with(other, doomed)) lost += " " + other.prefix.to_string();
  if (lost.empty() || promotes_secondaries(link)) return success();
  return Error{ErrorKind::kUnavailable, EBUSY,
               "it is the primary address of its subnet, so the kernel would delete" + lost +
                   " with it; run: sysctl -w net/ipv4/conf/" + link.name.str() +
                   "/promote_secondaries=1"};
}

}  // namespace

Result<AddressBackend> AddressBackend::open() {
  auto socket = netlink::Socket::open(NETLINK_ROUTE);
  if (!socket) return socket.error();
  return AddressBackend(std::move(*socket));
}

Status AddressBackend::observe(KernelState& kernel, std::map<InterfaceName, Link>& links,
                               SettingsByInterface& settings) {
  const auto found_links = list_links();
  if (!found_links) return with_context(found_links.error(), "list interfaces");
  const auto found_addresses = list_addresses();
  if (!found_addresses) return with_context(found_addresses.error(), "list addresses");

  links.clear();
  settings.clear();
  kernel.addresses.clear();
  std::map<std::uint32_t, InterfaceName> names;
  for (const LinkRecord& record : *found_links) {
    names.emplace(record.link.index, record.name);
    links.emplace(record.name, record.link);
    settings.emplace(record.name, record.settings);
  }
  // An interface made since the links were listed is left to the next pass; its event wakes one.
  for (const AddressRecord& record : *found_addresses)
    if (const auto name = names.find(record.interface_index); name != names.end())
      kernel.addresses.emplace(AddressKey{name->second, record.prefix}, record.config);
  return success();
}

std::vector<Status> AddressBackend::apply(std::span<const Change> changes) {
  std::vector<Status> outcomes;
  outcomes.reserve(changes.size());
  for (const Change& change : changes) {
    const auto* const address = std::get_if<AddressChange>(&change);
    outcomes.push_back(address != nullptr ? apply_one(*address)
                                          : Error{ErrorKind::kBug, 0, "not an address change"});
  }
  // A subnet's primary address may go once the secondary ones that go as well are gone.
  for (std::size_t at = 0; at < changes.size(); ++at)
    if (is_errno(outcomes[at], EBUSY))
      outcomes[at] = apply_one(std::get<AddressChange>(changes[at]));
  return outcomes;
}

Status AddressBackend::apply_one(const AddressChange& change) {
  const auto& [key, before, after] = change;
  const char* const doing = !after ? "delete" : before ? "update" : "add";
  const auto link = find_link(key.interface);
  if (!link) return failed(link.error(), doing, key);
  if (!*link) {
    if (!after) return success();
    return failed(no_such_interface(key.interface), doing, key);
  }
  const std::uint32_t index = (*link)->link.index;
  const Status status = !after   ? remove(key, **link)
                        : before ? edit(key, *after, index)
                                 : add(key, *after, index);
  if (!after && is_errno(status, ENODEV)) return success();
  return status ? status : failed(status.error(), doing, key);
}

Status AddressBackend::add(const AddressKey& key, const AddressConfig& config,
                           std::uint32_t index) {
  const MessageHandle message = address::encode_add_address(key, config, index, IfPresent::kFail);
  const Status added = socket_.request(nlmsg_hdr(message.get()));
  return is_errno(added, EEXIST) ? edit(key, config, index) : added;
}

Status AddressBackend::edit(const AddressKey& key, const AddressConfig& config,
                            std::uint32_t index) {
  if (key.prefix.address().family() == AddressFamily::kIpv6) {
    const Status cleared = make_replaceable(key, index);
    if (!cleared) return cleared;
  }
  return send(address::encode_add_address(key, config, index, IfPresent::kReplace));
}

Status AddressBackend::make_replaceable(const AddressKey& key, std::uint32_t index) {
  const auto records = list_addresses();
  if (!records) return records.error();
  const auto record = std::ranges::find_if(*records, [&](const AddressRecord& one) {
    return one.interface_index == index && one.prefix.address() == key.prefix.address();
  });
  if (record == records->end()) return success();
  // IPv6 holds an address once per interface, whatever its prefix, and replacing would silently
  // keep the old prefix. (net/ipv6/addrconf.c, inet6_rtm_newaddr finds it by address alone)
  if (record->prefix != key.prefix)
    return Error{ErrorKind::kKernelRefused, EEXIST,
                 "the interface has it as " + record->prefix.to_string() + "; delete that first"};
  // Replacing leaves IFA_F_DADFAILED on. (net/ipv6/addrconf.c, inet6_addr_modify)
  return record->config.dad_failed ? send_deletion(*record) : success();
}

Status AddressBackend::remove(const AddressKey& key, const LinkRecord& link) {
  const IpAddress& own = key.prefix.address();
  const AddressRecord plain{link.link.index, key.prefix, own, AddressConfig{}, false};
  // A subnet of one address has no secondary ones: no need to look first.
  if (key.prefix == IpPrefix::host(own)) {
    const Status deleted = send(address::encode_delete_address(plain));
    if (!is_errno(deleted, EADDRNOTAVAIL)) return deleted;
  }
  // The deletion must name the peer that the address has, if somebody gave it one.
  const auto records = list_addresses();
  if (!records) return records.error();
  const auto record = find_record(*records, plain.interface_index, key.prefix);
  if (record == records->end()) return success();
  const Status safe = check_deletion(*record, *records, link);
  return safe ? send_deletion(*record) : safe;
}

Status AddressBackend::send(const MessageHandle& message) {
  return socket_.request(nlmsg_hdr(message.get()));
}

Status AddressBackend::send_deletion(const AddressRecord& record) {
  const Status deleted = send(address::encode_delete_address(record));
  // Gone since we looked: somebody else's deletion is as good as ours.
  return is_errno(deleted, EADDRNOTAVAIL) ? success() : deleted;
}

Result<std::optional<LinkRecord>> AddressBackend::find_link(const InterfaceName& name) {
  std::optional<LinkRecord> found;
  const MessageHandle message = address::encode_find_link(name);
  const Status status = socket_.request(nlmsg_hdr(message.get()), [&](MessageView view) -> Status {
    auto record = address::decode_link(view);
    if (!record) return record.error();
    found = std::move(*record);
    return success();
  });
  if (is_errno(status, ENODEV)) return std::optional<LinkRecord>();
  if (!status) return status.error();
  // The kernel also finds a link by an alternative name; documents mean the name itself.
  if (found && found->name != name) found.reset();
  return found;
}

Result<std::vector<LinkRecord>> AddressBackend::list_links() {
  std::vector<LinkRecord> records;
  const MessageHandle message = address::encode_list_links();
  const Status status = socket_.dump(
      nlmsg_hdr(message.get()), [&] { records.clear(); },
      [&](MessageView view) -> Status {
        auto record = address::decode_link(view);
        if (!record) return record.error();
        if (*record) records.push_back(std::move(**record));
        return success();
      });
  if (!status) return status.error();
  return records;
}

Result<std::vector<AddressRecord>> AddressBackend::list_addresses() {
  std::vector<AddressRecord> records;
  const MessageHandle message = address::encode_list_addresses();
  const Status status = socket_.dump(
      nlmsg_hdr(message.get()), [&] { records.clear(); },
      [&](MessageView view) -> Status {
        const auto record = address::decode_address(view);
        if (!record) return record.error();
        if (*record) records.push_back(**record);
        return success();
      });
  if (!status) return status.error();
  return records;
}

}  // namespace twobox
