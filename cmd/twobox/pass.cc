#include "twobox/pass.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "backends/kernel.h"
#include "reconciler/describe.h"
#include "twobox/drain_overrides.h"
#include "twobox/log.h"
#include "twobox/machine.h"
#include "twobox/role_overrides.h"

namespace twobox {
namespace {

/// https://no-color.org: any text but the empty one switches colour off.
Colour colour_of_stdout() {
  const char* const no_colour = std::getenv("NO_COLOR");
  if (no_colour != nullptr && *no_colour != '\0') return Colour::kNone;
  return ::isatty(STDOUT_FILENO) == 1 ? Colour::kAnsi : Colour::kNone;
}

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace

std::optional<Target> find_target(const DiffOptions& options) {
  auto loaded = load_or_complain(options.file, options.large);
  if (!loaded) return std::nullopt;
  return target_of(*std::move(loaded), options);
}

std::optional<Target> target_of(LoadedDocument loaded, const DiffOptions& options) {
  auto kernel = open_kernel();
  if (!kernel) {
    complain(kernel.error().message);
    return std::nullopt;
  }
  const auto by_hand = RoleOverridesFile::open(options.state_directory);
  if (!by_hand) {
    complain(by_hand.error().message);
    return std::nullopt;
  }
  auto standpoint =
      take_standpoint(loaded.document, options.node, {by_hand->roles(), {}}, **kernel);
  if (!standpoint) {
    complain(standpoint.error().message);
    return std::nullopt;
  }
  const auto drains = DrainOverridesFile::open(options.state_directory);
  if (!drains) {
    complain(drains.error().message);
    return std::nullopt;
  }
  DesiredState desired = resolve(loaded.document, standpoint->node, roles_of(standpoint->roles),
                                 {nullptr, drains->drains(), nullptr, {}});
  return Target{*std::move(kernel), std::move(standpoint->node), std::move(desired),
                std::move(loaded.text)};
}

void print_diff(const DiffReport& report, OutputFormat format) {
  if (format == OutputFormat::kJson) {
    print(diff_json(report) + "\n");
  } else {
    print(diff_text(report, colour_of_stdout()));
  }
}

void print_pass(const NodeName& node, const PassReport& pass, OutputFormat format) {
  if (format == OutputFormat::kJson) {
    print(pass_json(node, pass) + "\n");
  } else {
    print(pass_text(pass, colour_of_stdout()));
  }
}

void complain_about(const PassReport& pass) {
  for (std::size_t i = 0; i < pass.applied.outcomes.size(); ++i)
    if (const auto& error = pass.applied.outcomes[i].error)
      complain(object_name(pass.planned.steps[i].change) + ": " + error->message);
  for (const GainedAddress& gained : pass.applied.gained)
    if (!gained.announced)
      complain("announce " + key_text(gained.key) + ": " + gained.announced.error().message);
  for (const Step& step : pass.remaining.steps)
    complain("not converged: " + object_name(step.change) + ": " + step.reason);
  for (const auto& [server, connections] : pass.draining)
    complain("not finished: " + key_text(server) + " drains, with " + std::to_string(connections) +
             " connections; apply again to see it go");
}

}  // namespace twobox
