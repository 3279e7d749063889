#!/bin/bash
# More than two boxes: five, each master of some VIPs or of none, with two schemes side by side; one of them leaves the
# document. Then three by backup-only. Run it by: tests/vm/guest tests/vm/many_nodes.sh
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/testbed.sh"
source "$(dirname "${BASH_SOURCE[0]}")/boxes.sh"

# By the VIP's name: its address, who is its master, and its bypass.
declare -A ADDRESSES=() MASTER=() BYPASS=()

# nodes_document NODE...: one with these nodes and the VIPs of the tables above.
nodes_document() {
    local node vip mark=10 extra sync=
    local nodes=() vips=()
    for node in "$@"; do
        nodes+=("\"$node\": {\"addresses\": [\"${ADDRESS[$node]}\", \"${ADDRESS6[$node]}\"], \"macs\": [\"${MAC[$node]}\"]}")
    done
    for vip in "${!MASTER[@]}"; do
        extra=
        mark=$(( mark + 1 ))
        [[ ${BYPASS[$vip]} != mac-mark ]] || extra=", \"mark\": $mark"
        vips+=("\"$vip\": {\"address\": \"${ADDRESSES[$vip]}\", \"interface\": \"$IFACE\", \"bypass\": \"${BYPASS[$vip]}\",
            \"role\": {\"master\": \"${MASTER[$vip]}\"},
            \"services\": [{\"protocol\": \"tcp\", \"port\": 80, \"scheduler\": \"rr\"$extra}]}")
    done
    [[ ${BYPASS[*]} != *backup-only* ]] || sync="\"sync\": {\"interface\": \"$IFACE\", \"id\": 7},"
    local IFS=,
    echo "{\"version\": 1, \"nodes\": {${nodes[*]}}, \"vips\": {${vips[*]}}, $sync
        \"sysctls\": {\"net.ipv4.ip_forward\": \"1\"}}"
}

# brought_to DOCUMENT_NODE...: the nodes' order is that of their applies, so that a VIP's old master comes before the new.
brought_to() {
    nodes_document "$@" >"$BOXES/config/.new"
    mv "$BOXES/config/.new" "$DOCUMENT"
    apply_on_both "$@"
}

# even_rounds NODE...: on stdin, 20 answers and their sum. Round after round in one order, so that each real server's
# share differs from another's by one request at most.
even_rounds() {
    local answers=() number
    mapfile -t answers
    echo "${answers[*]}"
    (( ${#answers[@]} == 21 )) && [[ ${answers[20]} == *" failed=0 "* ]] || return
    [[ $(printf '%s\n' "${answers[@]:0:$#}" | sort) == $(printf '%s\n' "$@" | sort) ]] || return
    for (( number = $#; number < 20; number++ )); do
        [[ ${answers[number]} == "${answers[number - $#]}" ]] || return
    done
}

ipvs_counters() {
    local node
    for node in "${TESTBED_BOXES[@]}"; do [[ $node == "$1" ]] || echo "$node $(ipvs_packets "$node")"; done
}

# balanced VIP NODE...: by its master only, whatever the other nodes are master of.
balanced() {
    local vip=$1 before
    shift
    before=$(ipvs_counters "${MASTER[$vip]}")
    testbed_answers 20 "${ADDRESSES[$vip]}" | even_rounds "$@" || return
    diff <(echo "$before") <(ipvs_counters "${MASTER[$vip]}")
}

all_right() {
    local what=$1 vip node
    shift
    for vip in $(printf '%s\n' "${!MASTER[@]}" | sort); do
        check "$what, $vip (${BYPASS[$vip]}, master ${MASTER[$vip]}): 20 of 20 by all $# in turns, no other IPVS sees any" \
            balanced "$vip" "$@"
    done
    for node in "$@"; do check "$what: a second diff on $node exits 0" in_sync "$node"; done
}

# Exactly the other nodes' MACs.
peers_are() {
    local node=$1 peer
    shift
    on "$node" nft list set inet twobox peer-macs
    [[ $(on "$node" nft list set inet twobox peer-macs | grep -oE '([0-9a-f]{2}:){5}[0-9a-f]{2}' | sort) == \
       $(for peer in "$@"; do [[ $peer == "$node" ]] || echo "${MAC[$peer]}"; done | sort) ]]
}

nothing_of_ours_on() {
    [[ -z $(on "$1" ipvsadm -Sn) ]] && ! on "$1" nft list table inet twobox 2>/dev/null &&
        ! ip -n "$1" address show dev lo | grep -qwF -e "${ADDRESSES[mark]}" -e "${ADDRESSES[mark6]}"
}

active_active() {
    local node
    ADDRESSES=([redirect]=$VIP [mark]=${VIP%.*}.51 [redirect6]=$VIP6 [mark6]=${VIP6%::*}::51)
    BYPASS=([redirect]=redirect [mark]=mac-mark [redirect6]=redirect [mark6]=mac-mark)
    MASTER=([redirect]=a [mark]=b [redirect6]=c [mark6]=a)
    check "five nodes: apply converges on each" brought_to e d c b a
    all_right "five nodes" a b c d e
    for node in a e; do check "five nodes: $node knows the other four by MAC" peers_are "$node" a b c d e; done

    MASTER[redirect]=d MASTER[mark]=c
    check "five nodes: two VIPs move to other masters" brought_to e a b c d
    all_right "five nodes, two VIPs moved" a b c d e

    check "e leaves the document: apply converges on the others" brought_to a b c d
    all_right "e left" a b c d
    for node in a b c d; do check "e left: $node knows the other three by MAC" peers_are "$node" a b c d; done
    check "e left: it finds itself in the document no more (exit 1)" exits_with 1 twobox_on e diff "$DOCUMENT"
    check "e left: cleanup succeeds on it" twobox_on e cleanup
    check "e left: nothing of ours stays on it" nothing_of_ours_on e
}

backup_only() {
    ADDRESSES=([web]=$VIP [web6]=$VIP6)
    BYPASS=([web]=backup-only [web6]=backup-only)
    MASTER=([web]=a [web6]=a)
    check "backup-only on three: apply converges on each" brought_to c b a
    all_right "backup-only on three" a b c
    MASTER=([web]=c [web6]=c)
    check "backup-only on three: the VIPs move to c" brought_to a b c
    all_right "backup-only on three, moved to c" a b c
}

trap 'boxes_down; testbed_down' EXIT
testbed_up --boxes 5
testbed_web
active_active
testbed_down
rm -rf "$BOXES"/state-*
testbed_up --boxes 3
testbed_web
backup_only
report
