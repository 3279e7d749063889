#include "api/document.h"

#include <charconv>
#include <mutex>
#include <nlohmann/json.hpp>

#include "api/problem.h"
#include "reconciler/document_record.h"
#include "reconciler/fields_json.h"
#include "schema/duration.h"

namespace twobox {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kLongestWait{60'000};
constexpr milliseconds kSlice{500};

/// What the query asks for beside the document itself.
struct PutQuery {
  bool dry_run = false;
  milliseconds wait{0};
  std::optional<milliseconds> confirm = {};
};

std::variant<milliseconds, HttpAnswer> wait_of(const Call& call) {
  if (!call.request.query.contains("wait")) return milliseconds(0);
  const auto wait = parse_wait(call.query("wait"));
  if (!wait) return problem(400, "wait must be a time such as 500ms, 10s or 1m, at most 1m");
  return *wait;
}

std::variant<PutQuery, HttpAnswer> read_options(const Call& call) {
  PutQuery options;
  const std::string dry_run = call.query("dry_run");
  if (call.request.query.contains("dry_run") && dry_run != "true" && dry_run != "false")
    return problem(400, "dry_run must be true or false");
  options.dry_run = dry_run == "true";
  if (call.request.query.contains("confirm")) {
    options.confirm = parse_trial_time(call.query("confirm"));
    if (!options.confirm)
      return problem(400, "confirm must be a time such as 60s or 10m, from 1s to 24h");
    if (options.dry_run) return problem(400, "a dry run leaves nothing to confirm");
  }
  const auto wait = wait_of(call);
  if (const auto* fault = std::get_if<HttpAnswer>(&wait)) return *fault;
  options.wait = std::get<milliseconds>(wait);
  return options;
}

EtagCondition condition_of(const HttpRequest& request) {
  return {request.header_value("if-match").value_or(""),
          request.header_value("if-none-match").value_or("")};
}

/// One document at a time: reading one takes many times its size.
std::variant<ValidDocument, Faults> read_alone(const std::string& text, std::size_t max_bytes) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  return read_document(text, max_bytes);
}

HttpAnswer precondition_failed(const std::string& etag) {
  HttpAnswer answer =
      problem(412, etag.empty() ? "there is no document yet"
                                : "the document in force is " + etag + ": read it and try again");
  if (!etag.empty()) answer.header.emplace_back("ETag", etag);
  return answer;
}

HttpAnswer refusal(const Error& error) {
  return problem(error.kind == ErrorKind::kInvalidDocument ? 400 : 503, error.message);
}

HttpAnswer diff_answer(const Call& call, const DiffReport& report) {
  HttpAnswer answer;
  answer.header.emplace_back(kInSyncHeader, report.plan.in_sync() ? "true" : "false");
  if (call.request.header_value("accept") == "text/plain") {
    answer.type = "text/plain; charset=utf-8";
    answer.body = diff_text(report, Colour::kNone);
  } else {
    answer.type = kJsonType;
    answer.body = diff_json(report) + "\n";
  }
  return answer;
}

bool holds_generation(const DaemonView& view, std::uint64_t generation) {
  const auto converged = view.status.conditions.find("Converged");
  return view.status.observed_generation >= generation &&
         converged != view.status.conditions.end() && converged->second.holds;
}

SharedView wait_for(const StatusBoard& board, std::uint64_t generation, milliseconds patience) {
  const Clock::time_point until = Clock::now() + patience;
  SharedView view = board.look();
  while (!holds_generation(*view, generation) && Clock::now() < until)
    view = board.wait_for_other(
        view, std::min(kSlice, std::chrono::ceil<milliseconds>(until - Clock::now())));
  return view;
}

HttpAnswer in_force(const DocumentVerdict& verdict, const DaemonView& view) {
  const bool converged = holds_generation(view, verdict.generation);
  Json object = {{"generation", verdict.generation},
                 {"observed_generation", view.status.observed_generation},
                 {"converged", converged},
                 {"etag", verdict.etag}};
  if (verdict.confirm_until) object["confirm_until"] = time_text(*verdict.confirm_until);
  return {converged ? 200 : 202,
          kJsonType,
          json_text(object) + "\n",
          {{"ETag", verdict.etag}},
          nullptr};
}

HttpAnswer verdict_answer(const Result<DocumentVerdict>& verdict, milliseconds wait,
                          const StatusBoard& board) {
  using Kind = DocumentVerdict::Kind;
  if (!verdict) return refusal(verdict.error());
  switch (verdict->kind) {
    case Kind::kPreconditionFailed:
      return precondition_failed(verdict->etag);
    case Kind::kNotOurs:
      return problem(400, verdict->message);
    case Kind::kNotStored:
      return problem(503, verdict->message);
    case Kind::kNothingBefore:
    case Kind::kNotAwaited:
      return problem(409, verdict->message);
    case Kind::kNotKept:
      return problem(404, verdict->message);
    case Kind::kInForce:
      break;
  }
  return in_force(*verdict, *wait_for(board, verdict->generation, wait));
}

HttpAnswer file_is_the_truth(const StatusBoard& board) {
  return problem(409, "the file " + board.look()->status.document_path +
                          " is the source of truth: edit it, or run the daemon with --allow-put");
}

/// 1 without a number; nullopt for what is none.
std::optional<std::size_t> number_of(const Call& call) {
  if (!call.request.query.contains("number")) return 1;
  const std::string text = call.query("number");
  std::size_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{} || end != text.data() + text.size() || number == 0) return std::nullopt;
  return number;
}

}  // namespace

std::optional<milliseconds> parse_wait(const std::string& text) {
  const auto wait = parse_duration(text);
  if (!wait || *wait > kLongestWait) return std::nullopt;
  return wait;
}

HttpAnswer get_document(const Call& call, const DaemonView& view, DocumentSource source) {
  if (!view.document) return problem(404, "there is no document yet");
  HttpAnswer answer{200,
                    kJsonType,
                    "",
                    {{"ETag", view.etag}, {"Twobox-Source", std::string(to_string(source))}},
                    nullptr};
  if (!holds(condition_of(call.request), view.etag)) {
    answer.status = 304;
  } else {
    answer.body = *view.document;
  }
  return answer;
}

HttpAnswer put_document(const Call& call, const Backstage& backstage) {
  const auto options = read_options(call);
  if (const auto* fault = std::get_if<HttpAnswer>(&options)) return *fault;
  const auto& [dry_run, wait, confirm] = std::get<PutQuery>(options);
  if (!dry_run && backstage.source == DocumentSource::kFile)
    return file_is_the_truth(backstage.board);
  auto document = read_alone(call.request.body, backstage.max_document);
  if (const auto* faults = std::get_if<Faults>(&document)) return problem(*faults);
  auto& valid = std::get<ValidDocument>(document);
  if (!dry_run)
    return verdict_answer(backstage.requests.put_document(call.request.body, std::move(valid),
                                                          condition_of(call.request), confirm),
                          wait, backstage.board);
  const SharedView view = backstage.board.look();
  if (!holds(condition_of(call.request), view->etag)) return precondition_failed(view->etag);
  const auto report = backstage.requests.diff(std::move(valid));
  return report ? diff_answer(call, *report) : refusal(report.error());
}

HttpAnswer post_confirm(const Call& call, const Backstage& backstage) {
  return verdict_answer(backstage.requests.confirm(condition_of(call.request)), milliseconds(0),
                        backstage.board);
}

HttpAnswer post_rollback(const Call& call, const Backstage& backstage) {
  const auto wait = wait_of(call);
  if (const auto* fault = std::get_if<HttpAnswer>(&wait)) return *fault;
  const auto number = number_of(call);
  if (!number) return problem(400, "number must be a whole number from 1");
  if (backstage.source == DocumentSource::kFile) return file_is_the_truth(backstage.board);
  return verdict_answer(backstage.requests.roll_back(*number, condition_of(call.request)),
                        std::get<milliseconds>(wait), backstage.board);
}

HttpAnswer get_documents(const DaemonView& view) {
  return {200, kJsonType, view.documents + "\n", {}, nullptr};
}

HttpAnswer get_diff(const Call& call, const Backstage& backstage) {
  const auto report = backstage.requests.diff(std::nullopt);
  // Without a document nothing is wrong with the call.
  return report ? diff_answer(call, *report) : problem(503, report.error().message);
}

}  // namespace twobox
