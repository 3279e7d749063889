#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "api/api.h"
#include "backends/kernel.h"
#include "checks/probe_through_vip.h"
#include "http/server.h"
#include "twobox/commands.h"
#include "twobox/daemon.h"
#include "twobox/log.h"
#include "twobox/signals.h"
#include "twobox/token_file.h"

namespace twobox {
namespace {

int fail(const Error& error) {
  log(LogLevel::kError, error.message);
  return 1;
}

/// Thousands of checks may be under way at once when a network fails, each with a descriptor; what
/// a process gets at first, often 1,024, is meant for programs that use select(). Without leave to
/// have more, those beyond are not made, and say so.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

Result<Ears> open_ears(const std::string& document, const OwnPorts& own_ports) {
  auto signals = open_signals({SIGTERM, SIGINT, SIGHUP});
  if (!signals) return signals.error();
  auto kernel = KernelEvents::open(own_ports);
  if (!kernel) return with_context(kernel.error(), "listen to the kernel");
  auto sysctls = SysctlWatch::open();
  if (!sysctls) return with_context(sysctls.error(), "watch sysctls");
  auto directory = DirectoryWatch::open(document);
  if (!directory) return with_context(directory.error(), "watch the document");
  auto through_vip = ProbeThroughVip::open();
  if (!through_vip)
    log(LogLevel::kWarning, "no check can ask through a VIP: " + through_vip.error().message);
  auto checks = Checker::start(through_vip ? *std::move(through_vip) : nullptr);
  if (!checks) return with_context(checks.error(), "check servers");
  return Ears{*std::move(kernel), *std::move(sysctls), *std::move(directory), *std::move(signals),
              IpvsChanges(),      *std::move(checks),  LoopWatch::open()};
}

/// What TCP asks of clients; a listener that asks for nothing may only be on loopback.
Result<std::shared_ptr<const TlsContext>> open_tls(const DaemonOptions& options) {
  if (options.tls.certificate.empty()) return std::shared_ptr<const TlsContext>();
  return TlsContext::open(options.tls);
}

Status check_token(const std::string& file) {
  if (file.empty() || read_token(file)) return success();
  return Error{ErrorKind::kUnavailable, 0,
               "the token file " + file + " can't be read or has less than " +
                   std::to_string(kMinTokenBytes) + " bytes"};
}

Status check_exposure(const std::string& text, const ListenAddress& address,
                      const DaemonOptions& options) {
  const bool knows_clients = !options.token_file.empty() || !options.tls.client_authority.empty();
  if (address.loopback || (!options.tls.certificate.empty() && knows_clients)) return success();
  return Error{ErrorKind::kInvalidDocument, 0,
               "listen address '" + text +
                   "': beyond loopback it needs --tls-cert and --tls-key, and --token-file or "
                   "--tls-client-ca"};
}

/// Systemd's sockets, say, which are held to the same rules as those of --listen. The addresses are
/// theirs.
Result<std::vector<ListenAddress>> adopt_passed_sockets(
    const DaemonOptions& options, const std::shared_ptr<const TlsContext>& tls,
    std::vector<Listener>& listeners) {
  std::vector<ListenAddress> addresses;
  for (FileDescriptor& fd : take_passed_sockets()) {
    const auto address = address_of_listening(fd.get());
    if (!address)
      return with_context(address.error(), "socket " + std::to_string(fd.get()) + " passed to us");
    const std::string text = address->host_or_path + ":" + std::to_string(address->port);
    if (const Status safe = check_exposure(text, *address, options); !safe) return safe.error();
    listeners.push_back(Listener::adopt(std::move(fd), *address, tls));
    addresses.push_back(*address);
  }
  return addresses;
}

/// The default socket is a convenience: without it the dataplane is held all the same, and it is
/// not opened where sockets were passed. One that was asked for must be there.
Result<std::vector<Listener>> open_listeners(const DaemonOptions& options) {
  const auto tls = open_tls(options);
  if (!tls) return tls.error();
  if (const Status readable = check_token(options.token_file); !readable) return readable.error();
  std::vector<Listener> listeners;
  const auto passed = adopt_passed_sockets(options, *tls, listeners);
  if (!passed) return passed.error();
  const bool asked_for = !options.listen.empty() || !passed->empty();
  for (const std::string& text :
       asked_for ? options.listen : std::vector<std::string>{kDefaultApi}) {
    const auto address = parse_listen_address(text);
    if (!address) return address.error();
    if (std::ranges::find(*passed, *address) != passed->end()) continue;
    if (const Status safe = check_exposure(text, *address, options); !safe) return safe.error();
    auto listener = Listener::open(*address, *tls);
    if (!listener && asked_for) return listener.error();
    if (listener) {
      listeners.push_back(*std::move(listener));
    } else {
      log(LogLevel::kWarning, listener.error().message + "; `twobox status` will find no daemon");
    }
  }
  return listeners;
}

AccessPolicy access_policy(const DaemonOptions& options) {
  AccessPolicy policy;
  policy.client_certificates = !options.tls.client_authority.empty();
  // Read for each call, so that it can be changed at any time.
  if (!options.token_file.empty())
    policy.token = [file = options.token_file] { return read_token(file); };
  return policy;
}

/// Where the document is kept, and who may change it.
DocumentSource settle_source(DaemonOptions& options) {
  if (!options.document.empty())
    return options.allow_put ? DocumentSource::kFileAndApi : DocumentSource::kFile;
  options.document = options.state_directory + "/document.json";
  return DocumentSource::kApi;
}

}  // namespace

int run_daemon(DaemonOptions options) {
  const DocumentSource source = settle_source(options);
  auto kernel = open_kernel();
  if (!kernel) return fail(kernel.error());
  const auto lock = ChangeLock::take(options.state_directory);
  if (!lock) return fail(lock.error());
  raise_descriptor_limit();
  auto ears = open_ears(options.document, (*kernel)->own_ports());
  if (!ears) return fail(ears.error());
  auto ownership = OwnershipFile::open(options.state_directory);
  if (!ownership) return fail(ownership.error());
  auto roles = RoleOverridesFile::open(options.state_directory);
  if (!roles) return fail(roles.error());
  auto drains = DrainOverridesFile::open(options.state_directory);
  if (!drains) return fail(drains.error());
  auto requests = LoopRequests::open();
  if (!requests) return fail(requests.error());

  auto history = HistoryFile::open(options.state_directory);
  if (history.complaint) log(LogLevel::kWarning, *history.complaint);
  auto documents = DocumentStore::open(options.state_directory);
  if (documents.complaint) log(LogLevel::kError, *documents.complaint);
  StatusBoard board;
  const Backstage backstage{board, *requests, source,
                            options.large ? kMaxLargeDocumentBytes : kMaxDocumentBytes};
  const Api api(backstage, access_policy(options));
  auto listeners = open_listeners(options);
  if (!listeners) return fail(listeners.error());
  Daemon daemon(std::move(options), *std::move(kernel),
                {*std::move(ownership), *std::move(roles), *std::move(drains), std::move(history),
                 std::move(documents.store)},
                *std::move(ears), backstage);
  daemon.begin();
  const auto server = HttpServer::start(*std::move(listeners), api);
  if (!server) return fail(server.error());
  daemon.run();
  return 0;
}

}  // namespace twobox
