#include <doctest/doctest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "backends/address/settings.h"
#include "backends/sysctl/backend.h"
#include "backends/sysctl/path.h"
#include "tests/kernel/address_support.h"

namespace twobox::address_test {
namespace {

namespace fs = std::filesystem;

SysctlChange set(const std::string& name, const std::string& value) {
  return {SysctlKey{name}, std::nullopt, SysctlConfig{value}};
}

Status apply(const SysctlBackend& backend, const SysctlChange& change) {
  const Change changes[] = {change};
  return backend.apply(changes).at(0);
}

std::optional<std::string> read(const SysctlBackend& backend, const std::string& name,
                                const SysctlBackend::Known& known = {}) {
  KernelState kernel;
  REQUIRE(backend.observe({SysctlKey{name}}, known, kernel).has_value());
  const auto found = kernel.sysctls.find(SysctlKey{name});
  if (found == kernel.sysctls.end()) return std::nullopt;
  return found->second.value;
}

// A folder in the place of /proc/sys, for what the kernel's own does not offer.
class Folder {
 public:
  Folder() { fs::create_directories(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_ = fs::temp_directory_path() / ("twobox-sysctl-" + std::to_string(::getpid()));
};

TEST_CASE("sysctl: names become files as sysctl(8) has them, and never leave the root") {
  struct Row {
    std::string name;
    std::optional<std::string> want;
  };
  const Row rows[] = {
      {"net.ipv4.ip_forward", "/r/net/ipv4/ip_forward"},
      {"net.ipv4.conf.eth0/100.rp_filter", "/r/net/ipv4/conf/eth0.100/rp_filter"},
      {"net.ipv4.conf.a/b/c.rp_filter", "/r/net/ipv4/conf/a.b.c/rp_filter"},
      {"single", "/r/single"},
      {"", std::nullopt},
      {".", std::nullopt},
      {".net", std::nullopt},
      {"net.", std::nullopt},
      {"net..ipv4", std::nullopt},
      {"net.//.kernel", std::nullopt},  // the part ".."
      {"net./.kernel", std::nullopt},   // the part "."
      {std::string("net.a\0b", 7), std::nullopt},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(sysctl_path("/r", SysctlKey{row.name}) == row.want);
  }
}

TEST_CASE("sysctl: link messages and files agree on every setting they share") {
  const VethPair veth;
  AddressBackend addresses = *AddressBackend::open();
  // Values nothing else has, so that a setting read in another's place shows.
  run("n=10; for f in /proc/sys/net/ipv4/conf/wire/* /proc/sys/net/ipv6/conf/wire/*; "
      "do n=$((n+1)); { echo $n >$f; } 2>/dev/null; done; true");
  const SettingsByInterface settings = observe(addresses).settings;

  std::size_t shared = 0;
  for (const char* const family : {"ipv4", "ipv6"}) {
    const std::string folder = std::string("/proc/sys/net/") + family + "/conf/wire";
    for (const auto& file : fs::directory_iterator(folder)) {
      const std::string name =
          std::string("net.") + family + ".conf.wire." + file.path().filename().string();
      CAPTURE(name);
      const auto known = find_setting(settings, SysctlKey{name});
      if (!known) continue;
      ++shared;
      CHECK(known == read(SysctlBackend(), name));
    }
  }
  CHECK(shared >= 45);
}

TEST_CASE("sysctl: a value is set and read back by either door") {
  const VethPair veth;
  AddressBackend addresses = *AddressBackend::open();
  const SysctlBackend backend;
  const SettingsByInterface empty;
  for (const char* const name :
       {"net.ipv4.conf.wire.arp_ignore", "net.ipv4.conf.wire.arp_announce",
        "net.ipv6.conf.wire.accept_dad", "net.ipv4.conf.all.arp_ignore", "net.ipv4.ip_forward"}) {
    for (const char* const value : {"1", "0"}) {
      CAPTURE(std::string(name));
      REQUIRE(apply(backend, set(name, value)).has_value());
      const SettingsByInterface settings = observe(addresses).settings;
      const auto known = [&](const SysctlKey& key) { return find_setting(settings, key); };
      CHECK(read(backend, name) == value);
      CHECK(read(backend, name, known) == value);
    }
  }
}

TEST_CASE("sysctl: what link messages know is not read again") {
  const auto known = [](const SysctlKey&) { return std::optional<std::string>(" 7\t8 "); };
  CHECK(read(SysctlBackend("/absent"), "net.ipv4.conf.wire.arp_ignore", known) == "7 8");
}

TEST_CASE("sysctl: vectors are written with spaces and read with one space") {
  const SysctlBackend backend;
  REQUIRE(apply(backend, set("net.ipv4.ip_local_port_range", "20000 30000")).has_value());
  CHECK(read(backend, "net.ipv4.ip_local_port_range") == "20000 30000");
  std::string raw;
  std::getline(std::ifstream("/proc/sys/net/ipv4/ip_local_port_range"), raw);
  CHECK(raw == "20000\t30000");
}

TEST_CASE("sysctl: an interface's name may hold dots") {
  const VethPair veth;
  run("ip link set wire down && ip link set wire name wire.100");
  const SysctlBackend backend;
  const std::string name = "net.ipv4.conf.wire/100.arp_ignore";
  REQUIRE(apply(backend, set(name, "1")).has_value());
  CHECK(read(backend, name) == "1");
  AddressBackend addresses = *AddressBackend::open();
  CHECK(find_setting(observe(addresses).settings, SysctlKey{name}) == "1");
  run("ip link delete wire.100");
}

TEST_CASE("sysctl: what does not exist or can't be read is left out, the rest is read") {
  const SysctlBackend backend;
  KernelState kernel;
  kernel.sysctls[SysctlKey{"net.stale"}] = {"1"};
  const std::set<SysctlKey> keys = {SysctlKey{"net.ipv4.ip_forward"},
                                    SysctlKey{"net.ipv4.vs.no_such"},
                                    SysctlKey{"net.ipv4.conf.absent.tag"},
                                    SysctlKey{"net.ipv4.conf"},  // a folder
                                    SysctlKey{"net.ipv4.ip_forward.below"},
                                    SysctlKey{"net.ipv4.route.flush"},  // write only
                                    SysctlKey{"net..ipv4"},
                                    SysctlKey{"net.ipv6.conf.lo.stable_secret"}};
  REQUIRE(backend.observe(keys, {}, kernel).has_value());
  CHECK(kernel.sysctls.size() == 1);
  CHECK(kernel.sysctls.contains(SysctlKey{"net.ipv4.ip_forward"}));
}

TEST_CASE("sysctl: a refusal says what to do") {
  const SysctlBackend backend;
  struct Row {
    SysctlChange change;
    ErrorKind kind;
    int errno_value;
    std::string words;
  };
  const Row rows[] = {
      {set("net.ipv4.vs.no_such", "1"), ErrorKind::kUnavailable, ENOENT, "is its module loaded"},
      {set("net.ipv4.ip_forward.x", "1"), ErrorKind::kUnavailable, ENOTDIR, "no such sysctl"},
      {set("net.ipv4.ip_forward", "yes"), ErrorKind::kKernelRefused, EINVAL, "to 'yes'"},
      {set("net.ipv4.tcp_available_congestion_control", "x"), ErrorKind::kUnavailable, EACCES,
       "ReadWritePaths=/proc/sys/net"},  // read-only by nature; a read-only mount gives EROFS
      {set("net.ipv4.conf", "1"), ErrorKind::kKernelRefused, EISDIR, "directory"},
      {set("net..ipv4", "1"), ErrorKind::kInvalidDocument, 0, "not the name of a sysctl"},
      {{SysctlKey{"net.ipv4.ip_forward"}, SysctlConfig{"1"}, std::nullopt},
       ErrorKind::kBug,
       0,
       "can't be deleted"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.change.key.name);
    const Status status = apply(backend, row.change);
    REQUIRE_FALSE(status.has_value());
    CAPTURE(status.error().message);
    CHECK(status.error().kind == row.kind);
    CHECK(status.error().errno_value == row.errno_value);
    CHECK(status.error().message.find(row.words) != std::string::npos);
    CHECK(status.error().message.find(row.change.key.name) != std::string::npos);
  }
}

TEST_CASE("sysctl: links are not followed out of the root") {
  const Folder folder;
  const fs::path outside = folder.path() / "outside";
  std::ofstream(outside) << "1\n";
  fs::create_directories(folder.path() / "root");
  fs::create_symlink(outside, folder.path() / "root/link");
  const SysctlBackend backend((folder.path() / "root").string());
  CHECK_FALSE(read(backend, "link").has_value());
  CHECK_FALSE(apply(backend, set("link", "2")).has_value());
}

}  // namespace
}  // namespace twobox::address_test
