// One function for each subcommand; each returns the process's exit status and lives in a file of
// its own name.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "http/tls.h"
#include "schema/document.h"

namespace twobox {

constexpr char kDefaultStateDirectory[] = "/var/lib/twobox";
constexpr char kDefaultApi[] = "unix:/run/twobox/api.sock";

enum class OutputFormat : std::uint8_t { kText, kJson };

struct ValidateOptions {
  std::string file;
  bool large = false;
};
int run_validate(const ValidateOptions& options);

struct DiffOptions {
  std::string file;  // "": the daemon's own document, as the daemon sees it
  std::string api = kDefaultApi;
  bool large = false;
  std::optional<NodeName> node;
  std::string state_directory = kDefaultStateDirectory;
  OutputFormat format = OutputFormat::kText;
};
int run_diff(const DiffOptions& options);

struct ApplyOptions {
  DiffOptions what;
  bool dry_run = false;
  std::optional<std::string> expect;   // a saved diff: do that, or nothing
  std::optional<std::string> confirm;  // as parse_trial_time() takes it; absent: it stays
};
int run_apply(const ApplyOptions& options);

struct CleanupOptions {
  std::string state_directory = kDefaultStateDirectory;
  OutputFormat format = OutputFormat::kText;
};
int run_cleanup(const CleanupOptions& options);

struct DaemonOptions {
  std::string document;    // "": it comes by the API and is kept in the state directory
  bool allow_put = false;  // the API may write the document's file
  bool large = false;
  std::optional<NodeName> node;
  std::string state_directory = kDefaultStateDirectory;
  std::vector<std::string> listen;  // empty: kDefaultApi
  /// Between two readings of the whole kernel; absent: as often as it takes.
  std::optional<std::chrono::seconds> resync;
  TlsFiles tls;            // without a certificate: TCP is plain
  std::string token_file;  // "": TCP asks for no token
};
int run_daemon(DaemonOptions options);

/// `options.file` "": the daemon's document. `options.format` as elsewhere.
int run_selftest(const DiffOptions& options);

struct DoctorOptions {
  DiffOptions what;                 // as for run_selftest()
  std::optional<std::string> peer;  // where another node's API is
};
int run_doctor(const DoctorOptions& options);

struct ExplainOptions {
  std::string id;  // of one of doctor's checks; "": list them all
};
int run_explain(const ExplainOptions& options);

struct StatusOptions {
  std::string api = kDefaultApi;
  OutputFormat format = OutputFormat::kText;
};
int run_status(const StatusOptions& options);

struct HistoryOptions {
  std::string api = kDefaultApi;
  std::size_t limit = SIZE_MAX;  // the newest so many changes
  OutputFormat format = OutputFormat::kText;
};
int run_history(const HistoryOptions& options);

struct RoleOptions {
  VipName vip;
  std::optional<std::string> role;  // absent: show it
  std::string api = kDefaultApi;
  OutputFormat format = OutputFormat::kText;
};
int run_role(const RoleOptions& options);

struct DrainOptions {
  std::optional<std::string> name;  // node, address or address:port; absent: show all
  std::string deadline = "60s";     // as the API takes it
  bool end = false;
  std::string api = kDefaultApi;
  OutputFormat format = OutputFormat::kText;
};
int run_drain(const DrainOptions& options);

struct PutOptions {
  std::string file;
  bool large = false;
  bool dry_run = false;
  std::string wait = "10s";  // as the API takes it
  std::optional<std::string> if_match;
  std::optional<std::string> confirm;  // as the API takes it; absent: it stays
  std::string api = kDefaultApi;
  OutputFormat format = OutputFormat::kText;
};
int run_put(const PutOptions& options);

struct ConfirmOptions {
  std::string api = kDefaultApi;
  OutputFormat format = OutputFormat::kText;
};
int run_confirm(const ConfirmOptions& options);

struct RollbackOptions {
  std::size_t number = 1;
  bool list = false;         // of what could be rolled back to, in place of doing it
  std::string wait = "10s";  // as the API takes it
  std::optional<std::string> if_match;
  std::string api = kDefaultApi;
  OutputFormat format = OutputFormat::kText;
};
int run_rollback(const RollbackOptions& options);

int run_schema();

struct RenderOptions {
  std::string file;
  bool large = false;
  std::optional<NodeName> node;
};
int run_render_keepalived(const RenderOptions& options);

/// Exit status: 0 a whole document, 2 one that has to be filled in, 1 none.
int run_import(const std::string& state_directory);
int run_import_keepalived(const std::string& path);

}  // namespace twobox
