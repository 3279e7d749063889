#include "api/views.h"

#include "api/problem.h"
#include "document_schema.h"
#include "reconciler/history_json.h"
#include "reconciler/metrics.h"
#include "web/page.h"

namespace twobox {
namespace {

constexpr std::chrono::milliseconds kTrafficPatience{3000};

}  // namespace

HttpAnswer get_status(const DaemonView& view) {
  return {200, kJsonType, view.status_text + "\n", {}, nullptr};
}

HttpAnswer get_history(const DaemonView& view) {
  return {200, kJsonType, history_json(view.status.history->entries()) + "\n", {}, nullptr};
}

HttpAnswer get_traffic(const StatusBoard& board, LoopRequests& requests) {
  const auto until = std::chrono::steady_clock::now() + kTrafficPatience;
  requests.want_traffic();
  SharedView view = board.look();
  while (!view->traffic && view->traffic_fault.empty() && std::chrono::steady_clock::now() < until)
    view = board.wait_for_other(view, kTrafficPatience);
  if (view->traffic) return {200, kJsonType, *view->traffic + "\n", {}, nullptr};
  return problem(503, view->traffic_fault.empty() ? "the daemon is busy" : view->traffic_fault);
}

HttpAnswer get_health() {
  return {200, kJsonType, "{\"alive\": true}\n", {}, nullptr};
}

HttpAnswer get_readiness(const DaemonView& view) {
  const bool ready = is_ready(view.status);
  return {ready ? 200 : 503,
          kJsonType,
          ready ? "{\"ready\": true}\n" : "{\"ready\": false}\n",
          {},
          nullptr};
}

HttpAnswer get_schema() {
  return {200, "application/schema+json", kDocumentSchema, {}, nullptr};
}

HttpAnswer get_metrics(const DaemonView& view) {
  return {200, kMetricsType, metrics_text(view.status, TWOBOX_VERSION), {}, nullptr};
}

HttpAnswer get_page() {
  if (page_gzipped().empty()) return problem(404, "twobox was built without the page");
  return {200,
          "text/html; charset=utf-8",
          std::string(page_gzipped()),
          {{"Content-Encoding", "gzip"},
           {"Content-Security-Policy", std::string(page_csp())},
           {"Cache-Control", "no-cache"}},
          nullptr};
}

}  // namespace twobox
