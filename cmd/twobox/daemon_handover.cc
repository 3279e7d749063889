// How the daemon takes a VIP over from peers that may hold it still; see Promotions.
#include "twobox/daemon.h"
#include "twobox/log.h"

namespace twobox {
namespace {

Result<HandoverWatch> watch_peers(const std::optional<HandoverQuestion>& question,
                                  const std::map<InterfaceName, Link>& links) {
  if (!question)
    return Error{ErrorKind::kUnavailable, 0, "not all nodes have an address of the VIP's family"};
  const auto link = links.find(question->interface);
  if (link == links.end() || !link->second.mac)
    return Error{ErrorKind::kUnavailable, 0,
                 question->interface.str() + " is missing or has no Ethernet address"};
  return HandoverWatch::open(
      *question, {static_cast<int>(link->second.index), *link->second.mac, question->own});
}

void complain_of_holders(const std::set<VipName>& awaited, const VipRoles& decided) {
  for (const VipName& name : awaited)
    if (decided.contains(name) && decided.at(name).role == Role::kMaster)
      log(LogLevel::kWarning,
          "vip " + name + " is taken over, though a peer answers for it: is its document another?");
}

}  // namespace

/// Where nobody can be asked nothing is waited for.
Roles Daemon::roles_to_act_on(const Standpoint& standpoint) {
  const Document& document = *document_->document;
  const std::set<VipName> awaited = promotions_.taking_over();
  Roles roles = promotions_.act_on(document, standpoint.roles, now().steady);
  if (promotions_.taking_over().empty()) {
    complain_of_holders(awaited, standpoint.roles);
    handover_.reset();
  } else if (!handover_ && !begin_handover(standpoint.node)) {
    promotions_.peers_gave_way();
    roles = promotions_.act_on(document, standpoint.roles, now().steady);
  }
  recorder_.awaits_peers(handover_.has_value());
  return roles;
}

bool Daemon::begin_handover(const NodeName& node) {
  const auto question = handover_question(*document_->document, node, promotions_.taking_over());
  auto watch =
      watch_peers(question, seen_.state ? seen_.state->links : std::map<InterfaceName, Link>());
  if (!watch) {
    log(LogLevel::kWarning, "becomes master without asking its peers: " + watch.error().message);
    return false;
  }
  handover_.emplace(*std::move(watch));
  return true;
}

/// True if the peers have given way, or can't be asked any more.
bool Daemon::hear_handover() {
  if (!handover_) return false;
  const auto over = handover_->proceed(now().steady);
  if (!over) log(LogLevel::kWarning, "ask the peers for the VIP: " + over.error().message);
  if (over && !*over) return false;
  promotions_.peers_gave_way();
  handover_.reset();
  return true;
}

}  // namespace twobox
