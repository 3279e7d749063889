#include "tests/unit/schema/documents.h"

#include <nlohmann/json.hpp>

#include "schema/validate.h"

namespace twobox::test {
namespace {

using nlohmann::json;

constexpr std::string_view kValid = R"({
  "version": 1,
  "nodes": {
    "a": {"addresses": ["172.16.0.31", "2001:db8::31"], "macs": ["08:00:27:77:84:ef"]},
    "b": {"addresses": ["172.16.0.32", "2001:db8::32"], "macs": ["08:00:27:e1:3c:c5"]}
  },
  "vips": {
    "web": {
      "address": "172.16.0.30", "interface": "enp0s3", "role": {"master": "a"}, "bypass": "redirect",
      "services": [{"protocol": "tcp", "port": 80, "servers": [{"node": "a"}, {"node": "b"}]}]
    },
    "six": {
      "address": "2001:db8::30", "interface": "enp0s3", "role": "backup", "bypass": "none",
      "services": [{"protocol": "udp", "port": 53}]
    }
  },
  "sysctls": {"net.ipv4.ip_forward": "1"}
})";

json::json_pointer pointer_of(std::string_view pointer) {
  return json::json_pointer(std::string(pointer));
}

}  // namespace

std::string valid_document() {
  return std::string(kValid);
}

std::string with(const std::string& document, std::string_view pointer, std::string_view value) {
  // The value goes in as text, so that 1.0, 1e2 and repeated keys stay what they are.
  constexpr std::string_view kMark = "\"to be replaced\"";
  json tree = json::parse(document);
  tree[pointer_of(pointer)] = json::parse(kMark);
  std::string text = tree.dump();
  const std::size_t at = text.find(kMark);
  REQUIRE(at != std::string::npos);
  return text.replace(at, kMark.size(), value);
}

std::string document_with(std::string_view pointer, std::string_view value) {
  return with(valid_document(), pointer, value);
}

std::string document_without(std::string_view pointer) {
  json tree = json::parse(kValid);
  const json::json_pointer place = pointer_of(pointer);
  REQUIRE(tree.contains(place));
  json& parent = tree[place.parent_pointer()];
  if (parent.is_array())
    parent.erase(std::stoul(place.back()));
  else
    parent.erase(place.back());
  return tree.dump();
}

Lines faults_of(std::string_view document) {
  const auto read = read_document(document);
  Lines lines;
  if (const auto* const faults = std::get_if<Faults>(&read))
    for (const Fault& fault : *faults) lines.push_back(to_string(fault));
  return lines;
}

}  // namespace twobox::test
