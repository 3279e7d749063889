#!/bin/bash
# The package on two machines, from installing to purging: machines.sh PACKAGE.deb
#
# The machines a and b are containers with systemd, a network and this machine's root below a layer that is thrown
# away. Where the kernel has IPVS (in the guest) they serve a VIP; elsewhere they hold one without services.
# TWOBOX_ANSIBLE=no leaves Ansible out. Exit status 77 where such machines can't be made.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
package=$(realpath "$1")
work=${TWOBOX_MACHINES_WORK:-}

skip() { echo "SKIPPED: $1" >&2; exit 77; }
if [[ -z $work ]]; then
    (( EUID == 0 )) || skip "containers need root"
    [[ -x /usr/bin/systemd-nspawn ]] || skip "systemd-container is not installed"
    # Not in /tmp, which the containers have to themselves: what is shared has the same path everywhere.
    work=$(mktemp -d -p /var/tmp)
    status=0
    # All that is started here ends with the process namespace, and all that is mounted with the mount namespace.
    TWOBOX_MACHINES_WORK=$work unshare --mount --net --pid --fork --kill-child --mount-proc "$0" "$package" || status=$?
    rmdir "$work"
    exit "$status"
fi

passed=0
failed=0
declare -A leader=()

# check DESCRIPTION COMMAND...
check() {
    local description=$1
    shift
    if "$@" >"$work/out" 2>&1; then
        echo "ok - $description"
        passed=$(( passed + 1 ))
    else
        echo "not ok - $description"
        sed 's/^/#   /' "$work/out"
        failed=$(( failed + 1 ))
    fi
}

# eventually SECONDS COMMAND...
eventually() {
    local end=$(( SECONDS + $1 ))
    shift
    until "$@" 2>/dev/null; do
        (( SECONDS < end )) || return 1
        sleep 0.2
    done
}

# not COMMAND...
not() { ! "$@"; }

# on MACHINE COMMAND...
on() {
    local machine=$1
    shift
    nsenter -t "${leader[$machine]}" --all -- "$@"
}

# The machine a has 172.16.0.31, and so on.
boot() {
    local machine=$1 mac=$2 address=$3 root=$work/$1/root
    mkdir -p "$work/$machine"/{upper,work,root}
    mount -t overlay overlay -o "lowerdir=/,upperdir=$work/$machine/upper,workdir=$work/$machine/work" "$root"
    echo "$machine" >"$root/etc/hostname"
    # What images for containers forbid by this is what is tested here.
    rm -f "$root/usr/sbin/policy-rc.d" "$root/etc/machine-id"
    : >"$root/etc/machine-id"
    cp "$package" "$root/root/twobox.deb"
    in_own_cgroup "$machine" systemd-nspawn --quiet --register=no --keep-unit --network-bridge=wire \
        --directory="$root" --machine="$machine" --bind="$work/shared" --console=pipe --boot systemd.unit=basic.target \
        </dev/null >"$work/$machine/console" 2>&1 &
    local nspawn=$!
    eventually 120 has_leader "$machine" "$nspawn" || return
    eventually 600 on "$machine" systemctl --quiet is-active basic.target || return
    on "$machine" ip link set host0 address "$mac" up || return
    on "$machine" ip address add "$address/24" dev host0
}
# Where the test has mounted it, nobody has made groups in it; the containers would get into each other's way.
in_own_cgroup() {
    if [[ $cgroup ]]; then
        mkdir -p "$cgroup/$1"
        echo "$BASHPID" >"$cgroup/$1/cgroup.procs"
    fi
    shift
    exec "$@"
}
has_leader() {
    leader[$1]=$(pgrep -P "$2" | head -n 1) && [[ -n ${leader[$1]} && -e /proc/${leader[$1]}/ns/net ]]
}

main_pid() { on "$1" systemctl show -P MainPID twobox; }
status_text_has() { on "$1" systemctl show -P StatusText twobox | grep -qF "$2"; }
has_vip() { on "$1" ip -brief address show dev host0 | grep -qwF 172.16.0.30/32; }
ready() { on "$1" twobox status >/dev/null; }
is() { [[ $1 == "$2" ]] || { echo "$1, expected $2"; return 1; }; }

document() {
    local services='[]'
    # By the machine's own tool, since the module may be built in.
    [[ $ipvs ]] && services='[{"protocol": "tcp", "port": 80, "scheduler": "rr"}]'
    cat <<JSON
{
  "version": 1,
  "nodes": {
    "a": {"addresses": ["172.16.0.31"], "macs": ["08:00:27:77:84:ef"]},
    "b": {"addresses": ["172.16.0.32"], "macs": ["08:00:27:e1:3c:c5"]}
  },
  "vips": {
    "web": {
      "address": "172.16.0.30", "interface": "host0", "role": {"master": "a"}, "bypass": "redirect",
      "services": $services
    }
  },
  "sysctls": {"net.ipv4.ip_forward": "1"}
}
JSON
}

installs() {
    check "a: dpkg installs it" on a dpkg --install /root/twobox.deb
    check "a: the service runs at once" on a systemctl is-active twobox.service twobox.socket
    check "a: both are enabled" on a systemctl is-enabled twobox.service twobox.socket
    check "a: it runs as twobox" is "$(on a ps -o user= -p "$(main_pid a)")" twobox
    check "a: it has CAP_NET_ADMIN and CAP_NET_RAW and no more" \
        is "$(on a sed -n 's/^Cap\(Prm\|Eff\|Bnd\|Amb\):\t//p' "/proc/$(main_pid a)/status" | sort -u)" 0000000000003000
    check "a: its state directory is its own" is "$(on a stat -c '%U %a' /var/lib/twobox)" "twobox 700"
    check "a: its socket is its group's" is "$(on a stat -c '%U %G %a' /run/twobox/api.sock)" "root twobox 660"
    check "a: without a document it says so" status_text_has a "no valid document"
    check "a: it is alive" on a curl -sf --unix-socket /run/twobox/api.sock http://localhost/healthz
    check "a: keepalived's pipe is there for it to read" \
        is "$(on a stat -c '%F %U %G %a' /run/keepalived/vrrp.fifo)" "fifo root twobox 640"
    check "a: its manual is there" on a man -w twobox twobox.json twobox-api
}

serves() {
    document >"$work/twobox.json"
    on a tee /etc/twobox/twobox.json <"$work/twobox.json" >/dev/null
    check "a: it acts on a document as soon as there is one" eventually 20 ready a
    check "a: it has the VIP" has_vip a
    check "a: systemctl status says so" status_text_has a "node a, web master: the kernel is as"
    check "a: a user with CAP_NET_ADMIN alone writes sysctls" is "$(on a sysctl -n net.ipv4.ip_forward)" 1
    on a sysctl -qw net.ipv4.ip_forward=0
    check "a: and puts them back" eventually 10 is_forwarding a
    check "a: it has its nft table" on a nft list table inet twobox
    check "a: the journal has the change as fields" eventually 10 journal_has a TWOBOX_CAUSE=drift
}
is_forwarding() { [[ $(on "$1" sysctl -n net.ipv4.ip_forward) == 1 ]]; }
journal_has() { on "$1" journalctl -q -n 1 "$2" | grep -q .; }

# Whoever takes the VIP away is seen here, however short it was gone.
watch_address() {
    : >"$work/monitor"
    on a ip -o monitor address >"$work/monitor" 2>&1 &
    watcher=$!
    sleep 0.5
}
address_never_left() {
    kill "$watcher" && wait "$watcher" || true
    not grep -F 172.16.0.30 "$work/monitor"
}

restarts() {
    local before
    watch_address
    before=$(main_pid a)
    check "a: systemctl restart" on a systemctl restart twobox
    check "a: it is another process and ready" eventually 20 is_other_and_ready a "$before"
    check "a: systemctl reload" on a systemctl reload twobox
    check "a: the VIP never left" address_never_left
    on a systemctl stop twobox.service
    check "a: stopped, it leaves the VIP" has_vip a
    check "a: a call to its socket starts it" on a curl -sf --unix-socket /run/twobox/api.sock http://localhost/healthz
    check "a: and so it runs" on a systemctl is-active twobox.service
    on a systemctl stop twobox.service twobox.socket
    check "a: root may apply meanwhile" on a twobox apply /etc/twobox/twobox.json
    check "a: and what root left does not keep it from starting" on a systemctl start twobox.service
    check "a: it is ready again" eventually 20 ready a
}
# The service may neither write below /etc nor change owners, unless it is let.
takes_documents() {
    on a mkdir -p /etc/systemd/system/twobox.service.d
    printf '[Service]\nReadWritePaths=/etc/twobox\n' | on a tee /etc/systemd/system/twobox.service.d/test.conf >/dev/null
    on a cp /etc/default/twobox /root/options
    echo 'TWOBOX_OPTIONS=--document /etc/twobox/twobox.json --allow-put' | on a tee /etc/default/twobox >/dev/null
    on a chown -R twobox:twobox /etc/twobox
    on a systemctl daemon-reload
    on a systemctl restart twobox
    sed 's/"1"}/"1", "net.ipv4.conf.host0.log_martians": "1"}/' "$work/twobox.json" >"$work/a/root/root/other.json"
    check "a: with --allow-put it writes its document" on a twobox put /root/other.json
    check "a: which is that then" on a cmp /etc/twobox/twobox.json /root/other.json
    check "a: and acts on it" is "$(on a sysctl -n net.ipv4.conf.host0.log_martians)" 1
    on a rm -r /etc/systemd/system/twobox.service.d
    on a mv /root/options /etc/default/twobox
    on a chown -R root:root /etc/twobox
    on a tee /etc/twobox/twobox.json <"$work/twobox.json" >/dev/null
    on a systemctl daemon-reload
    on a systemctl restart twobox
}
is_other_and_ready() { [[ $(main_pid "$1") != "$2" ]] && ready "$1"; }

hangs() {
    local before
    on a mkdir -p /etc/systemd/system/twobox.service.d
    printf '[Service]\nWatchdogSec=3\nTimeoutAbortSec=1\n' |
        on a tee /etc/systemd/system/twobox.service.d/test.conf >/dev/null
    on a systemctl daemon-reload
    on a systemctl restart twobox
    before=$(main_pid a)
    sleep 7
    check "a: the watchdog lets a daemon alone that lives" is "$(main_pid a)" "$before"
    watch_address
    on a kill -STOP "$before"
    check "a: one that hangs is started again" eventually 30 is_other_and_ready a "$before"
    check "a: for its silence, as the journal says" on a journalctl -q -u twobox -g "Watchdog timeout"
    check "a: the VIP never left" address_never_left
    on a rm -r /etc/systemd/system/twobox.service.d
    on a systemctl daemon-reload
    on a systemctl restart twobox
}

# The same files by another version: what dpkg does with them is what matters.
next_version() {
    rm -rf "$work/next"
    dpkg-deb --raw-extract "$package" "$work/next"
    sed -i 's/^Version: .*/&+1/' "$work/next/DEBIAN/control"
    dpkg-deb --root-owner-group --build "$work/next" "$work/next.deb" >/dev/null
    rm -r "$work/next"
}

upgrades() {
    local before record
    next_version
    before=$(main_pid a)
    record=$(on a sh -c 'cat /var/lib/twobox/ownership.*')
    watch_address
    cp "$work/next.deb" "$work/a/root/root/next.deb"
    check "a: dpkg upgrades it" on a dpkg --install /root/next.deb
    check "a: the new one runs and is ready" eventually 20 is_other_and_ready a "$before"
    check "a: the VIP never left" address_never_left
    check "a: its socket is systemd's still" is "$(on a stat -c '%U %G %a' /run/twobox/api.sock)" "root twobox 660"
    check "a: it remembers what is its own" is "$(on a sh -c 'cat /var/lib/twobox/ownership.*')" "$record"
}

# Ansible runs here, its modules in the machines.
ansible() {
    local machine check_mode=$1
    shift
    for machine in a b; do
        printf '#!/bin/sh\nexec nsenter -t %s --all -- /usr/bin/python3 "$@"\n' "${leader[$machine]}" >"$work/python-$machine"
        chmod +x "$work/python-$machine"
    done
    cat >"$work/inventory" <<INI
[twobox]
a ansible_python_interpreter=$work/python-a
b ansible_python_interpreter=$work/python-b
[twobox:vars]
ansible_connection=local
ansible_remote_tmp=$work/shared
twobox_document=$work/twobox.json
twobox_package=$work/next.deb
INI
    ANSIBLE_LOCALHOST_WARNING=0 ANSIBLE_NOCOLOR=1 /usr/bin/ansible-playbook -i "$work/inventory" \
        deploy/ansible/site.yml ${check_mode:+--check} "$@" >"$work/ansible" 2>&1 ||
        { cat "$work/ansible"; return 1; }
}
recap() { grep -E "^$1 +: .*\b$2\b" "$work/ansible" || { cat "$work/ansible"; return 1; }; }

# What Ansible does otherwise.
joins_by_hand() {
    check "b: dpkg installs it" on b dpkg --install /root/twobox.deb
    on b tee /etc/twobox/twobox.json <"$work/twobox.json" >/dev/null
    check "b: it is ready" eventually 20 ready b
    check "b: it is backup" status_text_has b "node b, web backup"
}

plays() {
    sed -i 's/"net.ipv4.ip_forward": "1"/"net.ipv4.ip_forward": "1", "net.ipv4.conf.all.log_martians": "1"/' "$work/twobox.json"
    check "ansible: check mode works on a machine with twobox and on one without" ansible check
    check "ansible: and shows what the kernel of a would be changed by" grep -F "sysctl -w net.ipv4.conf.all.log_martians=1" "$work/ansible"
    check "ansible: and changes nothing" is "$(on a sysctl -n net.ipv4.conf.all.log_martians)" 0
    check "ansible: the role installs and configures both" ansible ""
    check "ansible: a is ready" ready a
    check "ansible: b is ready" ready b
    check "ansible: b is backup" status_text_has b "node b, web backup"
    check "ansible: b has no VIP" not has_vip b
    check "ansible: the kernel of a is as the new document wants it" is "$(on a sysctl -n net.ipv4.conf.all.log_martians)" 1
    check "ansible: once more" ansible ""
    check "ansible: and nothing changes on a" recap a changed=0
    check "ansible: nor on b" recap b changed=0
    cp "$work/twobox.json" "$work/good.json"
    sed -i 's/"version": 1/"version": 2/' "$work/twobox.json"
    check "ansible: a bad document fails" not ansible ""
    check "ansible: in check mode too" not ansible check
    check "ansible: and stays where it is" cmp "$work/a/root/etc/twobox/twobox.json" "$work/good.json"
    cp "$work/good.json" "$work/twobox.json"
}

answers() {
    local machine
    for machine in a b; do
        # The servers listen on the machine's own address too, as redirect needs it.
        on "$machine" "$PWD/build/release/tests/web" serve "$machine" :: 80 >/dev/null 2>&1 &
    done
    check "a client is answered by both in turn" eventually 20 alternate
}
alternate() {
    local answers=
    for _ in 1 2 3 4; do answers+=$(curl -s --max-time 2 http://172.16.0.30/) || return; done
    echo "$answers"
    [[ $(grep -o 'a' <<<"$answers" | wc -l) == 2 && $(grep -o 'b' <<<"$answers" | wc -l) == 2 ]]
}

leaves() {
    check "a: dpkg removes it" on a dpkg --remove twobox
    sed -n 's/^[-~] /#   &/p' "$work/out"
    check "a: the daemon is gone" not on a pgrep -x twobox
    check "a: so is the VIP" not has_vip a
    check "a: so is its nft table" not on a nft list table inet twobox
    check "a: so is its socket" not on a test -e /run/twobox/api.sock
    check "a: its state directory stays" on a test -d /var/lib/twobox
    check "a: so does the document" on a test -e /etc/twobox/twobox.json
    check "a: dpkg purges it" on a dpkg --purge twobox
    check "a: its record is gone" not on a test -e /var/lib/twobox
    check "a: so are its options" not on a test -e /etc/default/twobox
    check "a: the document stays all the same" on a test -e /etc/twobox/twobox.json
    check "a: so does the user" on a id twobox
    check "a: no unit is left" not on a systemctl cat twobox.service
    check "b: goes on" ready b
}

mount -t tmpfs -o mode=0755 machines "$work"
mkdir "$work/shared"
# The guest has none, and systemd needs one.
cgroup=
if ! mountpoint -q /sys/fs/cgroup; then
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    cgroup=/sys/fs/cgroup
fi
ip link add wire type bridge
ip address add 172.16.0.1/24 dev wire
ip link set wire up
ipvs=
modprobe ip_vs 2>/dev/null || true
[[ ! -e /proc/net/ip_vs ]] || ipvs=yes
boot a 08:00:27:77:84:ef 172.16.0.31 || { cat "$work/a/console"; skip "systemd does not boot in a container here"; }
boot b 08:00:27:e1:3c:c5 172.16.0.32 || { cat "$work/b/console"; skip "systemd does not boot in a container here"; }
installs
serves
restarts
takes_documents
hangs
upgrades
if [[ ${TWOBOX_ANSIBLE:-yes} == no || ! -x /usr/bin/ansible-playbook ]]; then
    echo "# skipped: Ansible is not installed, or not asked for"
    joins_by_hand
else
    plays
fi
if [[ $ipvs ]]; then answers; else echo "# skipped: this kernel has no IPVS, so no service is asked"; fi
leaves
echo "$passed passed, $failed failed"
(( failed == 0 ))
