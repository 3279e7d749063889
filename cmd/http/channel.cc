#include "http/channel.h"

#include <sys/socket.h>

#include <cerrno>

namespace twobox {
namespace {

class PlainChannel : public Channel {
 public:
  explicit PlainChannel(FileDescriptor fd) : fd_(std::move(fd)) {}

  Moved read(char* to, std::size_t room) override {
    return moved(::recv(fd_.get(), to, room, 0), Want::kRead);
  }
  Moved write(std::string_view from) override {
    return moved(::send(fd_.get(), from.data(), from.size(), MSG_NOSIGNAL), Want::kWrite);
  }
  void end() override { ::shutdown(fd_.get(), SHUT_WR); }
  int fd() const override { return fd_.get(); }

 private:
  static Moved moved(ssize_t count, Want later) {
    if (count >= 0) return {static_cast<std::size_t>(count), Want::kNothing};
    const bool again = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    return {0, again ? later : Want::kNothing};
  }
  FileDescriptor fd_;
};

}  // namespace

std::unique_ptr<Channel> plain_channel(FileDescriptor fd) {
  return std::make_unique<PlainChannel>(std::move(fd));
}

}  // namespace twobox
