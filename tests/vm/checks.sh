#!/bin/bash
# checks.sh [RATE]: servers and whole nodes die and come back under load (default: 200 requests a second by TCP). What
# the client loses is what the checks' numbers explain, and no more; keepalived's own checker has the same numbers in the
# same run. Run it by: tests/vm/guest --timeout 900 tests/vm/checks.sh
set -euo pipefail
vm=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
source "$vm/testbed.sh"
source "$vm/boxes.sh"
source "$vm/load.sh"
rate=${1:-200}
SCRIPT=$vm/../bench/bypass_script.sh
# Every second, two failures in a row: a server is out after two to three seconds, and its half of the requests with it.
INTERVAL=1
FALL=2
CHECK='"check": {"type": "tcp", "interval": "1s", "connect_timeout": "1s", "timeout": "1s", "fall": 2, "rise": 1}'
lost_at_most() { echo $(( rate * (INTERVAL * (FALL + 1) + 1) / 2 )); }

# --- the two contestants, both with a as master -----------------------------------------------------------------------

twobox_sets_up() {
    document a redirect ", $CHECK" >"$DOCUMENT"
    start_daemon b && start_daemon a
}
twobox_ends() {
    stop_daemon a
    stop_daemon b
    rm -rf "$BOXES"/state-*
}

keepalived_config() {
    local server
    echo "virtual_server $VIP 80 {
    delay_loop $INTERVAL
    lb_algo rr
    lb_kind DR
    protocol TCP"
    for server in "$A" "$B"; do
        echo "    real_server $server 80 {
        weight 1
        TCP_CHECK {
            connect_timeout 1
            retry $(( FALL - 1 ))
            delay_before_retry $INTERVAL
        }
    }"
    done
    echo "}"
}
keepalived_sets_up() {
    keepalived_config >"$BOXES/keepalived.conf"
    on b "$SCRIPT" add "$VIP"
    ip -n a address add "$VIP/32" dev "$IFACE"
    ip netns exec a keepalived --check --dont-fork --log-console --no-syslog --use-file "$BOXES/keepalived.conf" \
        --pid "$BOXES/keepalived.pid" --checkers_pid "$BOXES/checkers.pid" >"$BOXES/keepalived.log" 2>&1 </dev/null &
    keepalived=$!
}
keepalived_ends() {
    kill "$keepalived"
    wait "$keepalived" 2>/dev/null || true
}

# --- what happens -----------------------------------------------------------------------------------------------------

servers_are() { [[ $(on a ipvsadm -Ln -t "$VIP:80" | awk '/->/ && $4 + 0 > 0 { split($2, at, ":"); print at[1] }' | sort | xargs) == "$*" ]]; }
all_serve() { servers_are "$A" "$B"; }

# loses WHO WHAT SERVERS COMMAND...: what is left serves alone, and the client loses what was to be expected.
loses() {
    local who=$1 what=$2 servers=$3 sum
    shift 3
    load_sum >/dev/null
    "$@"
    check "$who, $what: it is taken out" eventually 20 servers_are "$servers"
    sleep 2
    sum=$(load_sum)
    [[ $sum =~ failed=([0-9]+) ]]
    LOST=${BASH_REMATCH[1]}
    echo "#   $who, $what: taken out after $ELAPSED_MS ms; $sum; $(lost_at_most) expected at most"
    # keepalived's numbers are there to be compared with.
    [[ $who == keepalived ]] || check "$who, $what: no more is lost than the checks' numbers explain" lost_no_more
    load_sum >/dev/null
    sleep 3
    sum=$(load_sum)
    [[ $who == keepalived ]] || check "$who, $what: from then on nothing is lost" without_loss "$sum"
}
lost_no_more() { (( LOST <= $(lost_at_most) )); }
without_loss() { echo "$1"; [[ $1 == *" failed=0"* ]]; }

comes_back() {
    local who=$1 what=$2 sum
    shift 2
    load_sum >/dev/null
    "$@"
    check "$who, $what: it serves again" eventually 20 all_serve
    sleep 2
    sum=$(load_sum)
    echo "#   $who, $what: serves again after $ELAPSED_MS ms; $sum"
    [[ $who == keepalived ]] || check "$who, $what: nothing is lost" without_loss "$sum"
}

contest() {
    local who=$1
    testbed_up
    testbed_web
    "${who}_sets_up"
    check "$who: both serve" eventually 30 all_serve
    load_start "$VIP" 80 "$rate"
    loses "$who" "the server on b dies" "$A" testbed_kill_web b
    comes_back "$who" "the server on b comes back" testbed_start_web b
    loses "$who" "the server on a, the director, dies" "$B" testbed_kill_web a
    comes_back "$who" "the server on a comes back" testbed_start_web a
    loses "$who" "node b is lost" "$A" ip -n wire link set port-b down
    comes_back "$who" "node b comes back" ip -n wire link set port-b up
    load_stop
    "${who}_ends"
    testbed_down
}

trap 'load_stop; boxes_down; testbed_down' EXIT
contest keepalived
contest twobox
report
