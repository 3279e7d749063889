#include "reconciler/doctor.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "reconciler/doctor_checks.h"
#include "reconciler/fields_json.h"

namespace twobox {
namespace {

using Json = nlohmann::ordered_json;

struct Counts {
  std::size_t findings = 0;
  std::size_t passed = 0;
  std::size_t skipped = 0;  // checks that found nothing and could not see everything
};

Counts counts_of(const DoctorReport& report) {
  Counts counts;
  for (const auto& [check, examination] : report) {
    counts.findings += examination.findings.size();
    if (!examination.findings.empty()) continue;
    ++(examination.skipped.empty() ? counts.passed : counts.skipped);
  }
  return counts;
}

std::string_view result_of(const Examination& examination) {
  if (!examination.findings.empty()) return "found";
  return examination.skipped.empty() ? "passed" : "skipped";
}

Json check_json(const DoctorCheck& check, const Examination& examination) {
  Json findings = Json::array();
  for (const DoctorFinding& finding : examination.findings)
    findings.push_back({{"evidence", finding.evidence}, {"fix", finding.fix}});
  return {{"id", check.id},   {"result", result_of(examination)}, {"title", check.title},
          {"why", check.why}, {"findings", std::move(findings)},  {"skipped", examination.skipped}};
}

std::string count_text(std::size_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

}  // namespace

void doctor::add(Examination& whole, Examination part) {
  std::ranges::move(part.findings, std::back_inserter(whole.findings));
  std::ranges::move(part.skipped, std::back_inserter(whole.skipped));
}

const DoctorCheck* find_doctor_check(std::string_view id) {
  const auto checks = doctor_checks();
  const auto found = std::ranges::find(checks, id, &DoctorCheck::id);
  return found == checks.end() ? nullptr : &*found;
}

DoctorReport examine(const DoctorFacts& facts) {
  DoctorReport report;
  for (const DoctorCheck& check : doctor_checks()) report.push_back({&check, check.examine(facts)});
  return report;
}

bool has_findings(const DoctorReport& report) {
  return counts_of(report).findings > 0;
}

std::string doctor_text(const NodeName& node, const DoctorReport& report) {
  std::string found;
  std::string skipped;
  for (const auto& [check, examination] : report) {
    const std::string id(check->id);
    for (const DoctorFinding& finding : examination.findings)
      found.append(id + ": " + finding.evidence + "\n  why: ")
          .append(check->why)
          .append("\n  fix: " + finding.fix + "\n");
    for (const std::string& reason : examination.skipped)
      skipped.append("skipped " + id + ": ").append(reason).append("\n");
  }
  const Counts counts = counts_of(report);
  return found + skipped + "as seen from " + node + ": " +
         count_text(counts.findings, "finding", "findings") + "; " +
         count_text(counts.passed, "check", "checks") + " passed, " +
         std::to_string(counts.skipped) + " skipped\n";
}

std::string doctor_json(const NodeName& node, const DoctorReport& report) {
  Json checks = Json::array();
  for (const auto& [check, examination] : report) checks.push_back(check_json(*check, examination));
  const Counts counts = counts_of(report);
  return json_text(Json{{"format", 1},
                        {"node", node},
                        {"findings", counts.findings},
                        {"passed", counts.passed},
                        {"skipped", counts.skipped},
                        {"checks", std::move(checks)}});
}

std::string explanation(const DoctorCheck& check) {
  std::string text(check.id);
  text += ": " + std::string(check.title) + "\n";
  text += "\nlooks at: " + std::string(check.looks_at) + "\n";
  text += "\nwhy: " + std::string(check.why) + "\n";
  text += "\nfix: " + std::string(check.fix) + "\n";
  return text;
}

std::string list_of_checks() {
  std::size_t width = 0;
  for (const DoctorCheck& check : doctor_checks()) width = std::max(width, check.id.size());
  std::string text;
  for (const DoctorCheck& check : doctor_checks())
    text += std::string(check.id) + std::string(width + 2 - check.id.size(), ' ') +
            std::string(check.title) + "\n";
  return text;
}

}  // namespace twobox
