#include <cstdio>

#include "backends/kernel.h"
#include "reconciler/keepalived_config.h"
#include "twobox/commands.h"
#include "twobox/document_file.h"
#include "twobox/log.h"
#include "twobox/machine.h"

namespace twobox {
namespace {

/// The kernel is asked only when it has to say which node this is: rendering for another machine
/// needs neither root nor that machine.
Result<NodeName> node_to_render(const Document& document, const std::optional<NodeName>& name) {
  if (name) return choose_node(document, name, Machine{});
  auto kernel = open_kernel();
  if (!kernel) return kernel.error();
  const auto machine = (*kernel)->observe_machine();
  if (!machine) return with_context(machine.error(), "find out which node this machine is");
  return choose_node(document, name, *machine);
}

Result<std::string> render(const Document& document, const std::optional<NodeName>& name) {
  const auto node = node_to_render(document, name);
  if (!node) return node.error();
  return keepalived_config(document, *node);
}

}  // namespace

int run_render_keepalived(const RenderOptions& options) {
  const auto loaded = load_or_complain(options.file, options.large);
  if (!loaded) return 1;
  const auto text = render(*loaded->document, options.node);
  if (!text) {
    complain(text.error().message);
    return 1;
  }
  return std::fwrite(text->data(), 1, text->size(), stdout) == text->size() ? 0 : 1;
}

}  // namespace twobox
