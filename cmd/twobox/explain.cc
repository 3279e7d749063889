#include <cstdio>

#include "reconciler/doctor.h"
#include "twobox/commands.h"

namespace twobox {

int run_explain(const ExplainOptions& options) {
  const DoctorCheck* const check = find_doctor_check(options.id);
  const std::string text = check == nullptr ? list_of_checks() : explanation(*check);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return 0;
}

}  // namespace twobox
