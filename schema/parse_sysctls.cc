#include "schema/document_reading.h"
#include "schema/field_types.h"

namespace twobox {
namespace {

constexpr std::size_t kMaxBytes = 255;

bool is_in_sysctl_part(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '/';
}

/// One of the parts between dots. As in sysctl(8), a '/' stands for a dot within the part, as in
/// the interface eth0/100. It must not come first, or "//" would become the directory above.
bool is_sysctl_part(std::string_view part) {
  return !part.empty() && part.front() != '/' && std::ranges::all_of(part, is_in_sysctl_part);
}

bool is_net_sysctl(std::string_view key) {
  if (key.size() > kMaxBytes || !key.starts_with("net.")) return false;
  for (std::size_t at = 0; at != std::string_view::npos;) {
    const std::size_t dot = key.find('.', at);
    if (!is_sysctl_part(key.substr(at, dot - at))) return false;
    at = dot == std::string_view::npos ? dot : dot + 1;
  }
  return true;
}

bool is_in_sysctl_value(char c) {
  return (c >= ' ' && c <= '~') || c == '\t';
}

std::optional<std::string> read_value(const Field& field) {
  constexpr std::string_view kAllowed =
      "a string of 1 to 255 printable ASCII characters, not only white space";
  const std::string* const text = field.text(kAllowed);
  if (text == nullptr) return std::nullopt;
  const bool is_blank = text->find_first_not_of(" \t") == std::string::npos;
  if (!is_blank && text->size() <= kMaxBytes && std::ranges::all_of(*text, is_in_sysctl_value))
    return *text;
  field.refuse(kAllowed);
  return std::nullopt;
}

}  // namespace

std::map<std::string, std::string> read_sysctls(const Field& field) {
  const JsonObject* const object = field.object("an object of sysctls");
  if (object == nullptr) return {};
  std::map<std::string, std::string> sysctls;
  for (const JsonMember& member : *object) {
    const Field each = field.member(member);
    if (!is_net_sysctl(member.key))
      each.refuse_as("the key " + in_quotes(member.key),
                     "the name of a sysctl below net, such as \"net.ipv4.ip_forward\"");
    if (auto value = read_value(each)) sysctls.emplace(member.key, *std::move(value));
  }
  return sysctls;
}

}  // namespace twobox
