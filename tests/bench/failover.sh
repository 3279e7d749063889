#!/bin/bash
# failover.sh [FAILOVERS [RATE [udp|tcp]]]: moves the VIP to and fro by VRRP under load (default: 10 times, 200 requests
# a second, udp) and measures how far the bypass lags behind and how many requests are lost: with keepalived's notify
# scripts, and with twobox following the address.
# Each request is a connection of its own, to IPVS and to connection tracking. By udp it is one packet and never sent
# again, so a lost one counts; and the emulated guest keeps the pace, which by tcp it does up to some 50 a second.
# Run it by: tests/vm/guest --timeout 900 tests/bench/failover.sh
set -euo pipefail
bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
source "$bench/../vm/testbed.sh"
source "$bench/../vm/boxes.sh"
source "$bench/../vm/vrrp.sh"
source "$bench/../vm/load.sh"
failovers=${1:-10}
rate=${2:-200}
protocol=${3:-udp}
watchers=()
options=()
[[ $protocol == tcp ]] || options=(--udp)

# The VRRP of both contestants: that of the reference set-up, where a steps down as long as $BOXES/demoted says 1.
# vrrp_config NODE [LINE...]: more lines for the instance.
vrrp_config() {
    local node=$1
    shift
    [[ $node == b ]] || printf 'track_file demoted {\n    file "%s"\n}\n' "$BOXES/demoted"
    sed "/advert_int/r /dev/stdin" "$bench/../../deploy/keepalived/keepalived-$node.conf" <<LINES
$(printf '    %s\n' "$@")
$([[ $node == b ]] || printf '    track_file {\n        demoted weight -60\n    }\n')
LINES
}

set_up_script() {
    local node state
    for node in a b; do
        # The first rule of a kernel's life waits for modules; that is not what is measured.
        on "$node" "$bench/bypass_script.sh" add "$VIP"
        on "$node" "$bench/bypass_script.sh" del "$VIP"
        on "$node" ipvsadm -A "-${protocol:0:1}" "$VIP:80" -s rr
        on "$node" ipvsadm -a "-${protocol:0:1}" "$VIP:80" -r "$A:80" -g
        on "$node" ipvsadm -a "-${protocol:0:1}" "$VIP:80" -r "$B:80" -g
        vrrp_config "$node" \
            "notify_master \"$bench/bypass_script.sh del $VIP\" root" \
            "notify_backup \"$bench/bypass_script.sh add $VIP\" root" \
            "notify_fault \"$bench/bypass_script.sh add $VIP\" root" >"$(keepalived_config "$node")"
    done
}

set_up_twobox() {
    local node
    document a | sed -e 's/{"master": "a"}/{"follow": "address"}/' -e "s/\"tcp\"/\"$protocol\"/" >"$DOCUMENT"
    for node in a b; do
        start_daemon "$node"
        vrrp_config "$node" >"$(keepalived_config "$node")"
    done
}

watch() {
    local node
    for node in a b; do
        ip netns exec "$node" /usr/bin/python3 "$bench/failover.py" watch "$node" "$VIP" >>"$1" &
        watchers+=($!)
    done
}
unwatch() {
    (( ${#watchers[@]} == 0 )) || kill "${watchers[@]}" 2>/dev/null || true
    watchers=()
}

moved_to() { held_by "$VIP" "$1" || { echo "the VIP did not come to $1 alone" >&2; return 1; }; }

# flip NODE LOG: the VIP goes there; what is under way gets the time to be answered or lost.
flip() {
    echo "$EPOCHREALTIME flip $1" >>"$2"
    if [[ $1 == b ]]; then echo 1; else echo 0; fi >"$BOXES/demoted"
    eventually 20 held_by "$VIP" "$1" || { echo "failover.sh: the VIP did not move to $1" >&2; return 1; }
    sleep 2.5
    echo "$EPOCHREALTIME load $(load_sum)" >>"$2"
}

# contest NAME LOG: a set-up of its own from the ground up.
contest() {
    local node log=$2 i
    echo 0 >"$BOXES/demoted"
    testbed_up
    testbed_web 80 "$protocol"
    "set_up_$1"
    start_keepalived a
    start_keepalived b
    eventually 20 held_by "$VIP" a
    # Both nodes' bypasses have come to rest.
    sleep 3
    echo "# $1: $(testbed_ask 20 "$VIP" 80 "${options[@]}")" >&2
    watch "$log"
    load_start "$VIP" 80 "$rate" "${options[@]}"
    sleep 3
    echo "# $1, at rest: $(load_sum)" >&2
    for (( i = 0; i < failovers; ++i )); do
        if (( i % 2 == 0 )); then flip b "$log"; else flip a "$log"; fi
    done
    tear_down
}

tear_down() {
    load_stop
    unwatch
    vrrp_down
    for node in "${!_boxes_daemons[@]}"; do stop_daemon "$node" || true; done
    testbed_down
    rm -rf "$BOXES"/state-*
}

trap 'tear_down; boxes_down' EXIT
results=$BOXES/results
mkdir "$results"
for contestant in ${TWOBOX_CONTESTANTS:-script twobox}; do
    contest "$contestant" "$results/$contestant"
    logs+=("keepalived + $contestant=$results/$contestant")
done
/usr/bin/python3 "$bench/failover.py" table "${logs[@]}"
