// The one-shot commands' common course: this machine, a document, its plan.
#pragma once

#include <memory>
#include <optional>

#include "reconciler/backend.h"
#include "reconciler/reconcile.h"
#include "reconciler/report.h"
#include "reconciler/resolve.h"
#include "twobox/commands.h"
#include "twobox/document_file.h"

namespace twobox {

/// The kernel and what a document wants of it.
struct Target {
  std::unique_ptr<Backend> kernel;
  NodeName node;
  DesiredState desired;
  std::string text;  // the document's
};

/// Reads the document and finds out which node this machine is. Complains on stderr and gives
/// nothing when that fails.
std::optional<Target> find_target(const DiffOptions& options);

/// The same for a document that has been read already; `options.file` is not looked at.
std::optional<Target> target_of(LoadedDocument loaded, const DiffOptions& options);

/// Prints a report on stdout as asked for.
void print_diff(const DiffReport& report, OutputFormat format);

/// Prints a pass on stdout: what was done, what was refused, whether the kernel now is as wanted.
void print_pass(const NodeName& node, const PassReport& pass, OutputFormat format);

/// Complaints for what a pass could not do.
void complain_about(const PassReport& pass);

}  // namespace twobox
