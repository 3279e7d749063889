#include "schema/document.h"

#include "schema/fault_text.h"

namespace twobox {
namespace {

// Longer than the pointer to any place a document can rightly have.
constexpr std::size_t kMaxShownPointer = 640;

}  // namespace

std::string to_string(const Fault& fault) {
  const std::string place =
      fault.pointer.empty() ? "(document)" : on_one_line(fault.pointer, kMaxShownPointer);
  return place + ": " + fault.detail;
}

std::string_view to_string(Role role) {
  switch (role) {
    case Role::kMaster:
      return "master";
    case Role::kBackup:
      return "backup";
    case Role::kFault:
      return "fault";
  }
  return "";
}

std::optional<Role> role_from_text(std::string_view text) {
  for (const Role role : {Role::kMaster, Role::kBackup, Role::kFault})
    if (text == to_string(role)) return role;
  return std::nullopt;
}

std::string_view to_string(Bypass bypass) {
  switch (bypass) {
    case Bypass::kRedirect:
      return "redirect";
    case Bypass::kMacMark:
      return "mac-mark";
    case Bypass::kBackupOnly:
      return "backup-only";
    case Bypass::kNone:
      return "none";
  }
  return "";
}

std::string_view to_string(Forwarding forwarding) {
  switch (forwarding) {
    case Forwarding::kDirect:
      return "direct";
    case Forwarding::kMasquerade:
      return "masquerade";
    case Forwarding::kTunnel:
      return "tunnel";
  }
  return "";
}

}  // namespace twobox
