// Which probes show the way of packets through a node and its peers, and what their outcomes mean.
// Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reconciler/backend.h"
#include "reconciler/probe.h"
#include "reconciler/roles.h"
#include "schema/document.h"

namespace twobox {

enum class SelftestWay : std::uint8_t {
  kThroughMaster,  // as a client's frame would come to the node that is master, or may be
  kAsDirector,     // as a frame that this node, as director, forwards to the other
  kHere,           // no frame: whether a socket of this node listens
};
std::string_view to_string(SelftestWay way);

enum class SelftestVerdict : std::uint8_t { kAnswered, kLoop, kBlackHole, kRefused, kUnknownMac };
std::string_view to_string(SelftestVerdict verdict);

/// One service and one way to it.
struct SelftestSubject {
  VipName vip;
  IpAddress address;
  Port port;
  SelftestWay way;
  NodeName via;  // the node that gets the frame, or whose sockets are looked at
  friend auto operator<=>(const SelftestSubject&, const SelftestSubject&) = default;
};

struct SelftestProbe {
  SelftestSubject subject;
  ProbeTarget target;
  std::size_t times = 0;  // so often that a scheduler's turns show
};

struct SelftestFinding {
  SelftestSubject subject;
  SelftestVerdict verdict;
  std::string path;    // "forwarded to b: answered by b"
  std::string reason;  // the likely one; "" where all is well
  friend auto operator<=>(const SelftestFinding&, const SelftestFinding&) = default;
};

/// By interface and address, as the kernel has resolved them.
using NeighbourMacs = std::map<std::pair<InterfaceName, IpAddress>, MacAddress>;

/// Where the self-test stands.
struct SelftestPlace {
  const Document& document;
  NodeName node;
  VipRoles roles;  // this node's, for each VIP of the document
  std::map<InterfaceName, Link> links;
  NeighbourMacs neighbours;  // of nodes; without one the document's first MAC is taken
  MacAddress client;         // made up: no machine's
};

struct SelftestPlan {
  std::vector<SelftestProbe> probes;
  std::vector<std::string> left_out;  // what can't be probed, and why
};

/// Each peer that serves a VIP is asked as by its director, unless it schedules by itself (a master
/// does, but by mac-mark). Where another node is master, clients' frames go to it; where nobody
/// here knows which, to each peer. TCP only.
SelftestPlan plan_selftest(const SelftestPlace& place);

/// What became of one probe. `listens_here`: whether a socket of this node listens on
/// answering_address(); it matters for probes that came here.
SelftestFinding judge_probe(const SelftestPlace& place, const SelftestSubject& subject,
                            const ProbeOutcome& outcome, bool listens_here);

/// Where a socket of this node has to listen for what another director sends here.
IpAddress answering_address(const SelftestPlace& place, const SelftestSubject& subject);

/// A place where a socket of this node has to listen.
struct SelftestListener {
  SelftestSubject subject;
  IpAddress bound_to;  // the VIP; with redirect also the node's own address
  Port port;
};
std::vector<SelftestListener> selftest_listeners(const Document& document, const NodeName& node);
SelftestFinding judge_listener(const SelftestListener& wanted, bool listens);

/// Findings, and how often each was made.
using SelftestReport = std::map<SelftestFinding, std::size_t>;

/// True if every one is kAnswered.
bool is_good(const SelftestReport& report);
/// One line for each finding, and a last one with the counts.
std::string selftest_text(const NodeName& node, const SelftestReport& report);
/// One line without a newline at its end.
std::string selftest_json(const NodeName& node, const SelftestReport& report);

}  // namespace twobox
