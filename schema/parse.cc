#include "schema/parse.h"

#include <algorithm>
#include <span>

#include "schema/document_reading.h"
#include "schema/field_types.h"
#include "schema/json_text.h"

namespace twobox {
namespace {

constexpr std::size_t kMinNodes = 2;
constexpr std::size_t kMaxNodes = 16;
constexpr std::uint64_t kFormatVersion = 1;

/// Reads each member of an object whose keys are names of the user's choice.
template <typename Value, typename Read>
std::map<std::string, Value> read_named(const Field& field, std::span<const JsonMember> members,
                                        Read read) {
  std::map<std::string, Value> named;
  for (const JsonMember& member : members) {
    const Field each = field.member(member);
    if (!is_name(member.key)) each.refuse_as("the key " + in_quotes(member.key), kNameAllowed);
    if (std::optional<Value> value = read(each)) named.emplace(member.key, *std::move(value));
  }
  return named;
}

std::map<NodeName, Node> read_nodes(const Field& field) {
  constexpr std::string_view kAllowed = "an object of 2 to 16 nodes";
  const JsonObject* const object = field.object(kAllowed);
  if (object == nullptr) return {};
  if (object->size() < kMinNodes || object->size() > kMaxNodes)
    field.refuse_as("an object of " + std::to_string(object->size()), kAllowed);
  // Rules look at each node for each service, so no more are read than there may be.
  const std::span<const JsonMember> members = *object;
  return read_named<Node>(field, members.first(std::min(members.size(), kMaxNodes)), read_node);
}

std::map<VipName, Vip> read_vips(const Field& field) {
  const JsonObject* const object = field.object("an object of VIPs");
  if (object == nullptr) return {};
  return read_named<Vip>(field, *object, read_vip);
}

std::optional<Timeouts> read_timeouts(const Field& field) {
  // The kernel multiplies by HZ, at most 1000, into an int (ip_vs_ctl.c, ip_vs_set_timeout).
  constexpr std::uint64_t kMaxSeconds = 2147483;
  auto object = ObjectReader::open(field);
  if (!object) return std::nullopt;
  const auto seconds = [&object](std::string_view name) -> std::optional<std::uint32_t> {
    const auto each = object->optional(name);
    return each ? read_number<std::uint32_t>(*each, 1, kMaxSeconds) : std::nullopt;
  };
  Timeouts timeouts;
  timeouts.tcp = seconds("tcp");
  timeouts.tcp_fin = seconds("tcp_fin");
  timeouts.udp = seconds("udp");
  object->refuse_others();
  return timeouts;
}

void read_top_level(ObjectReader& top, Document& document) {
  top.required("version").whole_number(kFormatVersion, kFormatVersion);
  document.nodes = read_nodes(top.required("nodes"));
  document.vips = read_vips(top.required("vips"));
  if (const auto sync = top.optional("sync")) document.sync = read_sync(*sync);
  if (const auto timeouts = top.optional("timeouts")) document.timeouts = read_timeouts(*timeouts);
  if (const auto sysctls = top.optional("sysctls")) document.sysctls = read_sysctls(*sysctls);
  if (const auto prune = top.optional("prune")) {
    constexpr std::array<Word<Prune>, 2> kWords{{{"owned", Prune::kOwned}, {"all", Prune::kAll}}};
    document.prune = read_word(*prune, kWords).value_or(Prune::kOwned);
  }
  if (const auto word = top.optional("if_not_converged")) {
    constexpr std::array<Word<IfNotConverged>, 2> kWords{
        {{"keep", IfNotConverged::kKeep}, {"revert", IfNotConverged::kRevert}}};
    document.if_not_converged = read_word(*word, kWords).value_or(IfNotConverged::kKeep);
  }
  top.refuse_others();
}

}  // namespace

DocumentReading read_every_field(std::string_view text, std::size_t max_bytes) {
  FaultLog log;
  DocumentReading reading;
  if (const auto root = read_json(text, max_bytes, log)) {
    if (auto top = ObjectReader::open(Field(*root, "", log)))
      read_top_level(*top, reading.document);
  }
  reading.lists_every_fault = log.is_complete();
  reading.faults = log.take_in_document_order();
  return reading;
}

std::variant<Document, Faults> parse_document(std::string_view text, std::size_t max_bytes) {
  DocumentReading reading = read_every_field(text, max_bytes);
  if (!reading.faults.empty()) return std::move(reading.faults);
  return std::move(reading.document);
}

}  // namespace twobox
