#!/bin/bash
# Boxes that somebody set up by hand, scheme by scheme: `twobox import` tells a document that changes nothing but what it
# says, and requests go on to alternate when it is applied. Run it by: tests/vm/guest tests/vm/import.sh
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/testbed.sh"
source "$(dirname "${BASH_SOURCE[0]}")/boxes.sh"

peer_of() { if [[ $1 == a ]]; then echo b; else echo a; fi; }

# services KEY...: the same IPVS table on both boxes, as ipvsadm's options name the service.
services() {
    local node
    for node in a b; do
        on "$node" ipvsadm -A "$@" -s rr
        on "$node" ipvsadm -a "$@" -r "$A:80" -g
        on "$node" ipvsadm -a "$@" -r "$B:80" -g
    done
}

# On lo of both, for a alone to say on the wire where it is.
park_vip() {
    local node
    for node in a b; do
        on "$node" sysctl -qw "net.ipv4.conf.$IFACE.arp_ignore=1" "net.ipv4.conf.$IFACE.arp_announce=2"
        ip -n "$node" address add "$VIP/32" dev lo
    done
}

set_up_mac-mark() {
    local node
    park_vip
    services -f 3
    for node in a b; do
        on "$node" iptables-nft -t mangle -A PREROUTING -d "$VIP" -p tcp -m tcp --dport 80 -m mac \
            ! --mac-source "${MAC[$(peer_of "$node")]}" -j MARK --set-mark 3
    done
}
set_up_redirect() {
    services -t "$VIP:80"
    on b nft -f - <<RULES
table ip bypass {
    chain prerouting {
        type nat hook prerouting priority dstnat
        ip daddr $VIP tcp dport 80 redirect
    }
}
RULES
}
set_up_backup-only() {
    park_vip
    services -t "$VIP:80"
    on a ipvsadm --start-daemon master --mcast-interface "$IFACE" --syncid 7
    on b ipvsadm --start-daemon backup --mcast-interface "$IFACE" --syncid 7
    on a sysctl -qw net.ipv4.vs.backup_only=1
    on b sysctl -qw net.ipv4.vs.backup_only=1
}

document_of() { echo "$BOXES/imported-$1.json"; }

import_on() {
    twobox_on "$1" import >"$(document_of "$1")" 2>"$BOXES/said-$1" || { cat "$BOXES/said-$1"; return 1; }
}
valid() { "$TWOBOX" validate "$(document_of "$1")"; }
says() { grep -n '"bypass"' "$(document_of "$1")" | finds -F "\"$2\"" || { cat "$(document_of "$1")"; return 1; }; }
same_on_both() { diff "$(document_of a)" "$(document_of b)"; }

# Each change that diff shows is one that import said, and none is outside our own nft table.
diff_is_what_was_said() {
    local shown action kind key
    exits_with 1 twobox_on "$1" diff "$(document_of "$1")" -o json && return 1
    shown=$(twobox_on "$1" diff "$(document_of "$1")" -o json || true)
    echo "$shown"
    while IFS=$'\t' read -r action kind key; do
        grep -F "apply will $action $kind $key" "$BOXES/said-$1" || return 1
        [[ $kind == nft_* && $key == "inet twobox"* ]] || return 1
    done < <(/usr/bin/python3 -c '
import json, sys
for change in json.load(sys.stdin)["changes"]:
    print(change["action"], change["kind"], change["key"], sep="\t")' <<<"$shown")
}
apply_imported() { twobox_on "$1" apply "$(document_of "$1")"; }
stays() { twobox_on "$1" diff "$(document_of "$1")"; }

scheme() {
    local bypass=$1 node
    testbed_up --addresses article
    testbed_web
    "set_up_$bypass"
    ip -n a address add "$VIP/32" dev "$IFACE"
    check "$bypass: by hand, 20 of 20 in turns" twenty "$VIP"
    for node in a b; do
        check "$bypass: import on $node (exit 0)" import_on "$node"
        check "$bypass: its document is valid" valid "$node"
        check "$bypass: it names the bypass" says "$node" "$bypass"
        check "$bypass: diff on $node shows what was said, and no more" diff_is_what_was_said "$node"
    done
    check "$bypass: both boxes tell the same document" same_on_both
    for node in b a; do check "$bypass: apply on $node converges" apply_imported "$node"; done
    check "$bypass: 20 of 20 in turns afterwards" twenty "$VIP"
    for node in a b; do
        check "$bypass: imported again on $node" import_on "$node"
        check "$bypass: nothing is left to do there" stays "$node"
    done
    testbed_down
    rm -rf "$BOXES"/state-* "$BOXES"/imported-* "$BOXES"/said-*
}

from_keepalived() {
    testbed_up --addresses article
    cat >"$BOXES/keepalived.conf" <<CONF
vrrp_instance VI_1 {
    interface $IFACE
    virtual_router_id 51
    notify_backup "/etc/keepalived/bypass_ipvs.sh add $VIP"
    virtual_ipaddress {
        $VIP
    }
}
virtual_server $VIP 80 {
    delay_loop 30
    lb_algo rr
    lb_kind DR
    real_server $A 80 {
        TCP_CHECK {
            connect_timeout 3
        }
    }
    real_server $B 80 {
        TCP_CHECK {
            connect_timeout 3
        }
    }
}
CONF
    # No option of the import's own, and nothing of the state directory is needed.
    check "keepalived: import on a knows the neighbour's MAC (exit 0)" \
        bash -c "ip netns exec a '$TWOBOX' import keepalived '$BOXES/keepalived.conf' >'$(document_of a)'"
    check "keepalived: the document is valid" valid a
    check "keepalived: it has b's MAC" finds -F "$MAC_B" "$(document_of a)"
    check "keepalived: on no node's machine it has to be filled in (exit 2)" \
        exits_with 2 on client "$TWOBOX" import keepalived "$BOXES/keepalived.conf"
    testbed_down
}

trap 'testbed_down; boxes_down' EXIT
for bypass in mac-mark redirect backup-only; do scheme "$bypass"; done
from_keepalived
report
