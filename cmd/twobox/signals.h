// Signals that a process waits for, in place of being ended by them.
#pragma once

#include <initializer_list>

#include "backends/file_descriptor.h"
#include "schema/error.h"

namespace twobox {

/// They are blocked and come by the descriptor, which does not block. To be called before any
/// thread starts, so that all threads inherit the mask. Error: kTransport with errno.
Result<FileDescriptor> open_signals(std::initializer_list<int> numbers);

}  // namespace twobox
