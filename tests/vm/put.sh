#!/bin/bash
# PUT with wait is answered when the kernel is as asked, and not before: at that moment ip, ipvsadm and nft say so.
# Run it by: tests/vm/guest tests/vm/put.sh
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/testbed.sh"
source "$(dirname "${BASH_SOURCE[0]}")/boxes.sh"

# puts MASTER BYPASS: gives both boxes the document by the API; the second one when the first has answered.
puts() {
    local node
    document "$1" "$2" >"$BOXES/put.json"
    for node in $([[ $1 == a ]] && echo b a || echo a b); do
        "$TWOBOX" put "$BOXES/put.json" --wait 30s --api "unix:$BOXES/$node.sock" || return
    done
}
serves() { on "$1" ipvsadm -Sn | finds -F -e "-A $2" && (( $(on "$1" ipvsadm -Sn | grep -cF -e "-a $2") == 2 )); }
redirects() { on "$1" nft list set inet twobox redirect-ipv4 | finds -F "$VIP . tcp . 80"; }
redirects_nothing() { ! on "$1" nft list set inet twobox redirect-ipv4 | finds -F "$VIP"; }
marks() { on "$1" nft list map inet twobox marks-ipv4 | finds -F "$VIP . tcp . 80"; }

trap 'boxes_down; testbed_down' EXIT
testbed_up
testbed_web
write_document a
check "the daemon on b starts" start_daemon b --allow-put
check "the daemon on a starts" start_daemon a --allow-put

check "PUT: b becomes master, by redirect" puts b redirect
check "at that moment b has the VIP" has_vip b
check "and a has not" lacks_vip a
check "b redirects nothing" redirects_nothing b
check "a redirects" redirects a
check "b has the service" serves b "-t $VIP:80"
check "20 of 20 answered in turns" ipvs_unused a twenty "$VIP"

check "PUT: a becomes master, by mac-mark" puts a mac-mark
check "at that moment a has the VIP" has_vip a
check "and b has not" lacks_vip b
check "a marks" marks a
check "b marks" marks b
check "a's service is the mark's" serves a "-f 3"
check "20 of 20 answered in turns" ipvs_unused b twenty "$VIP"
check "the file on the boxes is what was put" cmp "$BOXES/put.json" "$DOCUMENT"
report
