#include "twobox/command_line.h"

#include <map>

#include "reconciler/document_record.h"

namespace twobox {

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

std::string trial_time(const std::string& text) {
  return parse_trial_time(text) ? "" : "a time such as 60s or 10m, from 1s to 24h";
}

}  // namespace twobox
