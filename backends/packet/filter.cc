#include "backends/packet/filter.h"

#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include <cassert>

namespace twobox {
namespace {

constexpr auto kAncillary = static_cast<std::uint32_t>(SKF_AD_OFF);
constexpr FrameField kHardwareType{kAncillary + SKF_AD_HATYPE, 2};
constexpr FrameField kPacketType{kAncillary + SKF_AD_PKTTYPE, 1};
constexpr FrameField kEtherType{12, 2};

sock_filter statement(int code, std::uint32_t k) {
  return {static_cast<std::uint16_t>(code), 0, 0, k};
}

sock_filter jump(int comparison, std::uint32_t k, std::size_t if_true, std::size_t if_false) {
  return {static_cast<std::uint16_t>(BPF_JMP | comparison | BPF_K),
          static_cast<std::uint8_t>(if_true), static_cast<std::uint8_t>(if_false), k};
}

/// One pattern's program: falls through to what stands behind it when the frame does not fit.
class PatternCode {
 public:
  void add(const FieldAmong& test) {
    assert(!test.values.empty() && test.values.size() <= kMaxFieldValues);
    load(test.field);
    for (std::size_t i = 0; i < test.values.size(); ++i)
      code_.push_back(jump(BPF_JEQ, test.values[i], test.values.size() - i, 0));
    fail();
  }

  void add(const FieldBelow& test) {
    load(test.field);
    code_.push_back(jump(BPF_JGE, test.limit, 0, 1));
    fail();
  }

  std::vector<sock_filter> taking(std::uint32_t bytes) && {
    code_.push_back(statement(BPF_RET | BPF_K, bytes));
    for (const std::size_t at : failures_)
      code_[at].k = static_cast<std::uint32_t>(code_.size() - at - 1);
    return std::move(code_);
  }

 private:
  void load(const FrameField& field) {
    const int size = field.size == 1 ? BPF_B : field.size == 2 ? BPF_H : BPF_W;
    code_.push_back(statement(BPF_LD | BPF_ABS | size, field.offset));
    if (field.mask != 0xffffffff) code_.push_back(statement(BPF_ALU | BPF_AND | BPF_K, field.mask));
  }

  void fail() {
    failures_.push_back(code_.size());
    code_.push_back(statement(BPF_JMP | BPF_JA, 0));
  }

  std::vector<sock_filter> code_;
  std::vector<std::size_t> failures_;  // jumps to the end, which is known last
};

FramePattern frame_of(std::uint32_t ether_type) {
  return {
      {{kHardwareType, {ARPHRD_ETHER}}, {kPacketType, {PACKET_HOST}}, {kEtherType, {ether_type}}},
      {}};
}

}  // namespace

FramePattern ipv4_frame() {
  FramePattern pattern = frame_of(ETH_P_IP);
  pattern.among.push_back({{frame_offset::kIp, 1}, {0x45}});
  pattern.among.push_back({{frame_offset::kIp + 6, 2, 0x1fff}, {0}});
  return pattern;
}

FramePattern ipv6_frame() {
  return frame_of(ETH_P_IPV6);
}

std::vector<sock_filter> compile_filter(std::span<const FramePattern> patterns,
                                        std::uint32_t bytes) {
  std::vector<sock_filter> program;
  for (const FramePattern& pattern : patterns) {
    PatternCode code;
    for (const FieldBelow& test : pattern.below) code.add(test);
    for (const FieldAmong& test : pattern.among) code.add(test);
    const std::vector<sock_filter> part = std::move(code).taking(bytes);
    program.insert(program.end(), part.begin(), part.end());
  }
  program.push_back(statement(BPF_RET | BPF_K, 0));
  return program;
}

}  // namespace twobox
