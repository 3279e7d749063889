// The kernel lane: every test runs in a network namespace of this process alone. Where none is to
// be had, the lane counts as skipped.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <string>

#include "backends/netlink/handles.h"

namespace {

constexpr int kSkipped = 77;  // SKIP_RETURN_CODE in tests/CMakeLists.txt

std::string words(const char* doing) {
  return std::string(doing) + ": " + std::strerror(errno);
}

bool write_file(const char* path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  return file.good();
}

/// Makes us root within a user namespace of our own, which gives the right to make the other.
std::string enter_user_namespace() {
  const std::string user = "0 " + std::to_string(::geteuid()) + " 1\n";
  const std::string group = "0 " + std::to_string(::getegid()) + " 1\n";
  if (::unshare(CLONE_NEWUSER) != 0) return words("make a user namespace");
  // A group map may only be written once setgroups is denied. (user_namespaces(7))
  if (!write_file("/proc/self/setgroups", "deny") || !write_file("/proc/self/uid_map", user) ||
      !write_file("/proc/self/gid_map", group))
    return words("map the user into the namespace");
  return "";
}

std::string bring_up_loopback() {
  const twobox::netlink::FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  if (!socket.is_open() || ::ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0)
    return words("bring lo up");
  return "";
}

/// Returns why not, or "".
std::string enter_namespace() {
  // Root in a container may lack CAP_SYS_ADMIN; then the way is the same as for anybody else.
  if (::unshare(CLONE_NEWNET) != 0) {
    const std::string why_not = enter_user_namespace();
    if (!why_not.empty()) return why_not;
    if (::unshare(CLONE_NEWNET) != 0) return words("make a network namespace");
  }
  return bring_up_loopback();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string why_not = enter_namespace();
  if (!why_not.empty()) {
    std::cerr << "SKIPPED: " << why_not << '\n';
    return kSkipped;
  }
  return doctest::Context(argc, argv).run();
}
