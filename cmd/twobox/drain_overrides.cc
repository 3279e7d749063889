#include "twobox/drain_overrides.h"

#include "schema/duration.h"

namespace twobox {

Result<DrainOverridesFile> DrainOverridesFile::open(const std::string& state_directory) {
  auto file = OverridesFile::open(state_directory, "drains");
  if (!file) return file.error();
  DrainOverrides drains;
  for (const auto& [name, word] : file->words()) {
    const auto deadline = parse_duration(word);
    if (!deadline) return file->damaged();
    drains.emplace(name, std::chrono::duration_cast<std::chrono::seconds>(*deadline));
  }
  return DrainOverridesFile(*std::move(file), std::move(drains));
}

Status DrainOverridesFile::set(const std::string& name,
                               std::optional<std::chrono::seconds> deadline) {
  std::optional<std::string> word;
  if (deadline) word = duration_text(*deadline);
  if (const Status stored = file_.set(name, word); !stored) return stored;
  if (deadline) {
    drains_.insert_or_assign(name, *deadline);
  } else {
    drains_.erase(name);
  }
  return success();
}

}  // namespace twobox
