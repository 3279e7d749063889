// The bytes of one connection, plain or encrypted, without ever waiting.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "backends/file_descriptor.h"

namespace twobox {

/// What a channel needs before it can go on.
enum class Want : std::uint8_t { kNothing, kRead, kWrite };

/// How many bytes went; none and Want::kNothing: the other end is gone.
struct Moved {
  std::size_t bytes = 0;
  Want want = Want::kNothing;
};

class Channel {
 public:
  virtual ~Channel() = default;

  virtual Moved read(char* to, std::size_t room) = 0;
  virtual Moved write(std::string_view from) = 0;
  /// Tells the other end that nothing more will come.
  virtual void end() = 0;
  /// To poll; stays the channel's.
  virtual int fd() const = 0;
};

/// `fd` must not block.
std::unique_ptr<Channel> plain_channel(FileDescriptor fd);

}  // namespace twobox
