// The number that stands for a protocol in an IP header.
#pragma once

#include <array>
#include <cstdint>

#include "schema/document.h"

namespace twobox {

constexpr std::array<Protocol, 3> kEveryProtocol = {Protocol::kTcp, Protocol::kUdp,
                                                    Protocol::kSctp};

constexpr std::uint8_t ip_protocol(Protocol protocol) {
  switch (protocol) {
    case Protocol::kUdp:
      return 17;
    case Protocol::kSctp:
      return 132;
    case Protocol::kTcp:
      break;
  }
  return 6;
}

}  // namespace twobox
