// The thread that checks: rhythm, verdicts, changes of what is checked, and the second part.
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <set>

#include "checks/checker.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/cmd/checks_testbed.h"

using namespace twobox;
using namespace twobox::testing;
using namespace std::chrono_literals;

namespace {

void write(const std::string& path, const std::string& text) {
  std::ofstream(path + ".new") << text;
  std::filesystem::rename(path + ".new", path);
}

CheckTarget file_target(const std::string& path, std::uint16_t port = 1) {
  CheckTarget target = local_target(port);
  target.check.how = FileCheck{path};
  target.check.interval = 20ms;
  return target;
}

ServerHealth known(const Checker& checker, const CheckTarget& target) {
  const HealthMap verdicts = checker.verdicts();
  REQUIRE(verdicts.contains(target.server));
  return verdicts.at(target.server);
}

/// Waits as the daemon does, a minute at most.
bool becomes(Checker& checker, const CheckTarget& target, Health health) {
  const SteadyTime limit = std::chrono::steady_clock::now() + 60s;
  while (known(checker, target).health != health && std::chrono::steady_clock::now() < limit) {
    pollfd waiting{checker.fd(), POLLIN, 0};
    ::poll(&waiting, 1, 1000);
    checker.drain();
  }
  return known(checker, target).health == health;
}

/// Answers what it is told to, when it is told to.
class FakeVip final : public ThroughVip {
 public:
  struct State {
    std::mutex mutex;
    std::optional<CheckOutcome> answer;  // absent: none comes
    std::size_t asked = 0;
  };
  explicit FakeVip(State& state)
      : state_(state), readable_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  int fd() const override { return readable_.get(); }
  Status begin(CheckId id, const CheckTarget& target, SteadyTime) override {
    const std::lock_guard lock(state_.mutex);
    CHECK(target.vip == ip("192.0.2.1"));
    ++state_.asked;
    if (!state_.answer) return success();
    answers_.push_back({id, *state_.answer});
    // Another that nobody waits for.
    answers_.push_back({id + 1'000'000, *state_.answer});
    const std::uint64_t one = 1;
    REQUIRE(::write(readable_.get(), &one, sizeof(one)) == sizeof(one));
    return success();
  }
  std::vector<Answer> drain() override {
    std::uint64_t count = 0;
    REQUIRE(::read(readable_.get(), &count, sizeof(count)) == sizeof(count));
    return std::exchange(answers_, {});
  }

 private:
  State& state_;
  FileDescriptor readable_;
  std::vector<Answer> answers_;
};

}  // namespace

TEST_CASE("checker: verdicts turn, and the descriptor says so") {
  const TemporaryDirectory directory;
  const CheckTarget target = file_target(directory.file("verdict"));
  write(directory.file("verdict"), "up");
  const auto checker = Checker::start().value();
  CHECK_FALSE(checker->drain());
  checker->set_targets({target});
  CHECK(checker->verdicts().size() == 1);  // at once, known or not
  CHECK(becomes(*checker, target, Health::kUp));
  write(directory.file("verdict"), "down");
  CHECK(becomes(*checker, target, Health::kDown));
  CHECK(known(*checker, target).cause == directory.file("verdict") + ": says down");
  CHECK(known(*checker, target).transitions == 1);
  write(directory.file("verdict"), "up");
  CHECK(becomes(*checker, target, Health::kUp));
  CHECK(known(*checker, target).transitions == 2);
}

TEST_CASE("checker: what is checked changes") {
  const TemporaryDirectory directory;
  write(directory.file("up"), "up");
  write(directory.file("down"), "down");
  const CheckTarget one = file_target(directory.file("up"), 1);
  const CheckTarget two = file_target(directory.file("down"), 2);
  const auto checker = Checker::start().value();
  checker->set_targets({one, two});
  CHECK(becomes(*checker, one, Health::kUp));
  CHECK(becomes(*checker, two, Health::kDown));

  // Gone is forgotten; what stays keeps its verdict.
  const WallTime since = known(*checker, one).since.wall;
  checker->set_targets({one});
  CHECK_FALSE(checker->verdicts().contains(two.server));
  CHECK(known(*checker, one).since.wall == since);

  // Another check of the same server: what was known stands until that says otherwise.
  CheckTarget changed = one;
  changed.check.how = FileCheck{directory.file("down")};
  checker->set_targets({changed});
  CHECK(known(*checker, changed).health == Health::kUp);
  CHECK(becomes(*checker, changed, Health::kDown));
  CHECK(known(*checker, changed).transitions == 1);

  // Back after it was gone: unknown at first.
  checker->set_targets({});
  CHECK(checker->verdicts().empty());
  // The thread has seen that it was gone when it has a verdict of another.
  checker->set_targets({two});
  CHECK(becomes(*checker, two, Health::kDown));
  CheckTarget slow = one;
  slow.check.interval = 1h;
  checker->set_targets({slow});
  CHECK(becomes(*checker, slow, Health::kUp));
  CHECK(known(*checker, slow).transitions == 0);
}

TEST_CASE("checker: the interval runs from begin to begin, and the jitter makes it longer") {
  std::atomic<int> asked = 0;
  const Serving serving([&](int connection) {
    read_request(connection);
    ++asked;
    std::this_thread::sleep_for(30ms);
    send_text(connection, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  CheckTarget target = local_target(serving.port(), HttpCheck{});
  target.check.connect_timeout = target.check.timeout = 60s;
  const auto checker = Checker::start().value();
  const SteadyTime begin = std::chrono::steady_clock::now();
  checker->set_targets({target});
  while (asked < 6) std::this_thread::sleep_for(5ms);
  // Five intervals of 100 ms behind the first check, which comes at once or up to 100 ms later. A
  // loaded machine may be slower; none may be faster.
  CHECK(std::chrono::steady_clock::now() - begin >= 480ms);
}

TEST_CASE("checker: ends at once with checks under way") {
  const Serving serving(wait_for_end);
  const TemporaryDirectory directory;
  CheckTarget http = local_target(serving.port(), HttpCheck{});
  http.check.interval = 1ms;
  http.check.timeout = 100s;
  CheckTarget exec = shell_target("echo > " + directory.file("runs") + "; sleep 100", 100s);
  exec.check.interval = 1ms;
  auto checker = Checker::start().value();
  checker->set_targets({http, exec});
  while (!std::filesystem::exists(directory.file("runs"))) std::this_thread::sleep_for(5ms);
  const SteadyTime begin = std::chrono::steady_clock::now();
  checker.reset();
  CHECK(std::chrono::steady_clock::now() - begin < 2s);
}

TEST_CASE("checker: hundreds of servers, spread over the first second") {
  const FileDescriptor wildcard(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  socklen_t length = sizeof(address);
  REQUIRE(::bind(wildcard.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0);
  REQUIRE(::listen(wildcard.get(), 4096) == 0);
  REQUIRE(::getsockname(wildcard.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
  std::vector<CheckTarget> targets;
  for (int number = 0; number < 400; ++number) {
    CheckTarget target = local_target(ntohs(address.sin_port));
    target.address =
        ip("127.1." + std::to_string(number / 200) + "." + std::to_string(number % 200));
    target.server.address = target.address;
    target.check.interval = 10s;
    target.check.connect_timeout = target.check.timeout = 60s;
    targets.push_back(target);
  }
  const auto checker = Checker::start().value();
  checker->set_targets(targets);
  std::set<SteadyTime> moments;
  for (const CheckTarget& target : targets) {
    CHECK(becomes(*checker, target, Health::kUp));
    moments.insert(known(*checker, target).since.steady);
  }
  CHECK(*moments.rbegin() - *moments.begin() > 500ms);
}

TEST_CASE("checker: through the VIP both parts must pass") {
  const Listening listening;
  CheckTarget target = local_target(listening.port());
  target.check.through_vip = true;
  target.check.timeout = 60s;
  target.check.connect_timeout = 60s;
  target.check.interval = 20ms;
  FakeVip::State state;
  state.answer = CheckOutcome{CheckOutcome::Kind::kPassed};
  {
    const auto checker = Checker::start(std::make_unique<FakeVip>(state)).value();
    checker->set_targets({target});
    CHECK(becomes(*checker, target, Health::kUp));
    {
      const std::lock_guard lock(state.mutex);
      state.answer = CheckOutcome{CheckOutcome::Kind::kFailed, "reset"};
    }
    CHECK(becomes(*checker, target, Health::kDown));
    CHECK(known(*checker, target).cause == "reset");
  }
  // No answer.
  state.answer.reset();
  target.check.timeout = 50ms;
  {
    const auto checker = Checker::start(std::make_unique<FakeVip>(state)).value();
    checker->set_targets({target});
    CHECK(becomes(*checker, target, Health::kDown));
    CHECK(
        known(*checker, target).cause ==
        "ask 127.0.0.1 through 192.0.2.1:80: no answer within 50 ms: it has not got the VIP, or drops the packet");
  }
  // The first part fails: the second is not asked.
  state.asked = 0;
  target.port = Port::from_number(closed_port()).value();
  {
    const auto checker = Checker::start(std::make_unique<FakeVip>(state)).value();
    checker->set_targets({target});
    CHECK(becomes(*checker, target, Health::kDown));
  }
  CHECK(state.asked == 0);
}

TEST_CASE("checker: through the VIP without a way to ask nothing is learnt") {
  const Listening listening;
  CheckTarget target = local_target(listening.port());
  target.check.through_vip = true;
  target.check.interval = 20ms;
  const auto checker = Checker::start().value();
  checker->set_targets({target});
  while (known(*checker, target).cause.empty()) std::this_thread::sleep_for(5ms);
  CHECK(known(*checker, target).health == Health::kUnknown);
  CHECK(known(*checker, target).cause == "ask 127.0.0.1 through 192.0.2.1:80: needs CAP_NET_RAW");
}
