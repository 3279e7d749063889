// systemd's journal in its own protocol: messages with fields that can be searched for.
// (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/)
#pragma once

#include <string>
#include <vector>

#include "backends/file_descriptor.h"
#include "schema/error.h"

namespace twobox {

struct JournalField {
  std::string name;  // upper case letters, digits and '_'
  std::string value;
};

/// One datagram's worth of fields. A value with a newline is told by its length.
std::string journal_record(const std::vector<JournalField>& fields);

/// Not thread-safe.
class Journal {
 public:
  static constexpr char kSocket[] = "/run/systemd/journal/socket";

  explicit Journal(std::string socket_path = kSocket);

  /// Error: kTransport with errno: nobody reads the journal, or its queue is full. Never waits.
  Status send(const std::vector<JournalField>& fields) const;

 private:
  std::string path_;
  FileDescriptor socket_;
};

/// True if `fd` is the stream that `journal_stream` ("DEVICE:INODE", $JOURNAL_STREAM) names: a
/// parent's variable says nothing once stderr has been redirected.
bool is_journal_stream(int fd, const char* journal_stream);

}  // namespace twobox
