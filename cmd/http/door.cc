#include "http/door.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace twobox {
namespace {

/// epoll's marks below the guests' own.
constexpr std::uint64_t kWakeMark = 0;
constexpr std::uint64_t kFirstListenerMark = 1;
constexpr std::uint64_t kFirstGuestMark = 1024;
constexpr int kCallsAtOnce = 64;

bool watch(int poll, int fd, std::uint64_t mark) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = mark;
  return ::epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) == 0;
}

/// What of the body should be here before somebody is called.
bool body_is_here(const Connection& connection) {
  const Head& head = connection.head;
  const std::uint64_t length = head.content_length.value_or(0);
  if (head.expects_continue || length > kMaxBodyAtDoor) return true;
  return connection.bytes.size() - head.bytes >= length;
}

}  // namespace

Door::Door(std::vector<Listener> listeners, FileDescriptor poll, FileDescriptor wake, Give give,
           Answer answer)
    : listeners_(std::move(listeners)),
      poll_(std::move(poll)),
      wake_(std::move(wake)),
      give_(std::move(give)),
      answer_(std::move(answer)),
      next_(kFirstGuestMark) {}

Result<std::unique_ptr<Door>> Door::open(std::vector<Listener> listeners, Give give,
                                         Answer answer) {
  FileDescriptor poll(::epoll_create1(EPOLL_CLOEXEC));
  FileDescriptor wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  bool watched = watch(poll.get(), wake.get(), kWakeMark);
  for (std::size_t i = 0; i < listeners.size(); ++i)
    watched = watched && watch(poll.get(), listeners[i].fd(), kFirstListenerMark + i);
  if (!watched)
    return Error{ErrorKind::kUnavailable, errno, std::string("epoll: ") + std::strerror(errno)};
  return std::unique_ptr<Door>(new Door(std::move(listeners), std::move(poll), std::move(wake),
                                        std::move(give), std::move(answer)));
}

Door::~Door() {
  close();
}

void Door::start() {
  thread_ = std::thread([this] { serve(); });
}

void Door::close() {
  closing_ = true;
  const std::uint64_t one = 1;
  static_cast<void>(::write(wake_.get(), &one, sizeof(one)) < 0);
  if (thread_.joinable()) thread_.join();
}

void Door::linger(Connection connection) {
  {
    const std::lock_guard lock(mutex_);
    returned_.push_back(std::move(connection));
  }
  const std::uint64_t one = 1;
  static_cast<void>(::write(wake_.get(), &one, sizeof(one)) < 0);
}

void Door::serve() {
  std::array<epoll_event, 64> events{};
  while (!closing_) {
    const int count =
        ::epoll_wait(poll_.get(), events.data(), events.size(), milliseconds_to_sleep());
    for (int i = 0; i < count; ++i) {
      const std::uint64_t mark = events.at(static_cast<std::size_t>(i)).data.u64;
      if (mark == kWakeMark) {
        take_back();
      } else if (mark < kFirstGuestMark) {
        take_calls(listeners_.at(mark - kFirstListenerMark));
      } else {
        hear(mark);
      }
    }
    expire();
  }
}

void Door::take_calls(const Listener& listener) {
  for (int i = 0; i < kCallsAtOnce; ++i) {
    FileDescriptor fd(::accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd.is_open()) {
      const bool no_descriptor = errno == EMFILE || errno == ENFILE;
      // The call stays in the queue and would wake us for ever.
      if (no_descriptor && !drop_longest_waiting()) ::poll(nullptr, 0, 10);
      return;
    }
    auto channel = listener.channel(std::move(fd));
    if (channel) admit({listener.entrance(), std::move(channel), "", {}}, /*lingers=*/false);
  }
}

void Door::admit(Connection connection, bool lingers) {
  if (guests_.size() >= kMaxUnfinished) drop_longest_waiting();
  const Id id = next_++;
  if (!watch(poll_.get(), connection.channel->fd(), id)) return;
  const Clock::time_point leaves =
      Clock::now() + std::chrono::seconds(lingers ? kLinger : kHeadPatience);
  guests_.emplace(id, Guest{std::move(connection), leaves, lingers});
}

void Door::take_back() {
  std::uint64_t count = 0;
  static_cast<void>(::read(wake_.get(), &count, sizeof(count)) < 0);
  std::vector<Connection> returned;
  {
    const std::lock_guard lock(mutex_);
    returned.swap(returned_);
  }
  for (Connection& connection : returned) {
    admit(std::move(connection), /*lingers=*/true);
  }
}

void Door::hear(Id id) {
  const auto found = guests_.find(id);
  if (found == guests_.end()) return;  // dropped by another event of the same round
  Guest& guest = found->second;
  while (read_some(guest)) {
  }
  // Who has said everything and closed that direction may still wait for the answer.
  const bool served = !guest.lingers && judge(guest);
  if (served || guest.ended) guests_.erase(id);
}

/// True: there may be more at once.
bool Door::read_some(Guest& guest) {
  std::array<char, 4096> bytes{};
  std::string& kept = guest.connection.bytes;
  const std::size_t limit = kMaxHeadBytes + kMaxBodyAtDoor;
  const std::size_t room =
      guest.lingers ? bytes.size() : std::min(bytes.size(), limit - kept.size());
  if (room == 0) return false;
  const Moved moved = guest.connection.channel->read(bytes.data(), room);
  if (moved.bytes == 0) {
    guest.ended = moved.want == Want::kNothing;
    return false;
  }
  if (!guest.lingers) {
    kept.append(bytes.data(), moved.bytes);
    return true;
  }
  guest.thrown_away += moved.bytes;
  guest.ended = guest.thrown_away > kMaxThrownAway;
  return false;  // others first
}

/// True: the guest is served, or not welcome, and is to go from the list.
bool Door::judge(Guest& guest) {
  HeadScan scan = scan_head(guest.connection.bytes);
  if (scan.state == HeadState::kRefused) {
    refuse(guest, scan.status, scan.why);
    return true;
  }
  if (scan.state == HeadState::kUnfinished) return false;
  guest.connection.head = std::move(scan.head);
  if (!body_is_here(guest.connection)) return false;
  ::epoll_ctl(poll_.get(), EPOLL_CTL_DEL, guest.connection.channel->fd(), nullptr);
  if (!give_(guest.connection)) refuse(guest, 503, "too many calls at once; try again in a second");
  return true;
}

/// What does not go out at once is not waited for.
void Door::refuse(Guest& guest, int status, const std::string& why) {
  ::epoll_ctl(poll_.get(), EPOLL_CTL_DEL, guest.connection.channel->fd(), nullptr);
  guest.connection.channel->write(answer_(status, why));
  guest.connection.channel->end();
  linger(std::move(guest.connection));
}

void Door::expire() {
  const Clock::time_point now = Clock::now();
  for (auto next = guests_.begin(); next != guests_.end();) {
    Guest& guest = next->second;
    if (guest.leaves > now) {
      ++next;
      continue;
    }
    if (!guest.lingers && !guest.connection.bytes.empty())
      guest.connection.channel->write(answer_(408, "the call took too long to arrive"));
    next = guests_.erase(next);
  }
}

bool Door::drop_longest_waiting() {
  if (guests_.empty()) return false;
  guests_.erase(guests_.begin());
  return true;
}

int Door::milliseconds_to_sleep() const {
  if (guests_.empty()) return -1;
  auto first = Clock::time_point::max();
  for (const auto& [id, guest] : guests_) first = std::min(first, guest.leaves);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(first - Clock::now());
  return static_cast<int>(std::max<std::chrono::milliseconds::rep>(left.count(), 0));
}

}  // namespace twobox
