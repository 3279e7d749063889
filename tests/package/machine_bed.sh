# Two machines for the package, `a` and `b`; to be sourced, with the package as $1, by a test that then calls
# `bed_up`. They are containers with systemd, a network and this machine's root below a layer that is thrown away. The
# bridge between them, 172.16.0.1, is in the caller's own namespace: whoever asks from there is a third machine. Where
# the kernel has IPVS, $ipvs is `yes`.
# shellcheck shell=bash
package=$(realpath "$1")
work=${TWOBOX_MACHINES_WORK:-}
# As in the reference and in the example documents.
IFACE=enp0s3

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
        tail -n 40 "$work/out" | sed 's/^/#   /'
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
    # man-db would index every manual anew after each change of a package, for minutes in an emulated machine.
    rm -f "$root/var/lib/man-db/auto-update"
    cp "$package" "$root/root/twobox.deb"
    in_own_cgroup "$machine" systemd-nspawn --quiet --register=no --keep-unit --network-bridge=wire \
        --directory="$root" --machine="$machine" --bind="$work/shared" --console=pipe --boot systemd.unit=basic.target \
        </dev/null >"$work/$machine/console" 2>&1 &
    local nspawn=$!
    eventually 120 has_leader "$machine" "$nspawn" || return
    eventually 600 on "$machine" systemctl --quiet is-active basic.target || return
    # nspawn's own number of the boot covers the kernel's, but not in the /proc that systemd gives a service: to the
    # service and to who removes the package this would be two boots, as on no real machine.
    on "$machine" umount /proc/sys/kernel/random/boot_id 2>/dev/null || true
    on "$machine" ip link set host0 name "$IFACE" address "$mac" up || return
    on "$machine" ip address add "$address/24" dev "$IFACE"
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
# Not the child by which systemd-nspawn starts it, which ends soon.
has_leader() {
    leader[$1]=$(pgrep -P "$2" -x systemd)
}

# bed_up: skips the test where such machines can't be made.
bed_up() {
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
    # By the machine's own tool, since the module may be built in.
    modprobe ip_vs 2>/dev/null || true
    [[ ! -e /proc/net/ip_vs ]] || ipvs=yes
    boot a 08:00:27:77:84:ef 172.16.0.31 || does_not_boot a
    boot b 08:00:27:e1:3c:c5 172.16.0.32 || does_not_boot b
}
does_not_boot() {
    cat "$work/$1/console"
    [[ -z ${leader[$1]:-} ]] || on "$1" systemctl --no-pager list-jobs || true
    skip "systemd does not boot in a container here"
}

has_vip() { on "$1" ip -brief address show dev "$IFACE" | grep -qwF 172.16.0.30/32; }
ready() { on "$1" twobox status >/dev/null; }
is() { [[ $1 == "$2" ]] || { echo "$1, expected $2"; return 1; }; }

# A web server on each machine. It listens on the machine's own address too, as redirect needs it.
serve_web() {
    local machine
    for machine in a b; do
        on "$machine" "$PWD/build/release/tests/web" serve "$machine" :: 80 >/dev/null 2>&1 &
    done
}
# answers COUNT: who answers at the VIP, letter by letter.
answers() {
    local names=
    for (( i = 0; i < $1; i++ )); do names+=$(curl -s --max-time 2 http://172.16.0.30/) || return; done
    echo "$names"
}
alternate() {
    local names
    names=$(answers 4) && echo "$names" && [[ $names == abab || $names == baba ]]
}

# The last line of a test, and its verdict.
report() {
    echo "$passed passed, $failed failed"
    (( failed == 0 ))
}
