// Reads documents, one on each line, and prints a line for each: who refuses it, and every fault,
// with tabs between them.
#include <iostream>
#include <string>

#include "schema/validate.h"

namespace {

using twobox::Faults;

std::string line_of(const std::string& verdict, const Faults& faults) {
  std::string line = verdict;
  for (const twobox::Fault& fault : faults) line += "\t" + to_string(fault);
  return line;
}

std::string verdict(const std::string& text) {
  const auto parsed = twobox::parse_document(text);
  if (const auto* const faults = std::get_if<Faults>(&parsed))
    return line_of("parse-refused", *faults);
  const auto valid = twobox::validate(*std::get_if<twobox::Document>(&parsed));
  if (const auto* const faults = std::get_if<Faults>(&valid))
    return line_of("validate-refused", *faults);
  return "valid";
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) std::cout << verdict(line) << '\n';
}
