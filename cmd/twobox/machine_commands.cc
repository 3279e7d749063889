#include <memory>

#include "reconciler/doctor.h"
#include "twobox/command_line.h"

namespace twobox {
namespace {

void add_validate(CLI::App& app, Chosen& chosen) {
  const auto options = std::make_shared<ValidateOptions>();
  auto& command = *app.add_subcommand("validate", "check a document; silent when it is valid");
  command.add_option("FILE", options->file, "the document")->required();
  add_large(command, options->large);
  command.callback([options, &chosen] { chosen = [options] { return run_validate(*options); }; });
}

void add_diff(CLI::App& app, Chosen& chosen) {
  const auto options = std::make_shared<DiffOptions>();
  auto& command = *app.add_subcommand(
      "diff", "show what would be changed; exit 0 in sync, 2 differences, 1 error");
  command.add_option("FILE", options->file, "the document (default: ask the daemon for its own)");
  add_api(command, options->api);
  add_document(command, *options);
  command.callback([options, &chosen] { chosen = [options] { return run_diff(*options); }; });
}

void add_apply(CLI::App& app, Chosen& chosen) {
  const auto options = std::make_shared<ApplyOptions>();
  auto& command = *app.add_subcommand("apply", "bring the kernel to the document, once");
  command.add_option("FILE", options->what.file, "the document")->required();
  add_document(command, options->what);
  auto* const dry_run =
      command.add_flag("--dry-run", options->dry_run, "change nothing, show what would be done");
  command
      .add_option("--expect", options->expect,
                  "a plan saved by `twobox diff -o json`: carry out that one, or nothing")
      ->excludes(dry_run);
  command
      .add_option("--confirm", options->confirm,
                  "go back to the last document that converged unless Enter comes within this time")
      ->excludes(dry_run)
      ->check(trial_time);
  command.callback([options, &chosen] { chosen = [options] { return run_apply(*options); }; });
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

void add_run(CLI::App& app, Chosen& chosen) {
  const auto options = std::make_shared<DaemonOptions>();
  auto& command = *app.add_subcommand("run", "the daemon: hold the kernel to the document");
  command.add_option("--document", options->document,
                     "the document; watched for changes (default: it comes by the API)");
  command.add_flag("--allow-put", options->allow_put, "the API may write the document's file");
  command.add_option("--node", options->node, "which of the document's nodes this machine is");
  add_large(command, options->large);
  add_state_directory(command, options->state_directory);
  command.add_option("--listen", options->listen,
                     "unix:PATH or HOST:PORT; may be repeated (default unix:/run/twobox/api.sock)");
  add_protection(command, *options);
  command
      .add_option_function<unsigned>(
          "--resync",
          [options](unsigned seconds) { options->resync = std::chrono::seconds(seconds); },
          "seconds between readings of everything (default 30, or 5 where changes of IPVS can't be heard)")
      ->check(CLI::Range(1U, 3600U));
  command.callback([options, &chosen] { chosen = [options] { return run_daemon(*options); }; });
}

void add_selftest(CLI::App& app, Chosen& chosen) {
  const auto options = std::make_shared<DiffOptions>();
  auto& command = *app.add_subcommand(
      "selftest",
      "send marked probes through each VIP's TCP services, as a client and as a director would, and "
      "say which way each took; exit 0 all answered, 1 a loop, a black hole or nobody listens, 2 "
      "not possible");
  command.add_option("FILE", options->file, "the document (default: ask the daemon for its own)");
  add_api(command, options->api);
  add_document(command, *options);
  command.callback([options, &chosen] { chosen = [options] { return run_selftest(*options); }; });
}

void add_doctor(CLI::App& app, Chosen& chosen) {
  const auto options = std::make_shared<DoctorOptions>();
  auto& command = *app.add_subcommand(
      "doctor",
      "look for what defeats the set-up from outside: sockets, sysctls, the firewall, other "
      "services, the peer; exit 0 nothing found, 2 findings, 1 error");
  command.add_option("FILE", options->what.file,
                     "the document (default: ask the daemon for its own)");
  command.add_option("--peer", options->peer,
                     "where another node's API is, to compare documents and roles");
  add_api(command, options->what.api);
  add_document(command, options->what);
  command.callback([options, &chosen] { chosen = [options] { return run_doctor(*options); }; });
}

void add_explain(CLI::App& app, Chosen& chosen) {
  const auto options = std::make_shared<ExplainOptions>();
  auto& command = *app.add_subcommand(
      "explain", "say what one of doctor's checks looks at, why it matters and how to fix it");
  std::vector<std::string> ids;
  for (const DoctorCheck& check : doctor_checks()) ids.emplace_back(check.id);
  command.add_option("ID", options->id, "the check (default: list them all)")
      ->check(CLI::IsMember(ids));
  command.callback([options, &chosen] { chosen = [options] { return run_explain(*options); }; });
}

void add_cleanup(CLI::App& app, Chosen& chosen) {
  const auto options = std::make_shared<CleanupOptions>();
  auto& command = *app.add_subcommand("cleanup", "remove what twobox made, and nothing else");
  add_state_directory(command, options->state_directory);
  add_format(command, options->format);
  command.callback([options, &chosen] { chosen = [options] { return run_cleanup(*options); }; });
}

void add_render(CLI::App& app, Chosen& chosen) {
  const auto options = std::make_shared<RenderOptions>();
  auto& render = *app.add_subcommand("render", "print another program's configuration");
  render.require_subcommand(1);
  auto& command = *render.add_subcommand("keepalived", "keepalived.conf for one node, VRRP only");
  command.add_option("FILE", options->file, "the document")->required();
  command.add_option("--node", options->node, "for which of the document's nodes (default: this)");
  add_large(command, options->large);
  command.callback(
      [options, &chosen] { chosen = [options] { return run_render_keepalived(*options); }; });
}

void add_import(CLI::App& app, Chosen& chosen) {
  const auto state_directory = std::make_shared<std::string>(kDefaultStateDirectory);
  const auto file = std::make_shared<std::string>();
  auto& import = *app.add_subcommand(
      "import", "print a document for what is there; exit 0 whole, 2 to be filled in, 1 error");
  add_state_directory(import, *state_directory);
  import.require_subcommand(0, 1);
  auto& keepalived = *import.add_subcommand("keepalived", "from keepalived's configuration");
  keepalived.add_option("FILE", *file, "keepalived.conf")->required();
  import.callback([state_directory, file, &chosen] {
    chosen = [state_directory, file] {
      return file->empty() ? run_import(*state_directory) : run_import_keepalived(*file);
};
}  // namespace
);
}  // namespace twobox

}  // namespace

void add_machine_commands(CLI::App& app, Chosen& chosen) {
  add_validate(app, chosen);
  add_diff(app, chosen);
  add_apply(app, chosen);
  add_run(app, chosen);
  add_selftest(app, chosen);
  add_doctor(app, chosen);
  add_explain(app, chosen);
  add_cleanup(app, chosen);
  add_render(app, chosen);
  add_import(app, chosen);
  app.add_subcommand("schema", "print the document's JSON Schema")->callback([&chosen] {
    chosen = [] { return run_schema(); };
  });
}

}  // namespace twobox
