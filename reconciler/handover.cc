#include "reconciler/handover.h"

#include <algorithm>

namespace twobox {
namespace {

std::optional<IpAddress> address_of(const Node& node, AddressFamily family) {
  const auto found = std::ranges::find(node.addresses, family, &IpAddress::family);
  if (found == node.addresses.end()) return std::nullopt;
  return *found;
}

}  // namespace

std::optional<HandoverQuestion> handover_question(const Document& document, const NodeName& node,
                                                  const std::set<VipName>& vips) {
  for (const VipName& name : vips) {
    const Vip& vip = document.vips.at(name);
    const IpAddress& address = vip.address.address();
    const auto own = address_of(document.nodes.at(node), address.family());
    if (!own) continue;
    HandoverQuestion question{vip.interface, address, *own, {}};
    for (const auto& [peer, facts] : document.nodes) {
      const auto theirs = address_of(facts, address.family());
      if (peer != node && theirs) question.peers.insert(*theirs);
    }
    if (question.peers.size() + 1 == document.nodes.size()) return question;
  }
  return std::nullopt;
}

std::vector<IpAddress> Handover::ask(SteadyTime now) {
  if (asked_ && (now < next() || is_over(now))) return {};
  asked_ = now;
  claimed_ = false;
  answered_.clear();
  std::vector<IpAddress> questions = {question_.vip};
  questions.insert(questions.end(), question_.peers.begin(), question_.peers.end());
  return questions;
}

void Handover::hear(const IpAddress& address) {
  if (address == question_.vip) claimed_ = true;
  if (question_.peers.contains(address)) answered_.insert(address);
}

bool Handover::is_over(SteadyTime now) const {
  return asked_ && !claimed_ && (all_have_answered() || now >= *asked_ + kPatience);
}

SteadyTime Handover::next() const {
  if (!asked_) return SteadyTime::min();
  return *asked_ + (all_have_answered() ? kPause : kPatience);
}

}  // namespace twobox
