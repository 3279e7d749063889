// A packet socket that gets copies of the frames a filter takes, from every interface.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <functional>
#include <span>

#include "backends/file_descriptor.h"
#include "backends/packet/headers.h"
#include "schema/error.h"

namespace twobox {

/// Not bound to an interface, so that one that is made anew needs nothing. Never gets what this
/// machine sends. Not thread-safe.
class PacketSocket {
 public:
  /// Takes nothing before its first filter. Errors: kUnavailable without CAP_NET_RAW; kTransport.
  static Result<PacketSocket> open();

  /// From now on takes what `program` takes; what was taken before is thrown away.
  /// Error: kTransport.
  Status set_filter(std::span<const sock_filter> program);

  int fd() const { return socket_.get(); }

  /// Hands on up to `limit` frames that wait, each with the index of its interface; never blocks.
  /// The bytes end with the call. A frame longer than 2048 bytes is cut off.
  void receive(std::size_t limit,
               const std::function<void(FrameBytes frame, int interface_index)>& on_frame);

  /// Sends a frame, Ethernet header included. Error: kTransport with errno.
  Status send(FrameBytes frame, int interface_index);

  /// Frames that the filter took since the last call, also those the socket had no room for.
  std::uint64_t count_taken();

 private:
  explicit PacketSocket(FileDescriptor socket) : socket_(std::move(socket)) {}

  FileDescriptor socket_;
};

}  // namespace twobox
