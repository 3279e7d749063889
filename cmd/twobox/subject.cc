#include "twobox/subject.h"

#include <nlohmann/json.hpp>

#include "reconciler/field_reader.h"
#include "twobox/api_client.h"
#include "twobox/document_file.h"
#include "twobox/log.h"

namespace twobox {
namespace {

using Json = nlohmann::ordered_json;

std::optional<Subject> ask_for_subject(const DiffOptions& options) {
  const auto document = ask_daemon(options.api, {"/v1/document", std::nullopt, {}});
  const auto status = ask_daemon(options.api, Request{});
  if (!document || !status) {
    complain((document ? status : document).error().message);
    return std::nullopt;
  }
  const Json object = parse_written_json(status->body);
  auto read = read_document(document->body, kMaxLargeDocumentBytes);
  if (document->status != 200 || !object.is_object() ||
      !std::holds_alternative<ValidDocument>(read)) {
    complain("the daemon on " + options.api + " has no document in force");
    return std::nullopt;
  }
  const NodeName node = options.node.value_or(object.value("node", ""));
  return Subject{document->body, std::get<ValidDocument>(std::move(read)),
                 node.empty() ? std::nullopt : std::optional(node)};
}

}  // namespace

std::optional<Subject> find_subject(const DiffOptions& options) {
  if (options.file.empty()) return ask_for_subject(options);
  auto loaded = load_or_complain(options.file, options.large);
  if (!loaded) return std::nullopt;
  return Subject{std::move(loaded->text), std::move(loaded->document), options.node};
}

}  // namespace twobox
