#!/bin/bash
# bypass_script.sh add|del VIP: the way of old, from keepalived's notify scripts. Puts the redirect of the VIP to this
# machine in, or takes it out.
set -euo pipefail

rules_of() { nft --handle list chain ip bypass prerouting 2>/dev/null | grep -F "ip daddr $1 meta l4proto" || true; }

case $1 in
    add)
        [[ -z $(rules_of "$2") ]] || exit 0
        nft -f - <<RULES
add table ip bypass
add chain ip bypass prerouting { type nat hook prerouting priority dstnat; }
add rule ip bypass prerouting ip daddr $2 meta l4proto { tcp, udp } redirect
RULES
        ;;
    del)
        rules_of "$2" | sed 's/.* handle //' | while read -r handle; do
            nft delete rule ip bypass prerouting handle "$handle"
        done
        ;;
    *) exit 64 ;;
esac
