#include "reconciler/ownership_json.h"

#include <cerrno>
#include <nlohmann/json.hpp>

#include "reconciler/field_reader.h"

namespace twobox {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 1;

Json service_json(const IpvsServiceKey& key) {
  if (const auto* mark = std::get_if<FirewallMark>(&key))
    return {{"fwmark", mark->mark}, {"family", mark->family == AddressFamily::kIpv4 ? 4 : 6}};
  const auto& endpoint = std::get<Endpoint>(key);
  return {{"protocol", to_string(endpoint.protocol)},
          {"address", endpoint.address.to_string()},
          {"port", endpoint.port}};
}

/// Fields of one JSON object; the first that is missing or of the wrong type spoils the whole.
class ObjectReader {
 public:
  explicit ObjectReader(const Json& object) : object_(object) {}

  std::string text(const char* name) {
    const auto field = object_.find(name);
    if (field != object_.end() && field->is_string()) return field->get<std::string>();
    spoiled_ = true;
    return "";
  }
  std::uint32_t number(const char* name, std::uint32_t highest) {
    const auto field = object_.find(name);
    if (field != object_.end() && field->is_number_unsigned())
      if (const auto value = field->get<std::uint64_t>(); value <= highest)
        return static_cast<std::uint32_t>(value);
    spoiled_ = true;
    return 0;
  }
  const Json& list(const char* name) {
    static const Json kEmpty = Json::array();
    const auto field = object_.find(name);
    if (field != object_.end() && field->is_array()) return *field;
    spoiled_ = true;
    return kEmpty;
  }
  bool has(const char* name) const { return object_.contains(name); }
  bool spoiled() const { return spoiled_; }

 private:
  const Json& object_;
  bool spoiled_ = false;
};

std::optional<Protocol> protocol_from(const std::string& text) {
  for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp, Protocol::kSctp})
    if (text == to_string(protocol)) return protocol;
  return std::nullopt;
}

std::optional<IpvsServiceKey> service_from(const Json& object) {
  ObjectReader fields(object);
  if (fields.has("fwmark")) {
    const std::uint32_t mark = fields.number("fwmark", UINT32_MAX);
    const std::uint32_t family = fields.number("family", 6);
    if (fields.spoiled() || (family != 4 && family != 6)) return std::nullopt;
    return FirewallMark{family == 4 ? AddressFamily::kIpv4 : AddressFamily::kIpv6, mark};
  }
  const auto protocol = protocol_from(fields.text("protocol"));
  const auto address = IpAddress::parse(fields.text("address"));
  const std::uint32_t port = fields.number("port", UINT16_MAX);
  if (fields.spoiled() || !protocol || !address) return std::nullopt;
  return Endpoint{*address, *protocol, static_cast<std::uint16_t>(port)};
}

std::optional<AddressKey> address_from(const Json& object) {
  ObjectReader fields(object);
  const auto interface = InterfaceName::parse(fields.text("interface"));
  const auto prefix = IpPrefix::parse(fields.text("prefix"));
  if (fields.spoiled() || !interface || !prefix) return std::nullopt;
  return AddressKey{*interface, *prefix};
}

std::optional<SyncDaemonKey> daemon_key_from(const Json& value) {
  if (value == "master") return SyncDaemonKey{SyncState::kMaster};
  if (value == "backup") return SyncDaemonKey{SyncState::kBackup};
  return std::nullopt;
}

std::optional<std::pair<SyncDaemonKey, SyncDaemonStart>> daemon_from(const Json& value) {
  // A record of before interfaces were noted has the word alone.
  if (const auto key = daemon_key_from(value)) return std::pair(*key, SyncDaemonStart{});
  ObjectReader fields(value);
  const auto key = daemon_key_from(fields.text("state"));
  const SyncDaemonStart start{fields.number("interface_index", UINT32_MAX)};
  if (fields.spoiled() || !key) return std::nullopt;
  return std::pair(*key, start);
}

std::optional<std::pair<SysctlKey, HeldSysctl>> sysctl_from(const Json& object) {
  ObjectReader fields(object);
  HeldSysctl held;
  const SysctlKey key{fields.text("name")};
  held.held = fields.text("held");
  if (fields.has("before")) held.before = fields.text("before");
  if (fields.has("replaces")) held.replaces = fields.text("replaces");
  if (fields.spoiled()) return std::nullopt;
  return std::pair(key, held);
}

/// False if an entry could not be read.
template <typename Read, typename Container>
bool read_all(const Json& list, Read read, Container& into) {
  for (const Json& item : list) {
    auto entry = read(item);
    if (!entry) return false;
    into.insert(*std::move(entry));
  }
  return true;
}

Error damaged() {
  return {ErrorKind::kTransport, EBADMSG, "the ownership record is damaged"};
}

}  // namespace

std::string ownership_json(const StoredRecord& stored) {
  Json object = {{"format", kFormat}, {"boot_id", stored.boot_id}};
  Json& addresses = object["addresses"] = Json::array();
  for (const AddressKey& key : stored.record.addresses)
    addresses.push_back({{"interface", key.interface.str()}, {"prefix", key.prefix.to_string()}});
  Json& services = object["ipvs_services"] = Json::array();
  for (const IpvsServiceKey& key : stored.record.ipvs_services)
    services.push_back(service_json(key));
  Json& daemons = object["ipvs_daemons"] = Json::array();
  for (const auto& [key, start] : stored.record.ipvs_daemons)
    daemons.push_back({{"state", key.state == SyncState::kMaster ? "master" : "backup"},
                       {"interface_index", start.interface_index}});
  Json& sysctls = object["sysctls"] = Json::array();
  for (const auto& [key, held] : stored.record.sysctls) {
    Json entry = {{"name", key.name}, {"held", held.held}};
    if (held.before) entry["before"] = *held.before;
    if (held.replaces) entry["replaces"] = *held.replaces;
    sysctls.push_back(std::move(entry));
  }
  return object.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<StoredRecord> parse_ownership(std::string_view text) {
  const Json object = parse_written_json(text);
  if (!object.is_object() || object.value("format", Json()) != kFormat) return damaged();
  StoredRecord stored;
  ObjectReader fields(object);
  stored.boot_id = fields.text("boot_id");
  OwnershipRecord& record = stored.record;
  const bool complete =
      read_all(fields.list("addresses"), address_from, record.addresses) &&
      read_all(fields.list("ipvs_services"), service_from, record.ipvs_services) &&
      read_all(fields.list("ipvs_daemons"), daemon_from, record.ipvs_daemons) &&
      read_all(fields.list("sysctls"), sysctl_from, record.sysctls);
  if (!complete || fields.spoiled()) return damaged();
  return stored;
}

}  // namespace twobox
