// What a start needed is given back, and nothing that is still needed.
#include "twobox/start_memory.h"

#include <doctest/doctest.h>

#include <fstream>
#include <string>

using namespace twobox;

namespace {

/// Of files, the program's own among them, that this process has in memory.
long resident_file_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("RssFile:")) return std::stol(line.substr(8));
  return -1;
}

const int kSeven = 7;
const int* const kRelocated = &kSeven;  // the loader writes where it is

}  // namespace

TEST_CASE("start memory: pages that are on disk leave, those that were written stay") {
  const long before = resident_file_kib();
  give_back_start_memory();
  const long after = resident_file_kib();
  CHECK(after < before / 2);
  CHECK(*kRelocated == 7);
  CHECK(std::string(1000, 'x').find('y') == std::string::npos);
}
