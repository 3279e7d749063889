// The only writer to stderr: one line for each event.
#pragma once

#include <cstdint>
#include <string_view>

namespace twobox {

/// syslog's numbers, which journald reads from a "<N>" at the start of a line.
enum class LogLevel : std::uint8_t { kError = 3, kWarning = 4, kInfo = 6 };

/// Under systemd the line carries its level and the journal adds the time; elsewhere it carries the
/// time. Control characters are replaced, so that one event stays one line. Thread-safe.
void log(LogLevel level, std::string_view line);

/// A message of a one-shot command: "twobox: LINE".
void complain(std::string_view line);

}  // namespace twobox
