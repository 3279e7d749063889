// Where the parts of an endpoint stand in a packet and in the registers a set is searched with. The
// same table serves writing and reading.
#pragma once

#include <netinet/in.h>
// <netinet/in.h> must come first: netfilter.h uses its types without including it.
#include <linux/netfilter.h>

#include <cstdint>

#include "backends/nftables/registers.h"
#include "schema/net.h"

namespace twobox::nftables {

/// A slice of a packet's header.
struct HeaderField {
  std::uint32_t base = 0;  // NFT_PAYLOAD_*
  std::uint32_t offset = 0;
  std::uint32_t length = 0;
};

constexpr HeaderField kEtherSource = {NFT_PAYLOAD_LL_HEADER, 6, 6};
// All three transports of ours begin with source and destination port.
constexpr HeaderField kDestinationPort = {NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2};
// IP's version, with four bits of another field.
constexpr HeaderField kVersion = {NFT_PAYLOAD_NETWORK_HEADER, 0, 1};
constexpr HeaderField kTcpFlags = {NFT_PAYLOAD_TRANSPORT_HEADER, 13, 1};
constexpr std::uint8_t kTcpSyn = 0x02;
constexpr std::uint8_t kTcpFinSynRstAck = 0x17;

/// How the destination of one family is laid out: address, protocol and port, one behind the other.
struct EndpointKey {
  AddressFamily family = AddressFamily::kIpv4;
  std::uint8_t nfproto = 0;
  HeaderField address;
  HeaderField protocol;  // IPv6: the first next header
  Register protocol_at;
  Register port_at;
  std::uint8_t first_version = 0;  // of the bytes at kVersion
  std::uint8_t last_version = 0;
};
constexpr Register kFirstRegister = {0};  // takes the address, and everything that stands alone
constexpr EndpointKey kEndpointKeys[] = {
    {AddressFamily::kIpv4,
     NFPROTO_IPV4,
     {NFT_PAYLOAD_NETWORK_HEADER, 16, 4},
     {NFT_PAYLOAD_NETWORK_HEADER, 9, 1},
     {1},
     {2},
     0x40,
     0x4f},
    {AddressFamily::kIpv6,
     NFPROTO_IPV6,
     {NFT_PAYLOAD_NETWORK_HEADER, 24, 16},
     {NFT_PAYLOAD_NETWORK_HEADER, 6, 1},
     {4},
     {5},
     0x60,
     0x6f},
};

constexpr const EndpointKey& endpoint_key(AddressFamily family) {
  return kEndpointKeys[family == AddressFamily::kIpv4 ? 0 : 1];
}
static_assert(endpoint_key(AddressFamily::kIpv6).family == AddressFamily::kIpv6);

}  // namespace twobox::nftables
