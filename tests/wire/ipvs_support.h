// Recorded IPVS messages, and hand-made ones, for the tests of the codec.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "backends/netlink/handles.h"
#include "backends/netlink/message.h"
#include "reconciler/objects.h"

namespace twobox::ipvs_wire {

using Bytes = std::vector<std::byte>;

/// The oldest kernel we run on and a recent one; the same scene, so the same objects.
constexpr const char* kKernels[] = {"6.1", "6.12"};

/// Every message of a file of hexadecimal bytes; lines that start with '#' are comments. The
/// padding between messages is left out.
inline std::vector<Bytes> recorded(const std::string& name) {
  std::ifstream file(std::string(TWOBOX_TESTS_DIR) + "/wire/ipvs/" + name);
  REQUIRE_MESSAGE(file.is_open(), name);
  Bytes all;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    for (std::size_t at = 0; at + 1 < line.size(); at += 3)
      all.push_back(static_cast<std::byte>(std::stoul(line.substr(at, 2), nullptr, 16)));
  }
  std::vector<Bytes> messages;
  netlink::MessageView rest = all;
  while (!rest.empty()) {
    const std::size_t length = netlink::header_of(rest).nlmsg_len;
    messages.emplace_back(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(length));
    rest = rest.subspan(netlink::message_aligned(length));
  }
  return messages;
}

/// The bytes of an encoded request, which has to be there.
inline Bytes bytes_of(const Result<netlink::MessageHandle>& message) {
  REQUIRE(message.has_value());
  const auto view = netlink::bytes_of(nlmsg_hdr(message.value().get()));
  return Bytes(view.begin(), view.end());
}

/// Also for constants, hence without doctest's help.
inline IpAddress ip(std::string_view text) {
  return *IpAddress::parse(text);
}

inline IpvsServiceKey endpoint(Protocol protocol, std::string_view address, std::uint16_t port) {
  return Endpoint{ip(address), protocol, port};
}

inline IpvsServiceConfig scheduled_by(std::string_view scheduler) {
  IpvsServiceConfig config;
  config.scheduler = scheduler;
  return config;
}

}  // namespace twobox::ipvs_wire
