#!/bin/bash
# The real keepalived owns the addresses by VRRP, twobox follows them. After whatever happens to keepalived or to a
# machine there is one holder for each VIP, requests are answered in turns, and no packet goes round.
# Run it by: tests/vm/guest tests/vm/keepalived.sh
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/testbed.sh"
source "$(dirname "${BASH_SOURCE[0]}")/boxes.sh"
source "$(dirname "${BASH_SOURCE[0]}")/vrrp.sh"

# follow [BYPASS]: both daemons are told to follow the addresses.
follow() {
    document a "$@" | sed 's/{"master": "a"}/{"follow": "address"}/' >"$BOXES/config/.new"
    mv "$BOXES/config/.new" "$DOCUMENT"
}

render() { "$TWOBOX" render keepalived "$DOCUMENT" --node "$1" >"$(keepalived_config "$1")"; }
finds_itself() { on "$1" "$TWOBOX" render keepalived "$DOCUMENT" | diff - "$(keepalived_config "$1")"; }
keepalived_accepts() { on "$1" keepalived --config-test --use-file "$(keepalived_config "$1")"; }

# counter NODE PROTOCOL NAME: one of the kernel's counters of that node's network.
counter() {
    on "$1" cat /proc/net/snmp | awk -v protocol="$2:" -v name="$3" '
        $1 == protocol && !column { for (i = 2; i <= NF; ++i) if ($i == name) column = i; next }
        $1 == protocol { print $column }'
}
# A packet that goes round is forwarded again and again, until its time to live ends and a box says so.
rounds() {
    local node
    for node in a b; do echo "$(counter "$node" Ip ForwDatagrams) $(counter "$node" Icmp OutTimeExcds)"; done
}

other() { if [[ $1 == a ]]; then echo b; else echo a; fi; }

# in_turns VIP MASTER: the one holder balances, nobody else does.
in_turns() {
    local vip=$1 master=$2 before
    held_by "$vip" "$master" || { echo "held by: $(holders "$vip")"; return 1; }
    before=$(rounds)
    ipvs_unused "$(other "$master")" twenty "$vip" || { latest_logs; return 1; }
    [[ $(rounds) == "$before" ]] || { diff <(echo "$before") <(rounds); latest_logs; return 1; }
}

latest_logs() {
    local node
    date
    for node in a b; do
        echo "$node:"
        grep -v Sending "$BOXES/keepalived-$node.log" | tail -n 12
        tail -n 4 "$BOXES/$node.log"
    done
}

# settles WHAT VIP MASTER [VIP MASTER]...
settles() {
    local what=$1
    shift
    while (( $# > 0 )); do
        check "$what: $1 comes to $2 alone" eventually 15 held_by "$1" "$2"
        check "$what: twobox follows on both" eventually 5 both_in_sync
        check "$what: 20 of 20 in turns, nothing goes round" in_turns "$1" "$2"
        shift 2
    done
}
both_in_sync() { in_sync a && in_sync b; }

# By default each VIP prefers another node: VIP a, VIP6 b.
takes_over() {
    stop_keepalived a
    settles "a stops" "$VIP" b "$VIP6" b
    start_keepalived a
    settles "a is back" "$VIP" a "$VIP6" b
}

# is_killed BYPASS: what was killed leaves its VIP behind; something has to start it again (deploy/keepalived has the
# line for systemd). Meanwhile both hold it, and each is right to call itself master.
is_killed() {
    local before
    kill_keepalived a
    check "$1, a is killed: b takes over, and both hold the VIP" eventually 15 held_by "$VIP" "a b"
    check "$1, both hold the VIP: twobox follows on both" eventually 5 both_in_sync
    before=$(time_exceeded)
    BOTH_HOLD=$(testbed_ask 20)
    WENT_ROUND=$(( $(time_exceeded) - before ))
    echo "#   $1, VIP held by $(holders "$VIP"): $BOTH_HOLD, $WENT_ROUND time exceeded"
    check "$1, both hold the VIP: 20 of 20 in turns, nothing goes round" two_holders_do
    start_keepalived a
    settles "$1, a is killed and started again" "$VIP" a
}
two_holders_do() { [[ $BOTH_HOLD == "a=10 b=10 failed=0 alternating=yes" && $WENT_ROUND == 0 ]]; }
time_exceeded() { echo $(( $(counter a Icmp OutTimeExcds) + $(counter b Icmp OutTimeExcds) )); }

loses_its_link() {
    ip -n a link set "$IFACE" down
    check "a's link is down: b takes over" eventually 15 holds b "$VIP"
    check "a's link is down: b answers alone" b_alone
    ip -n a link set "$IFACE" up
    settles "a's link is up again" "$VIP" a "$VIP6" b
}
# Half of the connections go to a, which is dead: nothing checks health here.
b_alone() {
    local sum
    sum=$(testbed_ask 4)
    echo "$sum"
    [[ $sum == "a=0 b=2 failed=2 "* ]]
}

reloads() {
    reload_keepalived a
    reload_keepalived b
    # Nothing has to happen, so there is nothing to wait for.
    sleep 2
    settles "both reload" "$VIP" a "$VIP6" b
}

start_at_once() {
    stop_keepalived a
    stop_keepalived b
    start_keepalived a
    start_keepalived b
    settles "both start at once" "$VIP" a "$VIP6" b
}

# A firewall of other hands: what keepalived needs is said, and is enough. Before keepalived runs, to which it would
# matter.
firewall_is_judged() {
    on a nft -f - <<'RULES'
add table inet strict
add chain inet strict input { type filter hook input priority 0; policy drop; }
add rule inet strict input meta l4proto { tcp, udp, icmp, ipv6-icmp } accept
RULES
    check "VRRP is dropped on a: twobox says so" eventually 15 vrrp_passes_is False
    check "VRRP is dropped on a: twobox says what to do about it" rules_to_add
    check "the rules that twobox shows are taken" on a bash -euc "$RULES_TO_ADD"
    check "with these rules VRRP passes" eventually 15 vrrp_passes_is True
    on a nft delete table inet strict
}
vrrp_passes_is() { status_of a -o json | finds -F "\"type\":\"VrrpPasses\",\"status\":\"$1\""; }
rules_to_add() {
    RULES_TO_ADD=$(status_of a -o json | grep -oE 'nft insert rule inet strict input iifname [a-z0-9 .:]+ accept')
    echo "$RULES_TO_ADD"
    [[ $(wc -l <<<"$RULES_TO_ADD") == 2 ]]
}

change_to_mac_mark() {
    follow mac-mark
    check "both change to mac-mark" eventually 15 both_in_sync
}

trap 'vrrp_down; boxes_down; testbed_down' EXIT
testbed_up
# As on machines whose interface keeps its configuration; otherwise `ip link set down` takes the IPv6 addresses.
for node in a b; do on "$node" sysctl -qw net.ipv6.conf.all.keep_addr_on_down=1; done
testbed_web
follow
for node in a b; do
    check "render keepalived for $node" render "$node"
    check "render finds out that it runs on $node" finds_itself "$node"
    check "keepalived accepts the rendered configuration of $node" keepalived_accepts "$node"
    check "the daemon on $node becomes ready without any VIP" start_daemon "$node"
done
firewall_is_judged
start_keepalived a
start_keepalived b
settles "start" "$VIP" a "$VIP6" b
takes_over
is_killed redirect
loses_its_link
reloads
start_at_once
change_to_mac_mark
is_killed mac-mark
report
