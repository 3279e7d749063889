#!/bin/bash
# Loops, provoked on purpose under each bypass scheme: the daemon that runs says so within two seconds of the first
# packet, and the self-test says who sends packets back. Ordinary load and a TCP traceroute raise nothing.
# Run it by: tests/vm/guest --timeout 900 tests/vm/loop.sh [SECONDS]
# SECONDS is how long the ordinary load lasts: 30 by default; 600 for a measurement, with a timeout to match.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/testbed.sh"
source "$(dirname "${BASH_SOURCE[0]}")/boxes.sh"
source "$(dirname "${BASH_SOURCE[0]}")/load.sh"

LOAD_SECONDS=${1:-30}

condition() { status_of "$1" -o json | finds "\"type\":\"$2\",\"status\":\"$3\""; }
loop_free() { condition "$1" LoopFree True; }
loop_seen() { condition "$1" LoopFree False; }
evidence() { status_of "$1" | sed -n 's/^LoopFree: False since \([^ ]*\)Z: /\1Z /p'; }
restart() { stop_daemon "$1" && start_daemon "$1"; }

# knock ADDRESS: eight connections are begun at once, whatever becomes of them; prints when, in milliseconds.
knock() {
    on client /usr/bin/python3 - "$1" "$(_testbed_fresh_port)" <<'PYTHON'
import socket, sys, time
address, port = sys.argv[1], int(sys.argv[2])
family = socket.AF_INET6 if ":" in address else socket.AF_INET
sockets = [socket.socket(family, socket.SOCK_STREAM) for _ in range(8)]
for number, sock in enumerate(sockets):
    sock.setblocking(False)
    sock.bind(("", port + number))
print(int(time.time() * 1000), flush=True)
for sock in sockets:
    sock.connect_ex((address, 80))
time.sleep(1.5)
PYTHON
}

# SYNs of one flow with 1 to 30 hops to live, some at once, as a TCP traceroute sends them.
traceroute_tcp() {
    on client /usr/bin/python3 - "$1" "$(_testbed_fresh_port)" <<'PYTHON'
import socket, sys, time
address, port = sys.argv[1], int(sys.argv[2])
for hops in [*range(1, 31), *range(1, 31)]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)
        sock.setblocking(False)
        sock.bind(("", port))
        sock.connect_ex((address, 80))
        time.sleep(0.02)
PYTHON
}

time_exceeded() { on "$1" nstat -asz "$2" | awk '/TimeExcds/ { print $2 }'; }

# detects NAME ADDRESS NODE...: the nodes say there is a loop, each at most two seconds after the first packet.
detects() {
    local name=$1 address=$2 began since node counter=IcmpOutTimeExcds
    shift 2
    [[ $address != *:* ]] || counter=Icmp6OutTimeExcds
    declare -A before
    for node in a b; do before[$node]=$(time_exceeded "$node" "$counter"); done
    began=$(knock "$address")
    for node in "$@"; do
        check "$name: $node says that $address loops" eventually 5 loop_seen "$node"
        loop_seen "$node" || continue
        since=$(evidence "$node")
        check "$name: $node says so within 2 s" in_time "$began" "${since%% *}"
        echo "#   $node, $(( $(date -d "${since%% *}" +%s%3N) - began )) ms after the first packet: ${since#* }"
    done
    echo "#   time exceeded: a sent $(( $(time_exceeded a "$counter") - before[a] )), b $(( $(time_exceeded b "$counter") - before[b] ))"
}
in_time() { (( $(date -d "$2" +%s%3N) - $1 <= 2000 )); }

# selftest_on NODE: its report, also in $BOXES/selftest.
selftest_on() { twobox_on "$1" selftest "$DOCUMENT" >"$BOXES/selftest"; }
selftest_is_good() { selftest_on "$1" && cat "$BOXES/selftest" && ! grep -q LOOP "$BOXES/selftest"; }
# selftest_finds NODE WORDS: it exits 1, with a line that has these words.
selftest_finds() {
    exits_with 1 selftest_on "$1" || return
    cat "$BOXES/selftest"
    finds -F "$2" <"$BOXES/selftest"
}

# begin_with BYPASS: both daemons as if started anew, a master.
begin_with() {
    local node
    write_document a "$@"
    for node in b a; do
        [[ -z ${_boxes_daemons[$node]:-} ]] || stop_daemon "$node"
        start_daemon "$node" || return
    done
    eventually 20 in_sync a && eventually 20 in_sync b
}

quiet() {
    load_start "$VIP" 80 10
    sleep "$LOAD_SECONDS"
    echo "#   $LOAD_SECONDS s of load: $(load_sum)"
    load_stop
    check "ordinary load: no loop, says a" loop_free a
    check "ordinary load: no loop, says b" loop_free b
    check "no packet of it was looked at" not_looked_at
    traceroute_tcp "$VIP"
    sleep 0.5
    check "a TCP traceroute: packets were looked at, and no loop found" traceroute_is_none
    loop_free a || echo "#   a: $(evidence a)"
    loop_free b || echo "#   b: $(evidence b)"
    check "metrics say so" metric_is a twobox_loop_detected 0
}
metric_is() { [[ $(metric "$1" "$2") == "$3" ]]; }
not_looked_at() { metric_is a twobox_loop_packets_total 0 && metric_is b twobox_loop_packets_total 0; }
traceroute_is_none() { loop_free a && loop_free b && ! not_looked_at; }

redirect() {
    check "redirect: both daemons run" begin_with redirect
    quiet
    for node in a b; do check "redirect: the self-test on $node is content" selftest_is_good "$node"; done
    sed 's/^/#   /' "$BOXES/selftest"
    stop_daemon b
    on b nft delete table inet twobox
    detects redirect "$VIP" a
    check "redirect: the self-test on a says who sends back" selftest_finds a "came back from b"
    check "metrics say so" metric_is a twobox_loop_detected 1
    # It routes no IPv6, so nothing goes round there.
    check "redirect: the self-test on a says what b drops" finds "BLACK HOLE" <"$BOXES/selftest"
    check "redirect: b's daemon heals it" start_daemon b
    check "redirect: 20 of 20" twenty "$VIP"
    check "a minute later a sees none" eventually 90 loop_free a
}

backup_only() {
    check "backup-only: both daemons run" begin_with backup-only
    for node in a b; do check "backup-only: the self-test on $node is content" selftest_is_good "$node"; done
    stop_daemon b
    on b sysctl -qw net.ipv4.vs.backup_only=0
    detects backup-only "$VIP" a
    check "backup-only: the self-test on a says who sends back" selftest_finds a "came back from b"
    restart a
    detects backup-only "$VIP6" a
}

none() {
    check "none: both daemons run" begin_with none
    detects none "$VIP" a b
    check "none: the self-test on a says who sends back" selftest_finds a "the VIP has no bypass"
}

# The document knows neither machine's MAC, so neither knows what its peer forwarded.
mac_mark() {
    check "mac-mark: both daemons run" begin_with mac-mark
    for node in a b; do check "mac-mark: the self-test on $node is content" selftest_is_good "$node"; done
    # A service that covers the VIP makes b schedule again, and a, whose rules are in place, ends it.
    stop_daemon b
    on b nft delete table inet twobox
    on b ipvsadm -A -t "$VIP:80" -s rr
    on b ipvsadm -a -t "$VIP:80" -r "$A:80" -g
    on b ipvsadm -a -t "$VIP:80" -r "$B:80" -g
    knock "$VIP" >/dev/null
    check "mac-mark, foreign service on b: no loop, since a knows b's packets" loop_free a
    check "mac-mark, foreign service on b: the self-test on a says who sends back" selftest_finds a "came back from b"
    on b ipvsadm -D -t "$VIP:80"

    document a mac-mark | sed "s/$MAC_A/08:00:27:00:00:0a/; s/$MAC_B/08:00:27:00:00:0b/" >"$BOXES/config/.new"
    mv "$BOXES/config/.new" "$DOCUMENT"
    stop_daemon a
    for node in b a; do check "mac-mark, wrong MACs: the daemon on $node runs" start_daemon "$node"; done
    detects "mac-mark, wrong MACs" "$VIP" a b
    check "mac-mark, wrong MACs: the self-test on a says so" selftest_finds a "no node of the document has this MAC"
}

without_the_right() {
    stop_daemon a
    ip netns exec a setpriv --bounding-set -net_raw --inh-caps -net_raw "$TWOBOX" run --document "$DOCUMENT" \
        --state-dir "$BOXES/state-a" --listen "unix:$BOXES/a.sock" 2>>"$BOXES/a.log" &
    _boxes_daemons[a]=$!
    eventually 30 ready a && condition a LoopWatched False && ! status_of a | finds LoopFree
}

trap 'boxes_down; testbed_down' EXIT
testbed_up
testbed_web
redirect
backup_only
none
mac_mark
check "without CAP_NET_RAW the daemon works, and says that it does not look out" without_the_right
report
