// The words of which causes are made.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "reconciler/health.h"

namespace twobox {

/// "connection refused".
std::string errno_words(int number);

/// "1.5 s", "200 ms".
std::string in_words(std::chrono::milliseconds duration);

/// On one line and in ASCII: white space and control characters are a space, other bytes '?'.
std::string printable(std::string_view text);

/// True if `number` says that this machine is short of something, and nothing of who was asked.
bool is_own_shortage(int number);

CheckOutcome passed();
CheckOutcome failed(std::string cause);
CheckOutcome not_made(std::string cause);
/// "WHAT: errno's words", failed or not made by is_own_shortage().
CheckOutcome refused_with(int number, const std::string& what);

}  // namespace twobox
