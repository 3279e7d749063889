# twobox on the test bed's two boxes; to be sourced after testbed.sh. Each box has directories of its own under
# $BOXES, and both read the one document $DOCUMENT.

TWOBOX=${TWOBOX_PROGRAM:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)/build/release/twobox}
BOXES=$(mktemp -d)
DOCUMENT=$BOXES/config/twobox.json
mkdir -p "$BOXES/config"
declare -A _boxes_daemons=()

# document MASTER [BYPASS] [SERVERS]: prints one with an IPv4 and an IPv6 VIP on port 80. backup-only comes with a sync
# daemon; other schemes get one when SYNC is set. MASTER6 and BYPASS6 let the IPv6 VIP differ.
document() {
    local master=$1 bypass=${2:-redirect} extra=${3:-} mark= mark6= sync= threshold=
    local master6=${MASTER6:-$master} bypass6=${BYPASS6:-${2:-redirect}}
    local service='"protocol": "tcp", "port": 80, "scheduler": "rr"'
    # Different marks on both, as one would have them who tells their traffic apart.
    [[ $bypass != mac-mark ]] || mark=', "mark": {"a": 3, "b": 4}'
    [[ $bypass6 != mac-mark ]] || mark6=', "mark": {"a": 5, "b": 6}'
    [[ -z ${SYNC:-} && $bypass != backup-only ]] || sync="\"sync\": {\"interface\": \"$IFACE\", \"id\": 7},"
    # Idle connections have sent two packets; by default the third is the first that makes the kernel tell its peer.
    [[ -z $sync ]] || threshold=', "net.ipv4.vs.sync_threshold": "2 50"'
    cat <<JSON
{
  "version": 1,
  "nodes": {
    "a": {"addresses": ["$A", "$A6"], "macs": ["$MAC_A"]},
    "b": {"addresses": ["$B", "$B6"], "macs": ["$MAC_B"]}
  },
  "vips": {
    "web": {"address": "$VIP", "interface": "$IFACE", "role": {"master": "$master"}, "bypass": "$bypass",
            "services": [{$service$extra$mark}]},
    "web6": {"address": "$VIP6", "interface": "$IFACE", "role": {"master": "$master6"}, "bypass": "$bypass6",
             "services": [{$service$extra$mark6}]}
  },
  $sync
  "sysctls": {"net.ipv4.ip_forward": "1"$threshold}
}
JSON
}

# Replaces the document as config management does: by rename.
write_document() {
    document "$@" >"$BOXES/config/.new"
    mv "$BOXES/config/.new" "$DOCUMENT"
}

# twobox_on NODE SUBCOMMAND ARGUMENT...: diff, apply and cleanup with the box's own record.
twobox_on() {
    local node=$1
    shift
    on "$node" "$TWOBOX" "$@" --state-dir "$BOXES/state-$node"
}

# The first of both applies gives the VIP up before the second takes it.
apply_on_both() {
    local node
    for node in "$@"; do twobox_on "$node" apply "$DOCUMENT" || return; done
}

# launch_daemon NODE [OPTION...]: without waiting for it.
launch_daemon() {
    local node=$1
    shift
    # Not by on(): the process must be the daemon itself, to be signalled.
    ip netns exec "$node" "$TWOBOX" run --document "$DOCUMENT" --state-dir "$BOXES/state-$node" \
        --listen "unix:$BOXES/$node.sock" "$@" 2>>"$BOXES/$node.log" &
    _boxes_daemons[$node]=$!
}

start_daemon() {
    launch_daemon "$@"
    eventually 30 ready "$1"
}

# stop_daemon NODE [SIGNAL]: returns the daemon's exit status.
stop_daemon() {
    local pid=${_boxes_daemons[$1]}
    unset "_boxes_daemons[$1]"
    kill "-${2:-TERM}" "$pid"
    wait "$pid"
}

status_of() { "$TWOBOX" status --api "unix:$BOXES/$1.sock" "${@:2}"; }
ready() { status_of "$1" >/dev/null; }
in_sync() { twobox_on "$1" diff "$DOCUMENT" >/dev/null; }
# metric NODE NAME: one that has no labels.
metric() {
    curl -s --unix-socket "$BOXES/$1.sock" http://localhost/metrics | awk -v name="$2" '$1 == name { print $2 }'
}
passes() {
    curl -s --unix-socket "$BOXES/$1.sock" http://localhost/metrics |
        awk '/^twobox_reconcile_total/ { sum += $2 } END { print sum }'
}
# A crash in the middle of writing leaves such a file, and so would a disk that is full.
no_half_files() { find "$BOXES/state-$1" -name '*.new*' | exits_with 1 grep .; }

# What the kernel holds, by the system's own tools.
fingerprint() {
    on "$1" nft -s list table inet twobox 2>&1
    on "$1" ipvsadm -Sn 2>&1 | sort
    ip -n "$1" -oneline address show dev "$IFACE" 2>&1 | awk '{ print $3, $4 }' | sort
    on "$1" sysctl -n net.ipv4.ip_forward
}
same_as() { [[ $(fingerprint "$1") == "$2" ]]; }

has_vip() { ip -n "$1" address show dev "$IFACE" | finds -F " $VIP/32 "; }
lacks_vip() { ! has_vip "$1"; }

boxes_down() {
    local node
    for node in "${!_boxes_daemons[@]}"; do stop_daemon "$node" || true; done
    rm -rf "$BOXES"
}

# twenty ADDRESS: 20 requests, all answered, in turns.
twenty() {
    local sum
    sum=$(testbed_ask 20 "$1") || return
    echo "$sum"
    [[ $sum == "a=10 b=10 failed=0 alternating=yes" ]]
}

some_fail() {
    local sum
    sum=$(testbed_ask 20 "$1") || return
    echo "$sum"
    [[ $sum == *" failed="[1-9]* ]]
}

# ipvs_unused NODE COMMAND...: the command succeeds, and IPVS on the node handles no packet meanwhile.
ipvs_unused() {
    local node=$1 before
    shift
    before=$(ipvs_packets "$node") || return
    "$@" || return
    [[ $(ipvs_packets "$node") == "$before" ]]
}

exits_with() {
    local wanted=$1 status=0
    shift
    "$@" || status=$?
    (( status == wanted ))
}

at_most() { echo "$1, at most $2"; (( $1 <= $2 )); }
at_least() { echo "$1, at least $2"; (( $1 >= $2 )); }
