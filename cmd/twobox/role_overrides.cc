#include "twobox/role_overrides.h"

#include <cerrno>
#include <nlohmann/json.hpp>

#include "twobox/files.h"
#include "twobox/machine_ids.h"

namespace twobox {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxBytes = std::size_t{16} << 20;

struct Stored {
  std::string boot_id;
  RoleOverrides roles;
};

std::optional<Stored> parse(const std::string& text) {
  const Json object = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object() || object.value("format", Json()) != 1) return std::nullopt;
  const Json boot = object.value("boot_id", Json());
  const Json roles = object.value("roles", Json());
  if (!boot.is_string() || !roles.is_object()) return std::nullopt;
  Stored stored{boot.get<std::string>(), {}};
  for (const auto& [vip, word] : roles.items()) {
    const auto role = word.is_string() ? role_from_text(word.get<std::string>()) : std::nullopt;
    if (!role) return std::nullopt;
    stored.roles.emplace(vip, *role);
  }
  return stored;
}

std::string text_of(const std::string& boot, const RoleOverrides& roles) {
  Json object = {{"format", 1}, {"boot_id", boot}, {"roles", Json::object()}};
  for (const auto& [vip, role] : roles) object["roles"][vip] = to_string(role);
  return object.dump(2) + "\n";
}

}  // namespace

Result<RoleOverridesFile> RoleOverridesFile::open(const std::string& state_directory) {
  const auto id = network_namespace_id();
  if (!id) return id.error();
  const auto boot = boot_id();
  if (!boot) return boot.error();
  const std::string path = state_directory + "/roles." + *id + ".json";
  const auto text = read_file(path, kMaxBytes);
  if (!text && text.error().errno_value != ENOENT) return text.error();
  if (!text) return RoleOverridesFile(path, *boot, {});
  auto stored = parse(*text);
  if (!stored)
    return Error{ErrorKind::kTransport, EBADMSG,
                 path + ": the record of roles set by hand is damaged; move it away to have none"};
  if (stored->boot_id != *boot) stored->roles.clear();
  return RoleOverridesFile(path, *boot, std::move(stored->roles));
}

Status RoleOverridesFile::set(const VipName& vip, std::optional<Role> role) {
  RoleOverrides next = roles_;
  if (role) {
    next.insert_or_assign(vip, *role);
  } else {
    next.erase(vip);
  }
  if (next == roles_) return success();
  if (const Status written = replace_file(path_, text_of(boot_id_, next)); !written) return written;
  roles_ = std::move(next);
  return success();
}

}  // namespace twobox
