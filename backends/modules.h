// Loading kernel modules.
#pragma once

#include <string>

#include "schema/error.h"

namespace twobox {

/// Loads a module and what it depends on, as modprobe does but without starting a process. Succeeds
/// when it is built in or loaded already. Blocks while the module initialises.
/// Error: kUnavailable with errno (ENOENT: this kernel has no such module; EPERM: CAP_SYS_MODULE is
/// missing) and the advice to run modprobe.
Status load_kernel_module(const std::string& name);

}  // namespace twobox
