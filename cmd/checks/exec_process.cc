#include "checks/exec_process.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>

#include "checks/cause.h"

namespace twobox {
namespace {

constexpr std::size_t kMostOutputBytes = 200;

struct Identity {
  uid_t user;
  gid_t group;
  std::vector<gid_t> groups;
};

/// Everything that the child needs, made before the fork: behind it nothing may be allocated.
struct Launch {
  std::vector<char*> argv;
  std::array<char*, 3> environment;
  std::optional<Identity> become;  // absent: stays who it is
  int output;
};

/// An entry of the user database, and the texts it points to.
struct UserEntry {
  passwd entry{};
  std::array<char, 4096> texts{};
};

/// The group list has the entry's own group in it.
Identity identity_of(const passwd& entry) {
  Identity identity{entry.pw_uid, entry.pw_gid, std::vector<gid_t>(64)};
  int count = static_cast<int>(identity.groups.size());
  if (::getgrouplist(entry.pw_name, entry.pw_gid, identity.groups.data(), &count) < 0) {
    identity.groups.resize(static_cast<std::size_t>(count));
    ::getgrouplist(entry.pw_name, entry.pw_gid, identity.groups.data(), &count);
  }
  identity.groups.resize(static_cast<std::size_t>(count));
  return identity;
}

/// Absent: nobody need be become.
Result<std::optional<Identity>> identity_to_become(const std::string& user) {
  UserEntry found;
  passwd* entry = nullptr;
  ::getpwnam_r(user.c_str(), &found.entry, found.texts.data(), found.texts.size(), &entry);
  if (entry == nullptr)
    return Error{ErrorKind::kUnavailable, 0, "this machine has no user " + user};
  if (::geteuid() == 0) return std::optional(identity_of(*entry));
  if (entry->pw_uid == ::geteuid()) return std::optional<Identity>();
  return Error{ErrorKind::kUnavailable, 0,
               "only root can run a command as " + user + ", and this daemon is user number " +
                   std::to_string(::geteuid())};
}

/// In the child, where only async-signal-safe functions are allowed.
[[noreturn]] void give_up_child(const char* doing) {
  const char* const words = ::strerrordesc_np(errno);
  for (const char* const part : {doing, ": ", words != nullptr ? words : "unknown error"})
    if (::write(STDERR_FILENO, part, std::strlen(part)) < 0) break;
  ::_exit(127);
}

void reset_signals() {
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void become(const Identity& identity) {
  if (::setgroups(identity.groups.size(), identity.groups.data()) != 0 ||
      ::setgid(identity.group) != 0 || ::setuid(identity.user) != 0)
    give_up_child("become the check's user");
}

[[noreturn]] void run_child(const Launch& launch, pid_t parent) {
  ::setpgid(0, 0);
  reset_signals();
  const int null = ::open("/dev/null", O_RDWR);
  if (::dup2(null, STDIN_FILENO) < 0 || ::dup2(launch.output, STDOUT_FILENO) < 0 ||
      ::dup2(launch.output, STDERR_FILENO) < 0)
    ::_exit(127);
  ::close_range(STDERR_FILENO + 1, ~0U, 0);
  if (launch.become) become(*launch.become);
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  // Last, since a change of user takes it back. (kernel/cred.c, commit_creds())
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  if (::chdir("/") != 0) give_up_child("enter /");
  ::execve(launch.argv.front(), launch.argv.data(), launch.environment.data());
  give_up_child("it can't be executed");
}

Error refused(const char* what) {
  return {ErrorKind::kUnavailable, errno, std::string(what) + ": " + errno_words(errno)};
}

}  // namespace

Result<ExecProcess> ExecProcess::start(const ExecCheck& check) {
  auto identity = identity_to_become(check.user);
  if (!identity) return identity.error();
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return refused("pipe");
  FileDescriptor output(ends[0]);
  const FileDescriptor input(ends[1]);
  ::fcntl(output.get(), F_SETFL, O_NONBLOCK);

  std::vector<std::string> words = check.argv;
  std::string path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  std::string language = "LANG=C.UTF-8";
  Launch launch{{}, {path.data(), language.data(), nullptr}, *std::move(identity), input.get()};
  for (std::string& word : words) launch.argv.push_back(word.data());
  launch.argv.push_back(nullptr);

  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return refused("fork");
  if (pid == 0) run_child(launch, parent);
  ::setpgid(pid, pid);  // the child does so too: whoever comes first
  // glibc 2.36 declares pidfd_open() without the linkage of C.
  FileDescriptor ended(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (ended.is_open()) return ExecProcess(pid, std::move(ended), std::move(output));
  const Error error = refused("pidfd_open");
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  return error;
}

bool ExecProcess::read_output() {
  std::array<char, 4096> buffer{};
  for (int reads = 0; reads < 32; ++reads) {  // one that never stops must not keep the thread
    const ssize_t count = ::read(output_.get(), buffer.data(), buffer.size());
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    if (count == 0) return false;
    last_output_.append(buffer.data(), static_cast<std::size_t>(count));
    if (last_output_.size() > kMostOutputBytes)
      last_output_.erase(0, last_output_.size() - kMostOutputBytes);
  }
  return true;
}

void ExecProcess::kill_group() const {
  ::kill(-pid_, SIGKILL);
}

int ExecProcess::wait() const {
  int status = 0;
  return ::waitpid(pid_, &status, WNOHANG) == pid_ ? status : -1;
}

std::string ending_text(int wait_status, const std::string& output) {
  std::string text;
  if (WIFSIGNALED(wait_status)) {
    const int signal = WTERMSIG(wait_status);
    const char* const words = ::sigdescr_np(signal);
    text = "killed by signal " + std::to_string(signal);
    if (words != nullptr) text += std::string(" (") + words + ")";
  } else {
    text = "exit status " + std::to_string(WEXITSTATUS(wait_status));
  }
  const std::string said = printable(output);
  return said.empty() ? text : text + ": " + said;
}

}  // namespace twobox
