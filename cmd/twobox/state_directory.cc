#include "twobox/state_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "reconciler/sysctl_value.h"
#include "schema/parse.h"
#include "twobox/files.h"
#include "twobox/machine_ids.h"

namespace twobox {
namespace {

constexpr std::size_t kMaxRecordBytes = std::size_t{64} << 20;

Error failure(const std::string& doing, const std::string& path) {
  const int code = errno;
  return {ErrorKind::kUnavailable, code, doing + " " + path + ": " + std::strerror(code)};
}

Status make_directory(const std::string& path) {
  std::error_code code;
  const bool is_new = std::filesystem::create_directories(path, code);
  if (is_new) std::filesystem::permissions(path, std::filesystem::perms::owner_all, code);
  if (!code) return success();
  return Error{ErrorKind::kUnavailable, code.value(),
               "create state directory " + path + ": " + code.message()};
}

}  // namespace

Result<OwnershipFile> OwnershipFile::open(const std::string& state_directory) {
  const auto id = network_namespace_id();
  if (!id) return id.error();
  const auto boot = boot_id();
  if (!boot) return boot.error();
  const std::string path = state_directory + "/ownership." + *id + ".json";

  const auto text = read_file(path, kMaxRecordBytes);
  if (!text && text.error().errno_value != ENOENT) return text.error();
  if (!text) return OwnershipFile(path, StoredRecord{*boot, {}});
  auto stored = parse_ownership(*text);
  if (!stored)
    return with_context(stored.error(), path + ": move it away to start with an empty record");
  if (stored->boot_id != *boot) return OwnershipFile(path, StoredRecord{*boot, {}});
  return OwnershipFile(path, *std::move(stored));
}

Status OwnershipFile::save(const OwnershipRecord& record) {
  StoredRecord next{stored_.boot_id, record};
  if (const Status written = replace_file(path_, ownership_json(next)); !written) return written;
  stored_ = std::move(next);
  return success();
}

Result<ChangeLock> ChangeLock::take(const std::string& state_directory) {
  if (const Status made = make_directory(state_directory); !made) return made.error();
  const auto id = network_namespace_id();
  if (!id) return id.error();
  const std::string path = state_directory + "/lock." + *id;
  FileDescriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.is_open()) return failure("open", path);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return failure("lock", path);
    const std::string owner = normal_sysctl_value(
        read_file(path, 64).has_value() ? *read_file(path, 64) : std::string("unknown"));
    return Error{ErrorKind::kUnavailable, EWOULDBLOCK,
                 "another twobox (process " + owner +
                     ") works on this machine; if it is the daemon, edit its document instead"};
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd.get(), 0) != 0 ||
      ::pwrite(fd.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    return failure("write", path);
  return ChangeLock(std::move(fd));
}

std::string last_good_path(const std::string& state_directory, const std::string& document_path) {
  std::error_code code;
  std::string name = std::filesystem::absolute(document_path, code).string();
  std::ranges::replace(name, '/', '_');
  return state_directory + "/last-good" + name;
}

Status save_last_good(const std::string& state_directory, const std::string& document_path,
                      std::string_view text) {
  return replace_file(last_good_path(state_directory, document_path), text);
}

}  // namespace twobox
