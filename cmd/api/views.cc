#include "api/views.h"

#include "api/problem.h"
#include "document_schema.h"
#include "reconciler/history_json.h"

namespace twobox {

HttpAnswer get_status(const DaemonView& snapshot) {
  return {200, kJsonType, snapshot.status_text + "\n", {}, nullptr};
}

HttpAnswer get_history(const DaemonView& snapshot) {
  return {200, kJsonType, history_json(snapshot.status.history->entries()) + "\n", {}, nullptr};
}

HttpAnswer get_health() {
  return {200, kJsonType, "{\"alive\": true}\n", {}, nullptr};
}

HttpAnswer get_readiness(const DaemonView& snapshot) {
  const bool ready = is_ready(snapshot.status);
  return {ready ? 200 : 503,
          kJsonType,
          ready ? "{\"ready\": true}\n" : "{\"ready\": false}\n",
          {},
          nullptr};
}

HttpAnswer get_schema() {
  return {200, "application/schema+json", kDocumentSchema, {}, nullptr};
}

}  // namespace twobox
