// What the nftables tests share: the backend beside the nft tool, which is the independent oracle.
#pragma once

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "backends/nftables/backend.h"
#include "reconciler/diff.h"
#include "reconciler/objects.h"
#include "reconciler/plan.h"

namespace twobox::nft_test {

struct Output {
  int status;
  std::string text;
};

/// Runs a command of our own wording; the text is what it wrote to stdout and stderr.
inline Output run(const std::string& command) {
  FILE* const pipe = ::popen(("exec 2>&1\n" + command).c_str(), "r");
  REQUIRE(pipe != nullptr);
  Output output{0, ""};
  std::array<char, 4096> part{};
  while (const std::size_t length = std::fread(part.data(), 1, part.size(), pipe))
    output.text.append(part.data(), length);
  output.status = WEXITSTATUS(::pclose(pipe));
  return output;
}

/// Runs nft with this script, in its language or in its JSON form.
inline void nft(const std::string& script) {
  const Output output = run("nft -f /proc/self/fd/0 <<'END'\n" + script + "\nEND\n");
  REQUIRE_MESSAGE(output.status == 0, output.text);
}
inline void nft_json(const nlohmann::json& command) {
  const nlohmann::json script = {{"nftables", nlohmann::json::array({command})}};
  const Output output = run("nft -j -f /proc/self/fd/0 <<'END'\n" + script.dump() + "\nEND\n");
  REQUIRE_MESSAGE(output.status == 0, output.text);
}

inline std::string list_ruleset() {
  return run("nft list ruleset").text;
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

inline IpAddress ip(const char* text) {
  return *IpAddress::parse(text);
}
inline Endpoint endpoint(const char* address, Protocol protocol, std::uint16_t port) {
  return {ip(address), protocol, port};
}
inline MacAddress mac(const char* text) {
  return *MacAddress::parse(text);
}

/// Changes that make everything in `want` that is not in `have`, or else in it; in the planner's
/// order.
inline std::vector<Change> creates(const KernelState& want, const KernelState& have = {}) {
  std::vector<Change> changes;
  const auto add = [&changes](const auto& of_kind) {
    changes.insert(changes.end(), of_kind.begin(), of_kind.end());
  };
  add(diff(want.nft_tables, have.nft_tables));
  add(diff(want.nft_chains, have.nft_chains));
  add(diff(want.nft_sets, have.nft_sets));
  add(diff(want.nft_elements, have.nft_elements));
  add(diff(want.nft_rules, have.nft_rules));
  return changes;
}

/// An empty ruleset, and the backend that works on it.
class Nftables {
 public:
  Nftables() {
    nft("flush ruleset");
    auto opened = NftablesBackend::open();
    REQUIRE_MESSAGE(opened.has_value(), (opened ? "" : opened.error().message));
    backend_.push_back(*std::move(opened));
  }

  NftablesBackend& backend() { return backend_.front(); }

  /// What is there; the handles are kept for the next apply().
  KernelState observe() {
    KernelState state;
    const Status observed = backend().observe(state, handles_, counts_);
    REQUIRE_MESSAGE(observed.has_value(), (observed ? "" : observed.error().message));
    return state;
  }

  NftCounts counts() {
    auto counts = backend().observe_counts();
    REQUIRE(counts.has_value());
    return *std::move(counts);
  }

  const NftablesBackend::Handles& handles() const { return handles_; }

  std::vector<Status> apply(std::span<const Change> changes) {
    return backend().apply(changes, handles_);
  }

  void apply_all(std::span<const Change> changes) {
    const std::vector<Status> outcomes = apply(changes);
    REQUIRE(outcomes.size() == changes.size());
    for (const Status& outcome : outcomes)
      REQUIRE_MESSAGE(outcome.has_value(), (outcome ? "" : outcome.error().message));
  }

  /// Makes `want` out of nothing and reads it back.
  KernelState made(const KernelState& want) {
    apply_all(creates(want));
    return observe();
  }

 private:
  std::vector<NftablesBackend> backend_;  // exactly one; it has no default
  NftablesBackend::Handles handles_;
  NftCounts counts_;
};

/// Carries out a plan as the product does: the nftables steps of each phase in one batch.
inline void carry_out(Nftables& nftables, const Plan& plan) {
  for (std::size_t at = 0; at < plan.steps.size();) {
    std::vector<Change> batch;
    const Phase phase = plan.steps[at].phase;
    for (; at < plan.steps.size() && plan.steps[at].phase == phase; ++at)
      batch.push_back(plan.steps[at].change);
    nftables.apply_all(batch);
  }
}

inline Plan plan_for(Nftables& nftables, const DesiredState& desired) {
  ObservedState observed;
  observed.kernel = nftables.observe();
  observed.nft_rule_handles = nftables.handles();
  return make_plan(desired, observed, {});
}

}  // namespace twobox::nft_test
