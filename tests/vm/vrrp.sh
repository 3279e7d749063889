# The real keepalived, VRRP only, on the test bed's two boxes; to be sourced after boxes.sh. Each node reads
# $BOXES/keepalived-NODE.conf and logs to $BOXES/keepalived-NODE.log.
declare -A _vrrp_daemons=()

keepalived_config() { echo "$BOXES/keepalived-$1.conf"; }

start_keepalived() {
    local node=$1
    # Not by on(): the process must be keepalived itself, to be signalled.
    ip netns exec "$node" keepalived --vrrp --dont-fork --log-console --log-detail --no-syslog \
        --use-file "$(keepalived_config "$node")" --pid "$BOXES/keepalived-$node.pid" \
        --vrrp_pid "$BOXES/keepalived-$node-vrrp.pid" >>"$BOXES/keepalived-$node.log" 2>&1 </dev/null &
    _vrrp_daemons[$node]=$!
}

reload_keepalived() { kill -HUP "${_vrrp_daemons[$1]}"; }

# An orderly stop gives the VIPs up and tells the others.
stop_keepalived() {
    kill "${_vrrp_daemons[$1]}"
    _vrrp_gone "$1"
}

# Both processes, as an out-of-memory killer or a crash would leave them: the parent, were it let, would start the
# child again, and the child would clean up after its parent.
kill_keepalived() {
    kill -STOP "${_vrrp_daemons[$1]}"
    kill -KILL "$(<"$BOXES/keepalived-$1-vrrp.pid")" "${_vrrp_daemons[$1]}"
    _vrrp_gone "$1"
    rm -f "$BOXES/keepalived-$1"{,-vrrp}.pid
}

_vrrp_gone() {
    wait "${_vrrp_daemons[$1]}" 2>/dev/null || true
    unset "_vrrp_daemons[$1]"
}

vrrp_down() {
    local node
    for node in "${!_vrrp_daemons[@]}"; do stop_keepalived "$node"; done
}

# Not `ip | grep -q`: grep leaves at the first match, and ip, which then dies of SIGPIPE, would make it a no.
holds() { [[ $(ip -n "$1" -oneline address show dev "$IFACE") == *" $2/"* ]]; }

# holders VIP: the nodes that have it on the wire interface.
holders() {
    local node found=()
    for node in a b; do ! holds "$node" "$1" || found+=("$node"); done
    echo "${found[*]}"
}
held_by() { [[ $(holders "$1") == "$2" ]]; }
