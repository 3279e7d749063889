#!/bin/bash
# The package on two machines, from installing to purging: machines.sh PACKAGE.deb
#
# Where the kernel has IPVS (in the guest) the machines serve a VIP; elsewhere they hold one without services.
# TWOBOX_ANSIBLE=no leaves Ansible out. Exit status 77 where such machines can't be made.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/package/machine_bed.sh

main_pid() { on "$1" systemctl show -P MainPID twobox; }
status_text_has() { on "$1" systemctl show -P StatusText twobox | grep -qF "$2"; }

document() {
    local services='[]'
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
      "address": "172.16.0.30", "interface": "$IFACE", "role": {"master": "a"}, "bypass": "redirect",
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
    sed "s/\"1\"}/\"1\", \"net.ipv4.conf.$IFACE.log_martians\": \"1\"}/" "$work/twobox.json" >"$work/a/root/root/other.json"
    check "a: with --allow-put it writes its document" on a twobox put /root/other.json
    check "a: which is that then" on a cmp /etc/twobox/twobox.json /root/other.json
    check "a: and acts on it" is "$(on a sysctl -n "net.ipv4.conf.$IFACE.log_martians")" 1
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
    check "a: dpkg upgrades it once more" on a dpkg --install /root/next.deb
    check "a: it is ready" eventually 20 ready a
    check "a: its socket runs still" on a systemctl is-active twobox.socket
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

is_served() {
    serve_web
    check "a client is answered by both in turn" eventually 20 alternate
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

bed_up
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
if [[ $ipvs ]]; then is_served; else echo "# skipped: this kernel has no IPVS, so no service is asked"; fi
leaves
report
