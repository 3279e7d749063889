#!/bin/bash
# mac-mark and entries of IPVS's connection table that are older than a change of roles. The table is looked up before
# the mark, so an entry on the demoted box that names the other as destination would catch a new connection from the same
# source port, and send back what the new master sent. Shown here: when that happens without the chain that hides peers'
# packets from IPVS (no sysctl helps), and that with it nothing is lost. A measurement of ten minutes, not among the
# lanes of tests/run.
# Run it by: tests/vm/guest --timeout 1500 tests/vm/stale_entries.sh
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/testbed.sh"
source "$(dirname "${BASH_SOURCE[0]}")/boxes.sh"

WEB=$(cd "$(dirname "${BASH_SOURCE[0]}")/../support" && pwd -P)/web.py
PORT=20000

# What a trial may set: more sysctls, more of the service, its protocol, SYNC, and VISIBLE for peers' packets that IPVS
# sees.
SYSCTLS='' SERVICE='' PROTOCOL=tcp SYNC='' VISIBLE=''

# Master MASTER by mac-mark, with what the trial has set.
roles() {
    document "$1" mac-mark "$SERVICE" | sed "s|\"sysctls\": {|&$SYSCTLS|; s|\"tcp\"|\"$PROTOCOL\"|" >"$BOXES/config/.new"
    mv "$BOXES/config/.new" "$DOCUMENT"
    apply_on_both "$([[ $1 == a ]] && echo b || echo a)" "$1" >/dev/null
    [[ -z $VISIBLE ]] || { hide_nothing a; hide_nothing b; }
    # Time for the client to learn who has the VIP.
    sleep 1
}
hide_nothing() { on "$1" nft "flush chain inet twobox hide-from-ipvs; delete chain inet twobox hide-from-ipvs"; }

# With time for one more SYN: a socket that the demoted box still holds answers the first with a challenge.
from_port() {
    local -a udp=()
    [[ $PROTOCOL == tcp ]] || udp=(--udp)
    on client /usr/bin/python3 "$WEB" ask "$VIP" 80 "$2" --source-port "$1" --timeout 2.5 "${udp[@]}"
}

# Entries older than the change of roles: of connections that ended before it, or that lived through it.
ended_entries() {
    from_port "$PORT" 20
    # Sync messages take their time.
    [[ -z $SYNC ]] || sleep 5
    roles b
}
lasting_entries() {
    local sum
    coproc HOLD { on client /usr/bin/python3 "$WEB" hold "$VIP" 80 20 --source-port "$PORT" --timeout 5; }
    local output=${HOLD[0]} input=${HOLD[1]} pid=$HOLD_PID
    read -r -u "$output" sum || return
    [[ -z $SYNC ]] || sleep 5
    roles b
    echo >&"$input"
    read -r -u "$output" SURVIVORS || return
    wait "$pid"
    [[ -z $SYNC ]] || sleep 5
}

time_exceeded() {
    local node sum=0
    for node in a b; do
        sum=$(( sum + $(on "$node" nstat -asz IcmpOutTimeExcds | awk '/TimeExcds/ { print $2 }') ))
    done
    echo "$sum"
}

# Each source port once more, and one new port halfway: the scheduler's turns fall differently on the second ten, so that
# in one half or the other the new master chooses the old one where the old entry has the new one.
ask_again() { from_port "$PORT" 10; from_port $(( PORT + 50 )) 1; from_port $(( PORT + 10 )) 10; }

# trial NAME ENTRIES: what becomes of 21 requests; leaves the number of the lost in LOST.
trial() {
    local before packets answers node
    SURVIVORS=
    for node in a b; do on "$node" sysctl -qw net.ipv4.vs.conn_reuse_mode=1 net.ipv4.vs.expire_nodest_conn=0; done
    PORT=$(( PORT + 100 ))
    roles a
    "$2" >/dev/null
    before=$(time_exceeded) packets=$(( $(ipvs_packets a) + $(ipvs_packets b) ))
    answers=$(ask_again)
    LOST=$(grep -cx -e - <<<"$answers" || true)
    echo "#   $1: $LOST of 21 lost, $(( $(time_exceeded) - before )) time exceeded," \
        "$(( $(ipvs_packets a) + $(ipvs_packets b) - packets )) packets by IPVS${SURVIVORS:+; $SURVIVORS}"
}
none_lost() { [[ $LOST == 0 ]]; }
some_lost() { (( LOST > 0 )); }

# with_sysctls ENTRIES SYSCTL:VALUE...: one trial without, and one with each.
with_sysctls() {
    local entries=$1 sysctl
    shift
    trial "$PROTOCOL, ${entries/_/ }" "$entries"
    check "$PROTOCOL, ${entries/_/ }: some connections are lost" some_lost
    for sysctl in "$@"; do
        SYSCTLS="\"net.ipv4.vs.${sysctl%:*}\": \"${sysctl#*:}\","
        trial "$PROTOCOL, ${entries/_/ }, ${sysctl/:/=}" "$entries"
    done
    SYSCTLS=
}

# hidden ENTRIES...: one trial each with the table as it is, and nothing may be lost.
hidden() {
    local entries name
    for entries in "$@"; do
        name="$PROTOCOL, ${entries/_/ }${SYNC:+, sync}${SERVICE:+, one packet each}, hidden"
        trial "$name" "$entries"
        check "$name: nothing is lost" none_lost
    done
}
all_survived() { [[ $SURVIVORS == "survived=20 "* ]]; }
as_twobox_left_it() { in_sync a && in_sync b; }

trap 'boxes_down; testbed_down' EXIT
testbed_up
testbed_web
testbed_web 80 udp
VISIBLE=yes
with_sysctls ended_entries conn_reuse_mode:0 conn_reuse_mode:2 conn_reuse_mode:3 expire_nodest_conn:1
with_sysctls lasting_entries conn_reuse_mode:3
PROTOCOL=udp with_sysctls ended_entries conn_reuse_mode:3
VISIBLE=
hidden ended_entries lasting_entries
SYNC=yes hidden ended_entries lasting_entries
check "with sync all established connections survive: $SURVIVORS" all_survived
check "20 of 20 in turns" twenty "$VIP"
check "the table is as twobox made it" as_twobox_left_it
PROTOCOL=udp hidden ended_entries
PROTOCOL=udp SERVICE=', "one_packet": true' hidden ended_entries
report
