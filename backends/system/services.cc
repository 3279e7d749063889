#include "backends/system/services.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <sstream>
#include <string_view>

#include "backends/system/config_files.h"
#include "backends/text_file.h"

namespace twobox {
namespace {

using Settings = std::map<std::string, std::string>;

/// Without white space and quotes around it.
std::string bare(std::string_view text) {
  constexpr std::string_view kAround = " \t\r\"";
  const std::size_t begin = text.find_first_not_of(kAround);
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(kAround) - begin + 1));
}

/// Adds the KEY=VALUE lines of a file; later ones replace earlier ones. False: there is none.
Result<bool> add_settings(const std::string& path, Settings& settings) {
  const auto text = read_text_file(path);
  if (!text && (text.error().errno_value == ENOENT || text.error().errno_value == ENOTDIR))
    return false;
  if (!text) return text.error();
  std::istringstream stream(*text);
  for (std::string line; std::getline(stream, line);) {
    const std::size_t equals = line.find('=');
    if (equals != std::string::npos)
      settings.insert_or_assign(bare(line.substr(0, equals)), bare(line.substr(equals + 1)));
  }
  return true;
}

std::string value_of(const Settings& settings, const std::string& key) {
  const auto found = settings.find(key);
  return found == settings.end() ? "" : found->second;
}

/// systemd's words for yes, and the one that keeps addresses without a lifetime.
bool keeps_static(const std::string& keep_configuration) {
  constexpr std::array<std::string_view, 7> kKeeping = {"static", "yes", "y", "true",
                                                        "t",      "on",  "1"};
  return std::ranges::find(kKeeping, keep_configuration) != kKeeping.end();
}

/// The link's .network file and its drop-ins, in the order in which networkd reads them.
std::vector<std::string> network_files(const Settings& link) {
  std::vector<std::string> files = {value_of(link, "NETWORK_FILE")};
  std::istringstream stream(value_of(link, "NETWORK_FILE_DROPINS"));
  for (std::string file; std::getline(stream, file, ':');) files.push_back(file);
  return files;
}

Result<std::optional<AddressKeeper>> networkd(const std::string& root, const std::string& index) {
  using None = std::optional<AddressKeeper>;
  const std::string path = "/run/systemd/netif/links/" + index;
  Settings link;
  if (const auto read = add_settings(root + path, link); !read) return read.error();
  const std::string config = value_of(link, "NETWORK_FILE");
  if (config.empty() || value_of(link, "ADMIN_STATE") == "unmanaged") return None();
  Settings network;
  for (const std::string& file : network_files(link))
    if (const auto read = add_settings(root + file, network); !read) return read.error();
  if (keeps_static(value_of(network, "KeepConfiguration"))) return None();
  return None({AddressKeeper::Service::kNetworkd, path, config});
}

Result<std::optional<AddressKeeper>> network_manager(const std::string& root,
                                                     const std::string& index) {
  using None = std::optional<AddressKeeper>;
  const std::string path = "/run/NetworkManager/devices/" + index;
  Settings device;
  if (const auto read = add_settings(root + path, device); !read) return read.error();
  // One that is connected by other hands has no connection of NetworkManager's own.
  if (value_of(device, "managed") != "true" || value_of(device, "connection-uuid").empty())
    return None();
  return None({AddressKeeper::Service::kNetworkManager, path, ""});
}

}  // namespace

Result<std::optional<AddressKeeper>> address_keeper(const std::string& root, std::uint32_t index) {
  auto keeper = networkd(root, std::to_string(index));
  if (!keeper || *keeper) return keeper;
  return network_manager(root, std::to_string(index));
}

Result<NftablesService> nftables_service(const std::string& root) {
  NftablesService service;
  for (const char* directory : {"/etc/systemd/system", "/run/systemd/system"}) {
    const auto wants = matching_paths(root, std::string(directory) + "/*.wants/nftables.service");
    if (!wants) return wants.error();
    service.enabled = service.enabled || !wants->empty();
  }
  if (!service.enabled) return service;
  for (const char* file : {"/etc/nftables.conf", "/etc/sysconfig/nftables.conf"}) {
    auto lines = config_lines(root, file, "#");
    if (!lines) return lines.error();
    std::ranges::move(*lines, std::back_inserter(service.lines));
  }
  return service;
}

Result<std::vector<ConfigLine>> keepalived_lines(const std::string& root) {
  return config_lines(root, "/etc/keepalived/*.conf", "#!");
}

}  // namespace twobox
