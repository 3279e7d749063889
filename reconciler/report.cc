#include "reconciler/report.h"

#include <array>
#include <nlohmann/json.hpp>

#include "reconciler/commands.h"
#include "reconciler/describe.h"
#include "reconciler/fields_json.h"

namespace twobox {
namespace {

using Json = nlohmann::ordered_json;

using Handles = std::map<NftRuleKey, std::uint64_t>;

Json step_json(const Step& step, const Handles& handles) {
  const Description change = describe(step.change);
  Json object = {{"action", to_string(change.action)}, {"kind", change.kind}, {"key", change.key}};
  object["before"] = change.before ? fields_json(*change.before) : Json(nullptr);
  object["after"] = change.after ? fields_json(*change.after) : Json(nullptr);
  object["reason"] = step.reason;
  object["command"] = command_for(step.change, handles);
  return object;
}

std::string paint(std::string_view text, Action action, Colour colour) {
  if (colour == Colour::kNone) return std::string(text);
  constexpr std::array<std::string_view, 3> kCodes = {"\x1b[32m", "\x1b[33m", "\x1b[31m"};
  return std::string(kCodes.at(static_cast<std::size_t>(action))) + std::string(text) + "\x1b[0m";
}

std::string details(const Description& change) {
  std::string text;
  if (change.action == Action::kUpdate) text = difference(*change.before, *change.after);
  if (change.action == Action::kCreate) text = to_string(*change.after);
  return text.empty() ? "" : " (" + text + ")";
}

std::string step_text(const Step& step, const Handles& handles, Colour colour) {
  constexpr std::array<std::string_view, 3> kSigns = {"+ ", "~ ", "- "};
  const Description change = describe(step.change);
  const std::string object = std::string(kSigns.at(static_cast<std::size_t>(change.action))) +
                             std::string(change.kind) + " " + change.key;
  return paint(object, change.action, colour) + details(change) + ": " + step.reason + "\n    " +
         command_for(step.change, handles) + "\n";
}

Json plan_json(const NodeName& node, const Plan& plan, const Handles& handles) {
  Json changes = Json::array();
  for (const Step& step : plan.steps) changes.push_back(step_json(step, handles));
  return {{"format", 1},
          {"node", node},
          {"in_sync", plan.in_sync()},
          {"changes", std::move(changes)},
          {"foreign", foreign_json(plan.foreign)}};
}

std::string foreign_text(const Plan& plan) {
  std::string text;
  for (const ForeignObject& object : plan.foreign)
    text += "foreign, left alone: " + object_name(object) + ": " + object.reason + "\n";
  return text;
}

/// How many changes create, update and delete.
using Counts = std::array<std::size_t, 3>;

std::string counts_text(const Counts& counts, const std::array<std::string_view, 3>& words) {
  std::string text;
  for (std::size_t i = 0; i < counts.size(); ++i)
    text += (text.empty() ? "" : ", ") + std::to_string(counts[i]) + " " + std::string(words[i]);
  return text;
}

}  // namespace

std::string diff_json(const DiffReport& report) {
  return json_text(plan_json(report.node, report.plan, report.handles));
}

std::string diff_text(const DiffReport& report, Colour colour) {
  std::string text;
  Counts counts{};
  for (const Step& step : report.plan.steps) {
    text += step_text(step, report.handles, colour);
    ++counts.at(static_cast<std::size_t>(action_of(step.change)));
  }
  return text + foreign_text(report.plan) +
         counts_text(counts, {"to create", "to update", "to delete"}) + "\n";
}

std::string pass_json(const NodeName& node, const PassReport& pass) {
  Json object = plan_json(node, pass.planned, pass.handles);
  for (std::size_t i = 0; i < pass.applied.outcomes.size(); ++i)
    object["changes"][i]["error"] = error_json(pass.applied.outcomes[i].error);
  object["converged"] = pass.remaining.in_sync();
  return json_text(object);
}

std::string pass_text(const PassReport& pass, Colour colour) {
  std::string text;
  Counts counts{};
  std::size_t refused = 0;
  for (std::size_t i = 0; i < pass.applied.outcomes.size(); ++i) {
    const Step& step = pass.planned.steps[i];
    const StepOutcome& outcome = pass.applied.outcomes[i];
    text += step_text(step, pass.handles, colour);
    if (outcome.error) {
      text += "    refused: " + outcome.error->message + "\n";
      ++refused;
    } else {
      ++counts.at(static_cast<std::size_t>(action_of(step.change)));
    }
  }
  return text + foreign_text(pass.planned) +
         counts_text(counts, {"created", "updated", "deleted"}) + ", " + std::to_string(refused) +
         " refused: " + (pass.remaining.in_sync() ? "converged" : "not converged") + "\n";
}

}  // namespace twobox
