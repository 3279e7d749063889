#include "twobox/apply_trial.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "tests/support/kept_documents.h"
#include "twobox/signals.h"

using namespace twobox;
using namespace std::chrono_literals;
using twobox::testing::kept;
using twobox::testing::second;
using twobox::testing::trial_of_b;

namespace {

const DocumentRecord kHoldsA{{kept("A")}, {}, {}};

/// A pipe in the place of a terminal, and a signal that nothing else waits for.
struct Ears {
  int input[2] = {-1, -1};
  FileDescriptor signals;

  Ears() {
    REQUIRE(::pipe(input) == 0);
    auto opened = open_signals({SIGUSR2});
    REQUIRE(opened.has_value());
    signals = *std::move(opened);
  }
  Ears(const Ears&) = delete;
  Ears& operator=(const Ears&) = delete;
  ~Ears() {
    ::close(input[0]);
    hang_up();
  }
  void type(std::string_view text) const {
    REQUIRE(::write(input[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  void hang_up() {
    if (input[1] >= 0) ::close(input[1]);
    input[1] = -1;
  }
  TrialWord wait(std::chrono::milliseconds patience) const {
    return wait_for_word(input[0], signals.get(), std::chrono::steady_clock::now() + patience);
  }
};

}  // namespace

TEST_CASE("apply on trial: goes back to the document that converged last") {
  const auto trial = apply_trial(kHoldsA, "\"B\"", "boot", second(0), 60s);
  REQUIRE(trial.has_value());
  REQUIRE(trial->has_value());
  CHECK((*trial)->owner == TrialOwner::kApply);
  CHECK((*trial)->before == kept("A"));
  CHECK((*trial)->deadline == second(60).steady);
  // That one itself needs no confirmation.
  CHECK_FALSE(apply_trial(kHoldsA, "\"A\"", "boot", second(0), 60s)->has_value());
}

TEST_CASE("apply on trial: what a killed one left is not what the next goes back to") {
  DocumentRecord record{{kept("B"), kept("A")}, trial_of_b(), {}};
  record.trial->owner = TrialOwner::kApply;
  CHECK((*apply_trial(record, "\"C\"", "boot", second(0), 60s))->before == kept("A"));
}

TEST_CASE("apply on trial: refused where there is nothing sound to go back to") {
  CHECK(apply_trial({}, "\"B\"", "boot", second(0), 60s).error().kind == ErrorKind::kUnavailable);
  const DocumentRecord of_daemon{{kept("A")}, trial_of_b(), {}};
  CHECK(apply_trial(of_daemon, "\"C\"", "boot", second(0), 60s).error().kind ==
        ErrorKind::kUnavailable);
}

TEST_CASE("a line is the word, half a line is not") {
  Ears ears;
  ears.type("yes");
  CHECK(ears.wait(50ms) == TrialWord::kDeadline);
  ears.type("\n");
  CHECK(ears.wait(10s) == TrialWord::kKeep);
}

TEST_CASE("the deadline counts, also when it has passed already") {
  const Ears ears;
  CHECK(ears.wait(-1s) == TrialWord::kDeadline);
  CHECK(ears.wait(20ms) == TrialWord::kDeadline);
}

TEST_CASE("nobody is there any more: the end of input, or a signal") {
  Ears ears;
  ::raise(SIGUSR2);
  CHECK(ears.wait(10s) == TrialWord::kGone);
  Ears other;
  other.hang_up();
  CHECK(other.wait(10s) == TrialWord::kGone);
}
