// Command line -> options -> one subcommand. No policy.
#include <CLI/CLI.hpp>
#include <exception>
#include <string>

#include "twobox/command_line.h"
#include "twobox/log.h"

namespace twobox {
namespace {

constexpr int kUsageError = 64;  // EX_USAGE of sysexits.h

int run(int argc, char** argv) {
  CLI::App app("LVS on a few machines that are director and real server at once, without the loop.",
               "twobox");
  app.set_version_flag("--version", TWOBOX_VERSION);
  app.require_subcommand(1);

  Chosen chosen;
  add_machine_commands(app, chosen);
  add_daemon_commands(app, chosen);
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
