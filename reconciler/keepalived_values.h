// Values of keepalived.conf, and what is said of lines that no document can hold.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/keepalived_text.h"
#include "schema/net.h"

namespace twobox {

/// What is said while a file is read: "PATH:NUMBER: TEXT".
class KeepalivedNotes {
 public:
  void add(const std::string& place, const std::string& text) {
    notes_.push_back(place + ": " + text);
  }
  void add(const KeepalivedLine& line, const std::string& text) { add(line.place, text); }
  void no_counterpart(const KeepalivedLine& line) {
    add(line, line.keyword() + ": a document has nothing like it; left out");
  }
  /// `value` is what the line has, "" for nothing.
  void not_understood(const KeepalivedLine& line, std::string_view value);
  std::vector<std::string> take() { return std::move(notes_); }

 private:
  std::vector<std::string> notes_;
};

std::optional<std::uint64_t> keepalived_number(std::string_view text, std::uint64_t min,
                                               std::uint64_t max);

/// "3" or "0.25": seconds, cut to milliseconds. nullopt for other texts and for more than a year.
std::optional<std::chrono::milliseconds> keepalived_seconds(std::string_view text);

/// The words behind the keyword, with single spaces between.
std::string keepalived_rest(const KeepalivedLine& line);

std::optional<IpAddress> keepalived_address(std::string_view text);
std::optional<Port> keepalived_port(std::string_view text);

}  // namespace twobox
