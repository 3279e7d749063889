#include "reconciler/doctor.h"

#include <cstdio>

#include "backends/kernel.h"
#include "twobox/commands.h"
#include "twobox/doctor_reading.h"
#include "twobox/log.h"
#include "twobox/machine.h"
#include "twobox/role_overrides.h"
#include "twobox/subject.h"

namespace twobox {
namespace {

constexpr int kNothingFound = 0;
constexpr int kFailed = 1;
constexpr int kFound = 2;

Result<DoctorFacts> read_facts(const Subject& subject, const DoctorOptions& options) {
  auto kernel = open_kernel();
  if (!kernel) return kernel.error();
  const auto by_hand = RoleOverridesFile::open(options.what.state_directory);
  if (!by_hand) return by_hand.error();
  auto standpoint =
      take_standpoint(subject.document, subject.node, {by_hand->roles(), {}}, **kernel);
  if (!standpoint) return standpoint.error();
  return read_doctor_facts({subject.document, subject.text, std::move(standpoint->node),
                            std::move(standpoint->roles), options.peer},
                           **kernel);
}

}  // namespace

int run_doctor(const DoctorOptions& options) {
  const auto subject = find_subject(options.what);
  if (!subject) return kFailed;
  const auto facts = read_facts(*subject, options);
  if (!facts) {
    complain(facts.error().message);
    return kFailed;
  }
  const DoctorReport report = examine(*facts);
  const std::string text = options.what.format == OutputFormat::kJson
                               ? doctor_json(facts->node, report) + "\n"
                               : doctor_text(facts->node, report);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return has_findings(report) ? kFound : kNothingFound;
}

}  // namespace twobox
