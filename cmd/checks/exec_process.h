// One command, from its start until it has been waited for.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "backends/file_descriptor.h"
#include "schema/check.h"
#include "schema/error.h"

namespace twobox {

class ExecProcess {
 public:
  /// Starts `check`'s command in "/", without a shell, with an environment of PATH and LANG,
  /// without input, and as its user: which takes root, unless it is this process's own. In either
  /// case it has no capability that the user has not.
  ///
  /// Errors: kUnavailable with errno 0 if the user is unknown or can't be become; with errno if the
  /// kernel refuses. That the file can't be executed is the process's own output and status.
  static Result<ExecProcess> start(const ExecCheck& check);

  pid_t pid() const { return pid_; }
  /// Readable when it has ended.
  int ended_fd() const { return ended_.get(); }
  /// Readable when it says something; hung up when nobody is left to.
  int output_fd() const { return output_.get(); }

  /// Keeps the end of what it has said so far. False: there will be no more.
  bool read_output();
  const std::string& output() const { return last_output_; }

  /// SIGKILL to its whole process group. Not to be called after wait().
  void kill_group() const;
  /// What it ended with, as in wait(2); -1 if it has not ended yet.
  int wait() const;

 private:
  ExecProcess(pid_t pid, FileDescriptor ended, FileDescriptor output)
      : pid_(pid), ended_(std::move(ended)), output_(std::move(output)) {}

  pid_t pid_;
  FileDescriptor ended_;
  FileDescriptor output_;
  std::string last_output_;
};

/// Pure: "exit status 1" or "killed by signal 11 (Segmentation fault)", with the output behind.
std::string ending_text(int wait_status, const std::string& output);

}  // namespace twobox
