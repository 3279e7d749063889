// The daemon's document: which one is in force, and what becomes of the others.
#include <cerrno>

#include "twobox/daemon.h"
#include "twobox/log.h"

namespace twobox {
namespace {

std::string joined(const Faults& faults) {
  std::string text;
  for (const Fault& fault : faults) text += (text.empty() ? "" : "; ") + to_string(fault);
  return text;
}

}  // namespace

void Daemon::read_document() {
  document_due_.reset();
  auto loaded = load_document(options_.document, options_.large);
  const auto* error = std::get_if<Error>(&loaded);
  if (auto* document = std::get_if<LoadedDocument>(&loaded)) {
    take_from_file(std::move(*document));
  } else if (error == nullptr) {
    refuse("Invalid", joined(std::get<Faults>(loaded)));
  } else if (source_ == DocumentSource::kApi && error->errno_value == ENOENT) {
    refuse("NotPut", "no document has been put in force yet: twobox put FILE");
  } else {
    refuse("Unreadable", error->message);
  }
}

void Daemon::accept(LoadedDocument loaded) {
  refused_text_.clear();
  const bool same = document_ && document_->document == loaded.document;
  if (!same) keep_last_good(loaded.text);
  hold(std::move(loaded));
  if (same) {
    recorder_.document_still_valid(now());
    return;
  }
  premises_.reset();
  probation_.end();
  if (document_->document->if_not_converged == IfNotConverged::kRevert &&
      !has_converged(documents(), shown_.etag))
    probation_.begin(now().steady);
  recorder_.document_accepted(now());
  log(LogLevel::kInfo, "document " + options_.document + ": generation " +
                           std::to_string(recorder_.report().generation) + " is in force");
  refusals_.retry_now(now().steady);
  schedule_.start_afresh();
}

void Daemon::hold(LoadedDocument loaded) {
  if (!document_ || document_->text != loaded.text) {
    document_since_ = now().wall;
    shown_.etag = etag_of(loaded.text);
    shown_.document = std::make_shared<const std::string>(loaded.text);
  }
  document_ = std::move(loaded);
}

void Daemon::keep_last_good(const std::string& text) {
  // What the API puts in force is kept as it is, and nobody else writes it.
  if (source_ == DocumentSource::kApi) return;
  if (const Status saved = save_last_good(options_.state_directory, options_.document, text);
      !saved) {
    recorder_.state_file_failed();
    log(LogLevel::kWarning, "keep the last good document: " + saved.error().message);
  }
}

void Daemon::refuse(const std::string& reason, const std::string& message) {
  recorder_.document_refused(reason, message, now());
  if (message == refused_text_) return;
  refused_text_ = message;
  log(LogLevel::kError, "document refused: " + message);
  if (document_) log(LogLevel::kWarning, "the last good document stays in force");
}

void Daemon::fall_back_to_last_good() {
  auto loaded =
      load_document(last_good_path(options_.state_directory, options_.document), /*large=*/true);
  auto* document = std::get_if<LoadedDocument>(&loaded);
  if (document == nullptr) {
    log(LogLevel::kWarning, "no valid document yet: nothing is changed until there is one");
    return;
  }
  log(LogLevel::kWarning, "the last good document of an earlier run is in force");
  hold(std::move(*document));
  recorder_.fell_back(now());
}

}  // namespace twobox
