#include "reconciler/fields.h"

#include <algorithm>

#include "reconciler/nft_text.h"

namespace twobox {
namespace {

std::string text_of(const Field& field) {
  if (const auto* flag = std::get_if<bool>(&field.value)) return *flag ? "yes" : "no";
  if (const auto* number = std::get_if<std::int64_t>(&field.value)) return std::to_string(*number);
  if (const auto* text = std::get_if<std::string>(&field.value)) return text->empty() ? "-" : *text;
  std::string joined;
  for (const std::string& part : std::get<std::vector<std::string>>(field.value))
    joined += (joined.empty() ? "" : ", ") + part;
  return joined.empty() ? "none" : joined;
}

bool tells_nothing(const Field& field) {
  if (field.tells_when_empty) return false;
  if (const auto* text = std::get_if<std::string>(&field.value)) return text->empty();
  if (const auto* list = std::get_if<std::vector<std::string>>(&field.value)) return list->empty();
  if (const auto* number = std::get_if<std::int64_t>(&field.value)) return *number == 0;
  return !std::get<bool>(field.value);
}

std::int64_t number(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}

}  // namespace

std::vector<std::string> flag_names(const SchedulerFlags& flags) {
  std::vector<std::string> names;
  if (flags.flag_1) names.emplace_back("flag-1");
  if (flags.flag_2) names.emplace_back("flag-2");
  if (flags.flag_3) names.emplace_back("flag-3");
  return names;
}

Fields fields_of(const AddressConfig& config) {
  return {{"permanent", config.permanent},
          {"preferred", config.preferred},
          {"dad_failed", config.dad_failed}};
}

Fields fields_of(const IpvsServiceConfig& config) {
  const Persistence persistence = config.persistence.value_or(Persistence{});
  return {{"scheduler", config.scheduler},
          {"scheduler_flags", flag_names(config.scheduler_flags)},
          {"persistence_timeout", number(persistence.timeout)},
          {"persistence_prefix_length", number(persistence.prefix_length)},
          {"one_packet", config.one_packet},
          {"persistence_engine", config.persistence_engine}};
}

Fields fields_of(const RealServerConfig& config) {
  return {{"forwarding", std::string(to_string(config.forwarding))},
          {"weight", number(config.weight), true},
          {"upper_threshold", number(config.upper_threshold)},
          {"lower_threshold", number(config.lower_threshold)},
          {"tunnel_type", number(config.tunnel.type)},
          {"tunnel_port", number(config.tunnel.port)},
          {"tunnel_flags", number(config.tunnel.flags)}};
}

Fields fields_of(const SyncDaemonConfig& config) {
  return {{"interface", config.interface.str()},
          {"id", number(config.id)},
          {"max_length", number(config.max_length)},
          {"group", config.group.to_string()},
          {"port", number(config.port)},
          {"ttl", number(config.ttl)}};
}

Fields fields_of(const IpvsTimeoutsConfig& config) {
  return {{"tcp", number(config.tcp)},
          {"tcp_fin", number(config.tcp_fin)},
          {"udp", number(config.udp)}};
}

Fields fields_of(const NftTableConfig& config) {
  return {{"flags", number(config.flags)}};
}

Fields fields_of(const NftChainConfig& config) {
  return {{"definition", nft_text(config)}};
}

Fields fields_of(const NftSetConfig& config) {
  return {{"type", nft_text(config.key_type)},
          {"maps_to_mark", config.maps_to_mark},
          {"other_flags", number(config.other_flags)}};
}

Fields fields_of(const NftElementConfig& config) {
  Fields fields;
  if (config.mark) fields.push_back({"mark", number(*config.mark)});
  fields.push_back({"has_extras", config.has_extras});
  return fields;
}

Fields fields_of(const NftRuleConfig& config) {
  std::vector<std::string> statements;
  for (const NftStatement& statement : config.statements) statements.push_back(nft_text(statement));
  return {{"statements", statements}, {"comment", config.comment}};
}

Fields fields_of(const SysctlConfig& config) {
  return {{"value", config.value}};
}

std::string to_string(const Fields& fields) {
  std::string text;
  for (const Field& field : fields)
    if (!tells_nothing(field))
      text += (text.empty() ? "" : " ") + field.name + "=" + text_of(field);
  return text;
}

std::string difference(const Fields& before, const Fields& after) {
  std::string text;
  for (const Field& field : after) {
    const auto old = std::ranges::find(before, field.name, &Field::name);
    if (old != before.end() && *old == field) continue;
    const std::string from = old == before.end() ? "none" : text_of(*old);
    text += (text.empty() ? "" : ", ") + field.name + " " + from + " -> " + text_of(field);
  }
  return text;
}

}  // namespace twobox
