#include "twobox/journal.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

namespace twobox {

std::string journal_record(const std::vector<JournalField>& fields) {
  std::string record;
  for (const auto& [name, value] : fields) {
    if (value.find('\n') == std::string::npos) {
      record.append(name).append("=").append(value).append("\n");
      continue;
    }
    record += name + "\n";
    for (unsigned shift = 0; shift < 64; shift += 8)  // 64 bits, little endian
      record += static_cast<char>((std::uint64_t{value.size()} >> shift) & 0xff);
    record += value + "\n";
  }
  return record;
}

Journal::Journal(std::string socket_path)
    : path_(std::move(socket_path)),
      socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {}

Status Journal::send(const std::vector<JournalField>& fields) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const std::string record = journal_record(fields);
  if (::sendto(socket_.get(), record.data(), record.size(), MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&address), sizeof(address)) >= 0)
    return success();
  const int code = errno;
  return Error{ErrorKind::kTransport, code, "send to " + path_ + ": " + std::strerror(code)};
}

bool is_journal_stream(int fd, const char* journal_stream) {
  struct stat status {};
  if (journal_stream == nullptr || ::fstat(fd, &status) != 0) return false;
  return std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) == journal_stream;
}

}  // namespace twobox
