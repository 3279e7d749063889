#include "reconciler/doctor_settings.h"

#include <charconv>

#include "reconciler/doctor_facts.h"
#include "schema/bypass_sysctls.h"

namespace twobox {
namespace doctor {
namespace {

std::optional<int> number_at(const KernelState& kernel, const SysctlKey& key) {
  const auto found = kernel.sysctls.find(key);
  if (found == kernel.sysctls.end()) return std::nullopt;
  const std::string& text = found->second.value;
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

InterfaceName all_interfaces() {
  return *InterfaceName::parse("all");
}

SysctlKey setting_of(const InterfaceName& interface, std::string_view name) {
  return {interface_sysctls(interface) + std::string(name)};
}

std::optional<Maximum> maximum_of(const KernelState& kernel, const InterfaceName& interface,
                                  std::string_view name) {
  const auto all = number_at(kernel, setting_of(all_interfaces(), name));
  const auto own = number_at(kernel, setting_of(interface, name));
  if (!all || !own) return std::nullopt;
  return Maximum{*all, *own};
}

std::string unreadable(const InterfaceName& interface, std::string_view name) {
  return std::string(name) + " of " + interface.str() + " or of conf/all can't be read";
}

std::string shown(const Maximum& maximum, const InterfaceName& interface, std::string_view name) {
  return std::string(name) + " is " + std::to_string(maximum.value()) + " (all " +
         std::to_string(maximum.all) + ", " + interface.str() + " " + std::to_string(maximum.own) +
         ")";
}

std::string setting_command(const SysctlKey& key, int value) {
  return "sysctl -w " + key.name + "=" + std::to_string(value);
}

std::set<InterfaceName> vip_interfaces(const Document& document) {
  std::set<InterfaceName> interfaces;
  for (const auto& [name, vip] : document.vips) interfaces.insert(vip.interface);
  return interfaces;
}

}  // namespace doctor

Scope doctor_scope(const Document& document,
                   const std::map<InterfaceName, InterfaceShape>& interfaces) {
  std::set<InterfaceName> looked_at = doctor::vip_interfaces(document);
  looked_at.insert(doctor::all_interfaces());
  for (const auto& [interface, shape] : interfaces)
    if (shape.is_tunnel) looked_at.insert(interface);
  Scope scope;
  scope.dropping_chains = true;
  for (const InterfaceName& interface : looked_at)
    for (const std::string_view name : doctor::kMaximumSettings)
      scope.sysctls.insert(doctor::setting_of(interface, name));
  return scope;
}

}  // namespace twobox
