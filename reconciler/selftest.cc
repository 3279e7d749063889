#include "reconciler/selftest.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "reconciler/fields_json.h"

namespace twobox {
namespace {

using Json = nlohmann::ordered_json;

std::string endpoint_of(const SelftestSubject& subject) {
  return endpoint_text(subject.address, subject.port.host_order());
}

/// Judges the outcome of one probe.
class Judge {
 public:
  Judge(const SelftestPlace& place, const SelftestSubject& subject)
      : place_(place), subject_(subject), vip_(place.document.vips.at(subject.vip)) {}

  SelftestFinding finding(const ProbeOutcome& outcome, bool listens_here) const {
    if (!outcome.returns.empty())
      return subject_.way == SelftestWay::kThroughMaster && is_one_hop(outcome.returns)
                 ? forwarded_here(listens_here)
                 : came_back(outcome.returns);
    switch (outcome.result) {
      case ProbeResult::kAnswered:
        return answered(*outcome.from);
      case ProbeResult::kRefused:
        return refused(name_of(*outcome.from));
      case ProbeResult::kTimeExceeded:
        return {subject_, SelftestVerdict::kLoop,
                "went round until its hop limit was used up, says " + name_of(*outcome.from),
                schedules_again()};
      case ProbeResult::kUnreachable:
        return {subject_, SelftestVerdict::kBlackHole, "rejected by " + name_of(*outcome.from),
                "a firewall there does not let it in"};
      case ProbeResult::kCameBack:
      case ProbeResult::kTimedOut:
        break;
    }
    return {subject_, SelftestVerdict::kBlackHole, "nobody answers", silence()};
  }

 private:
  std::string name_of(const MacAddress& mac) const {
    for (const auto& [name, node] : place_.document.nodes)
      if (std::ranges::find(node.macs, mac) != node.macs.end()) return name;
    return mac.to_string();
  }
  bool is_known(const MacAddress& mac) const { return name_of(mac) != mac.to_string(); }

  /// The master forwarded it here, and nobody else had it: a bridge may show it twice.
  bool is_one_hop(const std::vector<ProbeReturn>& returns) const {
    return std::ranges::all_of(returns, [&](const ProbeReturn& seen) {
      return seen.ttl == returns.front().ttl && name_of(seen.from) == subject_.via;
    });
  }

  SelftestFinding forwarded_here(bool listens_here) const {
    const std::string path = "forwarded to " + place_.node + ": ";
    if (listens_here)
      return {subject_, SelftestVerdict::kAnswered, path + "answered by " + place_.node, ""};
    return {subject_, SelftestVerdict::kRefused, path + "refused by " + place_.node,
            no_socket(place_.node)};
  }

  SelftestFinding came_back(const std::vector<ProbeReturn>& returns) const {
    std::string path = "came back from " + name_of(returns.front().from);
    if (returns.size() > 1) path += " " + std::to_string(returns.size()) + " times";
    if (!is_known(returns.front().from))
      return {subject_, SelftestVerdict::kUnknownMac, path, unknown_mac()};
    return {subject_, SelftestVerdict::kLoop, path, schedules_again()};
  }

  SelftestFinding answered(const MacAddress& from) const {
    const std::string name = name_of(from);
    if (!is_known(from) && vip_.bypass == Bypass::kMacMark)
      return {subject_, SelftestVerdict::kUnknownMac, "answered by " + name, unknown_mac()};
    const bool itself = name == subject_.via || !is_known(from);
    const std::string path = (itself ? "" : "forwarded to " + name + ": ") + "answered by " + name;
    if (!itself && subject_.way == SelftestWay::kAsDirector)
      return {subject_, SelftestVerdict::kLoop, path, schedules_again()};
    return {subject_, SelftestVerdict::kAnswered, path, ""};
  }

  SelftestFinding refused(const std::string& name) const {
    const bool itself = name == subject_.via;
    return {subject_, SelftestVerdict::kRefused,
            (itself ? "" : "forwarded to " + name + ": ") + "refused by " + name, no_socket(name)};
  }

  std::string no_socket(const std::string& node) const {
    return "no socket of " + node + " listens on " + endpoint_of(subject_) +
           (vip_.bypass == Bypass::kRedirect ? ", or on its own address while it is backup" : "");
  }

  std::string schedules_again() const {
    if (vip_.bypass == Bypass::kNone)
      return "the VIP has no bypass: " + subject_.via + " sends on what a director sent it";
    return subject_.via +
           " sends on what a director sent it, by IPVS or as a router: its bypass is not in place, "
           "or something defeats it; `twobox diff` and `twobox status` there say more";
  }

  std::string unknown_mac() const {
    return "no node of the document has this MAC" +
           std::string(vip_.bypass == Bypass::kMacMark
                           ? ": what it forwards is not known as a peer's, and is scheduled again"
                           : "");
  }

  std::string silence() const {
    if (subject_.way == SelftestWay::kThroughMaster)
      return "is " + subject_.via +
             " up and the master? A switch may also keep off MACs it does not know";
    return "is " + subject_.via + " up, has it the MAC of the document" +
           (vip_.bypass == Bypass::kMacMark || vip_.bypass == Bypass::kBackupOnly
                ? ", and the VIP on lo?"
                : "?");
  }

  const SelftestPlace& place_;
  const SelftestSubject& subject_;
  const Vip& vip_;
};

std::string way_text(const SelftestSubject& subject) {
  switch (subject.way) {
    case SelftestWay::kThroughMaster:
      return " via " + subject.via + ": ";
    case SelftestWay::kAsDirector:
      return " to " + subject.via + " as from its director: ";
    case SelftestWay::kHere:
      break;
  }
  return " on " + subject.via + ": ";
}

std::string verdict_text(SelftestVerdict verdict) {
  switch (verdict) {
    case SelftestVerdict::kLoop:
      return "LOOP: ";
    case SelftestVerdict::kBlackHole:
      return "BLACK HOLE: ";
    case SelftestVerdict::kRefused:
      return "REFUSED: ";
    case SelftestVerdict::kUnknownMac:
      return "UNKNOWN MAC: ";
    case SelftestVerdict::kAnswered:
      break;
  }
  return "";
}

struct Counts {
  std::size_t good = 0;
  std::size_t bad = 0;
};

Counts counts_of(const SelftestReport& report) {
  Counts counts;
  for (const auto& [finding, times] : report)
    (finding.verdict == SelftestVerdict::kAnswered ? counts.good : counts.bad) += times;
  return counts;
}

}  // namespace

std::string_view to_string(SelftestWay way) {
  switch (way) {
    case SelftestWay::kThroughMaster:
      return "through_master";
    case SelftestWay::kAsDirector:
      return "as_director";
    case SelftestWay::kHere:
      break;
  }
  return "here";
}

std::string_view to_string(SelftestVerdict verdict) {
  switch (verdict) {
    case SelftestVerdict::kLoop:
      return "loop";
    case SelftestVerdict::kBlackHole:
      return "black_hole";
    case SelftestVerdict::kRefused:
      return "refused";
    case SelftestVerdict::kUnknownMac:
      return "unknown_mac";
    case SelftestVerdict::kAnswered:
      break;
  }
  return "answered";
}

SelftestFinding judge_probe(const SelftestPlace& place, const SelftestSubject& subject,
                            const ProbeOutcome& outcome, bool listens_here) {
  return Judge(place, subject).finding(outcome, listens_here);
}

SelftestFinding judge_listener(const SelftestListener& wanted, bool listens) {
  const std::string where = endpoint_text(wanted.bound_to, wanted.port.host_order());
  if (listens)
    return {wanted.subject, SelftestVerdict::kAnswered, "a socket listens on " + where, ""};
  return {
      wanted.subject, SelftestVerdict::kRefused, "no socket listens on " + where,
      wanted.bound_to == wanted.subject.address
          ? "what a director sends keeps the VIP as its destination: bind to it, or to every address"
          : "a backup with redirect answers on its own address: bind to it, or to every address"};
}

bool is_good(const SelftestReport& report) {
  return counts_of(report).bad == 0;
}

std::string selftest_text(const NodeName& node, const SelftestReport& report) {
  std::map<SelftestSubject, std::size_t> of;
  for (const auto& [finding, times] : report) of[finding.subject] += times;
  std::string text;
  for (const auto& [finding, times] : report) {
    const SelftestSubject& subject = finding.subject;
    text += subject.vip + " " + endpoint_of(subject) + way_text(subject) + finding.path;
    if (subject.way != SelftestWay::kHere)
      text += " (" + std::to_string(times) + " of " + std::to_string(of[subject]) + ")";
    if (!finding.reason.empty()) text += ": " + verdict_text(finding.verdict) + finding.reason;
    text += "\n";
  }
  const Counts counts = counts_of(report);
  return text + "as seen from " + node + ": " + std::to_string(counts.good) + " good, " +
         std::to_string(counts.bad) + " bad\n";
}

std::string selftest_json(const NodeName& node, const SelftestReport& report) {
  Json findings = Json::array();
  for (const auto& [finding, times] : report)
    findings.push_back({{"vip", finding.subject.vip},
                        {"address", finding.subject.address.to_string()},
                        {"port", finding.subject.port.host_order()},
                        {"way", to_string(finding.subject.way)},
                        {"via", finding.subject.via},
                        {"verdict", to_string(finding.verdict)},
                        {"path", finding.path},
                        {"reason", finding.reason},
                        {"times", times}});
  const Counts counts = counts_of(report);
  return json_text(Json{{"format", 1},
                        {"node", node},
                        {"good", counts.good},
                        {"bad", counts.bad},
                        {"findings", std::move(findings)}});
}

}  // namespace twobox
