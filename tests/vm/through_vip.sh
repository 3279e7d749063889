#!/bin/bash
# through_vip.sh: checks that ask servers through the VIP find what a connection to the server's own address can't.
# Run it by: tests/vm/guest --timeout 600 tests/vm/through_vip.sh
set -euo pipefail
vm=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
source "$vm/testbed.sh"
source "$vm/boxes.sh"
CHECK='"check": {"type": "tcp", "interval": "500ms", "timeout": "400ms", "fall": 2, "rise": 1, "through_vip": true}'

# Of the VIP at hand: its address as ipvsadm has it, the boxes' own, and how long the prefix on lo is.
family() {
    if [[ $1 == ipv4 ]]; then
        vip=$VIP own_a=$A own_b=$B bits=32
    else
        vip=$VIP6 own_a=$A6 own_b=$B6 bits=128
    fi
}

# The status' entry of one server, on the director.
server_says() {
    status_of a -o json | python3 -c '
import json, sys
text = lambda address: f"[{address}]:80" if ":" in address else f"{address}:80"
for server in json.load(sys.stdin)["servers"]:
    if server["server"] == text(sys.argv[1]):
        print(server["health"]["verdict"], server["health"]["cause"])' "$1"
}
is_up() { [[ $(server_says "$1") == "up"* ]]; }
is_down() { [[ $(server_says "$1") =~ ^down.*$2 ]]; }

answers_are() { local sum; sum=$(testbed_ask 10 "$vip"); echo "$sum"; [[ $sum == "a=$1 b=$2 failed=0"* ]]; }

# finds_out WHAT OWN_ADDRESS CAUSE: the server is taken out, with these words, and nobody is sent there.
finds_out() {
    check "$1: found out" eventually 40 is_down "$2" "$3"
    echo "#   $(server_says "$2"), after $ELAPSED_MS ms"
}
mended() {
    check "$1: it serves again" eventually 40 is_up "$2"
    check "$1: both answer again" eventually 5 answers_are 5 5
}

restart_web() {
    testbed_kill_web "$1"
    testbed_start_web "$@"
}

listens_on_its_own_address_alone() {
    restart_web b 80 "$own_b"
    finds_out "$1, b listens on its own address alone" "$own_b" "no socket of the server listens on the VIP"
    check "$1, b listens on its own address alone: a answers all" answers_are 10 0
    restart_web b
    mended "$1, b listens on all" "$own_b"
    restart_web a 80 "$own_a"
    finds_out "$1, the director listens on its own address alone" "$own_a" "no socket listens on"
    check "$1, the director listens on its own address alone: b answers all" answers_are 0 10
    restart_web a
    mended "$1, the director listens on all" "$own_a"
}

has_no_vip() {
    stop_daemon b
    ip -n b address delete "$vip/$bits" dev lo
    finds_out "$1, b has not got the VIP" "$own_b" "has not got the VIP|came back here"
    check "$1, b has not got the VIP: a answers all" answers_are 10 0
    start_daemon b
    mended "$1, b has the VIP" "$own_b"
}

has_no_redirect() {
    stop_daemon b
    on b nft delete table inet twobox
    finds_out "$1, b has not got the redirect" "$own_b" "has not got the VIP|came back here"
    check "$1, b has not got the redirect: a answers all" answers_are 10 0
    start_daemon b
    mended "$1, b has the redirect" "$own_b"
}

trap 'boxes_down; testbed_down' EXIT
testbed_up
testbed_web
for scheme in mac-mark redirect; do
    write_document a "$scheme" ", $CHECK"
    start_daemon b && start_daemon a
    for each in ipv4 ipv6; do
        family "$each"
        mended "$scheme, $each, to begin with" "$own_b"
        if [[ $scheme == mac-mark ]]; then
            listens_on_its_own_address_alone "$scheme, $each"
            has_no_vip "$scheme, $each"
        else
            has_no_redirect "$scheme, $each"
        fi
    done
    stop_daemon a && stop_daemon b
    for node in a b; do twobox_on "$node" cleanup >/dev/null; done
done
report
