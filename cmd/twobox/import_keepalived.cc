#include "reconciler/import_keepalived.h"

#include "backends/kernel.h"
#include "backends/system/keepalived_files.h"
#include "schema/parse.h"
#include "twobox/commands.h"
#include "twobox/files.h"
#include "twobox/import_printing.h"
#include "twobox/log.h"

namespace twobox {
namespace {

constexpr int kWhole = 0;
constexpr int kFailed = 1;
constexpr int kToFillIn = 2;

Result<KeepalivedFile> load(const std::string& path) {
  auto text = read_file(path, kMaxDocumentBytes);
  if (!text) return text.error();
  return KeepalivedFile{path, *std::move(text)};
}

Result<std::vector<KeepalivedFile>> load_included(const std::string& pattern,
                                                  const std::string& from) {
  auto files = keepalived_files("", pattern, from);
  if (files && files->empty()) complain(from + ": include " + pattern + ": there is no such file");
  return files;
}

/// Nothing where the kernel can't be asked: the file's own content needs no machine.
Machine this_machine() {
  auto kernel = open_kernel();
  if (!kernel) return {};
  auto machine = (*kernel)->observe_machine();
  return machine ? *std::move(machine) : Machine{};
}

}  // namespace

int run_import_keepalived(const std::string& path) {
  const auto file = load(path);
  if (!file) {
    complain(file.error().message);
    return kFailed;
  }
  const auto lines = read_keepalived(*file, load_included);
  if (!lines) {
    complain(lines.error().message);
    return kFailed;
  }
  const Import import = import_with_macs(
      this_machine(), [&](const MacsByAddress& macs) { return import_keepalived(*lines, macs); });
  return print_import(import) ? kWhole : kToFillIn;
}

}  // namespace twobox
