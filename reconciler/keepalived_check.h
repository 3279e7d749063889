// keepalived's checkers as a document's checks.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "reconciler/keepalived_text.h"
#include "reconciler/keepalived_values.h"
#include "schema/check.h"

namespace twobox {

/// What a virtual_server says for all its checkers, or a real_server for its own; keepalived's
/// defaults. Source: keepalived.conf(5) of keepalived 2.2.7.
struct KeepalivedCheckDefaults {
  std::chrono::milliseconds delay_loop = std::chrono::seconds(60);
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(5);
  std::optional<std::uint32_t> retry;  // absent: the checker's own default
  std::optional<std::string> virtualhost;

  /// Takes a line that sets one of these, and says what is wrong with it; false for others.
  bool take(const KeepalivedLine& line, KeepalivedNotes& notes);
};

/// True for the keywords of checkers: TCP_CHECK, HTTP_GET and so on.
bool is_keepalived_checker(const std::string& keyword);

/// nullopt, with a note, for a checker that a document has nothing like. What its block says beside
/// is noted. keepalived calls a server up after one success, and down after `retry` failures
/// more than one.
std::optional<Check> read_keepalived_check(const KeepalivedLine& checker,
                                           KeepalivedCheckDefaults defaults,
                                           KeepalivedNotes& notes);

}  // namespace twobox
