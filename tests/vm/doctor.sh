#!/bin/bash
# What `twobox doctor` looks for, made on purpose one by one: it names each with its evidence, and is content when it
# has gone. Run it by: tests/vm/guest tests/vm/doctor.sh
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/testbed.sh"
source "$(dirname "${BASH_SOURCE[0]}")/boxes.sh"

doctor_on() { twobox_on "$1" doctor "$DOCUMENT" "${@:2}" >"$BOXES/doctor"; }

# provoked NODE ID WORDS [OPTION...]: doctor exits 2 and finds ID, with these words as evidence.
provoked() {
    exits_with 2 doctor_on "$1" "${@:4}" || { cat "$BOXES/doctor"; return 1; }
    cat "$BOXES/doctor"
    grep "^$2: " "$BOXES/doctor" | finds -F "$3"
}

# Nothing is found, and ID (if any) was not merely skipped.
content() {
    doctor_on "$1" "${@:3}" || { cat "$BOXES/doctor"; return 1; }
    cat "$BOXES/doctor"
    [[ -z ${2:-} ]] || ! grep "^skipped $2: " "$BOXES/doctor"
}

# found DESCRIPTION NODE ID WORDS, gone DESCRIPTION NODE ID: each fault is seen, and then no more.
found() { check "$3: $1" provoked "$2" "$3" "$4" "${@:5}"; }
gone() { check "$3: $1" content "$2" "$3" "${@:4}"; }

# fix_of NODE ID: runs the commands that doctor named for what it last found.
fix_of() {
    local command
    while read -r command; do
        echo "$command"
        on "$1" bash -c "$command" || return
    done < <(grep -A2 "^$2: " "$BOXES/doctor" | sed -n 's/^  fix: //p')
}

index_of() { ip -n "$1" -oneline link show dev "$IFACE" | cut -d: -f1; }

edit_document() { sed -i "$1" "$DOCUMENT"; }

sockets() {
    testbed_kill_web b
    found "its server is dead" b service-not-listening "no socket listens on $VIP:80"
    check "service-not-listening: also by its own address, with redirect" finds -F "listens on $B:80" "$BOXES/doctor"
    testbed_start_web b
    gone "it listens again" b service-not-listening
}

arp() {
    ip -n b address add "$VIP/32" dev lo
    found "the VIP on lo" b backup-answers-arp "arp_ignore is 0 (all 0, $IFACE 0)"
    check "backup-answers-arp: its fix can be run" fix_of b backup-answers-arp
    gone "the fix has done it" b backup-answers-arp
    ip -n b address delete "$VIP/32" dev lo
    on b sysctl -qw "net.ipv4.conf.$IFACE.arp_ignore=0" "net.ipv4.conf.$IFACE.arp_announce=0"

    ip -n b address add "$VIP6/128" dev "$IFACE" nodad
    found "an IPv6 VIP on the wire" b backup-answers-arp "$VIP6 is on $IFACE of b, which is backup"
    check "backup-answers-arp: the address goes by its fix" fix_of b backup-answers-arp
    gone "without it" b backup-answers-arp
}

sysctls() {
    on a sysctl -qw net.ipv4.conf.all.arp_ignore=2
    found "conf/all silences the master" a all-overrides-interface "arp_ignore is 2 (all 2, $IFACE 0)"
    check "all-overrides-interface: its fix can be run" fix_of a all-overrides-interface
    gone "the fix has done it" a all-overrides-interface
    on a sysctl -qw net.ipv4.conf.all.arp_ignore=0

    ip -n b link add aside type dummy
    ip -n b link set aside up
    ip -n b route add default dev aside
    on b sysctl -qw "net.ipv4.conf.$IFACE.rp_filter=1"
    found "strict, and the default route is elsewhere" b reverse-path-filter "answers leave by aside"
    check "reverse-path-filter: its fix can be run" fix_of b reverse-path-filter
    gone "loose" b reverse-path-filter
    ip -n b link delete aside
}

# What these services leave on disk is told by their documentation and source; none of them runs here.
services() {
    local state=/run/systemd/netif/links config=/etc/systemd/network/10-doctor.network
    mkdir -p "$state" "${config%/*}" /run/NetworkManager/devices
    printf '[Match]\nName=%s\n[Network]\nAddress=%s/24\n' "$IFACE" "$A" >"$config"
    printf 'ADMIN_STATE=configured\nNETWORK_FILE=%s\nNETWORK_FILE_DROPINS=""\n' "$config" >"$state/$(index_of a)"
    found "networkd" a network-service-strips-vip "systemd-networkd configures $IFACE by $config"
    echo KeepConfiguration=static >>"$config"
    gone "it keeps what it finds" a network-service-strips-vip
    rm "$state/$(index_of a)" "$config"

    printf '[device]\nmanaged=true\nconnection-uuid=8a2b\n' >"/run/NetworkManager/devices/$(index_of a)"
    found "NetworkManager" a network-service-strips-vip "NetworkManager has a connection active on $IFACE"
    printf '[device]\nmanaged=false\n' >"/run/NetworkManager/devices/$(index_of a)"
    gone "it leaves the interface alone" a network-service-strips-vip

    mkdir -p /etc/systemd/system/sysinit.target.wants
    printf '#!/usr/sbin/nft -f\nflush ruleset\ntable inet filter {\n    chain input {\n    }\n}\n' >/etc/nftables.conf
    gone "a file that is not loaded" a nftables-reload-flushes
    ln -sf /lib/systemd/system/nftables.service /etc/systemd/system/sysinit.target.wants/
    found "a file that is loaded" a nftables-reload-flushes "/etc/nftables.conf:2: flush ruleset"
    check "nftables-reload-flushes: its fix can be run" fix_of a nftables-reload-flushes
    gone "the fix has done it" a nftables-reload-flushes
    check "nftables-reload-flushes: the file loads, twice" on a nft -f /etc/nftables.conf
    check "nftables-reload-flushes: and again" on a nft -f /etc/nftables.conf
    check "nftables-reload-flushes: our table is still there" in_sync a
    on a nft delete table inet filter
    rm /etc/systemd/system/sysinit.target.wants/nftables.service

    mkdir -p /etc/keepalived/conf.d
    echo "include conf.d/*.conf" >/etc/keepalived/keepalived.conf
    echo "virtual_server $VIP 80 { }" >/etc/keepalived/conf.d/web.conf
    found "in an included file" a keepalived-owns-ipvs "/etc/keepalived/conf.d/web.conf:1: virtual_server $VIP 80"
    echo "vrrp_instance VI_1 { }" >/etc/keepalived/conf.d/web.conf
    gone "VRRP alone" a keepalived-owns-ipvs
    rm -r /etc/keepalived/keepalived.conf /etc/keepalived/conf.d
}

kernel_modules() {
    local directory
    directory=/lib/modules/$(uname -r)/kernel/net/netfilter/ipvs
    edit_document 's/"scheduler": "rr"/"scheduler": "sed"/g'
    gone "a scheduler that could be loaded" a module-missing
    modprobe -r ip_vs_sed
    mount -t tmpfs none "$directory"
    found "its file is gone" a module-missing "ip_vs_sed is neither loaded nor built in"
    umount "$directory"
    gone "it is back" a module-missing
    write_document a redirect
}

firewall() {
    edit_document 's/"role": {"master": "a"}/"role": {"follow": "address"}/g'
    on a nft add table inet filter
    on a nft add chain inet filter input '{ type filter hook input priority 0; policy drop; }'
    found "a chain that drops" a vrrp-dropped "inet filter input drops VRRP by its policy"
    check "vrrp-dropped: its fix can be run" fix_of a vrrp-dropped
    gone "the fix has done it" a vrrp-dropped
    on a nft delete table inet filter
    write_document a redirect
}

documents() {
    write_document a none
    found "two directors without one" a no-bypass "a and b are director and server of $VIP:80"
    write_document a redirect
    gone "a redirect" a no-bypass

    write_document a redirect ', "servers": [{"node": "a"}, {"node": "b", "forwarding": "tunnel"}]'
    found "the usual Ethernet" a tunnel-mtu "$IFACE has an MTU of 1500; a packet of 1500 bytes has 1520 in the tunnel"
    ip -n a link set dev "$IFACE" mtu 1540
    gone "a larger one" a tunnel-mtu
    ip -n a link set dev "$IFACE" mtu 1500
    modprobe ipip
    on b sysctl -qw net.ipv4.conf.tunl0.rp_filter=1
    found "what comes out of a tunnel" b reverse-path-filter "rp_filter is 1 (all 0, tunl0 1), strict"
    check "reverse-path-filter: its fix for the tunnel can be run" fix_of b reverse-path-filter
    gone "loose, in the tunnel" b reverse-path-filter
    write_document a redirect
}

macs() {
    ip -n b link set dev "$IFACE" address 02:00:00:00:00:99
    ip -n a neighbour flush dev "$IFACE"
    found "another card" a peer-mac-differs "$B of b on $IFACE has the MAC 02:00:00:00:00:99; the document says $MAC_B"
    ip -n b link set dev "$IFACE" down
    ip -n a neighbour flush dev "$IFACE"
    check "peer-mac-differs: a peer that is down is no clean bill" skips a peer-mac-differs "$B of b on $IFACE does not answer"
    ip -n b link set dev "$IFACE" address "$MAC_B" up
    ip -n b address add "$B6/64" dev "$IFACE" nodad
    ip -n a neighbour flush dev "$IFACE"
    gone "the old card" a peer-mac-differs
}

# skips NODE ID WORDS: doctor says that it could not look, and why.
skips() {
    doctor_on "$1" || true
    cat "$BOXES/doctor"
    grep "^skipped $2: " "$BOXES/doctor" | finds -F "$3"
}

without_raw_sockets() {
    on a setpriv --bounding-set -net_raw "$TWOBOX" doctor "$DOCUMENT" --state-dir "$BOXES/state-a" >"$BOXES/doctor"
    cat "$BOXES/doctor"
    grep "^skipped two-masters: " "$BOXES/doctor" | finds -F "needs CAP_NET_RAW"
}

peers() {
    local peer="unix:$BOXES/b.sock"
    check "a daemon on b" start_daemon b
    gone "the same here and there" a documents-differ --peer "$peer"
    check "doctor without a file asks the daemon" on b "$TWOBOX" doctor --api "$peer" --state-dir "$BOXES/state-b"
    # b has read its own by now.
    sed 's/"port": 80,/"port": 81,/' "$DOCUMENT" >"$BOXES/other.json"
    check "documents-differ: another port" exits_with 2 differs "$peer"

    check "b is told to be master, too" on b "$TWOBOX" role web master --api "$peer"
    check "it takes the VIP" eventually 20 ip_on b "$VIP"
    found "by the peer's word" a two-masters "a (by document) and b are both master" --peer "$peer"
    found "by ARP" a two-masters "$VIP is answered for by a and b"
    check "two-masters: without raw sockets it can't be seen" without_raw_sockets
    check "b is backup again" on b "$TWOBOX" role web document --api "$peer"
    check "it gives the VIP up" eventually 20 no_ip_on b "$VIP"
    gone "by the peer's word" a two-masters --peer "$peer"
    check "two-masters: by ARP" content a ""
    check "the daemon on b ends" stop_daemon b
    check "a peer that does not answer" skips_peer "$peer"
}

differs() {
    local status=0
    twobox_on a doctor "$BOXES/other.json" --peer "$1" >"$BOXES/doctor" || status=$?
    cat "$BOXES/doctor"
    grep "^documents-differ: " "$BOXES/doctor" | finds -F "/vips/web/services/0/port: 81 here, 80 there" || return
    return "$status"
}
skips_peer() {
    doctor_on a --peer "$1" || return
    cat "$BOXES/doctor"
    grep "^skipped documents-differ: " "$BOXES/doctor" | finds -F "no daemon answers on $1"
}
ip_on() { [[ $(ip -n "$1" -oneline address show dev "$IFACE") == *" $2/"* ]]; }
no_ip_on() { ! ip_on "$@"; }

trap 'boxes_down; testbed_down' EXIT
testbed_up
testbed_web
write_document a redirect
check "the document is brought about" apply_on_both b a
for node in a b; do check "doctor on $node finds nothing" content "$node" ""; done
sed 's/^/#   /' "$BOXES/doctor"
sockets
arp
sysctls
services
kernel_modules
firewall
documents
macs
peers
report
