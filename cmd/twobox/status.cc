#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "reconciler/field_reader.h"
#include "twobox/api_client.h"
#include "twobox/commands.h"
#include "twobox/log.h"

namespace twobox {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kReady = 0;
constexpr int kNoDaemon = 1;
constexpr int kNotReady = 3;

std::string text_of(const Json& object, const char* name) {
  const auto field = object.find(name);
  if (field == object.end()) return "";
  return field->is_string() ? field->get<std::string>() : field->dump();
}

Json list_of(const Json& object, const char* name) {
  const auto field = object.find(name);
  return field == object.end() ? Json::array() : *field;
}

void line(const std::string& text) {
  std::printf("%s\n", text.c_str());
}

/// "server 172.16.0.31:80 of vip web, tcp 172.16.0.30:80: down since ...: connection refused"
std::string server_line(const Json& server) {
  std::string text = "server " + text_of(server, "server") + " of vip " + text_of(server, "vip") +
                     ", " + text_of(server, "service") + ":";
  if (const Json health = server.value("health", Json()); health.is_object()) {
    text += " " + text_of(health, "verdict") + " since " + text_of(health, "since") + ", " +
            text_of(health, "transitions") + " changes";
    if (const std::string cause = text_of(health, "cause"); !cause.empty())
      text += ", last failure: " + cause;
    text += ";";
  }
  if (const Json drain = server.value("drain", Json()); drain.is_object())
    text += " drains since " + text_of(drain, "since") + ", until " + text_of(drain, "until") +
            " at most, " + text_of(drain, "connections") + " connections left;";
  if (server.value("fallback", Json(false)) == true) text += " serves as fallback;";
  text.pop_back();
  return text;
}

void print_text(const Json& status) {
  line("node " + text_of(status, "node") + ", document " + text_of(status, "document") +
       ", generation " + text_of(status, "generation") +
       " (held: " + text_of(status, "observed_generation") + ")");
  const Json vips = list_of(status, "vips");
  for (const auto& [name, vip] : vips.items())
    line("vip " + name + ": " + text_of(vip, "role") + " (" + text_of(vip, "source") + ") since " +
         text_of(vip, "since"));
  for (const Json& server : list_of(status, "servers")) line(server_line(server));
  const Json drains = list_of(status, "drains");
  for (const auto& [name, drain] : drains.items())
    line("drain of " + name + " asked for by hand, at most " + text_of(drain, "deadline"));
  for (const Json& condition : list_of(status, "conditions"))
    line(text_of(condition, "type") + ": " + text_of(condition, "status") + " since " +
         text_of(condition, "since") + ": " + text_of(condition, "message"));
  for (const Json& refusal : list_of(status, "refused"))
    line("refused: " + text_of(refusal, "object") + " (errno " + text_of(refusal, "errno") + ", " +
         text_of(refusal, "failures") + " times since " + text_of(refusal, "since") +
         "): " + text_of(refusal, "message"));
  for (const Json& object : list_of(status, "foreign"))
    line("foreign: " + text_of(object, "kind") + " " + text_of(object, "key") + ": " +
         text_of(object, "reason"));
}

}  // namespace

int run_status(const StatusOptions& options) {
  const auto response = ask_daemon(options.api, Request{});
  if (!response) {
    complain(response.error().message);
    return kNoDaemon;
  }
  const Json status = parse_written_json(response->body);
  if (response->status != 200 || !status.is_object()) {
    complain("what answers on " + options.api + " is no twobox daemon");
    return kNoDaemon;
  }
  if (options.format == OutputFormat::kJson) {
    std::fputs(response->body.c_str(), stdout);
  } else {
    print_text(status);
  }
  return status.value("ready", Json(false)) == true ? kReady : kNotReady;
}

}  // namespace twobox
