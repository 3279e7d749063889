#include "reconciler/document_record_json.h"

#include <nlohmann/json.hpp>

#include "reconciler/field_reader.h"
#include "reconciler/fields_json.h"

namespace twobox {
namespace {

using Json = nlohmann::ordered_json;
using std::chrono::milliseconds;

constexpr char kDaemon[] = "daemon";
constexpr char kApply[] = "apply";

Json kept_json(const KeptDocument& document) {
  return {{"etag", document.etag}, {"at", time_text(document.at)}, {"text", document.text}};
}

Json trial_json(const DocumentTrial& trial) {
  const auto deadline = std::chrono::duration_cast<milliseconds>(trial.deadline.time_since_epoch());
  return {{"etag", trial.etag},
          {"replaces", trial.replaces},
          {"before", kept_json(trial.before)},
          {"owner", trial.owner == TrialOwner::kDaemon ? kDaemon : kApply},
          {"boot_id", trial.boot_id},
          {"deadline_ms", deadline.count()},
          {"since", time_text(trial.since)},
          {"until", time_text(trial.until)}};
}

Json reversal_json(const Reversal& reversal) {
  return {{"etag", reversal.etag},
          {"reason", to_string(reversal.reason)},
          {"message", reversal.message},
          {"at", time_text(reversal.at)},
          {"back_to", kept_json(reversal.back_to)},
          {"still_in_file", reversal.still_in_file}};
}

KeptDocument read_kept(FieldReader& parent, const Json& object) {
  FieldReader fields(object);
  KeptDocument document{fields.text("etag"), fields.text("text"), fields.time("at")};
  parent.expect(fields.good());
  return document;
}

std::optional<DocumentTrial> read_trial(FieldReader& parent, const Json& object) {
  if (object.is_null()) return std::nullopt;
  FieldReader fields(object);
  const std::string owner = fields.text("owner");
  fields.expect(owner == kDaemon || owner == kApply);
  constexpr auto kLast = std::chrono::duration_cast<milliseconds>(SteadyTime::duration::max());
  const std::int64_t deadline = fields.number("deadline_ms");
  fields.expect(deadline >= 0 && deadline <= kLast.count());
  DocumentTrial trial{fields.text("etag"),
                      fields.text("replaces"),
                      read_kept(fields, fields.member("before")),
                      owner == kDaemon ? TrialOwner::kDaemon : TrialOwner::kApply,
                      fields.text("boot_id"),
                      SteadyTime(milliseconds(fields.good() ? deadline : 0)),
                      fields.time("since"),
                      fields.time("until")};
  parent.expect(fields.good());
  return trial;
}

std::optional<Reversal> read_reversal(FieldReader& parent, const Json& object) {
  if (object.is_null()) return std::nullopt;
  FieldReader fields(object);
  const std::string reason = fields.text("reason");
  const bool not_confirmed = reason == to_string(ReversalReason::kNotConfirmed);
  fields.expect(not_confirmed || reason == to_string(ReversalReason::kNotConverged));
  Reversal reversal{fields.text("etag"),
                    not_confirmed ? ReversalReason::kNotConfirmed : ReversalReason::kNotConverged,
                    fields.text("message"),
                    fields.time("at"),
                    read_kept(fields, fields.member("back_to")),
                    fields.flag("still_in_file")};
  parent.expect(fields.good());
  return reversal;
}

}  // namespace

std::string document_record_json(const DocumentRecord& record) {
  Json converged = Json::array();
  for (const KeptDocument& document : record.converged) converged.push_back(kept_json(document));
  const Json object = {
      {"format", 1},
      {"converged", std::move(converged)},
      {"trial", record.trial ? trial_json(*record.trial) : Json(nullptr)},
      {"reversal", record.reversal ? reversal_json(*record.reversal) : Json(nullptr)}};
  return json_text(object) + "\n";
}

std::optional<DocumentRecord> parse_document_record(const std::string& text) {
  const Json object = parse_written_json(text);
  FieldReader fields(object);
  fields.expect(fields.number("format") == 1);
  DocumentRecord record;
  const Json converged = fields.member("converged");
  fields.expect(converged.is_array());
  for (const Json& document : converged) record.converged.push_back(read_kept(fields, document));
  record.trial = read_trial(fields, fields.member("trial"));
  record.reversal = read_reversal(fields, fields.member("reversal"));
  if (!fields.good()) return std::nullopt;
  return record;
}

std::string documents_json(const DocumentRecord& record,
                           const std::optional<KeptDocument>& in_force, bool converged) {
  Json list = Json::array();
  const auto add = [&](const KeptDocument& document, bool has, bool is_in_force) {
    list.push_back({{"number", is_in_force ? 0 : list.size() + (in_force ? 0 : 1)},
                    {"etag", document.etag},
                    {"at", time_text(document.at)},
                    {"converged", has},
                    {"in_force", is_in_force}});
  };
  if (in_force) add(*in_force, converged, true);
  for (const KeptDocument& document : record.converged)
    if (!in_force || document.etag != in_force->etag) add(document, true, false);
  return json_text({{"format", 1}, {"documents", std::move(list)}});
}

}  // namespace twobox
