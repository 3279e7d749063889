#include "backends/nftables/batch.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>

#include "backends/nftables/element_codec.h"
#include "backends/nftables/rule_codec.h"
#include "backends/nftables/set_codec.h"
#include "backends/nftables/table_codec.h"

namespace twobox::nftables {
namespace {

using Handles = std::map<NftRuleKey, std::uint64_t>;
using Positions = std::vector<std::size_t>;

enum class Verb : std::uint8_t { kAdd, kDelete };

/// Elements of one set that go into the same message.
struct Run {
  Verb verb;
  std::string set;
  std::vector<Element> elements;
  Positions changes;
};

/// The sets that are deleted whole. The kernel frees their elements, and it refuses to delete some
/// one by one: those of constant sets, and interval ends by their key alone.
std::set<std::string> sets_deleted_in(std::span<const Change> changes) {
  std::set<std::string> names;
  for (const Change& change : changes)
    if (const auto* const set = std::get_if<NftSetChange>(&change); set != nullptr && !set->after)
      names.insert(set->key.name);
  return names;
}

Error not_in_place(const char* what) {
  return {ErrorKind::kBug, 0, std::string("the kernel edits no ") + what + " in place"};
}

class BatchBuilder {
 public:
  BatchBuilder(std::span<const Change> changes, const Handles& handles)
      : handles_(handles), deleted_sets_(sets_deleted_in(changes)) {
    batch_.faults.resize(changes.size(), success());
    for (const Change& change : changes) {
      std::visit([this](const auto& of) { add(of); }, change);
      ++position_;
    }
    finish_run();
  }

  Batch take() { return std::move(batch_); }

 private:
  void add(const NftTableChange& change) {
    // A table with other flags is made anew: its owner flag can't be taken off, for one.
    if (change.before) add_message(encode_delete_table());
    if (change.after) add_message(encode_new_table(*change.after));
  }
  void add(const NftChainChange& change) {
    if (change.before && change.after) return add_message(not_in_place("chain"));
    add_message(change.after ? encode_new_chain(change.key, *change.after)
                             : encode_delete_chain(change.key));
  }
  void add(const NftSetChange& change) {
    if (change.before && change.after) return add_message(not_in_place("set"));
    add_message(change.after ? encode_new_set(change.key, *change.after, ++last_set_id_)
                             : encode_delete_set(change.key));
  }
  void add(const NftElementChange& change) {
    if (!change.after && deleted_sets_.contains(change.key.set)) return;
    if (change.before) add_to_run(Verb::kDelete, {change.key, *change.before});
    if (change.after) add_to_run(Verb::kAdd, {change.key, *change.after});
  }
  void add(const NftRuleChange& change) {
    if (!change.before) return add_message(encode_new_rule(change.key, *change.after));
    const auto handle = handles_.find(change.key);
    if (handle == handles_.end())
      return add_message(Error{ErrorKind::kBug, 0, "the rule's handle was not observed"});
    add_message(change.after ? encode_replace_rule(change.key, *change.after, handle->second)
                             : encode_delete_rule(change.key, handle->second));
  }
  template <typename OtherChange>
  void add(const OtherChange&) {
    add_message(Error{ErrorKind::kBug, 0, "this is no object of nftables"});
  }

  void add_message(Result<Message> message) {
    finish_run();
    append(std::move(message), {position_});
  }

  void add_to_run(Verb verb, Element element) {
    const bool fits = run_ && run_->verb == verb && run_->set == element.key.set &&
                      run_->elements.size() < kElementsPerMessage;
    if (!fits) {
      finish_run();
      run_ = Run{verb, element.key.set, {}, {}};
    }
    run_->elements.push_back(std::move(element));
    run_->changes.push_back(position_);
  }

  void finish_run() {
    if (!run_) return;
    const Run run = *std::exchange(run_, std::nullopt);
    append(run.verb == Verb::kAdd ? encode_new_elements(run.set, run.elements)
                                  : encode_delete_elements(run.set, run.elements),
           run.changes);
  }

  void append(Result<Message> message, const Positions& changes) {
    if (message) {
      batch_.entries.push_back({*std::move(message), changes});
    } else {
      for (const std::size_t position : changes) batch_.faults[position] = message.error();
    }
  }

  const Handles& handles_;
  const std::set<std::string> deleted_sets_;
  std::size_t position_ = 0;
  std::uint32_t last_set_id_ = 0;  // tells the sets of one batch apart
  std::optional<Run> run_;
  Batch batch_;
};

}  // namespace

bool Batch::may_be_sent() const {
  return std::ranges::all_of(faults, [](const Status& fault) { return fault.has_value(); });
}

Batch build_batch(std::span<const Change> changes, const Handles& handles) {
  return BatchBuilder(changes, handles).take();
}

}  // namespace twobox::nftables
