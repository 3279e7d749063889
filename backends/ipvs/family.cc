#include "backends/ipvs/family.h"

#include <linux/genetlink.h>
#include <linux/ip_vs.h>

#include <cerrno>
#include <cstring>

#include "backends/netlink/attributes.h"

namespace twobox::ipvs {
namespace {

Result<std::optional<std::uint16_t>> search_families(netlink::Socket& socket) {
  const netlink::MessageHandle request(nlmsg_alloc_simple(GENL_ID_CTRL, 0));
  const genlmsghdr header{.cmd = CTRL_CMD_GETFAMILY, .version = 1, .reserved = 0};
  if (!request || nlmsg_append(request.get(), const_cast<genlmsghdr*>(&header), sizeof(header),
                               NLMSG_ALIGNTO) != 0)
    return Error{ErrorKind::kBug, ENOMEM, "a request for the netlink families does not fit"};

  std::optional<std::uint16_t> found;
  const Status read = socket.dump(
      nlmsg_hdr(request.get()), [&] { found.reset(); },
      [&](netlink::MessageView message) -> Status {
        const auto number = decode_family(message);
        if (!number) return number.error();
        if (*number) found = *number;
        return success();
      });
  if (!read) return with_context(read.error(), "list the kernel's netlink families");
  return found;
}

}  // namespace

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

// The controller can be asked for one family by its name, but then it tries to load a module for a
// name it does not know. (net/netlink/genetlink.c, ctrl_getfamily)
//
// A list that a change interrupts is not flagged and can miss a family, so only two in a row count.
Result<std::optional<std::uint16_t>> find_family(netlink::Socket& socket) {
  auto found = search_families(socket);
  if (!found || *found) return found;
  return search_families(socket);
}

}  // namespace twobox::ipvs
