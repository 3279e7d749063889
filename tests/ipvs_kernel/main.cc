// Tests of IPVS on the running kernel, in a network namespace of this process's own.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <sched.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "backends/ipvs/backend.h"
#include "backends/modules.h"

namespace {

constexpr int kCTestSkipped = 77;

/// Why there is nothing to test here; "" when there is.
std::string obstacle() {
  if (::unshare(CLONE_NEWNET) != 0)
    return std::string("no network namespace of our own: ") + std::strerror(errno);
  // Without any IPv4 address the namespace has no local table, and IPVS takes no real server for a
  // unicast one. (net/ipv4/fib_frontend.c, inet_addr_type)
  if (std::system("ip link set lo up") != 0) return "lo can't be brought up with ip(8)";
  const auto loaded = twobox::load_kernel_module("ip_vs");
  auto ipvs = twobox::IpvsBackend::open();
  if (!ipvs) return ipvs.error().message;
  twobox::KernelState state;
  bool is_loaded = false;
  if (const auto read = ipvs->observe(state, is_loaded); !read) return read.error().message;
  if (is_loaded) return {};
  return "this kernel has no IPVS" + (loaded ? std::string() : ": " + loaded.error().message);
}

}  // namespace

int main(int argc, char** argv) {
  if (const std::string reason = obstacle(); !reason.empty()) {
    std::fprintf(stderr, "SKIPPED: %s\n", reason.c_str());
    return kCTestSkipped;
  }
  return doctest::Context(argc, argv).run();
}
