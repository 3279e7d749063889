#!/bin/bash
# Shows that the test bed behaves like two real boxes: the loop appears when nothing prevents it, and disappears by
# means known to work, all with the system's own tools. Run it by: tests/vm/guest tests/vm/selfcheck.sh
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/testbed.sh"

# The same table on a box as on its peer: two real servers by direct routing, in turns.
balance_on() {
    on "$1" ipvsadm -R <<RULES
-A -t $VIP:80 -s rr
-a -t $VIP:80 -r $A:80 -g
-a -t $VIP:80 -r $B:80 -g
-A -t [$VIP6]:80 -s rr
-a -t [$VIP6]:80 -r [$A6]:80 -g
-a -t [$VIP6]:80 -r [$B6]:80 -g
RULES
}

# b accepts the VIPs, but leaves it to a to say on the wire where they are.
park_vip_on_b() {
    on b sysctl -qw "net.ipv4.conf.$IFACE.arp_ignore=1" "net.ipv4.conf.$IFACE.arp_announce=2"
    ip -n b address add "$VIP/32" dev lo
    ip -n b address add "$VIP6/128" dev lo nodad
}

# request_20 ADDRESS SUM_PATTERN: bash's pattern for web.py's sum of 20 requests.
request_20() {
    local sum
    sum=$(testbed_ask 20 "$1") || return
    echo "$sum"
    # shellcheck disable=SC2053
    [[ $sum == $2 ]]
}

all_alternate() { request_20 "$1" "a=10 b=10 failed=0 alternating=yes"; }

# Each lost request costs web.py's time limit of a second.
some_fail() { request_20 "$1" "* failed=[1-9]*"; }

# backup_handles AT_LEAST AT_MOST COMMAND...: the command succeeds, and IPVS on b handles so many packets meanwhile.
backup_handles() {
    local least=$1 most=$2 before after
    shift 2
    before=$(ipvs_packets b) || return
    "$@" || return
    after=$(ipvs_packets b) || return
    echo "$(( after - before )) packets"
    (( after - before >= least && after - before <= most ))
}

scenario() {
    testbed_up --addresses "$1"
    ip -n a address add "$VIP/24" dev "$IFACE"
    ip -n a address add "$VIP6/64" dev "$IFACE" nodad
    park_vip_on_b
    testbed_web
    balance_on a

    local vip
    for vip in "$VIP" "$VIP6"; do
        check "$1 $vip: with IPVS on the master only, every request is answered in turns" all_alternate "$vip"
    done

    # Without a loop, b would get ten requests of some six packets each; with one it counts more than 200.
    balance_on b
    for vip in "$VIP" "$VIP6"; do
        check "$1 $vip: with IPVS on both, some requests fail and their packets go round" \
            backup_handles 120 100000 some_fail "$vip"
    done

    # A redirect sends the packet to the box's own address on the interface, so the VIP is not needed here.
    ip -n b address delete "$VIP/32" dev lo
    ip -n b address delete "$VIP6/128" dev lo
    on b nft -f - <<RULES
table inet selfcheck {
    chain prerouting {
        type nat hook prerouting priority dstnat
        ip daddr $VIP tcp dport 80 redirect
        ip6 daddr $VIP6 tcp dport 80 redirect
    }
}
RULES
    for vip in "$VIP" "$VIP6"; do
        check "$1 $vip: with a redirect on the backup, all are answered in turns and its IPVS sees none" \
            backup_handles 0 0 all_alternate "$vip"
    done
    testbed_down
}

trap testbed_down EXIT
scenario article
scenario other
report
