#include "twobox/history_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "backends/file_descriptor.h"
#include "reconciler/history_json.h"
#include "twobox/files.h"
#include "twobox/machine_ids.h"

namespace twobox {
namespace {

/// A ring's bytes are those of its texts; names and punctuation of a line come on top.
constexpr std::size_t kFileBytesPerRingByte = 4;

std::string lines_of(const std::vector<HistoryEntry>& entries) {
  std::string lines;
  for (const HistoryEntry& entry : entries) lines += history_entry_json(entry) + "\n";
  return lines;
}

Error failure(const std::string& doing, const std::string& path) {
  const int code = errno;
  return {ErrorKind::kTransport, code, doing + " " + path + ": " + std::strerror(code)};
}

}  // namespace

OpenedHistory HistoryFile::open(const std::string& state_directory, HistoryBounds bounds) {
  const auto id = network_namespace_id();
  OpenedHistory opened{
      HistoryFile(state_directory + "/history." + (id ? *id : "unknown") + ".jsonl", bounds),
      History(bounds), std::nullopt};
  opened.history = opened.file.read(opened.complaint);
  return opened;
}

History HistoryFile::read(std::optional<std::string>& complaint) {
  History history(bounds_);
  const auto text = read_file(path_, 4 * kFileBytesPerRingByte * bounds_.bytes);
  if (!text) {
    replace_ = true;
    if (text.error().errno_value != ENOENT)
      complaint = text.error().message + "; the history starts afresh";
    return history;
  }
  std::size_t dropped = 0;
  for (std::size_t begin = 0; begin < text->size();) {
    const std::size_t end = text->find('\n', begin);
    torn_ = end == std::string::npos;
    auto entry = parse_history_entry(text->substr(begin, torn_ ? end : end - begin));
    // The whole of a last line may be there, but for its end.
    if (!entry || !history.restore(*std::move(entry))) ++dropped;
    ++entries_;
    begin = torn_ ? text->size() : end + 1;
  }
  bytes_ = text->size();
  last_sequence_ = history.last_sequence();
  replace_ = history.entries().empty();
  if (dropped > 0)
    complaint =
        path_ + ": " + std::to_string(dropped) + " damaged lines of the history are left out";
  return history;
}

Status HistoryFile::append(const History& history) {
  const auto fresh = history.after(last_sequence_);
  if (fresh.empty()) return success();
  const std::string lines = lines_of(fresh);
  const bool is_full = entries_ + fresh.size() > 2 * bounds_.entries ||
                       bytes_ + lines.size() > 2 * kFileBytesPerRingByte * bounds_.bytes;
  if (replace_ || is_full) return write_anew(history);
  if (const Status appended = append_lines(lines); !appended) return appended;
  entries_ += fresh.size();
  last_sequence_ = history.last_sequence();
  return success();
}

Status HistoryFile::append_lines(const std::string& lines) {
  const FileDescriptor fd(
      ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.is_open()) return failure("open", path_);
  // What is left of a line that was not finished becomes a damaged line of its own.
  const std::string text = (torn_ ? "\n" : "") + lines;
  const ssize_t written = ::write(fd.get(), text.data(), text.size());
  if (written < 0) return failure("write", path_);
  bytes_ += static_cast<std::size_t>(written);
  torn_ = static_cast<std::size_t>(written) < text.size();
  if (!torn_) return success();
  errno = ENOSPC;  // what a disk that fills up says next
  return failure("write", path_);
}

Status HistoryFile::write_anew(const History& history) {
  const auto all = history.after(0);
  const std::string lines = lines_of(all);
  if (const Status written = replace_file(path_, lines); !written) return written;
  entries_ = all.size();
  bytes_ = lines.size();
  last_sequence_ = history.last_sequence();
  torn_ = false;
  replace_ = false;
  return success();
}

}  // namespace twobox
