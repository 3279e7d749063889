// Loading kernel modules, and looking for them.
#pragma once

#include <string>

#include "schema/error.h"

namespace twobox {

/// Loads a module and what it depends on, as modprobe does but without starting a process. Succeeds
/// when it is built in or loaded already. Blocks while the module initialises.
/// Error: kUnavailable with errno (ENOENT: this kernel has no such module; EPERM: CAP_SYS_MODULE is
/// missing) and the advice to run modprobe.
Status load_kernel_module(const std::string& name);

/// True if a module is there and ready, by one look into /sys. False says nothing: it may be built
/// in, or /sys be another's.
bool is_certainly_loaded(const std::string& name);

/// Whether the kernel has a module, or could load it: loaded, built in, or a file for the running
/// kernel below `root`/lib/modules. Changes nothing. Error: kUnavailable if it is not loaded and
/// there is no list of files there.
Result<bool> has_kernel_module(const std::string& name, const std::string& root = "");

}  // namespace twobox
