#include "backends/ipvs/family.h"

#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "backends/modules.h"
#include "backends/netlink/attributes.h"
#include "backends/netlink/subscription.h"

namespace twobox::ipvs {
namespace {

using Family = std::optional<std::uint16_t>;

/// A question to the controller: about the family `name`, or without one about all of them.
Result<netlink::MessageHandle> question(const char* name) {
  netlink::MessageHandle request(nlmsg_alloc_simple(GENL_ID_CTRL, 0));
  const genlmsghdr header{.cmd = CTRL_CMD_GETFAMILY, .version = 1, .reserved = 0};
  if (!request ||
      nlmsg_append(request.get(), const_cast<genlmsghdr*>(&header), sizeof(header),
                   NLMSG_ALIGNTO) != 0 ||
      (name != nullptr && nla_put_string(request.get(), CTRL_ATTR_FAMILY_NAME, name) != 0))
    return Error{ErrorKind::kBug, ENOMEM, "a request for the netlink families does not fit"};
  return request;
}

Result<Family> ask_by_name(netlink::Socket& socket) {
  auto request = question(IPVS_GENL_NAME);
  if (!request) return request.error();
  Family found;
  const Status asked =
      socket.request(nlmsg_hdr(request->get()), [&](netlink::MessageView message) -> Status {
        const auto number = decode_family(message);
        if (!number) return number.error();
        found = *number;
        return success();
      });
  if (!asked && asked.error().errno_value != ENOENT)
    return with_context(asked.error(), "ask for the kernel's netlink family IPVS");
  return found;
}

Result<Family> search_families(netlink::Socket& socket) {
  const auto request = question(nullptr);
  if (!request) return request.error();
  Family found;
  const Status read = socket.dump(
      nlmsg_hdr(request->get()), [&] { found.reset(); },
      [&](netlink::MessageView message) -> Status {
        const auto number = decode_family(message);
        if (!number) return number.error();
        if (*number) found = *number;
        return success();
      });
  if (!read) return with_context(read.error(), "list the kernel's netlink families");
  return found;
}

// The controller can be asked for one family by its name, but then it tries to load a module for a
// name it does not know. (net/netlink/genetlink.c, ctrl_getfamily) So it is asked for what is
// there: a tenth of what the list of all families takes.
//
// A list that a change interrupts is not flagged and can miss a family, so only two in a row count.
Result<Family> find_family(netlink::Socket& socket) {
  if (is_certainly_loaded("ip_vs"))
    if (auto found = ask_by_name(socket); !found || *found) return found;
  auto found = search_families(socket);
  if (!found || *found) return found;
  return search_families(socket);
}

/// False only if surely nothing was sent to it since the last call.
bool may_have_heard(int fd) {
  bool heard = false;
  for (std::byte nothing{};;) {
    if (::recv(fd, &nothing, sizeof(nothing), MSG_DONTWAIT) >= 0 || errno == ENOBUFS)
      heard = true;
    else if (errno != EINTR)
      return heard || errno != EAGAIN;
  }
}

}  // namespace

FamilyNumber::FamilyNumber() {
  if (auto news = netlink::subscribe(NETLINK_GENERIC, {netlink::kFamiliesGroup}))
    news_ = *std::move(news);
}

bool FamilyNumber::is_certain() {
  return news_.is_open() && !may_have_heard(news_.get()) && found_;
}

Result<Family> FamilyNumber::find(netlink::Socket& socket) {
  if (is_certain()) return *found_;
  found_.reset();
  auto found = find_family(socket);
  if (found) found_ = *found;
  return found;
}

Result<std::optional<std::uint16_t>> decode_family(netlink::MessageView message) {
  const auto payload = netlink::attributes_of(message, GENL_HDRLEN);
  if (!payload) return payload.error();
  const auto table = netlink::AttributeTable::parse(*payload, CTRL_ATTR_FAMILY_NAME);
  if (!table) return table.error();
  const auto name = (*table)[CTRL_ATTR_FAMILY_NAME].as_text();
  if (!name) return name.error();
  if (*name != IPVS_GENL_NAME) return std::optional<std::uint16_t>();
  const auto number = (*table)[CTRL_ATTR_FAMILY_ID].as<std::uint16_t>();
  if (!number) return number.error();
  return std::optional(*number);
}

}  // namespace twobox::ipvs
