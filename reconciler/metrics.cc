#include "reconciler/metrics.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <initializer_list>
#include <utility>

#include "reconciler/describe.h"

namespace twobox {
namespace {

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

/// Backslash, quote and newline are the three that a label's value escapes.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\' || c == '"') result += '\\';
    result += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return result;
}

/// The shortest text that reads back as the same number.
std::string number_text(double value) {
  std::array<char, 32> text{};
  char* const end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

std::uint64_t one_if(bool holds) {
  return holds ? 1 : 0;
}

class Exposition {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    text_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
    text_.append(name).append(" ").append(type).append("\n");
  }
  void sample(std::string_view name, Labels labels, const std::string& value) {
    text_.append(name);
    std::string inside;
    for (const auto& [label, text] : labels)
      inside.append(inside.empty() ? "" : ",").append(label).append("=\"").append(escaped(text)) +=
          '"';
    if (!inside.empty()) text_.append("{").append(inside).append("}");
    text_.append(" ").append(value).append("\n");
  }
  void sample(std::string_view name, Labels labels, std::uint64_t value) {
    sample(name, labels, std::to_string(value));
  }
  /// A family of one sample without labels.
  void single(std::string_view name, std::string_view type, std::string_view help,
              const std::string& value) {
    family(name, type, help);
    sample(name, {}, value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

/// The metric's word for a cause: what the document wants is "desired".
std::string_view cause_label(Cause cause) {
  return cause == Cause::kDocument ? "desired" : to_string(cause);
}

bool in_sync(const StatusReport& report) {
  const auto found = report.conditions.find("Converged");
  return found != report.conditions.end() && found->second.holds;
}

void add_state(Exposition& to, const StatusReport& report) {
  to.single("twobox_desired_generation", "gauge",
            "Number of the document in force, 0 before there is one.",
            std::to_string(report.generation));
  to.single("twobox_observed_generation", "gauge",
            "Number of the document that the last converged pass held.",
            std::to_string(report.observed_generation));
  to.single("twobox_in_sync", "gauge", "1 if the last pass left the kernel as wanted.",
            in_sync(report) ? "1" : "0");
  to.family(
      "twobox_drift_objects", "gauge",
      "Objects that the last pass left other than wanted, by kind; a kind without any has no sample.");
  std::map<std::string, std::uint64_t> by_kind;
  for (const std::string& object : report.missing) ++by_kind[object.substr(0, object.find(' '))];
  for (const auto& [kind, count] : by_kind)
    to.sample("twobox_drift_objects", {{"kind", kind}}, count);
  to.family("twobox_condition", "gauge", "1 if the condition of the status holds.");
  for (const auto& [type, condition] : report.conditions)
    to.sample("twobox_condition", {{"type", type}}, one_if(condition.holds));
  if (const auto free = report.conditions.find("LoopFree"); free != report.conditions.end())
    to.single("twobox_loop_detected", "gauge", "1 if packets to a VIP go round in a loop.",
              free->second.holds ? "0" : "1");
  to.family("twobox_role", "gauge", "1 for the role this node has for the VIP.");
  for (const auto& [name, vip] : report.vips)
    for (const Role role : {Role::kMaster, Role::kBackup, Role::kFault})
      to.sample("twobox_role", {{"vip", name}, {"role", to_string(role)}},
                one_if(vip.role == role));
}

void add_durations(Exposition& to, const Totals& totals) {
  constexpr std::string_view kName = "twobox_reconcile_duration_seconds";
  to.family(kName, "histogram", "How long passes took.");
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < totals.passes_by_duration.size(); ++i) {
    below += totals.passes_by_duration[i];
    const std::string bound =
        i < kPassDurationBounds.size() ? number_text(kPassDurationBounds[i]) : "+Inf";
    to.sample(std::string(kName) + "_bucket", {{"le", bound}}, below);
  }
  to.sample(std::string(kName) + "_sum", {},
            number_text(std::chrono::duration<double>(totals.passes_duration).count()));
  to.sample(std::string(kName) + "_count", {}, below);
}

void add_totals(Exposition& to, const Totals& totals) {
  to.family("twobox_reconcile_total", "counter", "Passes, by what came of them.");
  to.sample("twobox_reconcile_total", {{"result", "success"}}, totals.passes_success);
  to.sample("twobox_reconcile_total", {{"result", "error"}}, totals.passes_error);
  to.sample("twobox_reconcile_total", {{"result", "noop"}}, totals.passes_noop);
  to.single("twobox_reconcile_errors_total", "counter",
            "Passes that could not be made or left something undone.",
            std::to_string(totals.passes_error));
  add_durations(to, totals);
  to.family("twobox_changes_total", "counter", "Changes made to the kernel.");
  for (const auto& [change, count] : totals.changes)
    to.sample(
        "twobox_changes_total",
        {{"kind", change.kind}, {"action", change.action}, {"cause", cause_label(change.cause)}},
        count);
  to.single("twobox_netlink_overruns_total", "counter",
            "Times the kernel dropped events because they came too fast.",
            std::to_string(totals.netlink_overruns));
  to.single("twobox_state_file_errors_total", "counter",
            "Failures to write to the state directory.", std::to_string(totals.state_file_errors));
  to.single("twobox_loop_packets_total", "counter",
            "Packets that came for a VIP with few hops left, as those in a loop do.",
            std::to_string(totals.loop_packets));
}

void add_last_sync(Exposition& to, const std::optional<WallTime>& last_sync) {
  const auto since_epoch = last_sync.value_or(WallTime{}).time_since_epoch();
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
  to.single("twobox_last_sync_timestamp_seconds", "gauge",
            "Unix time of the last pass that left nothing undone, 0 before the first.",
            number_text(static_cast<double>(millis) / 1000.0));
}

/// As in /proc/net/ip_vs, from which node_exporter takes them (ip_vs_ctl.c, ip_vs_info_seq_show).
void add_service(Exposition& to, const IpvsServiceKey& key, const VipName& vip) {
  constexpr std::string_view kName = "twobox_ipvs_service_info";
  if (const auto* const endpoint = std::get_if<Endpoint>(&key)) {
    std::string protocol(to_string(endpoint->protocol));
    for (char& c : protocol) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    to.sample(kName,
              {{"vip", vip},
               {"local_address", endpoint->address.to_string()},
               {"local_port", std::to_string(endpoint->port)},
               {"proto", protocol},
               {"local_mark", ""}},
              std::uint64_t{1});
    return;
  }
  std::array<char, 16> digits{};
  const std::uint32_t number = std::get<FirewallMark>(key).mark;
  char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
  std::string mark(digits.data(), end);
  for (char& c : mark) c = static_cast<char>(c >= 'a' && c <= 'f' ? c - 'a' + 'A' : c);
  mark.insert(0, 8 - mark.size(), '0');
  to.sample(kName,
            {{"vip", vip},
             {"local_address", ""},
             {"local_port", "0"},
             {"proto", "FWM"},
             {"local_mark", mark}},
            std::uint64_t{1});
}

/// A server's address and port alone are not enough: it may serve several services of one VIP.
void add_server_sample(Exposition& to, std::string_view name, const ServerStatus& server,
                       std::uint64_t value) {
  to.sample(name,
            {{"vip", server.vip},
             {"service", key_text(server.server.service)},
             {"server", server_text(server.server)}},
            value);
}

void add_servers(Exposition& to, const std::vector<ServerStatus>& servers) {
  to.family("twobox_server_up", "gauge",
            "1 if the checks of the real server say that it is up, 0 if down; none before the "
            "first verdict.");
  for (const ServerStatus& server : servers)
    if (server.health && server.health->health != Health::kUnknown)
      add_server_sample(to, "twobox_server_up", server,
                        one_if(server.health->health == Health::kUp));
  to.family("twobox_server_transitions_total", "counter",
            "How often the real server went from up to down or back.");
  for (const ServerStatus& server : servers)
    if (server.health)
      add_server_sample(to, "twobox_server_transitions_total", server, server.health->transitions);
  to.family("twobox_server_draining", "gauge",
            "1 for each real server that takes no new connections and is about to go.");
  for (const ServerStatus& server : servers)
    if (server.drain) add_server_sample(to, "twobox_server_draining", server, 1);
}

}  // namespace

std::string metrics_text(const StatusReport& report, std::string_view version) {
  Exposition to;
  to.family("twobox_build_info", "gauge", "1, with the version and this node's name.");
  to.sample("twobox_build_info", {{"version", version}, {"node", report.node}}, std::uint64_t{1});
  add_state(to, report);
  add_totals(to, report.totals);
  add_last_sync(to, report.last_sync);
  to.family("twobox_ipvs_service_info", "gauge",
            "1 for each IPVS service wanted, with its VIP's name; labels as node_exporter's.");
  for (const auto& [key, vip] : *report.services) add_service(to, key, vip);
  add_servers(to, *report.servers);
  return to.take();
}

}  // namespace twobox
