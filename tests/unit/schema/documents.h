// Documents to test with: one that is valid, and what one change makes of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/lines.h"

namespace twobox::test {

using Lines = std::vector<std::string>;

/// A valid document with two nodes of both families, the VIPs "web" (IPv4) and "six" (IPv6), a
/// service with two servers in the first, and a sysctl.
std::string valid_document();

/// valid_document() with the JSON text `value` at the pointer, which is put in where it is missing.
std::string document_with(std::string_view pointer, std::string_view value);
std::string with(const std::string& document, std::string_view pointer, std::string_view value);

/// valid_document() without what is at the pointer.
std::string document_without(std::string_view pointer);

/// One line for each fault that read_document() finds.
Lines faults_of(std::string_view document);

}  // namespace twobox::test
