#include <algorithm>
#include <array>

#include "schema/document_reading.h"
#include "schema/field_types.h"

namespace twobox {
namespace {

constexpr std::array<std::uint8_t, 4> kNoAddress{};

std::optional<std::string> read_instance(const Field& field) {
  constexpr std::string_view kAllowed =
      "the name of a vrrp_instance: 1 to 255 characters, no control character and no '\"'";
  auto name = read_plain_text(field, 255, kAllowed);
  if (!name || name->find('"') == std::string::npos) return name;
  field.refuse(kAllowed);
  return std::nullopt;
}

std::optional<RoleSource> read_keepalived_role(ObjectReader& object) {
  auto instance = read_instance(object.required("instance"));
  auto fifo = read_absolute_path(object.required("fifo"));
  if (!instance || !fifo) return std::nullopt;
  return FollowKeepalived{*std::move(instance), *std::move(fifo)};
}

enum class Followed { kAddress, kKeepalived };

std::optional<RoleSource> read_followed_role(const Field& follow, ObjectReader& object) {
  constexpr std::array<Word<Followed>, 2> kWords{
      {{"address", Followed::kAddress}, {"keepalived", Followed::kKeepalived}}};
  const auto followed = read_word(follow, kWords);
  if (followed == Followed::kAddress) return FollowAddress{};
  if (followed == Followed::kKeepalived) return read_keepalived_role(object);
  // Which of the other keys are right depends on the word, so none of them is called wrong.
  object.optional("instance");
  object.optional("fifo");
  return std::nullopt;
}

std::optional<RoleSource> read_role_object(ObjectReader& object) {
  constexpr std::string_view kAllowed = "an object with either \"master\" or \"follow\"";
  const auto master = object.optional("master");
  const auto follow = object.optional("follow");
  std::optional<RoleSource> role;
  if (master && follow) {
    object.self().refuse_as("an object with both \"master\" and \"follow\"", kAllowed);
    object.optional("instance");
    object.optional("fifo");
  } else if (master) {
    if (auto name = read_name(*master)) role = MasterNode{*std::move(name)};
  } else if (follow) {
    role = read_followed_role(*follow, object);
  } else {
    object.self().refuse_as("an object with neither \"master\" nor \"follow\"", kAllowed);
  }
  object.refuse_others();
  return role;
}

}  // namespace

std::optional<RoleSource> read_role(const Field& field) {
  if (field.is_object()) {
    auto object = ObjectReader::open(field);
    return read_role_object(*object);
  }
  if (const std::string* const text = field.text_if())
    if (const auto role = role_from_text(*text)) return *role;
  field.refuse(
      "\"master\", \"backup\", \"fault\", or an object with either \"master\" or \"follow\"");
  return std::nullopt;
}

Node read_node(const Field& field) {
  Node node;
  auto object = ObjectReader::open(field);
  // Even so there is a node of that name, and what refers to it must not be called wrong.
  if (!object) return node;
  node.addresses = read_list(object->required("addresses"), "an array of one or more addresses",
                             IpAddress::from_ipv4(kNoAddress), read_machine_address);
  node.macs = read_list(object->required("macs"), "an array of one or more MAC addresses",
                        MacAddress::from_bytes(std::array<std::uint8_t, 6>{}), read_mac);
  if (const auto drain = object->optional("drain")) node.drain = read_seconds(*drain);
  object->refuse_others();
  return node;
}

std::optional<Vip> read_vip(const Field& field) {
  constexpr std::array<Word<Bypass>, 4> kBypasses{{{"redirect", Bypass::kRedirect},
                                                   {"mac-mark", Bypass::kMacMark},
                                                   {"backup-only", Bypass::kBackupOnly},
                                                   {"none", Bypass::kNone}}};
  auto object = ObjectReader::open(field);
  if (!object) return std::nullopt;
  const auto address = read_vip_address(object->required("address"));
  const auto interface = read_wire_interface(object->required("interface"));
  auto role = read_role(object->required("role"));
  const auto bypass = read_word(object->required("bypass"), kBypasses);
  std::optional<AddressFamily> family;
  if (address) family = address->address().family();
  auto services = read_services(object->required("services"), family);
  object->refuse_others();
  return Vip{address.value_or(IpPrefix::host(IpAddress::from_ipv4(kNoAddress))),
             interface.value_or(loopback()), role.value_or(Role::kFault),
             bypass.value_or(Bypass::kNone), std::move(services)};
}

Sync read_sync(const Field& field) {
  auto object = ObjectReader::open(field);
  // Present though unreadable: what asks for `sync` must not be told that it is absent.
  if (!object) return Sync{loopback(), 0, {}, {}, {}, {}};
  const auto interface = read_wire_interface(object->required("interface"));
  Sync sync{interface.value_or(loopback()), 0, {}, {}, {}, {}};
  if (const auto id = object->optional("id"))
    sync.id = read_number<std::uint8_t>(*id, 0, 255).value_or(0);
  if (const auto length = object->optional("max_length"))
    sync.max_length = read_number<std::uint16_t>(*length, 1, 65535);
  if (const auto group = object->optional("group")) sync.group = read_multicast_group(*group);
  if (const auto port = object->optional("port")) sync.port = read_port(*port);
  if (const auto ttl = object->optional("ttl")) sync.ttl = read_number<std::uint8_t>(*ttl, 1, 255);
  object->refuse_others();
  return sync;
}

}  // namespace twobox
