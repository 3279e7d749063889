// The number under which the running kernel knows the generic netlink family "IPVS".
#pragma once

#include <cstdint>
#include <optional>

#include "backends/netlink/handles.h"
#include "backends/netlink/message.h"
#include "backends/netlink/socket.h"
#include "schema/error.h"

namespace twobox::ipvs {

/// The number changes when the module is loaded anew, so it is asked for again whenever the kernel
/// has told of families that came or went. Should it be used in the instant before, nobody else has
/// it: numbers are given in turn. (net/netlink/genetlink.c, genl_register_family)
/// Of the network namespace in which it was made. Not thread-safe.
class FamilyNumber {
 public:
  /// Where the kernel's news can't be heard, it is asked for each time.
  FamilyNumber();

  /// Absent when ip_vs is not loaded; asking does not load it. Error: kTransport.
  Result<std::optional<std::uint16_t>> find(netlink::Socket& socket);

  /// To be called when the kernel knows no such family: its news may be on their way still.
  void forget() { found_.reset(); }

 private:
  bool is_certain();

  netlink::FileDescriptor news_;
  std::optional<std::optional<std::uint16_t>> found_;  // absent: to be asked for
};

/// Reads one answer of the generic netlink controller: the family's number if it is "IPVS".
/// Error: kTransport (EBADMSG).
Result<std::optional<std::uint16_t>> decode_family(netlink::MessageView message);

}  // namespace twobox::ipvs
