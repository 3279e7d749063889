#!/bin/bash
# checks.sh [COUNT [SECONDS]]: what COUNT checks (default: 2,000) at an interval of one second cost, by tcp and by http.
# Servers are on the loopback of a network namespace, so the kernel's work for both ends of a connection counts, too.
# Needs root, and build/release/tests/checks_bench.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
ulimit -n "$(ulimit -Hn)"
for kind in tcp http; do
    unshare --net bash -c 'ip link set lo up && exec build/release/tests/checks_bench "$@"' - "$kind" "${1:-2000}" "${2:-10}"
done
