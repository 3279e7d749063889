// The words of faults: how a found value is shown, how a pointer is written, what was perhaps
// meant.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace twobox {

/// Control characters as \n, \t or \u00XX, so that the text stays on one line and can't steer a
/// terminal. More than `max_characters` are cut, never inside a character, and "..." is put behind.
/// `text` is UTF-8.
std::string on_one_line(std::string_view text, std::size_t max_characters);

/// The text in double quotes, as JSON writes it, on one line and at most 64 characters of it.
std::string in_quotes(std::string_view text);

/// `parent` + "/" + `key`, with ~ and / in the key written ~0 and ~1 (RFC 6901).
std::string child_pointer(std::string_view parent, std::string_view key);
std::string child_pointer(std::string_view parent, std::size_t index);

/// "found X, allowed is Y"
std::string found_allowed(std::string_view found, std::string_view allowed);

/// `"tcp", "udp" or "sctp"`
std::string one_of(std::span<const std::string_view> words);

/// The word that `text` was most likely meant to be; "" when none is near.
std::string_view nearest_word(std::string_view text, std::span<const std::string_view> words);

}  // namespace twobox
