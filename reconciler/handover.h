// Whether the peers have given up what this node is to take over, told from what the wire says.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <vector>

#include "reconciler/moment.h"
#include "schema/document.h"
#include "schema/net.h"

namespace twobox {

/// A VIP that a new master and its peers can ask each other about; all addresses are of one family.
struct HandoverQuestion {
  InterfaceName interface;
  IpAddress vip;
  IpAddress own;
  std::set<IpAddress> peers;
  friend bool operator==(const HandoverQuestion&, const HandoverQuestion&) = default;
};

/// One of `vips` is enough: whoever gives up any has its bypass on. nullopt: of none of them all
/// nodes have an address in its family.
std::optional<HandoverQuestion> handover_question(const Document& document, const NodeName& node,
                                                  const std::set<VipName>& vips);

/// Each round asks for the VIP, and then for each peer's own address. A peer answers in this order,
/// so one that has answered for itself and not for the VIP has given it up. To be asked again and
/// again until is_over(). Pure: the caller owns the clock and the wire.
class Handover {
 public:
  /// Between the end of a round and the next.
  static constexpr std::chrono::milliseconds kPause{10};
  /// Who does not answer for so long is not there: a kernel answers by itself, however busy its
  /// programs are.
  static constexpr std::chrono::milliseconds kPatience{200};

  explicit Handover(HandoverQuestion question) : question_(std::move(question)) {}

  /// What is to be asked now, in this order; nothing while answers are awaited.
  std::vector<IpAddress> ask(SteadyTime now);
  /// Somebody else has answered for `address`.
  void hear(const IpAddress& address);
  /// No peer that is there holds the VIP.
  bool is_over(SteadyTime now) const;
  /// When to ask again, or to stop waiting for answers.
  SteadyTime next() const;

  const HandoverQuestion& question() const { return question_; }

 private:
  bool all_have_answered() const { return answered_ == question_.peers; }

  HandoverQuestion question_;
  std::optional<SteadyTime> asked_;  // when this round began
  bool claimed_ = false;             // in this round, by any peer
  std::set<IpAddress> answered_;     // peers, in this round
};

}  // namespace twobox
