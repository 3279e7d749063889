#!/bin/bash
# unrelated.sh [RATE [TIMES]]: what a service loses when another one comes and goes in the document (default: 200 requests
# a second, 10 times). By twobox, and by `ipvsadm -C; ipvsadm -R`, as set-ups from a file do it.
# Run it by: tests/vm/guest --timeout 600 tests/bench/unrelated.sh
set -euo pipefail
vm=$(cd "$(dirname "${BASH_SOURCE[0]}")/../vm" && pwd -P)
source "$vm/testbed.sh"
source "$vm/boxes.sh"
source "$vm/load.sh"
rate=${1:-200}
times=${2:-10}
OTHER=', {"protocol": "tcp", "port": 81, "scheduler": "rr"}'

# The document with another service beside that of port 80, or without.
with_other() { document a | sed "s|\(\"services\": \[{[^]]*\)\]|\1$OTHER]|" >"$BOXES/config/.new" && mv "$BOXES/config/.new" "$DOCUMENT"; }
has_other() { on "$1" ipvsadm -Ln | finds -F "$VIP:81"; }
has_no_other() { ! has_other "$1"; }

come_and_go() {
    local i node
    for (( i = 0; i < times; ++i )); do
        with_other
        for node in a b; do eventually 20 has_other "$node" || return; done
        write_document a
        for node in a b; do eventually 20 has_no_other "$node" || return; done
    done
}
clear_and_restore() {
    local i node
    for node in a b; do on "$node" ipvsadm -Sn >"$BOXES/rules-$node"; done
    for (( i = 0; i < 2 * times; ++i )); do
        for node in a b; do
            on "$node" ipvsadm -C
            on "$node" ipvsadm -R <"$BOXES/rules-$node"
        done
        sleep 0.3
    done
}

# during WHO COMMAND: leaves LOST.
during() {
    local sum
    load_sum >/dev/null
    check "$1: the other service comes and goes $times times" "$2"
    sleep 2
    sum=$(load_sum)
    [[ $sum =~ failed=([0-9]+) ]]
    LOST=${BASH_REMATCH[1]}
    echo "#   $1: $sum"
}
none_lost() { (( LOST == 0 )); }

trap 'load_stop; boxes_down; testbed_down' EXIT
testbed_up
testbed_web
write_document a
start_daemon b && start_daemon a
load_start "$VIP" 80 "$rate"
sleep 2
during twobox come_and_go
check "twobox: the first one loses nothing" none_lost
stop_daemon a && stop_daemon b
during "ipvsadm -C and -R" clear_and_restore
load_stop
report
