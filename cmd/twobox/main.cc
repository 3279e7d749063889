// Command line -> options -> one subcommand. No policy.
#include <CLI/CLI.hpp>
#include <exception>
#include <functional>
#include <map>
#include <string>

#include "reconciler/doctor.h"
#include "twobox/commands.h"
#include "twobox/log.h"

namespace twobox {
namespace {

constexpr int kUsageError = 64;  // EX_USAGE of sysexits.h

/// Set by the subcommand that was named.
using Chosen = std::function<int()>;

void add_format(CLI::App& command, OutputFormat& format) {
  static const std::map<std::string, OutputFormat> kFormats = {{"text", OutputFormat::kText},
                                                               {"json", OutputFormat::kJson}};
  command.add_option("-o,--output", format, "text or json")
      ->transform(CLI::Transformer(kFormats))
      ->type_name("FORMAT");
}

void add_state_directory(CLI::App& command, std::string& directory) {
  command.add_option("--state-dir", directory, "where twobox remembers what is its own")
      ->capture_default_str();
}

void add_large(CLI::App& command, bool& large) {
  command.add_flag("--large", large, "allow documents up to 64 MiB");
}

void add_api(CLI::App& command, std::string& api) {
  command.add_option("--api", api, "where the daemon listens")->capture_default_str();
}

void add_document(CLI::App& command, DiffOptions& options) {
  command.add_option("--node", options.node, "which of the document's nodes this machine is");
  add_large(command, options.large);
  add_state_directory(command, options.state_directory);
  add_format(command, options.format);
}

void add_validate(CLI::App& app, ValidateOptions& options, Chosen& chosen) {
  auto& command = *app.add_subcommand("validate", "check a document; silent when it is valid");
  command.add_option("FILE", options.file, "the document")->required();
  add_large(command, options.large);
  command.callback([&] { chosen = [&] { return run_validate(options); }; });
}

void add_diff(CLI::App& app, DiffOptions& options, Chosen& chosen) {
  auto& command = *app.add_subcommand(
      "diff", "show what would be changed; exit 0 in sync, 2 differences, 1 error");
  command.add_option("FILE", options.file, "the document (default: ask the daemon for its own)");
  add_api(command, options.api);
  add_document(command, options);
  command.callback([&] { chosen = [&] { return run_diff(options); }; });
}

void add_apply(CLI::App& app, ApplyOptions& options, Chosen& chosen) {
  auto& command = *app.add_subcommand("apply", "bring the kernel to the document, once");
  command.add_option("FILE", options.what.file, "the document")->required();
  add_document(command, options.what);
  command.add_flag("--dry-run", options.dry_run, "change nothing, show what would be done");
  command.callback([&] { chosen = [&] { return run_apply(options); }; });
}

void add_protection(CLI::App& command, DaemonOptions& options) {
  auto* const certificate = command.add_option("--tls-cert", options.tls.certificate,
                                               "TCP speaks TLS with this certificate (PEM)");
  auto* const key =
      command.add_option("--tls-key", options.tls.key, "its key (PEM)")->needs(certificate);
  certificate->needs(key);
  command
      .add_option("--tls-client-ca", options.tls.client_authority,
                  "TCP clients must show a certificate of this authority (PEM)")
      ->needs(certificate);
  command.add_option("--token-file", options.token_file,
                     "TCP clients must bring the token in this file");
}

void add_run(CLI::App& app, DaemonOptions& options, Chosen& chosen) {
  auto& command = *app.add_subcommand("run", "the daemon: hold the kernel to the document");
  command.add_option("--document", options.document,
                     "the document; watched for changes (default: it comes by the API)");
  command.add_flag("--allow-put", options.allow_put, "the API may write the document's file");
  command.add_option("--node", options.node, "which of the document's nodes this machine is");
  add_large(command, options.large);
  add_state_directory(command, options.state_directory);
  command.add_option("--listen", options.listen,
                     "unix:PATH or HOST:PORT; may be repeated (default unix:/run/twobox/api.sock)");
  add_protection(command, options);
  command
      .add_option_function<unsigned>(
          "--resync",
          [&options](unsigned seconds) { options.resync = std::chrono::seconds(seconds); },
          "seconds between readings of everything (default 30, or 5 where changes of IPVS can't be heard)")
      ->check(CLI::Range(1U, 3600U));
  command.callback([&] { chosen = [&] { return run_daemon(options); }; });
}

void add_status(CLI::App& app, StatusOptions& options, Chosen& chosen) {
  auto& command =
      *app.add_subcommand("status", "ask the daemon; exit 0 ready, 3 not ready, 1 no daemon");
  add_api(command, options.api);
  add_format(command, options.format);
  command.callback([&] { chosen = [&] { return run_status(options); }; });
}

void add_selftest(CLI::App& app, DiffOptions& options, Chosen& chosen) {
  auto& command = *app.add_subcommand(
      "selftest",
      "send marked probes through each VIP's TCP services, as a client and as a director would, and "
      "say which way each took; exit 0 all answered, 1 a loop, a black hole or nobody listens, 2 "
      "not possible");
  command.add_option("FILE", options.file, "the document (default: ask the daemon for its own)");
  add_api(command, options.api);
  add_document(command, options);
  command.callback([&] { chosen = [&] { return run_selftest(options); }; });
}

void add_doctor(CLI::App& app, DoctorOptions& options, Chosen& chosen) {
  auto& command = *app.add_subcommand(
      "doctor",
      "look for what defeats the set-up from outside: sockets, sysctls, the firewall, other "
      "services, the peer; exit 0 nothing found, 2 findings, 1 error");
  command.add_option("FILE", options.what.file,
                     "the document (default: ask the daemon for its own)");
  command.add_option("--peer", options.peer,
                     "where another node's API is, to compare documents and roles");
  add_api(command, options.what.api);
  add_document(command, options.what);
  command.callback([&] { chosen = [&] { return run_doctor(options); }; });
}

void add_explain(CLI::App& app, ExplainOptions& options, Chosen& chosen) {
  auto& command = *app.add_subcommand(
      "explain", "say what one of doctor's checks looks at, why it matters and how to fix it");
  std::vector<std::string> ids;
  for (const DoctorCheck& check : doctor_checks()) ids.emplace_back(check.id);
  command.add_option("ID", options.id, "the check (default: list them all)")
      ->check(CLI::IsMember(ids));
  command.callback([&] { chosen = [&] { return run_explain(options); }; });
}

void add_history(CLI::App& app, HistoryOptions& options, Chosen& chosen) {
  auto& command = *app.add_subcommand("history", "what the daemon changed, when and why");
  command.add_option("--limit", options.limit, "only the newest so many changes");
  command.add_option("--api", options.api, "where the daemon listens")->capture_default_str();
  add_format(command, options.format);
  command.callback([&] { chosen = [&] { return run_history(options); }; });
}

void add_role(CLI::App& app, RoleOptions& options, Chosen& chosen) {
  auto& command = *app.add_subcommand(
      "role", "show a VIP's role, set it by hand until the next boot, or take that back");
  command.add_option("VIP", options.vip, "its name in the document")->required();
  command.add_option("ROLE", options.role, "master, backup, fault or document")
      ->check(CLI::IsMember({"master", "backup", "fault", "document"}));
  add_api(command, options.api);
  add_format(command, options.format);
  command.callback([&] { chosen = [&] { return run_role(options); }; });
}

void add_drain(CLI::App& app, DrainOptions& options, Chosen& chosen) {
  auto& command = *app.add_subcommand(
      "drain",
      "let a node or real server take no new connections and then go, until the next boot");
  auto* const name =
      command.add_option("NAME", options.name, "node, address or address:port (default: show all)");
  auto* const deadline =
      command.add_option("--deadline", options.deadline, "when it goes in any case")
          ->capture_default_str()
          ->needs(name);
  command.add_flag("--end", options.end, "let it serve again")->needs(name)->excludes(deadline);
  add_api(command, options.api);
  add_format(command, options.format);
  command.callback([&] { chosen = [&] { return run_drain(options); }; });
}

void add_put(CLI::App& app, PutOptions& options, Chosen& chosen) {
  auto& command = *app.add_subcommand(
      "put", "give the daemon a document; exit 0 converged, 3 not yet, 1 refused");
  command.add_option("FILE", options.file, "the document")->required();
  command.add_flag("--dry-run", options.dry_run, "change nothing, show what would be changed");
  command.add_option("--wait", options.wait, "how long to wait until the kernel is as asked")
      ->capture_default_str();
  command.add_option("--if-match", options.if_match, "only if the document in force has this ETag");
  add_large(command, options.large);
  add_api(command, options.api);
  add_format(command, options.format);
  command.callback([&] { chosen = [&] { return run_put(options); }; });
}

void add_cleanup(CLI::App& app, CleanupOptions& options, Chosen& chosen) {
  auto& command = *app.add_subcommand("cleanup", "remove what twobox made, and nothing else");
  add_state_directory(command, options.state_directory);
  add_format(command, options.format);
  command.callback([&] { chosen = [&] { return run_cleanup(options); }; });
}

void add_render(CLI::App& app, RenderOptions& options, Chosen& chosen) {
  auto& render = *app.add_subcommand("render", "print another program's configuration");
  render.require_subcommand(1);
  auto& command = *render.add_subcommand("keepalived", "keepalived.conf for one node, VRRP only");
  command.add_option("FILE", options.file, "the document")->required();
  command.add_option("--node", options.node, "for which of the document's nodes (default: this)");
  add_large(command, options.large);
  command.callback([&] { chosen = [&] { return run_render_keepalived(options); }; });
}

int run(int argc, char** argv) {
  CLI::App app("LVS on a few machines that are director and real server at once, without the loop.",
               "twobox");
  app.set_version_flag("--version", TWOBOX_VERSION);
  app.require_subcommand(1);

  Chosen chosen;
  ValidateOptions validate;
  DiffOptions diff;
  ApplyOptions apply;
  DaemonOptions daemon;
  StatusOptions status;
  DiffOptions selftest;
  DoctorOptions doctor;
  ExplainOptions explain;
  HistoryOptions history;
  RoleOptions role;
  DrainOptions drain;
  PutOptions put;
  CleanupOptions cleanup;
  RenderOptions render;
  add_validate(app, validate, chosen);
  add_diff(app, diff, chosen);
  add_apply(app, apply, chosen);
  add_run(app, daemon, chosen);
  add_status(app, status, chosen);
  add_selftest(app, selftest, chosen);
  add_doctor(app, doctor, chosen);
  add_explain(app, explain, chosen);
  add_history(app, history, chosen);
  add_role(app, role, chosen);
  add_drain(app, drain, chosen);
  add_put(app, put, chosen);
  add_cleanup(app, cleanup, chosen);
  add_render(app, render, chosen);
  app.add_subcommand("schema", "print the document's JSON Schema")->callback([&chosen] {
    chosen = [] { return run_schema(); };
  });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsageError;
  }
  return chosen();
}

}  // namespace
}  // namespace twobox

int main(int argc, char** argv) {
  try {
    return twobox::run(argc, argv);
  } catch (const std::exception& error) {
    twobox::complain(std::string("internal error: ") + error.what());
    return 1;
  }
}
