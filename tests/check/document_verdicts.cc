// Reads documents, one on each line, and prints a line for each: its verdict, a tab, the first fault.
#include <iostream>
#include <string>

#include "schema/validate.h"

namespace {

using twobox::Faults;

/// Who refuses the document, and why first.
std::string verdict(const std::string& text) {
  const auto parsed = twobox::parse_document(text);
  if (const auto* const faults = std::get_if<Faults>(&parsed))
    return "parse-refused\t" + to_string(faults->front());
  const auto valid = twobox::validate(*std::get_if<twobox::Document>(&parsed));
  if (const auto* const faults = std::get_if<Faults>(&valid))
    return "validate-refused\t" + to_string(faults->front());
  return "valid\t";
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) std::cout << verdict(line) << '\n';
}
