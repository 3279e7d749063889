// What keepalived writes to its notify pipes. Only a hint: with nobody reading, messages get lost,
// and a reload makes the pipe anew. Roles are judged by addresses; this tells fault from backup.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "backends/file_descriptor.h"

namespace twobox {

/// The last word on one VRRP instance.
struct KeepalivedMessage {
  std::string instance;
  bool fault = false;
  friend bool operator==(const KeepalivedMessage&, const KeepalivedMessage&) = default;
};

/// `INSTANCE "VI_1" MASTER 100`. nullopt for whatever else is written there: groups, priorities,
/// virtual servers, words of later versions.
/// Source: keepalived's vrrp_notify.c. The name is not escaped, so it ends at the last quote.
std::optional<KeepalivedMessage> parse_keepalived_line(std::string_view line);

/// Lines out of a stream of bytes. NULs are left out (keepalived's lines of virtual servers end
/// with one), and of a line longer than kLongest nothing is given.
class LineSplitter {
 public:
  static constexpr std::size_t kLongest = 1024;
  std::vector<std::string> take(std::string_view bytes);

 private:
  std::string begun_;
  bool too_long_ = false;
};

/// Readers of named pipes. Not thread-safe.
class KeepalivedFifos {
 public:
  /// From now on reads these pipes and no others. Opens what is there, and again what was made
  /// anew; so call it with every pass.
  void set_watched(const std::set<std::string>& paths);

  std::vector<int> fds() const;
  /// True if there was something to read.
  bool drain();

  /// Instances whose last message was FAULT.
  const std::set<std::string>& faults() const { return faults_; }

 private:
  struct Pipe {
    FileDescriptor fd;
    LineSplitter lines;
  };
  bool drain(Pipe& pipe);
  void note(const std::string& line);

  std::map<std::string, Pipe> pipes_;
  std::set<std::string> faults_;
};

}  // namespace twobox
