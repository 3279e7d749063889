#include <algorithm>
#include <array>

#include "schema/document_reading.h"
#include "schema/field_types.h"
#include "schema/netmask.h"

namespace twobox {
namespace {

constexpr std::uint64_t kMaxUint32 = 0xffffffff;
// 31 days: what ipvsadm allows, and what fits the kernel's jiffies.
constexpr std::uint64_t kMaxPersistence = 2678400;

Service stand_in() {
  return Service{.protocol = Protocol::kTcp, .port = *Port::from_number(1)};
}

std::string read_scheduler(const Field& field) {
  // Every scheduler of Linux 6.1 (net/netfilter/ipvs/Kconfig).
  constexpr std::string_view kSchedulers[] = {"rr",    "wrr", "lc", "wlc", "fo",  "ovf", "lblc",
                                              "lblcr", "dh",  "sh", "mh",  "sed", "nq",  "twos"};
  if (const std::string* const text = field.text_if())
    if (std::ranges::find(kSchedulers, *text) != std::end(kSchedulers)) return *text;
  field.refuse(one_of(kSchedulers));
  return "";
}

struct FlagName {
  std::string_view text;
  bool SchedulerFlags::*flag;
  std::string_view scheduler;  // the one that knows the flag by this name; "" for all
};
constexpr FlagName kFlagNames[] = {
    {"flag-1", &SchedulerFlags::flag_1, ""},    {"flag-2", &SchedulerFlags::flag_2, ""},
    {"flag-3", &SchedulerFlags::flag_3, ""},    {"sh-fallback", &SchedulerFlags::flag_1, "sh"},
    {"sh-port", &SchedulerFlags::flag_2, "sh"}, {"mh-fallback", &SchedulerFlags::flag_1, "mh"},
    {"mh-port", &SchedulerFlags::flag_2, "mh"},
};

/// `scheduler` is "" when it could not be read.
bool is_known_to(std::string_view scheduler, const FlagName& name) {
  return scheduler.empty() || name.scheduler.empty() || name.scheduler == scheduler;
}

std::string flags_allowed(std::string_view scheduler) {
  std::vector<std::string_view> texts;
  for (const FlagName& name : kFlagNames)
    if (is_known_to(scheduler, name)) texts.push_back(name.text);
  const std::string allowed = one_of(texts);
  return scheduler.empty() ? allowed : allowed + " with scheduler " + in_quotes(scheduler);
}

void read_scheduler_flag(const Field& field, std::string_view scheduler, SchedulerFlags& flags) {
  const std::string* const text = field.text_if();
  const auto* const name = text == nullptr ? std::end(kFlagNames)
                                           : std::ranges::find(kFlagNames, *text, &FlagName::text);
  if (name == std::end(kFlagNames) || !is_known_to(scheduler, *name)) {
    field.refuse(flags_allowed(scheduler));
  } else if (flags.*name->flag) {
    field.refuse_because("the same flag again", "each flag once");
  } else {
    flags.*name->flag = true;
  }
}

/// `scheduler` is "" when it could not be read.
SchedulerFlags read_scheduler_flags(const Field& field, std::string_view scheduler) {
  SchedulerFlags flags;
  const JsonArray* const array = field.array("an array of scheduler flags");
  if (array == nullptr) return flags;
  for (std::size_t i = 0; i < array->size(); ++i)
    read_scheduler_flag(field.element(*array, i), scheduler, flags);
  return flags;
}

/// `family` is the VIP's, nullopt when that could not be read.
std::optional<unsigned> read_persistence_netmask(const Field& field,
                                                 std::optional<AddressFamily> family) {
  const bool may_be_ipv4 = family != AddressFamily::kIpv6;
  const std::uint64_t max_length = family == AddressFamily::kIpv4 ? 32 : 128;
  const auto* const number = field.whole_number_if();
  if (number != nullptr && *number >= 1 && *number <= max_length)
    return static_cast<unsigned>(*number);
  const std::string* const text = may_be_ipv4 ? field.text_if() : nullptr;
  const auto length = text == nullptr ? std::nullopt : netmask_length(*text);
  if (length) return length;
  field.refuse("a prefix length from 1 to " + std::to_string(max_length) +
               (may_be_ipv4 ? " or an IPv4 netmask such as \"255.255.255.0\"" : ""));
  return std::nullopt;
}

std::optional<Mark> read_mark(const Field& field) {
  if (const auto* const object = field.is_object() ? field.object("") : nullptr) {
    std::map<NodeName, std::uint32_t> by_node;
    for (const JsonMember& member : *object)
      by_node.emplace(member.key,
                      read_number<std::uint32_t>(field.member(member), 1, kMaxUint32).value_or(0));
    return by_node;
  }
  if (const auto* const number = field.whole_number_if();
      number != nullptr && *number >= 1 && *number <= kMaxUint32)
    return static_cast<std::uint32_t>(*number);
  field.refuse("a whole number from 1 to 4294967295, or an object with one for each node");
  return std::nullopt;
}

void read_persistence(ObjectReader& object, std::optional<AddressFamily> family, Service& service) {
  if (const auto timeout = object.optional("persistence_timeout"))
    service.persistence_timeout =
        read_number<std::uint32_t>(*timeout, 0, kMaxPersistence).value_or(0);
  if (const auto netmask = object.optional("persistence_netmask"))
    service.persistence_prefix_length = read_persistence_netmask(*netmask, family);
}

/// What only a check can bring about: without one a mistake, not a preference.
void read_consequences(ObjectReader& object, Service& service) {
  constexpr std::array<Word<OnFailure>, 2> kWords{
      {{"remove", OnFailure::kRemove}, {"weight-zero", OnFailure::kWeightZero}}};
  const auto on_failure = object.optional("on_failure");
  const auto slow_start = object.optional("slow_start");
  if (!service.check) {
    for (const auto& field : {on_failure, slow_start})
      if (field) field->refuse_because("in a service without a check", "one beside a \"check\"");
    return;
  }
  if (on_failure) service.on_failure = read_word(*on_failure, kWords).value_or(OnFailure::kRemove);
  if (slow_start) service.slow_start = read_seconds(*slow_start).value_or(service.slow_start);
}

void read_health(ObjectReader& object, Service& service) {
  if (const auto check = object.optional("check")) service.check = read_check(*check);
  read_consequences(object, service);
  if (const auto quorum = object.optional("quorum"))
    service.quorum = read_number<std::uint32_t>(*quorum, 1, 65535).value_or(1);
  if (const auto fallback = object.optional("fallback")) service.fallback = read_server(*fallback);
  if (const auto drain = object.optional("drain")) service.drain = read_seconds(*drain);
}

Service read_service(const Field& field, std::optional<AddressFamily> family) {
  constexpr std::array<Word<Protocol>, 3> kProtocols{
      {{"tcp", Protocol::kTcp}, {"udp", Protocol::kUdp}, {"sctp", Protocol::kSctp}}};
  Service service = stand_in();
  auto object = ObjectReader::open(field);
  if (!object) return service;
  service.protocol = read_word(object->required("protocol"), kProtocols).value_or(service.protocol);
  service.port = read_port(object->required("port")).value_or(service.port);
  if (const auto scheduler = object->optional("scheduler"))
    service.scheduler = read_scheduler(*scheduler);
  if (const auto flags = object->optional("scheduler_flags"))
    service.scheduler_flags = read_scheduler_flags(*flags, service.scheduler);
  read_persistence(*object, family, service);
  if (const auto one_packet = object->optional("one_packet"))
    service.one_packet = one_packet->boolean().value_or(false);
  if (const auto mark = object->optional("mark")) service.mark = read_mark(*mark);
  if (const auto servers = object->optional("servers")) service.servers = read_servers(*servers);
  read_health(*object, service);
  object->refuse_others();
  return service;
}

}  // namespace

std::vector<Service> read_services(const Field& field, std::optional<AddressFamily> family) {
  const JsonArray* const array = field.array("an array of services");
  if (array == nullptr) return {};
  std::vector<Service> services;
  services.reserve(array->size());
  for (std::size_t i = 0; i < array->size(); ++i)
    services.push_back(read_service(field.element(*array, i), family));
  return services;
}

}  // namespace twobox
