#include "reconciler/document_record.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "reconciler/document_record_json.h"
#include "tests/support/kept_documents.h"

using namespace twobox;
using namespace std::chrono_literals;
using twobox::testing::full_record;
using twobox::testing::kept;
using twobox::testing::second;
using twobox::testing::trial_of_b;

namespace {

std::string etags(const DocumentRecord& record) {
  std::string text;
  for (const KeptDocument& document : record.converged) text += document.etag;
  return text;
}

DocumentRecord converged(std::initializer_list<const char*> names, RecordBounds bounds = {}) {
  DocumentRecord record;
  for (const char* name : names) record = with_converged(std::move(record), kept(name), bounds);
  return record;
}

TrialBegin begin(int seconds, std::chrono::milliseconds patience = 60s) {
  return {TrialOwner::kDaemon, "this boot", second(seconds), patience};
}

TrialStanding standing(const DocumentTrial& trial, const char* found, int seconds,
                       const char* boot = "this boot") {
  return standing_of(trial, found, boot, second(seconds).steady);
}

}  // namespace

TEST_CASE("documents that converged: each once, the latest first") {
  CHECK(etags(converged({"A", "B", "C"})) == "\"C\"\"B\"\"A\"");
  CHECK(etags(converged({"A", "B", "A"})) == "\"A\"\"B\"");
  CHECK(has_converged(converged({"A"}), "\"A\""));
  CHECK_FALSE(has_converged(converged({"A"}), "\"B\""));
}

TEST_CASE("so many documents are kept, and so many bytes, but always two") {
  CHECK(etags(converged({"A", "B", "C", "D"}, {.documents = 3})) == "\"D\"\"C\"\"B\"");
  const std::size_t each = kept("A").text.size();
  CHECK(etags(converged({"A", "B", "C", "D"}, {.bytes = 3 * each})) == "\"D\"\"C\"\"B\"");
  CHECK(etags(converged({"A", "B", "C", "D"}, {.bytes = 3 * each - 1})) == "\"D\"\"C\"");
  CHECK(etags(converged({"A", "B", "C"}, {.documents = 0, .bytes = 0})) == "\"C\"\"B\"");
}

TEST_CASE("documents are numbered back from the one in force") {
  const DocumentRecord record = converged({"A", "B", "C"});
  CHECK(document_back(record, "\"C\"", 1)->etag == "\"B\"");
  CHECK(document_back(record, "\"C\"", 2)->etag == "\"A\"");
  CHECK(document_back(record, "\"C\"", 3) == nullptr);
  // One that never converged has all of them behind it.
  CHECK(document_back(record, "\"X\"", 1)->etag == "\"C\"");
  CHECK(document_back(record, "", 3)->etag == "\"A\"");
  CHECK(document_back({}, "\"X\"", 1) == nullptr);
}

TEST_CASE("how long a trial may take") {
  CHECK(parse_trial_time("1s") == 1000ms);
  CHECK(parse_trial_time("24h") == 24h);
  for (const char* text : {"", "0s", "999ms", "25h", "60", "soon"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_trial_time(text).has_value());
  }
}

TEST_CASE("a trial goes back to what was in force, and knows when") {
  const DocumentTrial trial = trial_of_b();
  CHECK(trial.etag == "\"B\"");
  CHECK(trial.before == kept("A"));
  CHECK(trial.deadline == second(60).steady);
  CHECK(trial.since == second(0).wall);
  CHECK(trial.until == second(60).wall);
}

TEST_CASE("a further trial moves the deadline, not what it goes back to") {
  const auto next = next_trial(trial_of_b(), kept("B"), "\"C\"", begin(50, 10s));
  REQUIRE(next.has_value());
  CHECK(next->etag == "\"C\"");
  CHECK(next->replaces == "\"B\"");
  CHECK(next->before == kept("A"));
  CHECK(next->since == second(0).wall);
  CHECK(next->deadline == second(60).steady);
  CHECK(next_trial(trial_of_b(), kept("B"), "\"B\"", begin(50))->deadline == second(110).steady);
}

TEST_CASE("what needs no confirmation is not put on trial") {
  CHECK_FALSE(next_trial({}, kept("A"), "\"A\"", begin(0)).has_value());
  CHECK_FALSE(next_trial(trial_of_b(), kept("B"), "\"A\"", begin(50)).has_value());
}

TEST_CASE("a trial goes on until its deadline, which no clock on the wall moves") {
  const DocumentTrial trial = trial_of_b();
  CHECK(standing(trial, "\"B\"", 0) == TrialStanding::kGoesOn);
  CHECK(standing(trial, "\"B\"", 59) == TrialStanding::kGoesOn);
  CHECK(standing(trial, "\"B\"", 60) == TrialStanding::kOverdue);
  // After a boot nobody knows how much time has passed: as RFC 6241 has it, it goes back.
  CHECK(standing(trial, "\"B\"", 0, "another boot") == TrialStanding::kOverdue);
  // The steady clock would be far behind the one that the deadline was read from.
  CHECK(standing(trial, "\"B\"", -25 * 3600) == TrialStanding::kOverdue);
}

TEST_CASE("what is found in the file decides before the deadline does") {
  for (const int seconds : {0, 60}) {
    CHECK(standing(trial_of_b(), "\"A\"", seconds) == TrialStanding::kWentBack);
    CHECK(standing(trial_of_b(), "\"C\"", seconds) == TrialStanding::kOverruled);
  }
}

TEST_CASE("killed between any two writes: no document stays that nobody confirmed") {
  struct Disk {
    std::optional<DocumentTrial> trial;
    const char* file;
  };
  const DocumentTrial b = trial_of_b();
  const DocumentTrial c = *next_trial(b, kept("B"), "\"C\"", begin(30));
  struct Row {
    const char* name;
    Disk before, between, after;
    TrialStanding found;  // between
  };
  const Row rows[] = {
      {"put B on trial", {{}, "\"A\""}, {b, "\"A\""}, {b, "\"B\""}, TrialStanding::kWentBack},
      // B was never confirmed, so it is on trial still.
      {"put C on trial", {b, "\"B\""}, {c, "\"B\""}, {c, "\"C\""}, TrialStanding::kGoesOn},
      {"put C to stay", {b, "\"B\""}, {b, "\"C\""}, {{}, "\"C\""}, TrialStanding::kOverruled},
      {"put A again", {b, "\"B\""}, {b, "\"A\""}, {{}, "\"A\""}, TrialStanding::kWentBack},
      {"go back", {b, "\"B\""}, {b, "\"A\""}, {{}, "\"A\""}, TrialStanding::kWentBack},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(standing(*row.between.trial, row.between.file, 40) == row.found);
    for (const Disk& whole : {row.before, row.after})
      if (whole.trial) CHECK(standing(*whole.trial, whole.file, 40) == TrialStanding::kGoesOn);
  }
}

TEST_CASE("the record as JSON is read back") {
  for (const DocumentRecord& record : {DocumentRecord{}, full_record()})
    CHECK(parse_document_record(document_record_json(record)) == record);
  DocumentRecord of_apply = full_record();
  of_apply.trial->owner = TrialOwner::kApply;
  of_apply.reversal->reason = ReversalReason::kNotConfirmed;
  CHECK(parse_document_record(document_record_json(of_apply)) == of_apply);
}

TEST_CASE("a record cut at any byte is refused") {
  const std::string whole = document_record_json(full_record());
  for (std::size_t length = 0; length + 1 < whole.size(); ++length) {
    CAPTURE(length);
    CHECK_FALSE(parse_document_record(whole.substr(0, length)).has_value());
  }
}

TEST_CASE("a record without any one of its fields, or with another type there, is refused") {
  const auto whole = nlohmann::json::parse(document_record_json(full_record()));
  const auto flat = whole.flatten();
  std::size_t fields = 0;
  for (const auto& item : flat.items()) {
    const nlohmann::json::json_pointer place(item.key());
    CAPTURE(item.key());
    auto other = whole;
    other[place] = nlohmann::json::array({nullptr});
    CHECK_FALSE(parse_document_record(other.dump()).has_value());
    auto missing = whole;
    if (missing[place.parent_pointer()].is_object()) {
      missing[place.parent_pointer()].erase(place.back());
      CHECK_FALSE(parse_document_record(missing.dump()).has_value());
    }
    ++fields;
  }
  CHECK(fields > 20);
}

TEST_CASE("a record nested without end is refused, not followed") {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  CHECK_FALSE(parse_document_record("{\"format\": " + deep + "}").has_value());
}

TEST_CASE("a deadline that no clock has is refused") {
  auto record = nlohmann::json::parse(document_record_json(full_record()));
  for (const std::int64_t deadline : {std::int64_t{-1}, INT64_MAX}) {
    record["trial"]["deadline_ms"] = deadline;
    CHECK_FALSE(parse_document_record(record.dump()).has_value());
  }
}

TEST_CASE("what can be rolled back to, with numbers") {
  const DocumentRecord record = converged({"A", "B"});
  const auto list = [&](const std::optional<KeptDocument>& in_force, bool holds) {
    return nlohmann::json::parse(documents_json(record, in_force, holds))["documents"];
  };
  const auto of_b = list(kept("B", 5), true);
  REQUIRE(of_b.size() == 2);
  CHECK(of_b[0] == nlohmann::json{{"number", 0},
                                  {"etag", "\"B\""},
                                  {"at", "2026-01-02T03:04:10.000Z"},
                                  {"converged", true},
                                  {"in_force", true}});
  CHECK(of_b[1]["number"] == 1);
  CHECK(of_b[1]["etag"] == "\"A\"");
  const auto of_x = list(kept("X"), false);
  REQUIRE(of_x.size() == 3);
  CHECK(of_x[0]["converged"] == false);
  CHECK(of_x[2]["number"] == 2);
  CHECK(list({}, false)[0]["number"] == 1);
}
