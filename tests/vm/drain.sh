#!/bin/bash
# drain.sh [REQUESTS [RATE]]: real servers are drained, go and come back, by hand and by the document, under load
# (default: 10,000 requests, 40 a second by TCP), and no request fails. An established connection keeps its server; a UDP
# client moves on when its server is gone.
# Run it by: tests/vm/guest --timeout 1200 tests/vm/drain.sh
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/testbed.sh"
source "$(dirname "${BASH_SOURCE[0]}")/boxes.sh"
source "$(dirname "${BASH_SOURCE[0]}")/load.sh"
requests=${1:-10000}
rate=${2:-40}

drain() { "$TWOBOX" drain "$@" --api "unix:$BOXES/a.sock"; }
# server NODE: its line on a, the director.
server() { on a ipvsadm -Sn | grep -F -e "$1 $VIP:80 -r ${ADDRESS[$2]}:80 "; }
has_weight() { server "${3:--t}" "$1" | finds -E -e "-w $2\$"; }
is_gone() { ! server "${2:--t}" "$1" >/dev/null; }
stays() { sleep 4 && has_weight "$@"; }
status_says() { status_of a | finds -E "$1"; }
status_is_silent() { ! status_says "$1"; }
sysctl_is() { [[ $(on a sysctl -n "net.ipv4.vs.$1") == "$2" ]]; }

# --- an established connection ----------------------------------------------------------------------------------------

holds_one_on_each() {
    local line
    coproc HOLD { on client /usr/bin/python3 "$_testbed_ask" hold "$VIP" 80 2 --timeout 5; }
    read -r line <&"${HOLD[0]}" && echo "$line" && [[ $line == "holding 2" ]]
}
both_answer() {
    local line
    echo >&"${HOLD[1]}"
    read -r line <&"${HOLD[0]}"
    echo "$line"
    [[ $line == "survived=2 reset=0 silent=0 a=1 b=1" ]]
}

established() {
    check "a connection to each server" holds_one_on_each
    check "b is told to drain" drain b --deadline 120s
    check "b takes no new connection" eventually 5 has_weight b 0
    check "new connections go to a" [ "$(testbed_ask 4)" == "a=4 b=0 failed=0 alternating=no" ]
    check "while one is established, b stays" stays b 0
    check "the status says how many are left" \
        status_says "server $B:80 of vip web, .*: drains since .* 1 connections left"
    check "with what expires connections of servers that are gone" sysctl_is expire_nodest_conn 1
    check "the established ones are answered, each by its server" both_answer
    check "then b goes" eventually 10 is_gone b
    check "and the history says why" history_says
    check "it stays away" eventually 20 status_is_silent "server $B:80"
    check "the drain outlives the daemon" restart_keeps_drain
    check "the drain is ended" drain --end b
    check "b serves again" eventually 5 has_weight b 1
    check "and the sysctl is what it was" eventually 5 sysctl_is expire_nodest_conn 0
    check "ending it again is refused" exits_with 1 drain --end b
    check "a server nobody has is refused" exits_with 1 drain 192.0.2.9:80
}
history_says() { "$TWOBOX" history --api "unix:$BOXES/a.sock" | finds -E "drain.*ipvs_server tcp $VIP:80 -> $B:80"; }
restart_keeps_drain() { stop_daemon a && start_daemon a && sleep 2 && is_gone b; }

# --- under load -------------------------------------------------------------------------------------------------------

# One server goes and comes back, by hand; then the other, by the document.
round_trip() {
    drain b --deadline 30s && eventually 40 is_gone b && sleep 1 || return
    drain --end b && eventually 10 has_weight b 1 && sleep 1 || return
    write_document a redirect ', "drain": "30s", "servers": [{"node": "b"}]'
    eventually 40 is_gone a && sleep 1 || return
    write_document a redirect ', "drain": "30s"'
    eventually 10 has_weight a 1 && sleep 1
}
# Leaves ANSWERED, FAILED and TRIPS.
round_trips() {
    local sum
    ANSWERED=0 FAILED=0 TRIPS=0
    while (( ANSWERED + FAILED < requests )); do
        round_trip || return
        sum=$(load_sum)
        [[ $sum =~ a=([0-9]+)\ b=([0-9]+)\ failed=([0-9]+) ]] || { echo "$sum"; return 1; }
        ANSWERED=$(( ANSWERED + BASH_REMATCH[1] + BASH_REMATCH[2] )) FAILED=$(( FAILED + BASH_REMATCH[3] ))
        TRIPS=$(( TRIPS + 1 ))
    done
}
none_failed() {
    echo "$ANSWERED answered, $FAILED failed"
    (( FAILED == 0 && ANSWERED >= requests ))
}

under_load() {
    write_document a redirect ', "drain": "30s"'
    # An emulated machine is slow at times; what is slow has not failed.
    load_start "$VIP" 80 "$rate" --timeout 10
    load_sum >/dev/null
    check "servers go and come back, by hand and by the document" round_trips
    load_stop
    echo "#   $TRIPS times to and fro: $ANSWERED requests answered, $FAILED failed"
    check "of $requests requests none failed" none_failed
}

# --- UDP --------------------------------------------------------------------------------------------------------------

# One client, one port: IPVS takes it for one connection. Prints the names of who answers ("-": nobody).
udp_client() {
    ip netns exec client /usr/bin/python3 -uc '
import socket, sys, time
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.settimeout(0.5)
client.connect((sys.argv[1], 80))
while True:
    client.send(b"?")
    try:
        print(client.recv(100).decode().strip())
    except OSError:
        print("-")
    time.sleep(0.1)' "$VIP" >"$BOXES/udp" &
    _testbed_pids+=($!)
}
answered_by() { [[ $(tail -n 1 "$BOXES/udp") == "$1" ]]; }
answered_at_all() { [[ $(tail -n 1 "$BOXES/udp") == [ab] ]]; }

udp() {
    local first other
    document a redirect | sed 's/"protocol": "tcp"/"protocol": "udp"/' >"$BOXES/config/.new"
    mv "$BOXES/config/.new" "$DOCUMENT"
    testbed_web 80 udp
    check "UDP is served" eventually 10 has_weight b 1 -u
    udp_client
    check "a UDP client is answered" eventually 10 answered_at_all
    first=$(tail -n 1 "$BOXES/udp")
    other=$([[ $first == a ]] && echo b || echo a)
    check "$first, its server, is told to drain for 4 seconds" drain "$first" --deadline 4s
    check "the client stays" eval "sleep 2; answered_by $first"
    check "then its server goes, though the client goes on" eventually 10 is_gone "$first" -u
    check "and $other answers the same client at once" eventually 3 answered_by "$other"
}

trap 'load_stop; boxes_down; testbed_down' EXIT
testbed_up
testbed_web
write_document a redirect
start_daemon b
start_daemon a
established
under_load
udp
report
