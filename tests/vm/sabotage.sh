#!/bin/bash
# sabotage.sh [SECONDS [SEED]]: under load, daemons are killed at any moment and started again, and what they hold is
# taken away, changed or surrounded by things of other hands (default: for 60 seconds; 600 is the full run). Afterwards
# both boxes are as the document wants them, and `twobox cleanup` leaves what others made and nothing else.
# SEED repeats what is done and how long is waited; the daemons' answers come when they come.
# Run it by: tests/vm/guest --timeout 900 tests/vm/sabotage.sh
set -euo pipefail
vm=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
source "$vm/testbed.sh"
source "$vm/boxes.sh"
source "$vm/load.sh"
seconds=${1:-60}
seed=${2:-$(( $(date +%s) % 32768 ))}

# one_of WORD...: leaves one of them in CHOSEN. Not printed, since a subshell has random numbers of its own.
one_of() {
    shift $(( RANDOM % $# ))
    CHOSEN=$1
}
nap() { sleep "0.$(( RANDOM % $1 + 100 ))"; }

# --- what other hands do; on a box that lacks the object nothing happens ----------------------------------------------

one_service() { one_of "$VIP:80" "[$VIP6]:80"; }
one_server() { if [[ $1 == *\[* ]]; then one_of "[$A6]:80" "[$B6]:80"; else one_of "$A:80" "$B:80"; fi; }

service_gone() { one_service; on "$1" ipvsadm -D -t "$CHOSEN"; }
scheduler_changed() { one_service; on "$1" ipvsadm -E -t "$CHOSEN" -s wlc; }
server_gone() { one_service; local service=$CHOSEN; one_server "$service"; on "$1" ipvsadm -d -t "$service" -r "$CHOSEN"; }
weight_changed() {
    one_service
    local service=$CHOSEN
    one_server "$service"
    on "$1" ipvsadm -e -t "$service" -r "$CHOSEN" -g -w $(( RANDOM % 9 ))
}
vip_gone() { one_of "$VIP/32" "$VIP6/128"; ip -n "$1" address delete "$CHOSEN" dev "$IFACE"; }
table_flushed() { on "$1" nft flush table inet twobox; }
table_gone() { on "$1" nft delete table inet twobox; }
bypass_changed() {
    one_of add delete
    on "$1" nft "$CHOSEN" element inet twobox redirect-ipv4 "{ $VIP . tcp . 80 }"
}
sysctl_flipped() { on "$1" sysctl -qw net.ipv4.ip_forward=0; }
DEEDS=(service_gone scheduler_changed server_gone weight_changed vip_gone table_flushed table_gone bypass_changed
       sysctl_flipped foreign_service foreign_address foreign_table)

# --- what other hands make, which has to stay: numbered, and noted in the words of holdings() -------------------------

foreign=0
MOST_FOREIGN=200
another() { (( foreign < MOST_FOREIGN )) && foreign=$(( foreign + 1 )); }
note() { cat >>"$BOXES/foreign-$1"; }

# Also beside ours, at the VIP's other ports.
foreign_service() {
    another || return
    one_of "192.0.2.$foreign:8080" "$VIP:$(( 8000 + foreign ))"
    on "$1" ipvsadm -A -t "$CHOSEN" -s wlc
    on "$1" ipvsadm -a -t "$CHOSEN" -r 192.0.2.250:80 -m -w 3
    printf '%s\n' "-A -t $CHOSEN -s wlc" "-a -t $CHOSEN -r 192.0.2.250:80 -m -w 3" | note "$1"
}
foreign_address() {
    another || return
    one_of lo "$IFACE"
    ip -n "$1" address add "192.0.2.$foreign/32" dev "$CHOSEN"
    echo "address $CHOSEN 192.0.2.$foreign/32" | note "$1"
}
foreign_table() {
    another || return
    on "$1" nft "add table inet somebody$foreign; add chain inet somebody$foreign input { type filter hook input priority 0; }"
    on "$1" nft -s list table inet "somebody$foreign" | note "$1"
}

# --- the daemons ------------------------------------------------------------------------------------------------------

kills=0
died=()
# A daemon that has ended by itself, and so isn't there to be killed, has another status.
kill_and_start() {
    local status=0
    stop_daemon "$1" KILL 2>/dev/null || status=$?
    kills=$(( kills + 1 ))
    (( status == 128 + 9 )) || died+=("$1: $status")
    # Some sabotage falls into its absence, some into its start.
    (( RANDOM % 3 )) || nap 300
    launch_daemon "$1"
}

sabotage() {
    local end=$(( SECONDS + seconds )) deeds=0 node
    while (( SECONDS < end )); do
        one_of a b
        node=$CHOSEN
        one_of "${DEEDS[@]}"
        "$CHOSEN" "$node" >/dev/null 2>&1 || true
        deeds=$(( deeds + 1 ))
        # Just behind the deed the daemon is at work on it.
        (( RANDOM % 3 )) || kill_and_start "$node"
        (( RANDOM % 3 )) || nap 300
    done
    echo "#   $deeds deeds in $seconds s, $foreign of them foreign objects; $kills kills"
}

# --- what is left -----------------------------------------------------------------------------------------------------

# What there is on a box, as sorted lines: all addresses, IPVS, all of nft, and the sysctl held.
holdings() {
    ip -n "$1" -oneline address show | awk '{ print "address", $2, $4 }'
    on "$1" ipvsadm -Sn
    on "$1" nft -s list ruleset
    on "$1" sysctl net.ipv4.ip_forward
}
foreign_stands() {
    holdings "$1" >"$BOXES/now"
    # Lines of the foreign that are not there now.
    ! comm -13 <(sort "$BOXES/now") <(sort "$BOXES/foreign-$1") | finds -F ''
}
cleanup_is_exact() {
    twobox_on "$1" cleanup || return
    holdings "$1" >"$BOXES/now"
    diff <(sort "$BOXES/before-$1" "$BOXES/foreign-$1") <(sort "$BOXES/now")
}
none_crashed() {
    local signs
    signs=$(grep -hE 'terminate called|what\(\)|Assertion|Sanitizer' "$BOXES"/{a,b}.log || true
            dmesg | grep -E 'twobox.*(segfault|trap|general protection)' || true)
    echo "ended with: ${died[*]:-}; $signs"
    [[ -z $signs && ${#died[@]} == 0 ]]
}
converged() { ready "$1" && in_sync "$1"; }

ends_well() {
    local node
    for node in a b; do
        check "$node: ready, and diff finds nothing" eventually 90 converged "$node"
        echo "#   after $ELAPSED_MS ms"
    done
    for node in "$VIP" "$VIP6"; do check "20 of 20 in turns for $node" eventually 90 twenty "$node"; done
    check "no daemon ended by itself" none_crashed
    for node in a b; do check "$node: SIGTERM ends the daemon with 0" stop_daemon "$node"; done
    for node in a b; do
        check "$node: what others made stands" foreign_stands "$node"
        check "$node: cleanup leaves that and nothing else" cleanup_is_exact "$node"
        check "$node: no half-written file in the state directory" no_half_files "$node"
    done
}

trap 'load_stop; boxes_down; testbed_down' EXIT
RANDOM=$seed
echo "# seed $seed"
testbed_up
testbed_web
for node in a b; do
    # Not what the document wants, so that cleanup has something to give back.
    on "$node" sysctl -qw net.ipv4.ip_forward=0
    holdings "$node" >"$BOXES/before-$node"
    : >"$BOXES/foreign-$node"
done
write_document a
check "the daemon on b becomes ready" start_daemon b
check "the daemon on a becomes ready" start_daemon a
load_start "$VIP" 80 20
load_sum >/dev/null
sabotage
echo "#   under sabotage: $(load_sum)"
load_stop
ends_well
report
