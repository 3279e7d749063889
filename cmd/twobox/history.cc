#include <cstdio>
#include <nlohmann/json.hpp>

#include "reconciler/field_reader.h"
#include "reconciler/history_json.h"
#include "twobox/api_client.h"
#include "twobox/commands.h"
#include "twobox/history_text.h"
#include "twobox/log.h"

namespace twobox {
namespace {

using Json = nlohmann::ordered_json;

int fail(const std::string& message) {
  complain(message);
  return 1;
}

}  // namespace

int run_history(const HistoryOptions& options) {
  Request request;
  request.target = "/v1/history";
  const auto response = ask_daemon(options.api, request);
  if (!response) return fail(response.error().message);
  const Json object = parse_written_json(response->body);
  if (response->status != 200 || !object.is_object() || !object.value("entries", Json()).is_array())
    return fail("what answers on " + options.api + " is no twobox daemon that keeps a history");
  std::deque<HistoryEntry> entries;
  for (const Json& entry : object["entries"])
    if (auto read = parse_history_entry(entry.dump())) entries.push_back(*std::move(read));
  while (entries.size() > options.limit) entries.pop_front();
  if (options.format == OutputFormat::kJson) {
    std::printf("%s\n", history_json(entries).c_str());
  } else {
    for (const HistoryEntry& entry : entries) std::printf("%s\n", history_text(entry).c_str());
  }
  return 0;
}

}  // namespace twobox
