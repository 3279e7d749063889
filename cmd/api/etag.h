// ETags of documents, and the conditions that a call sets on them.
#pragma once

#include <string>
#include <string_view>

namespace twobox {

/// A strong ETag, quoted: a digest of the text, so that it is the same after a restart and on every
/// node. A document is replaced as a whole, so one that went and came back is no lost update.
std::string etag_of(std::string_view text);

/// If-Match and If-None-Match as they came; "" is no condition.
struct EtagCondition {
  std::string if_match;
  std::string if_none_match;
};

/// RFC 9110, 13.1: `etag` is the one in force, "" if there is no document. Weak tags never match.
bool holds(const EtagCondition& condition, const std::string& etag);

}  // namespace twobox
