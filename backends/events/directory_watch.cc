#include "backends/events/directory_watch.h"

#include <sys/inotify.h>

#include <filesystem>
#include <system_error>

namespace twobox {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kEntryEvents =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB;
constexpr std::uint32_t kAsked = kEntryEvents | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr std::uint32_t kWatchAtFault = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_Q_OVERFLOW;

std::string directory_of(const fs::path& file) {
  const fs::path parent = file.parent_path();
  return parent.empty() ? "." : parent.string();
}

}  // namespace

Result<DirectoryWatch> DirectoryWatch::open(std::string file) {
  auto inotify = Inotify::open();
  if (!inotify) return inotify.error();
  DirectoryWatch watch(std::move(*inotify), std::move(file));
  auto names = watch.watch_directories();
  if (!names) {
    Error error = names.error();
    error.kind = ErrorKind::kUnavailable;
    return error;
  }
  watch.names_by_watch_ = std::move(*names);
  return watch;
}

bool DirectoryWatch::drain() {
  bool changed = false;
  inotify_.drain([&](const Inotify::Event& event) { changed = changed || matters(event); });

  // The directory may have been replaced, or a link lead elsewhere by now.
  auto names = watch_directories();
  if (!names) names = std::map<int, Names>();
  if (*names == names_by_watch_) return changed;
  for (const auto& [number, unused] : names_by_watch_)
    if (!names->contains(number)) inotify_.forget(number);
  names_by_watch_ = std::move(*names);
  // What forgetting left in the queue; anything else in it is covered by our saying "changed".
  inotify_.drain([](const Inotify::Event&) {});
  return true;
}

Result<std::map<int, DirectoryWatch::Names>> DirectoryWatch::watch_directories() {
  const fs::path file = file_;
  std::map<int, Names> names;
  const auto own = inotify_.watch(directory_of(file), kAsked);
  if (!own) return own.error();

  std::error_code ignored;
  if (!fs::is_symlink(fs::symlink_status(file, ignored))) {
    names[*own] = {file.filename().string()};
    return names;
  }
  const fs::path target = fs::weakly_canonical(file, ignored);
  if (!target.empty())
    if (const auto other = inotify_.watch(directory_of(target), kAsked))
      names[*other] = {target.filename().string()};
  names[*own] = {};
  return names;
}

bool DirectoryWatch::matters(const Inotify::Event& event) const {
  if ((event.mask & kWatchAtFault) != 0) return true;
  if ((event.mask & kEntryEvents) == 0) return false;
  const auto names = names_by_watch_.find(event.watch);
  if (names == names_by_watch_.end()) return false;
  return names->second.empty() || names->second.contains(std::string(event.name));
}

}  // namespace twobox
