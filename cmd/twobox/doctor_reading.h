// Everything doctor's checks look at, read once.
#pragma once

#include <optional>
#include <string>

#include "backends/kernel.h"
#include "reconciler/doctor_facts.h"

namespace twobox {

/// What of the facts is known before they are read.
struct DoctorPlace {
  const ValidDocument& document;
  std::string document_text;
  NodeName node;
  VipRoles roles;
  std::optional<std::string> peer;  // where its API is
};

/// Takes up to a second. What can't be read is an Error in its place.
DoctorFacts read_doctor_facts(DoctorPlace place, LiveKernel& kernel);

}  // namespace twobox
