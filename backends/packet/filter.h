// Classic BPF, by which the kernel decides which frames a packet socket gets a copy of: written as
// patterns of what has to stand in a frame. Pure.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <span>
#include <vector>

namespace twobox {

/// A number in a frame, in network order, under a mask.
struct FrameField {
  std::uint32_t offset = 0;  // bytes from the Ethernet header's first
  unsigned size = 0;         // bytes: 1, 2 or 4
  std::uint32_t mask = 0xffffffff;
};

/// Holds if the field is one of the values.
struct FieldAmong {
  FrameField field;
  std::vector<std::uint32_t> values;  // 1 to kMaxFieldValues
};
/// Holds if the field is less than `limit`.
struct FieldBelow {
  FrameField field;
  std::uint32_t limit = 0;
};
/// The last jump of a test must reach behind the others: it has eight bits.
constexpr std::size_t kMaxFieldValues = 200;

/// A frame fits a pattern if all tests hold; a field that lies behind the frame's end refuses the
/// frame for every pattern.
struct FramePattern {
  std::vector<FieldAmong> among;
  std::vector<FieldBelow> below;
};

/// A pattern's first tests: an Ethernet frame, sent to this machine, that holds IPv4 without
/// options and no later fragment, or IPv6.
FramePattern ipv4_frame();
FramePattern ipv6_frame();

/// Where their IP header stands.
namespace frame_offset {
constexpr std::uint32_t kIp = 14;
}

/// The program that takes a frame that fits any of the patterns, up to its first `bytes`.
std::vector<sock_filter> compile_filter(std::span<const FramePattern> patterns,
                                        std::uint32_t bytes);

}  // namespace twobox
