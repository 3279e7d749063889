// No step of a plan opens the loop or a black hole: between any two settings of a two-node cluster,
// every prefix of one node's plan meets every prefix of the other's, and packets are sent into each
// of these states.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "reconciler/describe.h"
#include "reconciler/plan.h"
#include "tests/support/fake_kernel.h"
#include "tests/support/packet_model.h"
#include "tests/unit/reconciler/order_settings.h"

using namespace twobox;
using namespace twobox::test;
using twobox::testing::Ending;
using twobox::testing::FakeKernel;
using twobox::testing::holds_on_wire;
using twobox::testing::Path;
using twobox::testing::paths_to;
using twobox::testing::Segment;
using twobox::testing::Station;

namespace {

/// One node on its way: before its plan, and after each part of it.
struct Course {
  std::vector<Station> states;
  std::vector<std::string> after;
};

/// As apply_plan() does: nftables steps of one phase are one atomic batch, all others one by one.
std::size_t end_of_part(const std::vector<Step>& steps, std::size_t begin) {
  std::size_t end = begin + 1;
  if (subsystem_of(steps[begin].change) != Subsystem::kNftables) return end;
  while (end < steps.size() && steps[end].phase == steps[begin].phase &&
         subsystem_of(steps[end].change) == Subsystem::kNftables)
    ++end;
  return end;
}

Course course_of(Station machine, const Box& from, const DesiredState& to) {
  FakeKernel kernel(from.kernel);
  const auto observed = kernel.observe(scope_of(to, from.record));
  REQUIRE(observed.has_value());
  const std::vector<Step> steps = make_plan(to, *observed, from.record).steps;
  Course course;
  machine.kernel = from.kernel;
  course.states.push_back(machine);
  course.after.emplace_back("unchanged");
  for (std::size_t begin = 0; begin < steps.size();) {
    const std::size_t end = end_of_part(steps, begin);
    std::vector<Change> changes;
    for (std::size_t at = begin; at < end; ++at) changes.push_back(steps[at].change);
    kernel.apply(subsystem_of(changes.front()), changes, {});
    machine.kernel = kernel.state.kernel;
    course.states.push_back(machine);
    course.after.push_back(std::string(to_string(steps[begin].phase)) + " (" +
                           object_name(changes.back()) + ")");
    begin = end;
  }
  return course;
}

/// What went wrong: how far both nodes were and where the packet went, with one example and a
/// count.
class Violations {
 public:
  void add(const std::string& what, const std::string& where) {
    ++found_.try_emplace(what, Entry{where, 0}).first->second.count;
  }
  bool empty() const { return found_.empty(); }
  std::string text() const {
    std::string text = std::to_string(found_.size()) + " kinds of violation\n";
    for (const auto& [what, entry] : found_)
      text +=
          what + "\n    " + std::to_string(entry.count) + " times, e.g. " + entry.example + "\n";
    return text;
  }

 private:
  struct Entry {
    std::string example;
    std::size_t count;
  };
  std::map<std::string, Entry> found_;
};

bool are_answered(const std::vector<Path>& paths) {
  return std::ranges::all_of(paths,
                             [](const Path& path) { return path.ending == Ending::kAnswered; });
}

/// Both nodes on their way from one setting to another, at any pace.
class Transition {
 public:
  Transition(AddressFamily family, const Setting& from, const Setting& to)
      : from_(from),
        to_(to),
        a_(course_of(machine("a", "08:00:27:77:84:ef", address(family, "31")), from.boxes[0],
                     to.boxes[0].desired)),
        b_(course_of(machine("b", "08:00:27:e1:3c:c5", address(family, "32")), from.boxes[1],
                     to.boxes[1].desired)),
        plain_(machine("c", "08:00:27:00:00:41", address(family, "41"))) {
    for (const char* vip : {"29", "30"})
      plain_.kernel.addresses[{loopback(), IpPrefix::host(address(family, vip))}] = {};
    plain_.kernel.sysctls[{"net.ipv4.conf.enp0s3.arp_ignore"}] = {"1"};
  }

  /// Returns how many of the services must be, and so were checked to be, served all the way.
  std::size_t check(Violations& violations) const {
    std::size_t served = 0;
    std::set<Endpoint> endpoints = from_.endpoints;
    endpoints.insert(to_.endpoints.begin(), to_.endpoints.end());
    for (const Endpoint& endpoint : endpoints) {
      const bool must_serve = is_served_before_and_after(endpoint);
      if (must_serve) ++served;
      for (std::size_t a = 0; a < a_.states.size(); ++a)
        for (std::size_t b = 0; b < b_.states.size(); ++b)
          for (const Path& path : paths(endpoint, a, b))
            if (is_wrong(path, endpoint, must_serve, a, b))
              violations.add(state(a, b) + path.text, from_.name + " => " + to_.name);
    }
    return served;
  }

 private:
  static Station machine(const std::string& name, const std::string& mac, const IpAddress& own) {
    return {name, wire(), *MacAddress::parse(mac), {own}, {}};
  }

  std::vector<Path> paths(const Endpoint& endpoint, std::size_t a, std::size_t b) const {
    return paths_to({&a_.states[a], &b_.states[b], &plain_}, endpoint);
  }

  /// A service that only one of the documents has is nobody's promise in between.
  bool is_served_before_and_after(const Endpoint& endpoint) const {
    return from_.endpoints.contains(endpoint) && to_.endpoints.contains(endpoint) &&
           !needs_a_missing_cure(endpoint) && are_answered(paths(endpoint, 0, 0)) &&
           are_answered(paths(endpoint, a_.states.size() - 1, b_.states.size() - 1));
  }

  bool is_wrong(const Path& path, const Endpoint& endpoint, bool must_serve, std::size_t a,
                std::size_t b) const {
    switch (path.ending) {
      case Ending::kAnswered:
        return false;
      case Ending::kUnresolved:
        // Two nodes change independently: when the old master is the faster, nobody has the address
        // until the new one is ready. A gap of the handover, which no order of steps can close.
        return must_serve && !is_handover(endpoint);
      case Ending::kNoServers:
        // A service is made before its real servers; the kernel knows no other way. Marks keep a
        // director's clients away from it until it is complete, but not what a peer forwards that
        // is still master.
        return must_serve && !(from_.scheme == Bypass::kMacMark && to_.scheme != from_.scheme &&
                               is_handover(endpoint));
      case Ending::kBlackHole:
        return must_serve && !takes_over(endpoint, a, b);
      case Ending::kLoop:
        return !has(Bypass::kNone) && !are_both_masters(endpoint, a, b) &&
               !takes_over(endpoint, a, b);
    }
    return true;
  }

  /// With "none" nothing makes a node take what the other sends it, so while the master changes
  /// only plain real servers are promised.
  bool needs_a_missing_cure(const Endpoint& endpoint) const {
    if (!has(Bypass::kNone) || !is_handover(endpoint)) return false;
    const auto is_by_a_node = [&](const auto& entry) {
      return entry.first.service == IpvsServiceKey{endpoint} &&
             entry.first.address != plain_.addresses.front();
    };
    return std::ranges::any_of(from_.boxes[0].kernel.ipvs_servers, is_by_a_node) ||
           std::ranges::any_of(to_.boxes[0].kernel.ipvs_servers, is_by_a_node);
  }

  bool has(Bypass scheme) const { return from_.scheme == scheme || to_.scheme == scheme; }

  bool is_handover(const Endpoint& endpoint) const {
    return from_.masters(endpoint.address) != to_.masters(endpoint.address);
  }

  /// The new master is the faster: until the old one has heard of it both hold the address and both
  /// direct. Where the cure depends on the role, neither node can tell the other's frames by it;
  /// with mac-mark at both ends of the way there is no such excuse.
  bool are_both_masters(const Endpoint& endpoint, std::size_t a, std::size_t b) const {
    return (has(Bypass::kRedirect) || has(Bypass::kBackupOnly)) && is_handover(endpoint) &&
           holds_on_wire(a_.states[a], endpoint.address) &&
           holds_on_wire(b_.states[b], endpoint.address);
  }

  /// The contract's order has a new master lift its bypass and then take the address, two steps
  /// within a millisecond. The old master, while it has not given way, still forwards here.
  bool takes_over(const Endpoint& endpoint, std::size_t a, std::size_t b) const {
    return is_handover(endpoint) && (takes_over(a_, a, endpoint) || takes_over(b_, b, endpoint));
  }
  static bool takes_over(const Course& course, std::size_t at, const Endpoint& endpoint) {
    const auto begin = course.after.begin();
    return !holds_on_wire(course.states[at], endpoint.address) &&
           holds_on_wire(course.states.back(), endpoint.address) &&
           std::any_of(begin, begin + static_cast<std::ptrdiff_t>(at) + 1,
                       [](const std::string& step) { return step.starts_with("bypass-off"); });
  }

  std::string state(std::size_t a, std::size_t b) const {
    return "a after " + a_.after[a] + ", b after " + b_.after[b] + ":\n    ";
  }

  const Setting& from_;
  const Setting& to_;
  Course a_;
  Course b_;
  Station plain_;
};

/// A change of roles may come with a change of scheme or with another of the document, not both.
bool is_one_change(const Setting& from, const Setting& to) {
  return &from != &to &&
         (from.scheme == to.scheme || from.shape == to.shape || !from.scheme || !to.scheme);
}

}  // namespace

TEST_CASE("no step between two settings opens the loop or a black hole") {
  for (const AddressFamily family : {AddressFamily::kIpv4, AddressFamily::kIpv6}) {
    const std::vector<Setting> settings = all_settings(family);
    Violations violations;
    std::map<Bypass, std::size_t> served;
    for (const Setting& from : settings)
      for (const Setting& to : settings) {
        if (!is_one_change(from, to)) continue;
        const std::size_t services = Transition(family, from, to).check(violations);
        if (from.scheme) served[*from.scheme] += services;
      }
    CHECK_MESSAGE(violations.empty(), violations.text());
    // A scheme that nothing was asked of would pass unseen.
    for (const Bypass scheme : kSchemes) CHECK_MESSAGE(served[scheme] > 0, to_string(scheme));
  }
}
