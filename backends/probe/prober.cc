#include "backends/probe/prober.h"

#include <net/if.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <utility>

namespace twobox {
namespace {

/// As much of a frame as read_echo() looks at, with room to spare.
constexpr std::uint32_t kEchoBytes = 256;
/// More than come at once; what is left waits for the next call.
constexpr std::size_t kFramesPerDrain = 1024;

constexpr std::uint16_t kNoNumber = 0xffff;

std::uint16_t following(std::uint16_t number) {
  const auto next = static_cast<std::uint16_t>(number + 1);
  return next == kNoNumber ? std::uint16_t{0} : next;
}

ProbeResult result_of(ProbeSign sign) {
  switch (sign) {
    case ProbeSign::kRefusal:
      return ProbeResult::kRefused;
    case ProbeSign::kUnreachable:
      return ProbeResult::kUnreachable;
    case ProbeSign::kTimeExceeded:
      return ProbeResult::kTimeExceeded;
    case ProbeSign::kAnswer:
    case ProbeSign::kProbeItself:
      break;
  }
  return ProbeResult::kAnswered;
}

}  // namespace

Prober::Prober(PacketSocket socket, std::uint16_t tag, std::uint16_t first)
    : socket_(std::move(socket)), tag_(tag), next_number_(first) {}

Result<Prober> Prober::open() {
  auto socket = PacketSocket::open();
  if (!socket) return socket.error();
  // Two probers on one machine tell theirs apart by the tag. Counting on from anywhere keeps clear
  // of ports that an earlier one has just used: IPVS remembers those.
  std::random_device random;
  const auto tag = static_cast<std::uint16_t>(random());
  const auto first = static_cast<std::uint16_t>(random() % kNoNumber);
  const auto patterns = echo_patterns(tag);
  if (const Status set = socket->set_filter(compile_filter(patterns, kEchoBytes)); !set)
    return set.error();
  return Prober(*std::move(socket), tag, first);
}

std::optional<SteadyTime> Prober::next() const {
  std::optional<SteadyTime> due;
  for (const auto& [number, probe] : probes_)
    due = due ? std::min(*due, probe.deadline) : probe.deadline;
  return due;
}

Status Prober::begin(std::uint64_t id, const ProbeTarget& target, SteadyTime deadline) {
  // The ports repeat after so many numbers, and two at once must not share one.
  if (probes_.size() >= kMaxProbes)
    return Error{ErrorKind::kUnavailable, 0, "too many probes are under way"};
  const unsigned index = ::if_nametoindex(target.interface.str().c_str());
  if (index == 0)
    return Error{ErrorKind::kUnavailable, ENODEV,
                 "probe by " + target.interface.str() + ": the interface does not exist"};
  while (probes_.contains(next_number_)) next_number_ = following(next_number_);
  const std::uint16_t number = std::exchange(next_number_, following(next_number_));
  const auto interface_index = static_cast<int>(index);
  if (const Status sent = socket_.send(encode_probe(target, {tag_, number}), interface_index);
      !sent)
    return with_context(sent.error(), "probe by " + target.interface.str());
  probes_.emplace(number, Probe{id, target, interface_index, deadline, {}});
  return success();
}

std::vector<Prober::Ended> Prober::drain(SteadyTime now) {
  std::vector<Ended> ended;
  socket_.receive(kFramesPerDrain, [&](FrameBytes bytes, int index) { hear(bytes, index, ended); });
  std::vector<std::uint16_t> late;
  for (const auto& [number, probe] : probes_)
    if (probe.deadline <= now) late.push_back(number);
  for (const std::uint16_t number : late) {
    ProbeOutcome& outcome = probes_.at(number).outcome;
    outcome.result = outcome.returns.empty() ? ProbeResult::kTimedOut : ProbeResult::kCameBack;
    end(number, ended);
  }
  return ended;
}

void Prober::hear(FrameBytes bytes, int interface_index, std::vector<Ended>& ended) {
  const auto frame = read_frame(bytes);
  const auto echo = frame ? read_echo(*frame) : std::nullopt;
  if (!echo || echo->cookie.tag != tag_) return;
  const auto found = probes_.find(echo->cookie.number);
  if (found == probes_.end()) return;
  Probe& probe = found->second;
  // A frame shows on each device it goes through, such as a bridge and its port.
  if (probe.interface_index != interface_index || echo->asked != probe.target.destination ||
      echo->port != probe.target.port)
    return;
  if (echo->sign == ProbeSign::kProbeItself) {
    if (probe.outcome.returns.size() < kMaxReturns)
      probe.outcome.returns.push_back({echo->from, echo->ttl});
    return;
  }
  probe.outcome.result = result_of(echo->sign);
  probe.outcome.from = echo->from;
  probe.outcome.ttl = echo->ttl;
  // Lest the other side waits for a minute. It has seen the probe, so there is a way to it.
  if (echo->sign == ProbeSign::kAnswer)
    static_cast<void>(socket_.send(encode_reset(probe.target, echo->cookie), interface_index));
  end(echo->cookie.number, ended);
}

void Prober::end(std::uint16_t number, std::vector<Ended>& ended) {
  const auto node = probes_.extract(number);
  ended.push_back({node.mapped().id, node.mapped().outcome});
}

}  // namespace twobox
