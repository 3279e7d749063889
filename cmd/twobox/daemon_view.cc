// What the daemon shows of itself to whoever asks the API.
#include "reconciler/document_record_json.h"
#include "reconciler/traffic_json.h"
#include "twobox/daemon.h"

namespace twobox {

/// At most once a second, and only while somebody looks at it: it costs an observation.
void Daemon::show_traffic() {
  if (!requests_.traffic_is_wanted()) {
    traffic_due_.reset();
    shown_.traffic.reset();
    shown_.traffic_fault.clear();
    return;
  }
  if (traffic_due_ && *traffic_due_ > now().steady) return;
  auto traffic = look_at_traffic();
  shown_.traffic_fault = traffic ? "" : traffic.error().message;
  shown_.traffic = traffic ? std::make_shared<const std::string>(*std::move(traffic)) : nullptr;
  traffic_due_ = now().steady + std::chrono::seconds(1);
}

void Daemon::show() {
  shown_.status = recorder_.report();
  std::optional<KeptDocument> in_force;
  if (document_) in_force = KeptDocument{shown_.etag, "", document_since_};
  shown_.documents =
      documents_json(documents(), in_force, shown_.status.conditions.at("Converged").holds);
  board_.show(shown_);
}

Result<std::string> Daemon::look_at_traffic() {
  if (!premises_) return Error{ErrorKind::kUnavailable, 0, "no document is acted on yet"};
  const auto observed = kernel_->observe(scope_of(desired_, records_.ownership.record()));
  if (!observed) return with_context(observed.error(), "observe");
  const auto traffic = kernel_->observe_traffic();
  if (!traffic) return with_context(traffic.error(), "observe traffic");
  return traffic_json(
      {*document_->document, recorder_.report().node, desired_, *observed, *traffic},
      premises_->roles, now().wall);
}

}  // namespace twobox
