// Errors as RFC 9457 has them.
#pragma once

#include <string>

#include "http/message.h"
#include "schema/document.h"

namespace twobox {

constexpr char kJsonType[] = "application/json";

HttpAnswer problem(int status, const std::string& detail);
/// 400 with `errors`: each fault's pointer and detail.
HttpAnswer problem(const Faults& faults);

}  // namespace twobox
