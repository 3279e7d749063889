#!/bin/bash
# Each bypass scheme on a real kernel: answers in turns, what a change of roles does to established connections, and
# changes from one scheme to another.
# Run it by: tests/vm/guest tests/vm/schemes.sh
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/testbed.sh"
source "$(dirname "${BASH_SOURCE[0]}")/boxes.sh"

HELD=12

changes_nothing() { twobox_on "$1" apply "$DOCUMENT" | finds -x "0 created, 0 updated, 0 deleted, 0 refused: converged"; }

# The sum of everything twobox may have changed on a box, by the system's own tools.
traces() {
    on "$1" nft -s list table inet twobox 2>&1 || true
    on "$1" ipvsadm -Sn
    on "$1" ipvsadm --list --daemon
    ip -n "$1" -brief address show
    on "$1" sysctl "net.ipv4.conf.$IFACE.arp_ignore" "net.ipv4.conf.$IFACE.arp_announce" net.ipv4.vs.backup_only \
        net.ipv4.ip_forward
}

in_turns() {
    local scheme=$1 backup=$2 vip
    for vip in "$VIP" "$VIP6"; do
        check "$scheme $vip: 20 of 20 answered in turns, the backup's IPVS unused" ipvs_unused "$backup" twenty "$vip"
    done
}

# survivors VIP COMMAND...: connections opened before the command and used after it. Entries of new connections reach
# the other machine within seconds (the kernel gathers them), so there is a pause first.
survivors() {
    local vip=$1 sum
    shift
    # Ports of their own: what is reset stays in IPVS's table for 15 minutes, and no later request must meet it.
    HOLD_PORT=$(( ${HOLD_PORT:-5000} + HELD ))
    coproc HOLD { on client /usr/bin/python3 "$_testbed_ask" hold "$vip" 80 "$HELD" --timeout 5 --source-port "$HOLD_PORT"; }
    local output=${HOLD[0]} input=${HOLD[1]} pid=$HOLD_PID
    read -r -u "$output" sum || return
    sleep 5
    "$@" >/dev/null || return
    # Time for the client to learn who has the VIP now.
    sleep 1
    echo >&"$input"
    read -r -u "$output" SURVIVORS || return
    wait "$pid"
}
moved_to() {
    write_document "$2" "$1" && apply_on_both "$([[ $2 == a ]] && echo b || echo a)" "$2"
}
# at_least COUNT VIP COMMAND...
at_least() {
    local wanted=$1
    shift
    survivors "$@" || return
    echo "$SURVIVORS"
    [[ $SURVIVORS =~ survived=([0-9]+) ]] && (( BASH_REMATCH[1] >= wanted ))
}

# scheme NAME BYPASS SURVIVORS: the number of established connections that a change of roles has to leave.
scheme() {
    local name=$1 bypass=$2 survivors=$3 node
    declare -A before
    for node in a b; do before[$node]=$(traces "$node"); done
    write_document a "$bypass"
    check "$name: apply converges on both" apply_on_both b a
    in_turns "$name" b
    for node in a b; do
        check "$name: a second diff on $node exits 0" in_sync "$node"
        check "$name: a second apply on $node changes nothing" changes_nothing "$node"
    done
    check "$name: of $HELD connections at least $survivors survive a change of roles" \
        at_least "$survivors" "$VIP" moved_to "$bypass" b
    echo "#   $name: ${SURVIVORS:-unknown}"
    in_turns "$name, roles changed" a
    check "$name: of $HELD IPv6 connections at least $survivors survive the change back" \
        at_least "$survivors" "$VIP6" moved_to "$bypass" a
    echo "#   $name IPv6: ${SURVIVORS:-unknown}"
    in_turns "$name, roles changed back" b
    for node in a b; do
        check "$name: cleanup on $node succeeds" twobox_on "$node" cleanup
        check "$name: cleanup leaves $node as it was" leaves_no_trace "$node" "${before[$node]}"
    done
}
leaves_no_trace() { diff <(echo "$2") <(traces "$1"); }

# A pair changes from each scheme to each other, one node after the other.
change_schemes() {
    local bypass previous=redirect
    write_document a redirect
    apply_on_both b a >/dev/null
    for bypass in mac-mark backup-only redirect backup-only mac-mark redirect; do
        write_document a "$bypass"
        check "from $previous to $bypass: b changes" twobox_on b apply "$DOCUMENT"
        check "from $previous to $bypass: half changed, all are answered" all_answered
        check "from $previous to $bypass: a changes" twobox_on a apply "$DOCUMENT"
        in_turns "from $previous to $bypass" b
        check "from $previous to $bypass: nothing is left to do" in_sync b
        previous=$bypass
    done
    check "round trip of schemes: only redirect's objects are there" only_redirect
}
# redirect gets a sync daemon and loses it again, one node after the other.
change_sync() {
    local sync
    write_document a redirect
    apply_on_both b a >/dev/null
    for sync in yes ''; do
        SYNC=$sync write_document a redirect
        check "redirect, sync=$sync: b changes" twobox_on b apply "$DOCUMENT"
        check "redirect, sync=$sync: half changed, all are answered" all_answered
        check "redirect, sync=$sync: a changes" twobox_on a apply "$DOCUMENT"
        in_turns "redirect, sync=$sync" b
        check "redirect, sync=$sync: nothing is left to do" in_sync b
    done
    check "redirect without sync again: the VIP is not on lo, no daemon runs" only_redirect
}
all_answered() {
    local sum
    sum=$(testbed_ask 20 "$VIP"; testbed_ask 20 "$VIP6")
    echo "$sum"
    ! grep -q "failed=[1-9]" <<<"$sum"
}
only_redirect() {
    ! ip -n b address show dev lo | finds -wF -e "$VIP" -e "$VIP6" && ! on b nft list table inet twobox | finds mac-mark &&
        [[ -z $(on b ipvsadm --list --daemon) && $(on b sysctl -n net.ipv4.vs.backup_only) == 0 ]]
}

# Each box is master of one VIP and backup of the other, with two schemes side by side.
both_active() {
    local node
    MASTER6=b BYPASS6=$2 SYNC=yes write_document a "$1"
    check "$1 and $2, each box a master: apply converges on both" apply_on_both b a
    check "$1 on a: 20 of 20 in turns" twenty "$VIP"
    check "$2 on b: 20 of 20 in turns" twenty "$VIP6"
    for node in a b; do
        check "$1 and $2: both sync daemons run on $node" both_daemons "$node"
        check "$1 and $2: a second diff on $node exits 0" in_sync "$node"
    done
}
both_daemons() { [[ $(on "$1" ipvsadm --list --daemon | grep -c "sync daemon") == 2 ]]; }

trap 'boxes_down; testbed_down' EXIT
testbed_up
testbed_web
# As in the README's table: what no scheme can keep is not asked for.
scheme redirect redirect $(( HELD / 2 ))
scheme mac-mark mac-mark $(( HELD / 2 ))
SYNC=yes scheme "redirect with sync" redirect "$HELD"
SYNC=yes scheme "mac-mark with sync" mac-mark "$HELD"
scheme backup-only backup-only "$HELD"
change_schemes
change_sync
both_active mac-mark redirect
both_active redirect mac-mark
report
