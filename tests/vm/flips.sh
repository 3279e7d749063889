#!/bin/bash
# flips.sh [FLIPS [RATE [SCHEME]...]]: the roles change to and fro under load (default: 20 times, 20 requests a second
# by TCP; redirect, mac-mark, mac-mark+sync and backup-only), by edits of the document that both daemons see. No packet
# goes round, and afterwards all is answered in turns. Requests that get lost are counted beside those of notify scripts,
# which change the same things in keepalived's order.
# Run it by: tests/vm/guest --timeout 1200 tests/vm/flips.sh
set -euo pipefail
vm=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
source "$vm/testbed.sh"
source "$vm/boxes.sh"
source "$vm/vrrp.sh"
source "$vm/load.sh"
flips=${1:-20}
rate=${2:-20}
schemes=("${@:3}")
(( ${#schemes[@]} > 0 )) || schemes=(redirect mac-mark mac-mark+sync backup-only)
SCRIPT=$vm/../bench/bypass_script.sh
# Twice what a request was seen to cost both boxes together. A packet that goes round is handled some sixty times.
IPVS_PER_REQUEST=12
WIRE_PER_REQUEST=12

other() { if [[ $1 == a ]]; then echo b; else echo a; fi; }

# --- the two contestants: each sets itself up with a as master, and gives the roles to a node -------------------------

scheme=
twobox_sets_up() {
    write_document a "$scheme"
    start_daemon b && start_daemon a
}
twobox_gives_roles_to() { write_document "$1" "$scheme"; }
twobox_ends() {
    stop_daemon a
    stop_daemon b
    rm -rf "$BOXES"/state-*
}

declare -A announcers=()
script_sets_up() {
    local node
    for node in a b; do
        on "$node" ipvsadm -A -t "$VIP:80" -s rr
        on "$node" ipvsadm -a -t "$VIP:80" -r "$A:80" -g
        on "$node" ipvsadm -a -t "$VIP:80" -r "$B:80" -g
        mkfifo "$BOXES/announce-$node"
        ip netns exec "$node" /usr/bin/python3 "$vm/../support/gratuitous_arp.py" "$IFACE" "$VIP" \
            <"$BOXES/announce-$node" &
        _testbed_pids+=($!)
        exec {announcers[$node]}>"$BOXES/announce-$node"
    done
    on b "$SCRIPT" add "$VIP"
    ip -n a address add "$VIP/32" dev "$IFACE"
    echo >&"${announcers[a]}"
}
# As keepalived does it: the address and its announcement, then the script; each machine on its own.
script_gives_roles_to() {
    local loser process=()
    loser=$(other "$1")
    { ip -n "$loser" address delete "$VIP/32" dev "$IFACE" && on "$loser" "$SCRIPT" add "$VIP"; } &
    process+=($!)
    { ip -n "$1" address add "$VIP/32" dev "$IFACE" && echo >&"${announcers[$1]}" && on "$1" "$SCRIPT" del "$VIP"; } &
    process+=($!)
    wait "${process[@]}"
}
script_ends() {
    exec {announcers[a]}>&- {announcers[b]}>&-
    rm "$BOXES"/announce-*
}

# --- what is measured -------------------------------------------------------------------------------------------------

time_exceeded() { on "$1" nstat -asz IcmpOutTimeExcds Icmp6OutTimeExcds | awk '/TimeExcds/ { sum += $2 } END { print sum }'; }
wire_packets() { on "$1" cat "/sys/class/net/$IFACE/statistics/rx_packets"; }
# sum_of COMMAND: over both boxes.
sum_of() { echo $(( $("$1" a) + $("$1" b) )); }

flip_often() {
    local i master=a
    for (( i = 0; i < flips; ++i )); do
        master=$(other "$master")
        "$1_gives_roles_to" "$master"
        eventually 20 held_by "$VIP" "$master" || { echo "the VIP did not move to $master" >&2; return 1; }
        # Some are undisturbed, and some flips come while the last one's packets are under way.
        sleep "0.$(( i % 5 ))"
    done
    # Where it began, for the check of turns.
    [[ $master == a ]] || { "$1_gives_roles_to" a && eventually 20 held_by "$VIP" a; }
    # The last requests are answered, or lost.
    sleep 3
}

none_went_round() { (( ROUND == 0 )); }
in_keeping() {
    echo "$REQUESTS requests: $IPVS packets handled by IPVS, $WIRE received"
    (( IPVS <= IPVS_PER_REQUEST * REQUESTS && WIRE <= WIRE_PER_REQUEST * REQUESTS ))
}
# What the client gave up on it still repeats for a while, and a backup that was its director has an entry for it.
settled() { eventually 15 held_by "$VIP" a && eventually 90 ipvs_unused b twenty "$VIP"; }

# flips_of CONTESTANT NAME: leaves REQUESTS, LOST, ROUND, IPVS and WIRE.
flips_of() {
    local sum before
    testbed_up
    testbed_web
    "$1_sets_up"
    load_start "$VIP" 80 "$rate"
    sleep 2
    load_sum >/dev/null
    before=("$(sum_of time_exceeded)" "$(sum_of ipvs_packets)" "$(sum_of wire_packets)")
    check "$2: the VIP moves $flips times" flip_often "$1"
    sum=$(load_sum)
    load_stop
    ROUND=$(( $(sum_of time_exceeded) - before[0] ))
    IPVS=$(( $(sum_of ipvs_packets) - before[1] )) WIRE=$(( $(sum_of wire_packets) - before[2] ))
    [[ $sum =~ a=([0-9]+)\ b=([0-9]+)\ failed=([0-9]+) ]]
    LOST=${BASH_REMATCH[3]} REQUESTS=$(( BASH_REMATCH[1] + BASH_REMATCH[2] + BASH_REMATCH[3] ))
    echo "#   $2: $flips flips, $REQUESTS requests, $LOST lost, $ROUND time exceeded, $IPVS packets by IPVS," \
        "$WIRE received; $sum"
    check "$2: afterwards 20 of 20 in turns, the backup's IPVS unused" settled
    "$1_ends"
    testbed_down
}

twobox_flips() {
    scheme=$2
    flips_of twobox "$1"
    check "$1: no packet went round" none_went_round
    check "$1: both boxes' packets are in keeping with the requests" in_keeping
    # Both were measured on an emulated machine that has more to do, hence the room.
    check "$1: no more is lost than twice what the scripts lose, and a hundredth" \
        lost_at_most $(( 2 * SCRIPT_LOST + REQUESTS / 100 ))
}
lost_at_most() { (( LOST <= $1 )); }

trap 'load_stop; boxes_down; testbed_down' EXIT
flips_of script "notify scripts"
SCRIPT_LOST=$LOST
for name in "${schemes[@]}"; do
    if [[ $name == *+sync ]]; then SYNC=yes twobox_flips "$name" "${name%+sync}"; else twobox_flips "$name" "$name"; fi
done
report
