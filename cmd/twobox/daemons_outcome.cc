#include "twobox/daemons_outcome.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "reconciler/field_reader.h"
#include "twobox/log.h"

namespace twobox {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kConverged = 0;
constexpr int kFailed = 1;
constexpr int kNotYet = 3;

void print_text(const Json& outcome, bool converged) {
  std::printf("generation %s is in force: %s\n", outcome.value("generation", Json()).dump().c_str(),
              converged ? "the kernel is as it wants"
                        : "the kernel is not yet as it wants; `twobox status` says why");
  if (const Json until = outcome.value("confirm_until", Json()); until.is_string())
    std::printf("at %s it goes back to the document before, unless `twobox confirm` comes first\n",
                until.get<std::string>().c_str());
}

}  // namespace

int ask_and_print_outcome(const std::string& api, const Request& request, OutputFormat format) {
  const auto response = ask_daemon(api, request);
  if (!response) {
    complain(response.error().message);
    return kFailed;
  }
  const Json outcome = parse_written_json(response->body);
  if (response->status > 202 || !outcome.is_object()) {
    for (const std::string& line : refusal_lines(*response)) complain(line);
    return kFailed;
  }
  const bool converged = outcome.value("converged", Json(false)) == true;
  if (format == OutputFormat::kJson)
    std::fputs(response->body.c_str(), stdout);
  else
    print_text(outcome, converged);
  return converged ? kConverged : kNotYet;
}

}  // namespace twobox
