// One thread that takes connections, waits for their heads, and gives a worker only what is worth
// its time: a slow client costs a descriptor and a few kilobytes, never a thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "http/connection.h"
#include "http/listener.h"

namespace twobox {

/// Clients whose head is not whole yet. One more, and the one that has waited longest goes.
constexpr std::size_t kMaxUnfinished = 256;
constexpr std::chrono::seconds kHeadPatience{10};
/// A body of this size is waited for here as well.
constexpr std::size_t kMaxBodyAtDoor = std::size_t{16} << 10;
/// How long the rest of a body that was refused is read and thrown away: closing at once would
/// reset the connection, and the client would not see the answer.
constexpr std::chrono::seconds kLinger{2};
constexpr std::size_t kMaxThrownAway = std::size_t{1} << 20;

class Door {
 public:
  /// Called on the door's thread; must not block. False: nobody has time; it keeps the connection.
  using Give = std::function<bool(Connection&)>;
  /// The bytes that answer what is refused here.
  using Answer = std::function<std::string(int status, const std::string& why)>;

  /// Error: kUnavailable if there are no descriptors to be had.
  static Result<std::unique_ptr<Door>> open(std::vector<Listener> listeners, Give give,
                                            Answer answer);
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;
  ~Door();

  /// Takes calls until close().
  void start();
  void close();

  /// From any thread: throws away what still comes, for kLinger.
  void linger(Connection connection);

 private:
  using Clock = std::chrono::steady_clock;
  using Id = std::uint64_t;
  struct Guest {
    Connection connection;
    Clock::time_point leaves;
    bool lingers = false;
    bool ended = false;           // nothing more will come, or is waited for
    std::size_t thrown_away = 0;  // while it lingers
  };

  Door(std::vector<Listener> listeners, FileDescriptor poll, FileDescriptor wake, Give give,
       Answer answer);
  void serve();
  void take_calls(const Listener& listener);
  void admit(Connection connection, bool lingers);
  void take_back();
  void hear(Id id);
  static bool read_some(Guest& guest);
  bool judge(Guest& guest);
  void refuse(Guest& guest, int status, const std::string& why);
  void expire();
  bool drop_longest_waiting();
  int milliseconds_to_sleep() const;

  std::vector<Listener> listeners_;
  FileDescriptor poll_;
  FileDescriptor wake_;
  Give give_;
  Answer answer_;
  std::map<Id, Guest> guests_;  // oldest first
  Id next_ = 0;
  std::mutex mutex_;
  std::vector<Connection> returned_;  // to linger
  std::atomic<bool> closing_ = false;
  std::thread thread_;
};

}  // namespace twobox
