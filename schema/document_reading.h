// The steps of parse_document(), for its own files and for read_document(), which goes on past
// faults so as to report those of every kind at once.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "schema/document.h"
#include "schema/reader.h"

namespace twobox {

/// As much of a document as could be read. Where `faults` has a pointer, the field there (or the
/// element of an array) holds a stand-in that means nothing.
struct DocumentReading {
  Document document;
  Faults faults;
  bool lists_every_fault = true;
};

DocumentReading read_every_field(std::string_view text, std::size_t max_bytes);

Node read_node(const Field& field);
Sync read_sync(const Field& field);
/// nullopt when it is no object at all.
std::optional<Vip> read_vip(const Field& field);

std::optional<RoleSource> read_role(const Field& field);

std::map<std::string, std::string> read_sysctls(const Field& field);

/// `family` is the VIP's, nullopt when that could not be read.
std::vector<Service> read_services(const Field& field, std::optional<AddressFamily> family);
std::vector<Server> read_servers(const Field& field);
Server read_server(const Field& field);
Check read_check(const Field& field);

}  // namespace twobox
