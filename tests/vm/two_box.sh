#!/bin/bash
# The main job by one-shot commands, on a real kernel: the loop, its cure, a change of roles, and removal.
# Run it by: tests/vm/guest tests/vm/two_box.sh
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/testbed.sh"
source "$(dirname "${BASH_SOURCE[0]}")/boxes.sh"

# The usual set-up without a cure: b accepts the VIPs and leaves it to a to say on the wire where they are.
park_vip_on_b() {
    on b sysctl -qw "net.ipv4.conf.$IFACE.arp_ignore=1" "net.ipv4.conf.$IFACE.arp_announce=2"
    ip -n b address add "$VIP/32" dev lo
    ip -n b address add "$VIP6/128" dev lo nodad
}
unpark_vip_on_b() {
    on b sysctl -qw "net.ipv4.conf.$IFACE.arp_ignore=0" "net.ipv4.conf.$IFACE.arp_announce=0"
    ip -n b address delete "$VIP/32" dev lo
    ip -n b address delete "$VIP6/128" dev lo
}

changes_nothing() { twobox_on "$1" apply "$DOCUMENT" | finds -x "0 created, 0 updated, 0 deleted, 0 refused: converged"; }

foreign_things() {
    on a ipvsadm -A -t 192.0.2.1:8080 -s wlc
    on a nft add table inet somebody
    ip -n a address add 192.0.2.77/32 dev lo
}
foreign_things_stand() {
    on a ipvsadm -Sn | finds 192.0.2.1:8080 && on a nft list table inet somebody &&
        ip -n a address show dev lo | finds 192.0.2.77
}
nothing_of_ours_on() {
    ! on "$1" nft list table inet twobox 2>/dev/null && ! on "$1" ipvsadm -Sn | finds -F -e "$VIP:80" -e "[$VIP6]" &&
        ! ip -n "$1" address show | finds -wF -e "$VIP" -e "$VIP6"
}

scenario() {
    testbed_up --addresses "$1"
    testbed_web
    foreign_things
    local vip node bypass

    write_document a none
    park_vip_on_b
    check "$1: apply without a bypass converges on both" apply_on_both b a
    for vip in "$VIP" "$VIP6"; do
        check "$1 $vip: without a bypass some of 20 requests die" some_fail "$vip"
    done
    unpark_vip_on_b

    write_document a redirect
    check "$1: diff says that there is something to do (exit 2)" exits_with 2 twobox_on b diff "$DOCUMENT"
    comes "$1" redirect
    write_document b redirect
    check "$1: the roles change" apply_on_both a b
    for vip in "$VIP" "$VIP6"; do
        check "$1 $vip: 20 of 20 in turns by the new master, the old one's IPVS unused" ipvs_unused a twenty "$vip"
    done

    check "$1: a weight is edited in place" edit_in_place
    goes "$1" redirect
    for bypass in mac-mark backup-only; do
        write_document a "$bypass"
        comes "$1" "$bypass"
        goes "$1" "$bypass"
    done
    check "$1: what others made stands untouched" foreign_things_stand
    testbed_down
    rm -rf "$BOXES"/state-*
}

# comes SCENARIO BYPASS: the document is brought about on both boxes, and stays.
comes() {
    local vip node
    check "$1, $2: apply converges on both" apply_on_both b a
    for vip in "$VIP" "$VIP6"; do
        check "$1, $2, $vip: 20 of 20 answered in turns, the backup's IPVS unused" ipvs_unused b twenty "$vip"
    done
    for node in a b; do
        check "$1, $2: a second diff on $node exits 0" in_sync "$node"
        check "$1, $2: a second apply on $node changes nothing" changes_nothing "$node"
    done
}
goes() {
    local node
    for node in a b; do
        check "$1, $2: cleanup on $node succeeds" twobox_on "$node" cleanup
        check "$1, $2: cleanup leaves nothing of ours on $node" nothing_of_ours_on "$node"
    done
}

# Deleting and adding again would begin the schedulers' rounds and the counters anew.
edit_in_place() {
    local servers=", \"servers\": [{\"node\": \"a\"}, {\"node\": \"b\", \"weight\": 3}]"
    write_document b redirect "$servers" 2>/dev/null
    # Node names stand for the address of the VIP's family, so one list serves both.
    twobox_on b apply "$DOCUMENT" | tee /dev/stderr | finds "^0 created, 2 updated, 0 deleted"
}

trap 'boxes_down; testbed_down' EXIT
scenario article
scenario other
report
