// How a target says that a property does not hold.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace twobox::fuzz {

/// Ends the process unless `holds`; libFuzzer keeps the input.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

}  // namespace twobox::fuzz
