// What is wrong around a node that its document can't say and a pass can't heal: facts in, findings
// out. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/doctor_facts.h"

namespace twobox {

struct DoctorFinding {
  std::string evidence;  // what was seen, with names and numbers
  std::string fix;       // a command, or what to do where none does it
  friend bool operator==(const DoctorFinding&, const DoctorFinding&) = default;
};

/// What became of one check. It passed if there is neither a finding nor anything skipped.
struct Examination {
  std::vector<DoctorFinding> findings;
  std::vector<std::string> skipped;  // why something could not be looked at
  friend bool operator==(const Examination&, const Examination&) = default;
};

/// One row for each check, in words for people.
struct DoctorCheck {
  std::string_view id;     // never changes its meaning
  std::string_view title;  // what is wrong if it finds something
  std::string_view looks_at;
  std::string_view why;
  std::string_view fix;
  Examination (*examine)(const DoctorFacts& facts);
};
std::span<const DoctorCheck> doctor_checks();

/// nullptr: there is no such check.
const DoctorCheck* find_doctor_check(std::string_view id);

struct ExaminedCheck {
  const DoctorCheck* check = nullptr;
  Examination examination;
};
using DoctorReport = std::vector<ExaminedCheck>;

/// Every check, in the order of doctor_checks().
DoctorReport examine(const DoctorFacts& facts);

bool has_findings(const DoctorReport& report);

/// Findings with their reason and fix, then what was skipped, then a line with the counts.
std::string doctor_text(const NodeName& node, const DoctorReport& report);
/// One line without a newline at its end.
std::string doctor_json(const NodeName& node, const DoctorReport& report);

/// All there is to say about one check.
std::string explanation(const DoctorCheck& check);
/// One line for each check: its id and title.
std::string list_of_checks();

}  // namespace twobox
