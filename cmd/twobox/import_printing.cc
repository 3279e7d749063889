#include "twobox/import_printing.h"

#include <cstdio>

#include "reconciler/roles.h"
#include "schema/document_json.h"
#include "twobox/log.h"
#include "twobox/neighbour_macs.h"

namespace twobox {
namespace {

MacsByAddress own_macs(const Machine& machine) {
  MacsByAddress macs;
  for (const auto& [key, config] : machine.addresses) {
    const auto link = machine.links.find(key.interface);
    if (link != machine.links.end() && link->second.mac)
      macs.emplace(key.prefix.address(), *link->second.mac);
  }
  return macs;
}

}  // namespace

Import import_with_macs(const Machine& machine,
                        const std::function<Import(const MacsByAddress&)>& import) {
  MacsByAddress macs = own_macs(machine);
  Import first = import(macs);
  // On another network the same addresses may be other machines'.
  const auto self = identify_node(first.document, machine);
  if (!self) return first;
  for (const auto& [place, mac] : find_neighbours(first.document, *self))
    macs.emplace(place.second, mac);
  return import(macs);
}

std::optional<ValidDocument> print_import(const Import& import) {
  const std::string text = document_json(import.document);
  std::fwrite(text.data(), 1, text.size(), stdout);
  for (const std::string& note : import.notes) complain(note);
  auto read = read_document(text, kMaxLargeDocumentBytes);
  if (auto* const valid = std::get_if<ValidDocument>(&read)) return std::move(*valid);
  for (const Fault& fault : std::get<Faults>(read)) complain("to fill in: " + to_string(fault));
  return std::nullopt;
}

}  // namespace twobox
