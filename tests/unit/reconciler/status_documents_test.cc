// What the status says of documents that may go back.
#include <doctest/doctest.h>

#include "reconciler/status_recorder.h"
#include "tests/support/kept_documents.h"

using namespace twobox;
using namespace std::chrono_literals;
using twobox::testing::full_record;
using twobox::testing::second;
using twobox::testing::trial_of_b;

namespace {

StatusRecorder with_document() {
  StatusRecorder recorder("doc.json", "api", second(0));
  recorder.document_accepted(second(1));
  return recorder;
}

}  // namespace

TEST_CASE("a document that waits to be confirmed is in the status, and what went back") {
  StatusRecorder recorder = with_document();
  DocumentRecord record;
  recorder.documents_are(record, second(2));
  CHECK_FALSE(recorder.report().confirmation.has_value());
  CHECK_FALSE(recorder.report().conditions.contains("DocumentKept"));

  record.trial = trial_of_b();
  recorder.documents_are(record, second(3));
  REQUIRE(recorder.report().confirmation.has_value());
  CHECK(recorder.report().confirmation->document == "\"B\"");
  CHECK(recorder.report().confirmation->reverts_to == "\"A\"");
  CHECK(recorder.report().conditions.at("DocumentKept").reason == "AwaitsConfirmation");
  CHECK(status_json(recorder.report()).find(R"("confirmation":{"document":"\"B\"")") !=
        std::string::npos);

  record = {{}, {}, full_record().reversal};
  recorder.documents_are(record, second(4));
  CHECK_FALSE(recorder.report().confirmation.has_value());
  CHECK(recorder.report().conditions.at("DocumentKept").reason == "NotConverged");
  CHECK(recorder.report().conditions.at("DocumentKept").message == "it did not");
  CHECK_FALSE(recorder.report().conditions.at("DocumentKept").holds);
  // What is held is as it should be, whatever went back.
  recorder.pass_made({}, {}, second(5), second(5));
  CHECK(is_ready(recorder.report()));
}

TEST_CASE("what happens to a document stands in the history, and counts as no change") {
  StatusRecorder recorder = with_document();
  const HistoryEntry entry =
      recorder.document_event({"revert", "\"B\"", "not confirmed", second(3).wall}, second(63));
  CHECK(entry.duration == 60s);
  CHECK(object_name(entry) == "document \"B\"");
  REQUIRE(recorder.report().history->entries().size() == 1);
  CHECK(recorder.report().history->entries()[0].reason == "not confirmed");
  CHECK(recorder.report().totals.changes.empty());
  // A clock that was set back makes no time negative.
  CHECK(recorder.document_event({"confirm", "\"B\"", "", second(9).wall}, second(3)).duration ==
        0s);
}
