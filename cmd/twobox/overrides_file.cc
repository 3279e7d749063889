#include "twobox/overrides_file.h"

#include <cerrno>
#include <nlohmann/json.hpp>

#include "reconciler/field_reader.h"
#include "twobox/files.h"
#include "twobox/machine_ids.h"

namespace twobox {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxBytes = std::size_t{16} << 20;

}  // namespace

Result<OverridesFile> OverridesFile::open(const std::string& state_directory,
                                          const std::string& kind) {
  const auto id = network_namespace_id();
  if (!id) return id.error();
  const auto boot = boot_id();
  if (!boot) return boot.error();
  OverridesFile file(state_directory + "/" + kind + "." + *id + ".json", kind, *boot);
  const auto text = read_file(file.path_, kMaxBytes);
  if (!text && text.error().errno_value != ENOENT) return text.error();
  if (text && !file.take(*text)) return file.damaged();
  return file;
}

bool OverridesFile::take(const std::string& text) {
  const Json object = parse_written_json(text);
  if (!object.is_object() || object.value("format", Json()) != 1) return false;
  const Json boot = object.value("boot_id", Json());
  const Json words = object.value(kind_, Json());
  if (!boot.is_string() || !words.is_object()) return false;
  for (const auto& [name, word] : words.items()) {
    if (!word.is_string()) return false;
    words_.emplace(name, word.get<std::string>());
  }
  if (boot.get<std::string>() != boot_id_) words_.clear();
  return true;
}

Status OverridesFile::set(const std::string& name, const std::optional<std::string>& word) {
  auto next = words_;
  if (word) {
    next.insert_or_assign(name, *word);
  } else {
    next.erase(name);
  }
  if (next == words_) return success();
  const Json object = {{"format", 1}, {"boot_id", boot_id_}, {kind_, next}};
  if (const Status written = replace_file(path_, object.dump(2) + "\n"); !written) return written;
  words_ = std::move(next);
  return success();
}

Error OverridesFile::damaged() const {
  return {
      ErrorKind::kTransport, EBADMSG,
      path_ + ": the record of " + kind_ + " set by hand is damaged; move it away to have none"};
}

}  // namespace twobox
