#include "api/routes.h"

#include "api/document.h"
#include "api/drains.h"
#include "api/events.h"
#include "api/problem.h"
#include "api/role.h"
#include "api/views.h"
#include "reconciler/metrics.h"

namespace twobox {
namespace {

using Query = std::vector<std::pair<std::string, std::string>>;
using Answers = std::vector<std::pair<int, std::string>>;

const Answers kPutAnswers = {
    {200, "the kernel is as the document wants it; with dry_run: the difference"},
    {202, "the document is in force, the kernel is not yet as it wants"},
    {400, "the document is not valid, or is none of this machine's"},
    {409,
     "a file is the source of truth, and the daemon runs without --allow-put; with confirm: there "
     "is no document that this one could go back to"},
    {411, "no length was given"},
    {412, "another document is in force than If-Match names"},
    {413, "the document is too large"},
    {415, "the body is no plain application/json"},
    {503, "it could not be stored, or the daemon is busy"}};

const Query::value_type kWaitQuery = {
    "wait", "how long to wait until the kernel is as asked: 500ms, 10s, 1m; at most 1m"};

const Query kPutQuery = {
    {"dry_run", "true: change nothing, answer with the difference, as GET /v1/diff does"},
    kWaitQuery,
    {"confirm",
     "how long this document stays in force unless POST /v1/confirm comes: 1s to 24h; without, it "
     "stays, and confirms one that waited"}};

Route put_route(const std::string& method, const Backstage& backstage) {
  return {.method = method,
          .pattern = "/v1/document",
          .summary = "put a document in force; honours If-Match and If-None-Match",
          .type = kJsonType,
          .body = RouteBody::kJson,
          .query = kPutQuery,
          .answers = kPutAnswers,
          .answer = [&backstage](const Call& call) { return put_document(call, backstage); }};
}

void add_document(Routes& routes, const Backstage& backstage) {
  routes.push_back({.method = "GET",
                    .pattern = "/v1/document",
                    .summary = "the document in force, with an ETag",
                    .type = kJsonType,
                    .answers = {{200, "its text"},
                                {304, "it is the one that If-None-Match names"},
                                {404, "there is none yet"}},
                    .answer = [&backstage](const Call& call) {
                      return get_document(call, *backstage.board.look(), backstage.source);
                    }});
  routes.push_back(put_route("PUT", backstage));
  routes.push_back(put_route("POST", backstage));
  routes.push_back(
      {.method = "GET",
       .pattern = "/v1/diff",
       .summary = "what would be changed now; as text with Accept: text/plain",
       .type = kJsonType,
       .answers = {{200, "as `twobox diff -o json`"},
                   {503, "there is no document yet, or the kernel can't be read"}},
       .answer = [&backstage](const Call& call) { return get_diff(call, backstage); }});
}

void add_documents(Routes& routes, const Backstage& backstage) {
  routes.push_back(
      {.method = "POST",
       .pattern = "/v1/confirm",
       .summary = "the document in force stays; honours If-Match and If-None-Match",
       .type = kJsonType,
       .answers = {{200, "it stays, and the kernel is as it wants"},
                   {202, "it stays, the kernel is not yet as it wants"},
                   {409, "no document waits to be confirmed: it may have gone back already"},
                   {412, "another document is in force than If-Match names"},
                   {503, "it could not be stored, or the daemon is busy"}},
       .answer = [&backstage](const Call& call) { return post_confirm(call, backstage); }});
  routes.push_back(
      {.method = "POST",
       .pattern = "/v1/rollback",
       .summary = "put an earlier document in force again; as PUT /v1/document otherwise",
       .type = kJsonType,
       .query = {{"number", "which of GET /v1/documents; 1 by default"}, kWaitQuery},
       .answers = {{200, "the kernel is as the document wants it"},
                   {202, "the document is in force, the kernel is not yet as it wants"},
                   {400, "no such number, or the document is none of this machine's any more"},
                   {404, "not so many documents are kept"},
                   {409, "a file is the source of truth, and the daemon runs without --allow-put"},
                   {412, "another document is in force than If-Match names"},
                   {503, "it could not be stored, or the daemon is busy"}},
       .answer = [&backstage](const Call& call) { return post_rollback(call, backstage); }});
  routes.push_back(
      {.method = "GET",
       .pattern = "/v1/documents",
       .summary = "the document in force and those to go back to, each with ETag and time",
       .type = kJsonType,
       .answers = {{200, "number 0 is in force; the others have converged, the latest first"}},
       .answer = [&backstage](const Call&) { return get_documents(*backstage.board.look()); }});
}

void add_role(Routes& routes, const Backstage& backstage) {
  routes.push_back(
      {.method = "PUT",
       .pattern = "/v1/vips/{name}/role",
       .summary = "set a VIP's role by hand, or return it to the document",
       .type = kJsonType,
       .body = RouteBody::kJson,
       .answers = {{200, "the role that holds now, and its source"},
                   {400, "no such role"},
                   {404, "the document has no such VIP"},
                   {411, "no length was given"},
                   {413, "the body is too large"},
                   {415, "the body is no plain application/json"},
                   {503, "it could not be stored, or the daemon is busy"}},
       .answer = [&backstage](const Call& call) { return put_role(call, backstage); }});
}

void add_drains(Routes& routes, const Backstage& backstage) {
  routes.push_back(
      {.method = "GET",
       .pattern = "/v1/drains",
       .summary = "the drains asked for by hand; what comes of them is in the status",
       .type = kJsonType,
       .answers = {{200, "by node, address or address:port"}},
       .answer = [&backstage](const Call&) { return get_drains(*backstage.board.look()); }});
  routes.push_back(
      {.method = "PUT",
       .pattern = "/v1/drains/{name}",
       .summary = "let a node or a real server take no new connections, and then go",
       .type = kJsonType,
       .body = RouteBody::kJson,
       .answers = {{200, "the drains asked for by hand"},
                   {400, "no such deadline"},
                   {404, "the document has no such node, address or address:port"},
                   {411, "no length was given"},
                   {413, "the body is too large"},
                   {415, "the body is no plain application/json"},
                   {503, "it could not be stored, or the daemon is busy"}},
       .answer = [&backstage](const Call& call) { return put_drain(call, backstage); }});
  routes.push_back(
      {.method = "DELETE",
       .pattern = "/v1/drains/{name}",
       .summary = "end a drain: the node or server serves again",
       .type = kJsonType,
       .answers = {{200, "the drains that are left"},
                   {404, "nobody asked for this one"},
                   {503, "it could not be stored, or the daemon is busy"}},
       .answer = [&backstage](const Call& call) { return delete_drain(call, backstage); }});
}

void add_status(Routes& routes, const StatusBoard& board, LoopRequests& requests) {
  routes.push_back({.method = "GET",
                    .pattern = "/v1/status",
                    .summary = "roles, conditions, last pass, what was healed and what was refused",
                    .type = kJsonType,
                    .answers = {{200, "the status"}},
                    .answer = [&board](const Call&) { return get_status(*board.look()); }});
  routes.push_back({.method = "GET",
                    .pattern = "/v1/history",
                    .summary = "each change made or refused, with its cause, newest last",
                    .type = kJsonType,
                    .answers = {{200, "the changes, kept across restarts"}},
                    .answer = [&board](const Call&) { return get_history(*board.look()); }});
  routes.push_back(
      {.method = "GET",
       .pattern = kEventPath,
       .summary = "server-sent events: status, traffic, history",
       .type = kEventType,
       .answers = {{200, "an endless stream"}, {503, "too many watch already"}},
       .answer = [&board, &requests](const Call&) { return watch_events(board, requests); }});
  routes.push_back(
      {.method = "GET",
       .pattern = "/v1/traffic",
       .summary = "each VIP's packet path on this node, with what the kernel counted",
       .type = kJsonType,
       .answers = {{200, "not older than a second or two"},
                   {503, "there is no document yet, or the kernel can't be read"}},
       .answer = [&board, &requests](const Call&) { return get_traffic(board, requests); }});
  routes.push_back({.method = "GET",
                    .pattern = "/v1/schema",
                    .summary = "the document's JSON Schema",
                    .type = "application/schema+json",
                    .answers = {{200, "draft-07"}},
                    .answer = [](const Call&) { return get_schema(); }});
  routes.push_back({.method = "GET",
                    .pattern = "/metrics",
                    .summary = "numbers for Prometheus",
                    .type = kMetricsType,
                    .answers = {{200, "text format 0.0.4"}},
                    .answer = [&board](const Call&) { return get_metrics(*board.look()); }});
  routes.push_back({.method = "GET",
                    .pattern = "/",
                    .summary = "a page to look at all this, and to change it",
                    .type = "text/html",
                    .access = RouteAccess::kOpen,
                    .answers = {{200, "the page"}, {404, "twobox was built without it"}},
                    .answer = [](const Call&) { return get_page(); }});
}

void add_health(Routes& routes, const StatusBoard& board) {
  routes.push_back({.method = "GET",
                    .pattern = "/healthz",
                    .summary = "the daemon is alive",
                    .type = kJsonType,
                    .access = RouteAccess::kOpen,
                    .answers = {{200, "it is"}},
                    .answer = [](const Call&) { return get_health(); }});
  routes.push_back({.method = "GET",
                    .pattern = "/readyz",
                    .summary = "the kernel is as the document wants it",
                    .type = kJsonType,
                    .access = RouteAccess::kOpen,
                    .answers = {{200, "it is"}, {503, "it is not; GET /v1/status says why"}},
                    .answer = [&board](const Call&) { return get_readiness(*board.look()); }});
}

}  // namespace

Routes make_routes(const Backstage& backstage) {
  Routes routes;
  add_document(routes, backstage);
  add_documents(routes, backstage);
  add_role(routes, backstage);
  add_drains(routes, backstage);
  add_status(routes, backstage.board, backstage.requests);
  add_health(routes, backstage.board);
  return routes;
}

}  // namespace twobox
