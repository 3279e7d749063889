#include <memory>

#include "twobox/command_line.h"

namespace twobox {
namespace {

void add_status(CLI::App& app, Chosen& chosen) {
  const auto options = std::make_shared<StatusOptions>();
  auto& command =
      *app.add_subcommand("status", "ask the daemon; exit 0 ready, 3 not ready, 1 no daemon");
  add_api(command, options->api);
  add_format(command, options->format);
  command.callback([options, &chosen] { chosen = [options] { return run_status(*options); }; });
}

void add_history(CLI::App& app, Chosen& chosen) {
  const auto options = std::make_shared<HistoryOptions>();
  auto& command = *app.add_subcommand("history", "what the daemon changed, when and why");
  command.add_option("--limit", options->limit, "only the newest so many changes");
  command.add_option("--api", options->api, "where the daemon listens")->capture_default_str();
  add_format(command, options->format);
  command.callback([options, &chosen] { chosen = [options] { return run_history(*options); }; });
}

void add_role(CLI::App& app, Chosen& chosen) {
  const auto options = std::make_shared<RoleOptions>();
  auto& command = *app.add_subcommand(
      "role", "show a VIP's role, set it by hand until the next boot, or take that back");
  command.add_option("VIP", options->vip, "its name in the document")->required();
  command.add_option("ROLE", options->role, "master, backup, fault or document")
      ->check(CLI::IsMember({"master", "backup", "fault", "document"}));
  add_api(command, options->api);
  add_format(command, options->format);
  command.callback([options, &chosen] { chosen = [options] { return run_role(*options); }; });
}

void add_drain(CLI::App& app, Chosen& chosen) {
  const auto options = std::make_shared<DrainOptions>();
  auto& command = *app.add_subcommand(
      "drain",
      "let a node or real server take no new connections and then go, until the next boot");
  auto* const name = command.add_option("NAME", options->name,
                                        "node, address or address:port (default: show all)");
  auto* const deadline =
      command.add_option("--deadline", options->deadline, "when it goes in any case")
          ->capture_default_str()
          ->needs(name);
  command.add_flag("--end", options->end, "let it serve again")->needs(name)->excludes(deadline);
  add_api(command, options->api);
  add_format(command, options->format);
  command.callback([options, &chosen] { chosen = [options] { return run_drain(*options); }; });
}

void add_put(CLI::App& app, Chosen& chosen) {
  const auto options = std::make_shared<PutOptions>();
  auto& command = *app.add_subcommand(
      "put", "give the daemon a document; exit 0 converged, 3 not yet, 1 refused");
  command.add_option("FILE", options->file, "the document")->required();
  auto* const dry_run =
      command.add_flag("--dry-run", options->dry_run, "change nothing, show what would be changed");
  command.add_option("--wait", options->wait, "how long to wait until the kernel is as asked")
      ->capture_default_str();
  command.add_option("--if-match", options->if_match,
                     "only if the document in force has this ETag");
  command
      .add_option("--confirm", options->confirm,
                  "go back to the document before unless `twobox confirm` comes within this time")
      ->excludes(dry_run)
      ->check(trial_time);
  add_large(command, options->large);
  add_api(command, options->api);
  add_format(command, options->format);
  command.callback([options, &chosen] { chosen = [options] { return run_put(*options); }; });
}

void add_confirm(CLI::App& app, Chosen& chosen) {
  const auto options = std::make_shared<ConfirmOptions>();
  auto& command =
      *app.add_subcommand("confirm", "let the document stay that was put with --confirm");
  add_api(command, options->api);
  add_format(command, options->format);
  command.callback([options, &chosen] { chosen = [options] { return run_confirm(*options); }; });
}

void add_rollback(CLI::App& app, Chosen& chosen) {
  const auto options = std::make_shared<RollbackOptions>();
  auto& command = *app.add_subcommand(
      "rollback", "give the daemon an earlier document; exit 0 converged, 3 not yet, 1 refused");
  auto* const number =
      command.add_option("N", options->number, "which of those that converged, the latest first")
          ->capture_default_str()
          ->check(CLI::PositiveNumber);
  command.add_flag("--list", options->list, "change nothing, show them")->excludes(number);
  command.add_option("--wait", options->wait, "how long to wait until the kernel is as asked")
      ->capture_default_str();
  command.add_option("--if-match", options->if_match,
                     "only if the document in force has this ETag");
  add_api(command, options->api);
  add_format(command, options->format);
  command.callback([options, &chosen] { chosen = [options] { return run_rollback(*options); }; });
}

}  // namespace

void add_daemon_commands(CLI::App& app, Chosen& chosen) {
  add_status(app, chosen);
  add_history(app, chosen);
  add_role(app, chosen);
  add_drain(app, chosen);
  add_put(app, chosen);
  add_confirm(app, chosen);
  add_rollback(app, chosen);
}

}  // namespace twobox
