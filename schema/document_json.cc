#include "schema/document_json.h"

#include <nlohmann/json.hpp>

#include "schema/duration.h"

namespace twobox {
namespace {

using Json = nlohmann::ordered_json;

template <typename Values>
Json texts_of(const Values& values) {
  Json array = Json::array();
  for (const auto& value : values) array.push_back(value.to_string());
  return array;
}

Json node_json(const Node& node) {
  Json object = {{"addresses", texts_of(node.addresses)}, {"macs", texts_of(node.macs)}};
  if (node.drain) object["drain"] = duration_text(*node.drain);
  return object;
}

struct RoleJson {
  Json operator()(Role role) const { return to_string(role); }
  Json operator()(const MasterNode& master) const { return {{"master", master.node}}; }
  Json operator()(FollowAddress) const { return {{"follow", "address"}}; }
  Json operator()(const FollowKeepalived& keepalived) const {
    return {{"follow", "keepalived"}, {"instance", keepalived.instance}, {"fifo", keepalived.fifo}};
  }
};

/// `object`'s member `name`, unless the value is what its absence means.
template <typename Value>
void set_unless_default(Json& object, const char* name, const Value& value, const Value& usual) {
  if (value != usual) object[name] = value;
}

Json server_json(const Server& server) {
  const Server usual{.target = server.target, .port = {}};
  Json object = Json::object();
  if (const auto* node = std::get_if<NodeName>(&server.target))
    object["node"] = *node;
  else
    object["address"] = std::get<IpAddress>(server.target).to_string();
  if (server.port) object["port"] = server.port->host_order();
  set_unless_default(object, "weight", server.weight, usual.weight);
  if (server.forwarding != usual.forwarding) object["forwarding"] = to_string(server.forwarding);
  set_unless_default(object, "upper_threshold", server.upper_threshold, usual.upper_threshold);
  set_unless_default(object, "lower_threshold", server.lower_threshold, usual.lower_threshold);
  if (server.drain) object["drain"] = duration_text(*server.drain);
  return object;
}

/// A number for one status, "2xx" for a class: the document's forms.
Json status_json(const StatusRange& range) {
  if (range.first == range.last) return range.first;
  return std::to_string(range.first / 100) + "xx";
}

void add_http(Json& object, const HttpCheck& http) {
  const HttpCheck usual;
  set_unless_default(object, "path", http.path, usual.path);
  if (http.host) object["host"] = *http.host;
  if (http.server_name) object["server_name"] = *http.server_name;
  if (http.verify) object["verify"] = true;
  if (http.statuses != usual.statuses)
    for (const StatusRange& range : http.statuses) object["status"].push_back(status_json(range));
  if (http.body) object["body"] = *http.body;
}

struct HowJson {
  Json operator()(TcpCheck) const { return {{"type", "tcp"}}; }
  Json operator()(const HttpCheck& http) const {
    Json object = {{"type", http.tls ? "https" : "http"}};
    add_http(object, http);
    return object;
  }
  Json operator()(const ExecCheck& exec) const {
    Json object = {{"type", "exec"}, {"argv", exec.argv}};
    set_unless_default(object, "user", exec.user, ExecCheck{}.user);
    return object;
  }
  Json operator()(const FileCheck& file) const { return {{"type", "file"}, {"path", file.path}}; }
};

Json check_json(const Check& check) {
  const Check usual;
  Json object = std::visit(HowJson{}, check.how);
  if (check.port) object["port"] = check.port->host_order();
  if (check.through_vip) object["through_vip"] = true;
  set_unless_default(object, "interval", duration_text(check.interval),
                     duration_text(usual.interval));
  const bool connects =
      std::holds_alternative<TcpCheck>(check.how) || std::holds_alternative<HttpCheck>(check.how);
  const bool waits = !std::holds_alternative<FileCheck>(check.how);
  // When one of the two is absent it follows the other, so both are there or neither.
  if (waits && (check.connect_timeout != usual.connect_timeout || check.timeout != usual.timeout)) {
    if (connects) object["connect_timeout"] = duration_text(check.connect_timeout);
    object["timeout"] = duration_text(check.timeout);
  }
  set_unless_default(object, "rise", check.rise, usual.rise);
  set_unless_default(object, "fall", check.fall, usual.fall);
  set_unless_default(object, "jitter", check.jitter, usual.jitter);
  return object;
}

/// sh and mh have names of their own for two of the flags.
std::string flag_name(const std::string& scheduler, int number) {
  if (number == 3 || (scheduler != "sh" && scheduler != "mh"))
    return "flag-" + std::to_string(number);
  return scheduler + (number == 1 ? "-fallback" : "-port");
}

Json flags_json(const Service& service) {
  const SchedulerFlags& flags = service.scheduler_flags;
  Json array = Json::array();
  if (flags.flag_1) array.push_back(flag_name(service.scheduler, 1));
  if (flags.flag_2) array.push_back(flag_name(service.scheduler, 2));
  if (flags.flag_3) array.push_back(flag_name(service.scheduler, 3));
  return array;
}

void add_health(Json& object, const Service& service) {
  if (service.check) object["check"] = check_json(*service.check);
  if (service.on_failure == OnFailure::kWeightZero) object["on_failure"] = "weight-zero";
  set_unless_default(object, "quorum", service.quorum, std::uint32_t{1});
  if (service.fallback) object["fallback"] = server_json(*service.fallback);
  if (service.slow_start != std::chrono::seconds(0))
    object["slow_start"] = duration_text(service.slow_start);
  if (service.drain) object["drain"] = duration_text(*service.drain);
}

Json service_json(const Service& service) {
  Json object = {{"protocol", to_string(service.protocol)}, {"port", service.port.host_order()}};
  set_unless_default(object, "scheduler", service.scheduler, std::string("wlc"));
  if (service.scheduler_flags != SchedulerFlags{}) object["scheduler_flags"] = flags_json(service);
  set_unless_default(object, "persistence_timeout", service.persistence_timeout, std::uint32_t{0});
  if (service.persistence_prefix_length)
    object["persistence_netmask"] = *service.persistence_prefix_length;
  if (service.one_packet) object["one_packet"] = true;
  if (service.mark)
    object["mark"] = std::visit([](const auto& mark) { return Json(mark); }, *service.mark);
  if (service.servers) {
    Json& servers = object["servers"] = Json::array();
    for (const Server& server : *service.servers) servers.push_back(server_json(server));
  }
  add_health(object, service);
  return object;
}

Json vip_json(const Vip& vip) {
  const IpAddress& address = vip.address.address();
  const bool is_host = vip.address.length() == address_bits(address.family());
  Json services = Json::array();
  for (const Service& service : vip.services) services.push_back(service_json(service));
  return {{"address", is_host ? address.to_string() : vip.address.to_string()},
          {"interface", vip.interface.str()},
          {"role", std::visit(RoleJson{}, vip.role)},
          {"bypass", to_string(vip.bypass)},
          {"services", std::move(services)}};
}

Json sync_json(const Sync& sync) {
  Json object = {{"interface", sync.interface.str()}};
  if (sync.id != 0) object["id"] = sync.id;
  if (sync.max_length) object["max_length"] = *sync.max_length;
  if (sync.group) object["group"] = sync.group->to_string();
  if (sync.port) object["port"] = sync.port->host_order();
  if (sync.ttl) object["ttl"] = *sync.ttl;
  return object;
}

Json timeouts_json(const Timeouts& timeouts) {
  Json object = Json::object();
  if (timeouts.tcp) object["tcp"] = *timeouts.tcp;
  if (timeouts.tcp_fin) object["tcp_fin"] = *timeouts.tcp_fin;
  if (timeouts.udp) object["udp"] = *timeouts.udp;
  return object;
}

template <typename Named, typename Write>
Json named_json(const Named& named, Write write) {
  Json object = Json::object();
  for (const auto& [name, value] : named) object[name] = write(value);
  return object;
}

}  // namespace

std::string document_json(const Document& document) {
  Json object = {{"version", 1},
                 {"nodes", named_json(document.nodes, node_json)},
                 {"vips", named_json(document.vips, vip_json)}};
  if (document.sync) object["sync"] = sync_json(*document.sync);
  if (document.timeouts) object["timeouts"] = timeouts_json(*document.timeouts);
  if (!document.sysctls.empty())
    object["sysctls"] = named_json(document.sysctls, [](const std::string& text) { return text; });
  if (document.prune == Prune::kAll) object["prune"] = "all";
  if (document.if_not_converged == IfNotConverged::kRevert) object["if_not_converged"] = "revert";
  return object.dump(2, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace) + "\n";
}

}  // namespace twobox
