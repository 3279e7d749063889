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

# A first packet the loop swallows is only missed after web.py's time limit, so these runs take seconds.
some_requests_fail() {
    local sum
    sum=$(testbed_ask 20 "$1")
    echo "$sum"
    [[ ! $sum =~ failed=0( |$) && $sum =~ failed= ]]
}

all_requests_alternate() {
    local sum
    sum=$(testbed_ask 20 "$1")
    echo "$sum"
    [[ $sum == "a=10 b=10 failed=0 alternating=yes" ]]
}

# grows_by NODE AT_LEAST AT_MOST COMMAND...: bounds on the packets IPVS handles on a node meanwhile.
packets_during() {
    local node=$1 least=$2 most=$3 before count
    shift 3
    before=$(ipvs_packets "$node")
    "$@" >/dev/null || true
    count=$(( $(ipvs_packets "$node") - before ))
    echo "$count packets"
    (( count >= least && count <= most ))
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
        check "$1 $vip: with IPVS on the master only, every request is answered in turns" all_requests_alternate "$vip"
    done

    balance_on b
    for vip in "$VIP" "$VIP6"; do
        check "$1 $vip: with IPVS on both and nothing else, some requests fail" some_requests_fail "$vip"
    done
    check "$1: a looping packet passes the backup's IPVS many times" packets_during b 100 100000 testbed_ask 20

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
        check "$1 $vip: with a redirect on the backup, every request is answered in turns" all_requests_alternate "$vip"
        check "$1 $vip: ... and the backup's IPVS sees none of them" packets_during b 0 0 testbed_ask 20 "$vip"
    done
    testbed_down
}

trap testbed_down EXIT
scenario article
scenario other
report
