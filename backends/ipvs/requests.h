// Which requests carry a change out, what to ask instead when the kernel refuses one, and how its
// refusal reads.
#pragma once

#include <vector>

#include "backends/ipvs/codec.h"
#include "backends/netlink/handles.h"
#include "reconciler/objects.h"
#include "schema/error.h"

namespace twobox::ipvs {

/// The commands that carry `change` out, to be sent in order; the last one's answer counts. None
/// when there is nothing to do. Error: kBug for a change of another subsystem.
Result<std::vector<Command>> first_commands(const Change& change);

/// What to send after the kernel refused `command` because the object was not what the change was
/// planned from: there already (EEXIST) or no longer (ENOENT, ESRCH). None: the refusal is final.
std::vector<Command> next_commands(Command command, int errno_value);

/// True when `command` was to delete an object that is gone.
bool is_gone_already(Command command, int errno_value);

Result<netlink::MessageHandle> encode_change(const Change& change, Command command);

/// The kernel's bare errno in words, behind what was being done: "add real server tcp
/// 172.16.0.30:80 -> 172.16.0.31:80: its service does not exist".
Error explain(Error refusal, const Change& change, Command command);

}  // namespace twobox::ipvs
