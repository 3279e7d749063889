// What other services' configuration and the kernel's modules show.
#include <algorithm>
#include <sstream>

#include "reconciler/commands.h"
#include "reconciler/doctor_checks.h"
#include "reconciler/doctor_settings.h"

namespace twobox::doctor {
namespace {

using Words = std::vector<std::string>;

/// nft separates statements by ';' as by new lines.
Words words_of(std::string text) {
  std::ranges::replace(text, ';', ' ');
  std::istringstream stream(text);
  Words words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::string place_of(const ConfigLine& line) {
  return line.file + ":" + std::to_string(line.line) + ": " + line.text;
}

/// `flush ruleset`, unless it is of one family that is not inet.
bool flushes_all(const ConfigLine& line) {
  static const std::set<std::string> kOtherFamilies = {"ip", "ip6", "arp", "bridge", "netdev"};
  const Words words = words_of(line.text);
  const Words wanted = {"flush", "ruleset"};
  const auto found = std::search(words.begin(), words.end(), wanted.begin(), wanted.end());
  if (found == words.end()) return false;
  const auto family = found + static_cast<std::ptrdiff_t>(wanted.size());
  return family == words.end() || !kOtherFamilies.contains(*family);
}

/// "table inet filter" for each table that is made; without a family nft means ip.
std::set<std::string> tables_of(const std::vector<ConfigLine>& lines) {
  std::set<std::string> tables;
  for (const ConfigLine& line : lines) {
    const Words words = words_of(line.text);
    if (words.size() < 2 || words[0] != "table") continue;
    const bool has_family = words.size() > 2 && words[2] != "{";
    tables.insert("table " + words[1] + (has_family ? " " + words[2] : ""));
  }
  return tables;
}

std::string fix_of_flush(const std::vector<ConfigLine>& lines, const ConfigLine& flush) {
  std::string statements;
  for (const std::string& table : tables_of(lines))
    statements.append(table).append("; delete ").append(table).append("; ");
  return "sed -i '" + std::to_string(flush.line) + "s/flush[[:space:]]*ruleset;*/" + statements +
         "/' " + shell_word(flush.file);
}

/// Behind a condition (@NAME) stands what keepalived of that name reads.
bool is_of_ipvs(const KeepalivedLine& line) {
  const std::string_view keyword = line.word(line.keyword().starts_with('@') ? 1 : 0);
  return keyword.starts_with("virtual_server") || keyword.starts_with("lvs_flush");
}

DoctorFinding judge_ipvs(const KeepalivedLine& line) {
  std::string text;
  for (const std::string& word : line.words) text += " " + word;
  return {line.place + ":" + text, "take it out of " + line.place.substr(0, line.place.rfind(':')) +
                                       ", then: systemctl reload keepalived"};
}

/// `seen`: places, since a file that another includes may also be read for itself.
void find_ipvs(const std::vector<KeepalivedLine>& lines, std::set<std::string>& seen,
               Examination& examination) {
  for (const KeepalivedLine& line : lines) {
    if (is_of_ipvs(line) && seen.insert(line.place).second)
      examination.findings.push_back(judge_ipvs(line));
    find_ipvs(line.block, seen, examination);
  }
}

DoctorFinding judge_keeper(const InterfaceName& interface, const AddressKeeper& keeper) {
  const std::string name = shell_word(interface.str());
  if (keeper.service == AddressKeeper::Service::kNetworkManager)
    return {
        "NetworkManager has a connection active on " + interface.str() + ", says " + keeper.told_by,
        "nmcli device set " + name +
            " managed no; for good: unmanaged-devices=interface-name:" + interface.str() +
            " under [keyfile] in /etc/NetworkManager/conf.d, with its own address in another "
            "service's hands"};
  const std::string base = keeper.config.substr(keeper.config.rfind('/') + 1);
  const std::string directory = shell_word("/etc/systemd/network/" + base + ".d");
  return {"systemd-networkd configures " + interface.str() + " by " + keeper.config +
              " without KeepConfiguration=static, says " + keeper.told_by,
          "mkdir -p " + directory + " && printf '[Network]\\nKeepConfiguration=static\\n' >" +
              directory + "/twobox.conf && networkctl reload"};
}

}  // namespace

Examination address_keepers(const DoctorFacts& facts) {
  Examination examination;
  for (const InterfaceName& interface : vip_interfaces(*facts.document)) {
    const auto known = facts.keepers.find(interface);
    if (known == facts.keepers.end())
      examination.skipped.push_back(interface.str() + ": " + not_read().message);
    else if (!known->second)
      examination.skipped.push_back(known->second.error().message);
    else if (*known->second)
      examination.findings.push_back(judge_keeper(interface, **known->second));
  }
  return examination;
}

Examination nftables_reload(const DoctorFacts& facts) {
  if (!facts.nftables) return {{}, {facts.nftables.error().message}};
  Examination examination;
  if (!facts.nftables->enabled) return examination;
  for (const ConfigLine& line : facts.nftables->lines)
    if (flushes_all(line))
      examination.findings.push_back({"nftables.service is enabled, and " + place_of(line),
                                      fix_of_flush(facts.nftables->lines, line)});
  return examination;
}

Examination keepalived_ipvs(const DoctorFacts& facts) {
  if (!facts.keepalived) return {{}, {facts.keepalived.error().message}};
  Examination examination;
  std::set<std::string> seen;
  find_ipvs(*facts.keepalived, seen, examination);
  return examination;
}

Examination modules(const DoctorFacts& facts) {
  Examination examination;
  for (const std::string& name : doctor_modules(*facts.document)) {
    const auto known = facts.modules.find(name);
    if (known == facts.modules.end())
      examination.skipped.push_back(name + ": " + not_read().message);
    else if (!known->second)
      examination.skipped.push_back(known->second.error().message);
    else if (!*known->second)
      examination.findings.push_back(
          {name + " is neither loaded nor built in, and has no file below /lib/modules",
           "apt install linux-image-$(uname -r) (Ubuntu: linux-modules-extra-$(uname -r)), then: "
           "modprobe " +
               name});
  }
  return examination;
}

}  // namespace twobox::doctor

namespace twobox {

std::set<std::string> doctor_modules(const Document& document) {
  std::set<std::string> modules = {"ip_vs"};
  for (const auto& [name, vip] : document.vips)
    for (const Service& service : vip.services) modules.insert("ip_vs_" + service.scheduler);
  return modules;
}

}  // namespace twobox
