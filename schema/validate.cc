#include "schema/validate.h"

#include <utility>

#include "schema/document_reading.h"
#include "schema/rules.h"

namespace twobox {
namespace {

Faults broken_rules(const Document& document, const KnownParts& known) {
  FaultLog log;
  const RuleCheck check{document, known, log};
  check_addresses(check);
  check_vips(check);
  check_services(check);
  check_servers(check);
  check_marks(check);
  check_health_checks(check);
  check_sysctls(check);
  return log.take_in_document_order();
}

}  // namespace

std::variant<ValidDocument, Faults> validate(Document document) {
  Faults faults = broken_rules(document, KnownParts());
  if (!faults.empty()) return faults;
  return ValidDocument(std::move(document));
}

std::variant<ValidDocument, Faults> read_document(std::string_view text, std::size_t max_bytes) {
  DocumentReading reading = read_every_field(text, max_bytes);
  if (reading.faults.empty()) return validate(std::move(reading.document));
  // Whoever mends the file wants to hear of the other faults too, and not at the next try.
  if (reading.lists_every_fault) {
    Faults faults = broken_rules(reading.document, KnownParts(reading.faults));
    for (Fault& fault : faults) reading.faults.push_back(std::move(fault));
  }
  return std::move(reading.faults);
}

}  // namespace twobox
