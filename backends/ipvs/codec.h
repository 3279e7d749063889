// IPVS objects to and from the bytes of the kernel's generic netlink family "IPVS", and from those
// of getsockopt(). Pure: no socket.
//
// What the kernel reports differently from what it was given is made equal here, and nowhere else.
// Source of all formats: include/uapi/linux/ip_vs.h; net/netfilter/ipvs/ip_vs_ctl.c.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "backends/netlink/handles.h"
#include "backends/netlink/message.h"
#include "reconciler/objects.h"
#include "schema/error.h"

struct ip_vs_dest_entry;  // linux/ip_vs.h

namespace twobox::ipvs {

/// IPVS_CMD_*. A value outside is the kernel's to refuse.
using Command = std::uint8_t;

/// Persistence::prefix_length of a service whose netmask is none: somebody else's 255.0.255.0. It
/// is above every length a document can ask for, so such a service always differs from ours.
constexpr unsigned kNotAPrefix = 255;

AddressFamily family_of(const IpvsServiceKey& key);

/// A request without attributes. The message type (the family's number, known at run time only) is
/// 0 in everything encoded here; the sender fills it in. Error: kBug (ENOMEM).
Result<netlink::MessageHandle> encode(Command command);

/// `config` is given with IPVS_CMD_NEW_SERVICE and IPVS_CMD_SET_SERVICE, absent otherwise.
/// Error: kBug for what the kernel would misunderstand: mark 0, a prefix length out of range.
Result<netlink::MessageHandle> encode(Command command, const IpvsServiceKey& key,
                                      const std::optional<IpvsServiceConfig>& config);

/// `config` is given with IPVS_CMD_NEW_DEST and IPVS_CMD_SET_DEST, absent with IPVS_CMD_DEL_DEST.
Result<netlink::MessageHandle> encode(Command command, const RealServerKey& key,
                                      const std::optional<RealServerConfig>& config);

/// `config` is given with IPVS_CMD_NEW_DAEMON. Its zeros (maximum length, unspecified group, port,
/// ttl) are left to the kernel.
Result<netlink::MessageHandle> encode(Command command, const SyncDaemonKey& key,
                                      const std::optional<SyncDaemonConfig>& config);

/// IPVS_CMD_SET_CONFIG. A timeout of 0 stays as it is.
Result<netlink::MessageHandle> encode(const IpvsTimeoutsConfig& config);

/// Each decode takes a whole message. Error: kTransport (EBADMSG) if an attribute is missing or has
/// the wrong size. Absent: an object that KernelState has no words for; twobox can't ask for such a
/// one, and creating ours in its place finds it and edits it.
template <typename Key, typename Config>
using Decoded = Result<std::optional<std::pair<Key, Config>>>;

/// Absent: a family or protocol that IPVS gains one day.
Decoded<IpvsServiceKey, IpvsServiceConfig> decode_service(netlink::MessageView message);

/// One of the answers to IPVS_CMD_GET_DEST for `service`. Absent: cache bypass, or a forwarding
/// method that IPVS gains one day.
Decoded<RealServerKey, RealServerConfig> decode_server(netlink::MessageView message,
                                                       const IpvsServiceKey& service);

/// One of the entries of IP_VS_SO_GET_DESTS for `service`, which is of IPv4; a tunnel's
/// encapsulation is not in there and stays 0. Absent: as above.
std::optional<std::pair<RealServerKey, RealServerConfig>> decode_server(
    const ip_vs_dest_entry& entry, const IpvsServiceKey& service);

/// Absent: a sync id above 255, which no other machine would understand.
Decoded<SyncDaemonKey, SyncDaemonConfig> decode_daemon(netlink::MessageView message);

/// The answer to IPVS_CMD_GET_CONFIG; 0 for a protocol the kernel was built without.
Result<IpvsTimeoutsConfig> decode_timeouts(netlink::MessageView message);

}  // namespace twobox::ipvs
