#include <array>

#include "schema/document_reading.h"
#include "schema/field_types.h"

namespace twobox {
namespace {

constexpr std::uint64_t kMaxThreshold = 0xffffffff;
constexpr std::uint64_t kMaxWeight = 0x7fffffff;  // the kernel's weight is an int

void read_target(ObjectReader& object, Server& server) {
  constexpr std::string_view kAllowed = "an object with either \"node\" or \"address\"";
  const auto node = object.optional("node");
  const auto address = object.optional("address");
  if (node && address)
    object.self().refuse_as("an object with both \"node\" and \"address\"", kAllowed);
  if (!node && !address)
    object.self().refuse_as("an object with neither \"node\" nor \"address\"", kAllowed);
  if (node) {
    if (auto name = read_name(*node)) server.target = *std::move(name);
  }
  if (address) {
    if (const auto read = read_machine_address(*address)) server.target = *read;
  }
}

}  // namespace

Server read_server(const Field& field) {
  constexpr std::array<Word<Forwarding>, 3> kForwardings{{{"direct", Forwarding::kDirect},
                                                          {"masquerade", Forwarding::kMasquerade},
                                                          {"tunnel", Forwarding::kTunnel}}};
  Server server;
  auto object = ObjectReader::open(field);
  if (!object) return server;
  read_target(*object, server);
  if (const auto port = object->optional("port")) server.port = read_port(*port);
  if (const auto weight = object->optional("weight"))
    server.weight = read_number<std::uint32_t>(*weight, 0, kMaxWeight).value_or(0);
  if (const auto forwarding = object->optional("forwarding"))
    server.forwarding = read_word(*forwarding, kForwardings).value_or(Forwarding::kDirect);
  if (const auto upper = object->optional("upper_threshold"))
    server.upper_threshold = read_number<std::uint32_t>(*upper, 0, kMaxThreshold).value_or(0);
  if (const auto lower = object->optional("lower_threshold"))
    server.lower_threshold = read_number<std::uint32_t>(*lower, 0, kMaxThreshold).value_or(0);
  if (const auto drain = object->optional("drain")) server.drain = read_seconds(*drain);
  object->refuse_others();
  return server;
}

std::vector<Server> read_servers(const Field& field) {
  const JsonArray* const array = field.array("an array of servers");
  if (array == nullptr) return {};
  std::vector<Server> servers;
  servers.reserve(array->size());
  for (std::size_t i = 0; i < array->size(); ++i)
    servers.push_back(read_server(field.element(*array, i)));
  return servers;
}

}  // namespace twobox
