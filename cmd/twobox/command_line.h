// What the subcommands' options have in common.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "twobox/commands.h"

namespace twobox {

/// Set by the subcommand that was named; returns its exit status.
using Chosen = std::function<int()>;

/// Those that work on a document and on this machine.
void add_machine_commands(CLI::App& app, Chosen& chosen);
/// Those that ask the daemon.
void add_daemon_commands(CLI::App& app, Chosen& chosen);

void add_format(CLI::App& command, OutputFormat& format);
void add_state_directory(CLI::App& command, std::string& directory);
void add_large(CLI::App& command, bool& large);
void add_api(CLI::App& command, std::string& api);
void add_document(CLI::App& command, DiffOptions& options);
/// CLI11's way to say what is wrong.
std::string trial_time(const std::string& text);

}  // namespace twobox
