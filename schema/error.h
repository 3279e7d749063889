// Errors are values: what failed, and the kernel's own words.
#pragma once

#include <cassert>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace twobox {

enum class ErrorKind {
  kInvalidDocument,  // the user's text is at fault; a retry gives the same answer
  kKernelRefused,    // the kernel answered with an errno
  kTransport,        // a socket or file failed, or a message was malformed
  kTornDump,         // every attempt to read a table was interrupted by a change (NLM_F_DUMP_INTR)
  kUnavailable,      // something this machine lacks: a module, an interface, a permission
  kNotRecorded,      // a file of our own could not be written, and nothing is done without it
  kBug,              // our own mistake
};

struct Error {
  ErrorKind kind;
  int errno_value = 0;  // positive errno; 0 when the kernel was not asked
  std::string message;  // names the object: "add real server 192.0.2.10:80: ..."

  friend bool operator==(const Error&, const Error&) = default;
};

inline Error with_context(Error error, std::string_view doing) {
  error.message = std::string(doing) + ": " + error.message;
  return error;
}

/// A value or the Error that kept us from it. Its members are a subset of std::expected's, which
/// clang 14 lacks; when the oldest supported compiler has it, this becomes an alias.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}
  Result(Error error) : state_(std::move(error)) {}

  bool has_value() const { return std::holds_alternative<T>(state_); }
  explicit operator bool() const { return has_value(); }

  T& value() & {
    assert(has_value());
    return *std::get_if<T>(&state_);
  }
  const T& value() const& {
    assert(has_value());
    return *std::get_if<T>(&state_);
  }
  T&& value() && {
    assert(has_value());
    return std::move(*std::get_if<T>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const {
    assert(!has_value());
    return *std::get_if<Error>(&state_);
  }

 private:
  std::variant<T, Error> state_;
};

/// Success, or the Error.
using Status = Result<std::monostate>;

inline Status success() {
  return std::monostate{};
}

}  // namespace twobox
