# shellcheck shell=bash
# Machines as network namespaces on a bridge, to be sourced by a test that runs in the guest (or on any machine with
# ip_vs and no namespaces of these names): `client`, and the boxes `a`, `b` and, where asked for, up to `h`. The bridge
# has a namespace of its own, `wire`. The file system is shared, so callers give each node its own directories.

_testbed_ask=$(cd "$(dirname "${BASH_SOURCE[0]}")/../support" && pwd -P)/web.py
_testbed_web=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)/build/release/tests/web
_testbed_pids=()
declare -A _testbed_servers=()  # the servers by box and port
_testbed_turn=
# The boxes there are, and by their names what they are known by.
TESTBED_BOXES=(a b)
declare -A MAC=() ADDRESS=() ADDRESS6=()
_testbed_passed=0
_testbed_failed=0
_testbed_skipped=0

# on NODE COMMAND...: runs a command on one of the machines.
on() {
    local node=$1
    shift
    ip netns exec "$node" "$@"
}

# Not every kernel has every scheduler. ip_vs may be built in, so it is its file in /proc that counts.
_testbed_modules() {
    modprobe -a ip_vs ip_vs_{rr,wrr,lc,wlc,sh,dh,mh,sed,nq,lblc,fo,ovf} 2>/dev/null || true
    [[ -e /proc/net/ip_vs ]] || { echo "testbed: this kernel has no ip_vs" >&2; return 1; }
}

# One machine with its cable. Without duplicate address detection its IPv6 addresses are of use at once.
_testbed_node() {
    local node=$1 mac=$2 address=$3 address6=$4
    shift 4
    ip netns add "$node"
    on "$node" sysctl -qw net.ipv6.conf.{all,default}.accept_dad=0 "$@"
    ip -n "$node" link set lo up
    _testbed_cable "$node" "$mac" "$address" "$address6"
}

# In few programs, since starting one takes long in an emulated guest.
_testbed_cable() {
    ip -n wire -batch - <<LINKS
link add port-$1 type veth peer name $IFACE address $2 netns $1
link set port-$1 master bridge up
LINKS
    ip -n "$1" -batch - <<LINKS
link set $IFACE up
address add $3/24 dev $IFACE
address add $4/64 dev $IFACE nodad
LINKS
}

# testbed_remake BOX: its interface goes, and comes again with another index, as when a driver is loaded anew.
testbed_remake() {
    ip -n "$1" link delete "$IFACE"
    _testbed_cable "$1" "${MAC[$1]}" "${ADDRESS[$1]}" "${ADDRESS6[$1]}"
}

# One set-up's names and numbers.
_testbed_addresses() {
    case $1 in
        article)
            export VIP=172.16.0.30 A=172.16.0.31 B=172.16.0.32 CLIENT=172.16.0.40 IFACE=enp0s3
            export VIP6=fd00:16::30 A6=fd00:16::31 B6=fd00:16::32 CLIENT6=fd00:16::40
            export MAC_A=08:00:27:77:84:ef MAC_B=08:00:27:e1:3c:c5
            ;;
        other)
            export VIP=10.77.5.100 A=10.77.5.11 B=10.77.5.12 CLIENT=10.77.5.50 IFACE=eth1
            export VIP6=fd77:5::100 A6=fd77:5::11 B6=fd77:5::12 CLIENT6=fd77:5::50
            export MAC_A=52:54:00:ab:01:11 MAC_B=52:54:00:cd:02:12
            ;;
        *)
            echo "testbed_up: no addresses named $1" >&2
            return 2
            ;;
    esac
}

# Fills the tables of the boxes; those after a and b are numbered on from a.
_testbed_name_boxes() {
    local count=$1 names=(a b c d e f g h) index node
    (( count >= 2 && count <= ${#names[@]} )) || { echo "testbed_up: 2 to ${#names[@]} boxes" >&2; return 2; }
    TESTBED_BOXES=("${names[@]:0:count}")
    MAC=([a]=$MAC_A [b]=$MAC_B) ADDRESS=([a]=$A [b]=$B) ADDRESS6=([a]=$A6 [b]=$B6)
    for (( index = 2; index < count; index++ )); do
        node=${names[index]}
        MAC[$node]=${MAC_A%:*}:b$index
        ADDRESS[$node]=${A%.*}.$(( ${A##*.} + index ))
        ADDRESS6[$node]=${A6%::*}::$(( ${A6##*::} + index ))
    done
}

# testbed_up [--addresses article|other] [--boxes COUNT]: `article` is the set-up of the reference; `other` shares none
# of its names and numbers, for whatever might have been taken for granted. The VIPs belong to nobody yet.
testbed_up() {
    local addresses=article boxes=2 node
    while (( $# > 0 )); do
        case $1 in
            --addresses) addresses=$2 ;;
            --boxes) boxes=$2 ;;
            *) echo "testbed_up: what is $1?" >&2; return 2 ;;
        esac
        shift 2
    done
    _testbed_addresses "$addresses" || return
    _testbed_name_boxes "$boxes" || return
    _testbed_modules || return
    _testbed_turn=$(mktemp)
    echo 0 >"$_testbed_turn"
    ip netns add wire
    ip -n wire link add bridge up type bridge stp_state 0 forward_delay 0
    _testbed_node client 02:00:00:00:00:40 "$CLIENT" "$CLIENT6"
    for node in "${TESTBED_BOXES[@]}"; do
        # As on the boxes of the reference.
        _testbed_node "$node" "${MAC[$node]}" "${ADDRESS[$node]}" "${ADDRESS6[$node]}" net.ipv4.ip_forward=1
    done
}

_testbed_listens() { [[ -n $(on "$1" ss -Hln "--$2" "sport = :$3") ]]; }

# testbed_web [PORT] [tcp|udp]: a server on each box that answers with the box's name on every address it has.
testbed_web() {
    local node port=${1:-80} protocol=${2:-tcp}
    for node in "${TESTBED_BOXES[@]}"; do _testbed_serve "$node" "$port" "$protocol"; done
    for node in "${TESTBED_BOXES[@]}"; do
        eventually 60 _testbed_listens "$node" "$protocol" "$port" ||
            { echo "testbed_web: nobody listens on $node" >&2; return 1; }
    done
}

_testbed_serve() {
    local node=$1 port=$2 protocol=$3 address=${4:-::} serve=serve
    [[ $protocol == tcp ]] || serve=serve-udp
    # Not by on(): the process must be the server itself, to be killed.
    ip netns exec "$node" "$_testbed_web" "$serve" "$node" "$address" "$port" </dev/null &
    _testbed_pids+=($!)
    _testbed_servers[$node:$port]=$!
}

# testbed_kill_web BOX [PORT]: its server dies, with the connections it has.
testbed_kill_web() {
    kill -KILL "${_testbed_servers[$1:${2:-80}]}"
    wait "${_testbed_servers[$1:${2:-80}]}" 2>/dev/null || true
}

# testbed_start_web BOX [PORT] [ADDRESS]: a server that was killed comes back, on every address or on one.
testbed_start_web() {
    _testbed_serve "$1" "${2:-80}" tcp "${3:-}"
    eventually 60 _testbed_listens "$1" tcp "${2:-80}"
}

# The first of 40 source ports that no request had for long: IPVS remembers a connection for two minutes after its end,
# and a new one that meets it goes where the old one went, or nowhere if that real server is gone. They are counted out,
# as a range for the kernel to choose from, or one by the clock, comes to the same port again too soon. In a file, since
# callers are subshells.
_testbed_fresh_port() {
    local turn
    read -r turn <"$_testbed_turn"
    echo $(( (turn + 1) % 1380 )) >"$_testbed_turn"
    echo $(( 10000 + turn * 40 ))
}

# testbed_answers COUNT [ADDRESS] [PORT] [OPTION...]: requests from the client; prints who answered each, then web.py's
# sum.
testbed_answers() {
    local count=$1 address=${2:-$VIP} port=${3:-80} source=() names
    shift $(( $# < 3 ? $# : 3 ))
    (( count > 40 )) || source=(--source-port "$(_testbed_fresh_port)")
    names=$(IFS=,; echo "${TESTBED_BOXES[*]}")
    on client /usr/bin/python3 "$_testbed_ask" ask "$address" "$port" "$count" --timeout 1 --names "$names" \
        "${source[@]}" "$@"
}

# testbed_ask COUNT [ADDRESS] [PORT] [OPTION...]: the same; prints only the sum.
testbed_ask() { testbed_answers "$@" | tail -n 1; }

# Leaves nothing behind, however far testbed_up came.
testbed_down() {
    local node
    if (( ${#_testbed_pids[@]} > 0 )); then
        kill "${_testbed_pids[@]}" 2>/dev/null || true
        wait "${_testbed_pids[@]}" 2>/dev/null || true
        _testbed_pids=()
    fi
    for node in client "${TESTBED_BOXES[@]}" wire; do
        ip netns delete "$node" 2>/dev/null || true
    done
    rm -f "$_testbed_turn"
}

# ipvs_packets NODE: packets IPVS has handled on a node. Added up from the counters of each CPU, since the sums
# the kernel keeps (and ipvsadm shows) are up to two seconds old.
ipvs_packets() {
    local table cpu incoming outgoing sum=0
    table=$(on "$1" cat /proc/net/ip_vs_stats_percpu) || return
    while read -r cpu _ incoming outgoing _; do
        # Below the processors' lines (numbered in hexadecimal) come the old sum, marked ~, and rates.
        [[ $cpu != "~" ]] || break
        if [[ $cpu =~ ^[0-9A-F]+$ ]]; then
            sum=$(( sum + 16#$incoming + 16#$outgoing ))
        fi
    done <<<"$table"
    echo "$sum"
}

# eventually SECONDS COMMAND...: repeats a command until it succeeds; ELAPSED_MS says how long that took.
eventually() {
    local start=${EPOCHREALTIME/[.,]/} limit=$(( $1 * 1000 )) done=1
    shift
    while :; do
        if "$@" >/dev/null 2>&1; then done=0; fi
        ELAPSED_MS=$(( (${EPOCHREALTIME/[.,]/} - start) / 1000 ))
        if (( done == 0 || ELAPSED_MS >= limit )); then return "$done"; fi
        sleep 0.05
    done
}

# finds OPTION... PATTERN: grep that reads to the end. `grep -q` leaves at the first match, and a command that then dies
# of SIGPIPE makes the pipeline, under pipefail, a no.
finds() { grep "$@" >/dev/null; }

# check DESCRIPTION COMMAND...: the command's output matters only when it fails. Not in a subshell, so that the
# command may set variables.
check() {
    local description=$1 output status=0
    shift
    output=$(mktemp)
    "$@" >"$output" 2>&1 || status=$?
    if (( status == 0 )); then
        _testbed_passed=$(( _testbed_passed + 1 ))
        echo "ok - $description"
    else
        _testbed_failed=$(( _testbed_failed + 1 ))
        echo "not ok - $description"
        printf '#   status %s: %s\n' "$status" "$*"
        sed 's/^/#   /' "$output"
    fi
    rm -f "$output"
}

# skip DESCRIPTION WHY: for what cannot be tested here.
skip() {
    _testbed_skipped=$(( _testbed_skipped + 1 ))
    echo "ok - $1 # SKIP $2"
}

# The last line of a test, and its verdict.
report() {
    echo "$_testbed_passed passed, $_testbed_failed failed, $_testbed_skipped skipped"
    (( _testbed_failed == 0 ))
}
