// What twobox has written to its state directory, and a saved plan, as they may look after a crash,
// a full disk, or somebody's editor. The first byte chooses the reader.
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>

#include "reconciler/document_record_json.h"
#include "reconciler/expected_plan.h"
#include "reconciler/history_json.h"
#include "reconciler/ownership_json.h"
#include "tests/fuzz/require.h"
#include "twobox/drain_overrides.h"
#include "twobox/machine_ids.h"
#include "twobox/role_overrides.h"

using namespace twobox;
using twobox::fuzz::require;

namespace {

void ownership(const std::string& text) {
  const auto stored = parse_ownership(text);
  if (!stored) return;
  const auto again = parse_ownership(ownership_json(*stored));
  require(again && *again == *stored, "an ownership record comes back");
}

void history(const std::string& text) {
  const auto entry = parse_history_entry(text);
  if (!entry) return;
  const std::string line = history_entry_json(*entry);
  require(line.find('\n') == line.npos, "an entry stays on one line");
  require(parse_history_entry(line) == entry, "an entry comes back");
}

void document_record(const std::string& text) {
  const auto record = parse_document_record(text);
  if (!record) return;
  require(parse_document_record(document_record_json(*record)) == record,
          "a record of documents comes back");
  documents_json(*record, std::nullopt, false);
}

void expected_plan(const std::string& text) {
  (void)plan_differences(text, DiffReport{"box1", {}, {}});
}

/// The state directory's, in memory; it goes with the process.
class Directory {
 public:
  Directory() {
    const auto id = network_namespace_id();
    require(id.has_value() && ::mkdtemp(path_.data()) != nullptr, "there is a directory");
    id_ = *id;
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() {
    for (const char* const kind : {"roles", "drains"}) ::unlink(file(kind).c_str());
    ::rmdir(path_.c_str());
  }
  const std::string& path() const { return path_; }
  void write(const std::string& kind, const std::string& text) const {
    std::ofstream(file(kind), std::ios::trunc) << text;
  }

 private:
  std::string file(const std::string& kind) const {
    return path_ + "/" + kind + "." + id_ + ".json";
  }
  std::string path_ = "/dev/shm/twobox-fuzz-XXXXXX";
  std::string id_;
};

const Directory& directory() {
  static const Directory kDirectory;
  return kDirectory;
}

/// A corpus must not be tied to a boot: the first "BOOT" stands for this one's id.
std::string of_this_boot(std::string text) {
  static const std::string kBoot = boot_id().value();
  if (const std::size_t at = text.find("BOOT"); at != text.npos) text.replace(at, 4, kBoot);
  return text;
}

template <typename File>
void overrides(const std::string& kind, const std::string& text) {
  directory().write(kind, of_this_boot(text));
  const auto file = File::open(directory().path());
  require(file.has_value() || file.error().errno_value == EBADMSG, "a file is read or damaged");
}

void roles(const std::string& text) {
  overrides<RoleOverridesFile>("roles", text);
}

void drains(const std::string& text) {
  overrides<DrainOverridesFile>("drains", text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // In the order of tests/fuzz/run's seeds.
  static constexpr std::array kReaders = {ownership,     history, document_record,
                                          expected_plan, roles,   drains};
  if (size == 0) return 0;
  kReaders[data[0] % kReaders.size()]({reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
