// Memory that a start needs and a daemon does not.
#pragma once

namespace twobox {

/// Unmaps what is in memory as it is on disk, the code and constants of program and libraries, and
/// returns what malloc() has free. Whatever is used again comes back by itself, mostly from the
/// page cache: what is called each pass, and not the reading of options, documents and settings of
/// libraries. Thread-safe.
void give_back_start_memory();

}  // namespace twobox
