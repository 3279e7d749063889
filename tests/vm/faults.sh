#!/bin/bash
# faults.sh [FAULT...]: what goes wrong around a daemon, on a real kernel: a neighbour that never rests, interfaces that
# leave, modules, rights, netlink buffers, a disk, a clock and time itself that fail it, and another daemon (default: all).
# It says so, does nothing it could not answer for, and is right again when the fault is over.
# Run it by: tests/vm/guest --timeout 900 tests/vm/faults.sh
set -euo pipefail
vm=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
source "$vm/testbed.sh"
source "$vm/boxes.sh"

# heals SECONDS WHAT: a is again as it was when all was well, and twobox thinks so too.
heals() {
    HEALED_MS=none
    check "$2: healed" healed_within "$1"
    echo "#   $2: after $HEALED_MS ms"
}
healed_within() {
    eventually "$1" same_as a "$WELL" && HEALED_MS=$ELAPSED_MS && eventually 10 ready a && in_sync a && return
    diff <(echo "$WELL") <(fingerprint a)
    status_of a
    tail -n 3 "$BOXES/a.log"
    return 1
}
# Status exits with 3 where something is wrong.
says() { { status_of a || true; } | finds -E "$1"; }
logged() { tail -c "+$(( LOG + 1 ))" "$BOXES/a.log" | finds -E "$1"; }
# begin: the log is read from here on.
begin() { LOG=$(stat -c %s "$BOXES/a.log"); }
pid_of_daemon() { echo "${_boxes_daemons[a]}"; }
lives() { kill -0 "$(pid_of_daemon)"; }
passes() { curl -s --unix-socket "$BOXES/a.sock" http://localhost/metrics | awk '/^twobox_reconcile_total/ { n += $2 } END { print n }'; }
# Hundredths of a second of processor time.
processor_time() { awk '{ print $14 + $15 }' "/proc/$(pid_of_daemon)/stat"; }
at_most() { echo "$1, at most $2"; (( $1 <= $2 )); }
at_least() { echo "$1, at least $2"; (( $1 >= $2 )); }

# --- a neighbour that never rests -------------------------------------------------------------------------------------

SECONDS_OF_WAR=20
COMPLAINT='^Undisturbed: False|at once different again'
# every_10_ms LINE: prints it again and again. Programs started anew each time would be too slow in the guest.
every_10_ms() {
    local end=$(( SECONDS + SECONDS_OF_WAR ))
    while (( SECONDS < end )); do
        echo "$1"
        read -r -t 0.01 <&"$never" || true
    done
}
deletes_address() { every_10_ms "address delete $VIP/32 dev $IFACE" | ip -n a -force -batch - 2>&1 | wc -l >"$BOXES/missed"; }
deletes_table() { every_10_ms "delete table inet twobox" | on a nft -i 2>&1 | grep -c Error >"$BOXES/missed"; }
flips_sysctl() {
    every_10_ms 0 | on a bash -c 'while read -r value; do echo "$value" >/proc/sys/net/ipv4/ip_forward; done'
}

# war NEIGHBOUR: the daemon holds on, but not at any price.
war() {
    local begun passed name=${1/_/ the }
    begin
    begun=$(processor_time) passed=$(passes)
    "$1" || true
    WAR_TIME=$(( $(processor_time) - begun )) WAR_PASSES=$(( $(passes) - passed ))
    status_of a >"$BOXES/status" || true
    echo "#   $name: in $SECONDS_OF_WAR s the daemon took $WAR_TIME hundredths of a second, $WAR_PASSES passes"
    grep -E "$COMPLAINT" "$BOXES/status" | sed 's/^/#   /' || true
    check "$name: the daemon takes less than half a processor" at_most "$WAR_TIME" $(( 50 * SECONDS_OF_WAR ))
    check "$name: it backs off" at_most "$WAR_PASSES" $(( 25 * SECONDS_OF_WAR ))
    check "$name: it says that somebody works against it" finds -E "$COMPLAINT" "$BOXES/status"
    # What was undone while it was done is a refusal, for which the wait doubles each time.
    heals $(( 2 * SECONDS_OF_WAR )) "$name"
}
hostile_neighbour() {
    exec {never}<> <(:)
    war deletes_address
    war deletes_table
    war flips_sysctl
    exec {never}>&-
}

# --- the interface leaves ---------------------------------------------------------------------------------------------

rename_interface() { ip -n a -batch - <<<"link set $1 down"$'\n'"link set $1 name $2"$'\n'"link set $2 up"; }
move_interface() { ip -n "$1" link set "$IFACE" netns "$2"; }
addresses_again() {
    ip -n a -batch - <<LINKS
link set $IFACE up
address replace $A/24 dev $IFACE
address replace $A6/64 dev $IFACE nodad
LINKS
}
misses_interface() { says '^Ready: False' && says "$1"; }

interface_leaves() {
    # What takes an interface down takes IPv6 addresses with it, unless it is told so.
    on a sysctl -qw "net.ipv6.conf.$IFACE.keep_addr_on_down=1"
    rename_interface "$IFACE" other0
    check "the interface is renamed: status says so" eventually 10 misses_interface "$IFACE"
    rename_interface other0 "$IFACE"
    heals 15 "the interface has its name again"

    move_interface a wire
    check "the interface is in another namespace: status says so" eventually 10 misses_interface "$IFACE"
    move_interface wire a
    addresses_again
    heals 15 "the interface is back from another namespace"

    ip -n a link delete "$IFACE"
    check "the interface is removed: status says so" eventually 10 misses_interface "$IFACE"
    _testbed_cable a "$MAC_A" "$A" "$A6"
    heals 15 "the interface is there again"
    check "the daemon has lived through it" lives
}

# --- modules, rights --------------------------------------------------------------------------------------------------

# Only what nobody uses can be unloaded, so the daemon must not be quick.
unload_ipvs() {
    kill -STOP "$(pid_of_daemon)"
    on a ipvsadm -C && modprobe -r ip_vs_{rr,wrr,lc,wlc,sh,dh,mh,sed,nq,lblc,fo,ovf} ip_vs
    local status=$?
    kill -CONT "$(pid_of_daemon)"
    return "$status"
}
unloaded_ipvs() {
    check "ip_vs is unloaded" unload_ipvs
    heals 15 "ip_vs was unloaded"
    on a ipvsadm -D -t "$VIP:80"
    heals 10 "ip_vs was unloaded, and later a service is deleted"

    echo "install ip_vs /bin/false" >/etc/modprobe.d/no-ipvs.conf
    check "ip_vs is unloaded, and forbidden" unload_ipvs
    check "ip_vs is forbidden: status says so" eventually 10 misses_interface 'ip_vs'
    rm /etc/modprobe.d/no-ipvs.conf
    heals 70 "ip_vs is allowed again"
}

without_rights() {
    local status=0
    stop_daemon a
    begin
    ip netns exec a timeout 20 setpriv --bounding-set=-net_admin "$TWOBOX" run --document "$DOCUMENT" \
        --state-dir "$BOXES/state-a" --listen "unix:$BOXES/a.sock" 2>>"$BOXES/a.log" || status=$?
    tail -c "+$(( LOG + 1 ))" "$BOXES/a.log" | sed 's/^/#   /'
    check "without CAP_NET_ADMIN it does not start" test "$status" = 1
    check "without CAP_NET_ADMIN it says what it lacks" logged 'CAP_NET_ADMIN'
    check "without CAP_NET_ADMIN it says so once" at_most "$(tail -c "+$(( LOG + 1 ))" "$BOXES/a.log" | wc -l)" 3
    check "without CAP_NET_ADMIN nothing has changed" same_as a "$WELL"
    check "with it, it starts" start_daemon a
}

# --- events are lost --------------------------------------------------------------------------------------------------

nft_storm() {
    local i
    echo "add table inet storm"
    for (( i = 0; i < 2000; ++i )); do echo "add chain inet storm chain$i"; done
}
# While it stands still, its sockets fill up, and what happens behind that it does not hear of. The timed pass, which
# reads everything, must not be what finds it.
lost_events() {
    local before usual
    usual=$(sysctl -n net.core.rmem_default)
    stop_daemon a
    sysctl -qw net.core.rmem_default=4608
    start_daemon a --resync 600
    sysctl -qw "net.core.rmem_default=$usual"
    before=$(metric a twobox_netlink_overruns_total)
    kill -STOP "$(pid_of_daemon)"
    nft_storm | on a nft -f -
    on a nft delete table inet twobox
    kill -CONT "$(pid_of_daemon)"
    heals 10 "events of nft were lost, that of our table too"
    check "lost events are counted" at_least "$(metric a twobox_netlink_overruns_total)" $(( before + 1 ))
    echo "#   overruns: $before, now $(metric a twobox_netlink_overruns_total)"
    on a nft delete table inet storm
    stop_daemon a
    start_daemon a
}

# --- the disk ---------------------------------------------------------------------------------------------------------

fill_disk() { ! cat /dev/zero >"$BOXES/state-a/filler" 2>/dev/null; }
make_room() { rm "$BOXES/state-a/filler"; }
disk_is() { mount -o "remount,$1" "$BOXES/state-a"; }
# The document with a service more.
larger() {
    document a | sed 's|\("services": \[{[^]]*\)\]|\1, {"protocol": "tcp", "port": 81}]|' >"$BOXES/config/.new"
    mv "$BOXES/config/.new" "$DOCUMENT"
}
has_port_81() { on a ipvsadm -Ln | finds -F "$VIP:81"; }
usual() { write_document a; }

# without_disk HOW: what is recorded is held; what could not be recorded is not made.
without_disk() {
    begin
    on a ipvsadm -D -t "$VIP:80"
    heals 10 "$1: a service is deleted"
    check "$1: failures to write are counted" at_least "$(metric a twobox_state_file_errors_total)" 1
    larger
    check "$1: a new service is not made, and status says why" eventually 10 says "nothing was changed: record of ownership: .*($2)"
    check "$1: not ready" exits_with 3 status_of a
    sleep 1
    check "$1: nothing was made that is not recorded" same_as a "$WELL"
    check "$1: the log says so" logged "$2"
    check "$1: the log does not fill up too" at_most "$(tail -c "+$(( LOG + 1 ))" "$BOXES/a.log" | wc -l)" 20
}
with_disk() {
    check "$1: the new service is made" eventually 30 has_port_81
    echo "#   $1: after $ELAPSED_MS ms"
    check "$1: ready" eventually 10 ready a
    usual
    heals 15 "$1: the usual document"
}
bad_disk() {
    stop_daemon a
    twobox_on a cleanup >/dev/null
    mount -t tmpfs -o size=128k state "$BOXES/state-a"
    start_daemon a
    check "the disk fills up" fill_disk
    without_disk "the disk is full" "No space left"
    stop_daemon a
    check "the disk is full: the daemon starts again" start_daemon_as_is
    make_room
    with_disk "there is room again"
    check "no half-written file is left" no_half_files
    disk_is ro
    without_disk "the disk is read-only" "Read-only"
    disk_is rw
    with_disk "the disk can be written again"
    stop_daemon a
    twobox_on a cleanup >/dev/null
    umount "$BOXES/state-a"
    start_daemon a
}
no_half_files() { find "$BOXES/state-a" -name '*.new*' | exits_with 1 grep .; }
start_daemon_as_is() { launch_daemon a; eventually 15 status_known; }
status_known() { exits_with 3 status_of a || ready a; }

# --- time -------------------------------------------------------------------------------------------------------------

# jump HOW: to another date. What is timed goes by the clock that nobody sets.
jump() {
    local passed
    passed=$(passes)
    date -s "$1" >/dev/null
    sleep 4
    check "the clock jumps by $1: no storm of passes" at_most $(( $(passes) - passed )) 10
    check "the clock jumps by $1: still ready" ready a
    check "the clock jumps by $1: what is put on trial waits" says '^DocumentKept: False.*twobox confirm'
    ip -n a address delete "$VIP/32" dev "$IFACE"
    heals 6 "the clock jumps by $1, and the VIP is deleted"
    check "the clock jumps by $1: status tells that day's date" last_pass_is_of "$(date -u +%Y-%m-%d)"
}
last_pass_is_of() { status_of a -o json | finds -F "\"last_pass\":{\"at\":\"$1"; }
clock_jumps() {
    stop_daemon a
    start_daemon a --allow-put
    document a | sed 's/"version": 1/"version":  1/' >"$BOXES/trial.json"
    check "a document is put on trial for ten minutes" "$TWOBOX" put "$BOXES/trial.json" --confirm 600s --api "unix:$BOXES/a.sock"
    jump "+1 year"
    jump "-366 days"
    check "the trial ends well" "$TWOBOX" confirm --api "unix:$BOXES/a.sock"
    stop_daemon a
    start_daemon a
}

stands_still() {
    kill -STOP "$(pid_of_daemon)"
    on a ipvsadm -C
    on a nft delete table inet twobox
    ip -n a address delete "$VIP/32" dev "$IFACE"
    ip -n a address delete "$VIP6/128" dev "$IFACE"
    on a sysctl -qw net.ipv4.ip_forward=0
    sleep 5
    kill -CONT "$(pid_of_daemon)"
    heals 6 "stopped for 5 s, and all is gone"
}

# --- another daemon ---------------------------------------------------------------------------------------------------

second_daemon() {
    ip netns exec a timeout 20 "$TWOBOX" run --document "$DOCUMENT" --state-dir "$BOXES/state-a" \
        --listen "unix:$BOXES/a.sock" 2>"$BOXES/second.log"
}
says_who() { cat "$BOXES/second.log"; finds "another twobox (process $(pid_of_daemon)) works" <"$BOXES/second.log"; }
two_daemons() {
    check "a second daemon on the same state directory exits 1" exits_with 1 second_daemon
    check "the second daemon says which one is there" says_who
    check "the first daemon lives" lives
    check "the first daemon still answers, and is ready" ready a
    on a ipvsadm -D -t "$VIP:80"
    heals 6 "a second daemon was refused, and a service is deleted"
}

FAULTS=(stands_still two_daemons clock_jumps lost_events hostile_neighbour bad_disk without_rights unloaded_ipvs
        interface_leaves)
trap 'umount -l "$BOXES/state-a" 2>/dev/null || true; boxes_down; testbed_down' EXIT
testbed_up
write_document a
check "the daemon becomes ready" start_daemon a
WELL=$(fingerprint a)
(( $# > 0 )) || set -- "${FAULTS[@]}"
for fault in "$@"; do
    "$fault"
    check "${fault//_/ }: afterwards all is well" healed_within 10
done
check "SIGTERM: exit 0" stop_daemon a
report
