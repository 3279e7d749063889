// Checks that read a verdict from a file.
#pragma once

#include <string>

#include "checks/check_kind.h"

namespace twobox {

/// "up" in a regular file of at most 4 KiB, with white space around it, passes; all else fails.
CheckOutcome read_verdict(const std::string& path);

class FileChecks final : public CheckKind {
 public:
  explicit FileChecks(OnOutcome on_outcome) : on_outcome_(std::move(on_outcome)) {}

  void begin(CheckId id, const CheckTarget& target) override {
    on_outcome_(id, read_verdict(std::get<FileCheck>(target.check.how).path));
  }
  void give_up(CheckId) override {}

 private:
  OnOutcome on_outcome_;
};

}  // namespace twobox
