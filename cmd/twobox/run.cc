#include <sys/signalfd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "backends/kernel.h"
#include "twobox/commands.h"
#include "twobox/daemon.h"
#include "twobox/log.h"

namespace twobox {
namespace {

int fail(const Error& error) {
  log(LogLevel::kError, error.message);
  return 1;
}

/// SIGTERM, SIGINT and SIGHUP as a descriptor. To be called before any thread starts, so that all
/// threads inherit the mask.
Result<FileDescriptor> open_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  FileDescriptor fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.is_open() || ::pthread_sigmask(SIG_BLOCK, &signals, nullptr) != 0)
    return Error{ErrorKind::kTransport, errno, std::string("signalfd: ") + std::strerror(errno)};
  return fd;
}

Result<Ears> open_ears(const std::string& document, const OwnPorts& own_ports) {
  auto signals = open_signals();
  if (!signals) return signals.error();
  auto kernel = KernelEvents::open(own_ports);
  if (!kernel) return with_context(kernel.error(), "listen to the kernel");
  auto sysctls = SysctlWatch::open();
  if (!sysctls) return with_context(sysctls.error(), "watch sysctls");
  auto directory = DirectoryWatch::open(document);
  if (!directory) return with_context(directory.error(), "watch the document");
  return Ears{*std::move(kernel), *std::move(sysctls), *std::move(directory), *std::move(signals)};
}

/// The default socket is a convenience: without it the dataplane is held all the same. One that was
/// asked for must be there.
Result<std::vector<std::unique_ptr<ApiServer>>> start_api(const std::vector<std::string>& listen,
                                                          const StatusBoard& board,
                                                          RoleRequests& requests) {
  std::vector<std::unique_ptr<ApiServer>> servers;
  const bool asked_for = !listen.empty();
  for (const std::string& text : asked_for ? listen : std::vector<std::string>{kDefaultApi}) {
    const auto address = parse_listen_address(text);
    if (!address) return address.error();
    auto server = ApiServer::start(*address, board, requests);
    if (!server && asked_for) return server.error();
    if (server) {
      servers.push_back(*std::move(server));
    } else {
      log(LogLevel::kWarning, server.error().message + "; `twobox status` will find no daemon");
    }
  }
  return servers;
}

}  // namespace

int run_daemon(const DaemonOptions& options) {
  auto kernel = open_kernel();
  if (!kernel) return fail(kernel.error());
  auto ears = open_ears(options.document, (*kernel)->own_ports());
  if (!ears) return fail(ears.error());
  const auto lock = ChangeLock::take(options.state_directory);
  if (!lock) return fail(lock.error());
  auto ownership = OwnershipFile::open(options.state_directory);
  if (!ownership) return fail(ownership.error());

  auto roles = RoleOverridesFile::open(options.state_directory);
  if (!roles) return fail(roles.error());
  auto requests = RoleRequests::open();
  if (!requests) return fail(requests.error());

  StatusBoard board;
  const auto servers = start_api(options.listen, board, *requests);
  if (!servers) return fail(servers.error());
  Daemon daemon(options, *std::move(kernel), {*std::move(ownership), *std::move(roles)},
                *std::move(ears), board, *requests);
  daemon.run();
  return 0;
}

}  // namespace twobox
