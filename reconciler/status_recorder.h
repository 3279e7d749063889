// Turns what happens into the status. Pure: every moment is an argument.
#pragma once

#include <string>

#include "reconciler/status.h"
#include "schema/document.h"

namespace twobox {

/// Changes remembered for the status.
constexpr std::size_t kHistoryLength = 100;

class StatusRecorder {
 public:
  StatusRecorder(std::string document_path, std::string document_source, Moment now);

  void document_accepted(Moment now);
  /// The file again says what is in force already.
  void document_still_valid(Moment now);
  /// The file is not usable; a document of an earlier run is in force.
  void fell_back(Moment now);
  /// The last good document, if any, stays in force.
  void document_refused(const std::string& reason, const std::string& message, Moment now);
  void identified(const NodeName& node, const VipRoles& roles, Moment now);
  /// False if that was known already.
  bool not_identified(const Error& error, Moment now);
  void pass_made(const PassReport& pass, const Refusals& refusals, Moment begin, Moment end);
  void pass_failed(const Error& error, Moment begin, Moment end);

  const StatusReport& report() const { return report_; }

 private:
  void set(const std::string& type, bool holds, std::string reason, std::string message,
           Moment now);
  void remember(const PassReport& pass, Moment now);
  void judge(const PassReport& pass, Moment now);
  void judge_vrrp(const std::optional<VrrpVerdict>& verdict, Moment now);
  void update_ready(Moment now);

  StatusReport report_;
};

}  // namespace twobox
