#include "reconciler/expected_plan.h"

#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "reconciler/field_reader.h"

namespace twobox {
namespace {

using Json = nlohmann::json;  // sorts its keys: the same object has the same text

/// What is done to an object, before and after, by action and name: "create address
/// lo 10.0.0.1/32".
struct SavedPlan {
  std::string node;
  std::multimap<std::string, std::string> changes;
};

std::string sorted(const FieldReader::Json& value) {
  return Json::parse(value.dump(), nullptr, /*allow_exceptions=*/false).dump();
}

std::optional<SavedPlan> read_plan(const std::string& text) {
  const auto object = parse_written_json(text);
  FieldReader fields(object);
  fields.expect(fields.number("format") == 1);
  SavedPlan plan{fields.text("node"), {}};
  const auto changes = fields.member("changes");
  fields.expect(changes.is_array());
  for (const auto& change : changes) {
    FieldReader each(change);
    std::string name = each.text("action") + " " + each.text("kind") + " " + each.text("key");
    std::string what = sorted(each.member("before")) + " -> " + sorted(each.member("after"));
    fields.expect(each.good());
    if (each.good()) plan.changes.emplace(std::move(name), std::move(what));
  }
  if (!fields.good()) return std::nullopt;
  return plan;
}

std::string with(const std::string& name, const std::string& what) {
  return name + ": " + what;
}

using Changes = std::multimap<std::string, std::string>;

/// Takes what both have out of both.
void cancel(Changes& saved, Changes& now) {
  for (auto each = saved.begin(); each != saved.end();) {
    auto [same, end] = now.equal_range(each->first);
    while (same != end && same->second != each->second) ++same;
    if (same == end) {
      ++each;
    } else {
      now.erase(same);
      each = saved.erase(each);
    }
  }
}

}  // namespace

Result<std::vector<std::string>> plan_differences(const std::string& saved, const DiffReport& now) {
  auto expected = read_plan(saved);
  if (!expected)
    return Error{ErrorKind::kInvalidDocument, 0,
                 "this is no plan as `twobox diff -o json` saves it"};
  std::vector<std::string> lines;
  if (expected->node != now.node)
    lines.push_back("the saved plan is node " + expected->node + "'s, and this is node " +
                    now.node);
  auto live = read_plan(diff_json(now)).value();
  cancel(expected->changes, live.changes);
  for (const auto& [name, what] : expected->changes) {
    const auto other = live.changes.find(name);
    if (other == live.changes.end()) {
      lines.push_back("saved, and not to be done now: " + name);
    } else {
      lines.push_back("saved otherwise: " + with(name, what) + ", and now " + other->second);
      live.changes.erase(other);
    }
  }
  for (const auto& [name, what] : live.changes)
    lines.push_back("not in the saved plan: " + with(name, what));
  return lines;
}

}  // namespace twobox
