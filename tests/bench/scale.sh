#!/bin/bash
# 1,000 services with 10 real servers each: twobox beside ipvsadm, on the same kernel in the same run.
# Run it by: tests/vm/guest tests/bench/scale.sh [SERVICES]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../vm/testbed.sh"
source "$(dirname "${BASH_SOURCE[0]}")/../vm/boxes.sh"

services=${1:-1000}

# seconds WHAT COMMAND...: prints how long the command took, then its name.
seconds() {
    local what=$1 start=${EPOCHREALTIME/[.,]/}
    shift
    "$@" >/dev/null || { echo "failed: $*" >&2; return 1; }
    printf '%8d ms  %s\n' $(( (${EPOCHREALTIME/[.,]/} - start) / 1000 )) "$what"
}

servers() { for (( i = 1; i <= 10; ++i )); do echo "198.51.100.$i"; done; }

rules() {
    local port server
    for (( port = 1; port <= services; ++port )); do
        echo "-A -t $VIP:$port -s rr"
        for server in $(servers); do echo "-a -t $VIP:$port -r $server:$port -g -w 1"; done
    done
}

large_document() {
    local list port
    list=$(servers | sed 's/.*/{"address": "&"}/' | paste -sd ,)
    echo "{\"version\": 1, \"nodes\": {\"a\": {\"addresses\": [\"$A\"], \"macs\": [\"$MAC_A\"]},"
    echo "\"b\": {\"addresses\": [\"$B\"], \"macs\": [\"$MAC_B\"]}},"
    echo "\"vips\": {\"web\": {\"address\": \"$VIP\", \"interface\": \"$IFACE\", \"role\": \"backup\", \"bypass\": \"none\","
    echo "\"services\": ["
    for (( port = 1; port <= services; ++port )); do
        echo "{\"protocol\": \"tcp\", \"port\": $port, \"scheduler\": \"rr\", \"servers\": [$list]}$( (( port == services )) || echo , )"
    done
    echo "]}}}"
}

trap 'boxes_down; testbed_down' EXIT
testbed_up
rules >"$BOXES/rules"
large_document >"$DOCUMENT"
echo "$services services x 10 real servers:"
# In a namespace each: flushed real servers slow every later addition down for two minutes.
seconds "ipvsadm -R" on a ipvsadm -R <"$BOXES/rules"
seconds "ipvsadm -Ln" on a ipvsadm -Ln
seconds "twobox apply --node b (checks, writes, reads again)" on b "$TWOBOX" apply "$DOCUMENT" --large --node b --state-dir "$BOXES/state-b"
seconds "twobox diff --node b (reads, nothing to do)" on b "$TWOBOX" diff "$DOCUMENT" --large --node b --state-dir "$BOXES/state-b"
[[ $(on b ipvsadm -Sn | sort) == $(on a ipvsadm -Sn | sort) ]] || { echo "the two tables differ" >&2; exit 1; }
echo "both tables hold the same $(on b ipvsadm -Sn | wc -l) lines"
