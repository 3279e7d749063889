#!/bin/bash
# The first day of somebody with two fresh machines and README.md: first_day.sh PACKAGE.deb
#
# Runs the commands of README's section "Install" as they stand there, on the machines that the remark behind each names:
# from the package to a VIP that both machines answer at, in the ten minutes that are promised; then on to a master that
# fails over; and at last one machine is lost. Exit status 77 where such machines can't be made. Run it by:
# tests/vm/guest --timeout 1800 tests/package/first_day.sh build/package/twobox.deb
#
# Who runs them here is root already, so that `sudo` is a script which finds what root finds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/package/machine_bed.sh

# block NUMBER: the commands of that fenced block of the section.
block() {
    awk -v wanted="$1" '
        /^## / { inside = /^## Install/ }
        inside && /^```/ { fences++; next }
        inside && fences == 2 * wanted - 1 && NF' README.md
}

# by_hand MACHINE COMMAND: in a home folder, with the PATH of a user.
by_hand() {
    on "$1" env -i HOME=/root PATH=/usr/local/bin:/usr/bin:/bin bash -c "cd && $2" </dev/null
}
# Without a network, what Debian has is of no use to apt, which takes minutes to read it in an emulated machine.
prepare() {
    local root=$work/$1/root
    cp "$package" "$root/root"
    rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin
    mkdir -p "$root/usr/local/bin"
    printf '#!/bin/sh\nPATH=/usr/local/sbin:/usr/sbin:/sbin:$PATH exec "$@"\n' >"$root/usr/local/bin/sudo"
    chmod +x "$root/usr/local/bin/sudo"
}

says_ready() { by_hand "$1" "$2" >"$work/status" && grep '^Ready: True' "$work/status" || { cat "$work/status"; return 1; }; }
differs() {
    local status=0
    by_hand "$1" "$2" || status=$?
    (( status == 2 ))
}
alternates() {
    local names=
    for _ in 1 2 3 4; do names+=$(bash -c "$1") || return; done
    echo "$names"
    [[ $names == abab || $names == baba ]]
}
is_package_of() { [[ $1 == *"/${package##*/}" ]] || { echo "README has $1; the package is ${package##*/}"; return 1; }; }

# do_on MACHINE COMMAND
do_on() {
    case $2 in
        "sudo twobox status") check "$1: $2" eventually 30 says_ready "$1" "$2" ;;
        "sudo twobox diff "*) check "$1: $2" differs "$1" "$2" ;;
        *) check "$1: $2" by_hand "$1" "$2" ;;
    esac
}

# follow_line LINE: COMMAND  # WHERE...
follow_line() {
    local command remark
    command=$(sed 's/  *# .*//' <<<"$1") remark=${1##*# }
    case $remark in
        "on both"*) do_on a "$command"; do_on b "$command" ;;
        "on a, then on b"*) do_on a "$command"; do_on b "$command" ;;
        "on b, then on a"*) do_on b "$command"; do_on a "$command" ;;
        "on a: "[ab]" is master"*) do_on a "$command"; check "${remark#on a: }" eventually 30 has_vip "${remark:6:1}" ;;
        "on a"*) do_on a "$command" ;;
        "from a third machine"*) check "client: $command" eventually 30 alternates "$command" ;;
        "once, anywhere: "*) check "it builds what is installed then" is_package_of "${remark##*: }" ;;
        *) check "README says where: $1" false ;;
    esac
}
follow() {
    local line
    while read -r line <&3; do follow_line "$line"; done 3< <(block "$1")
}

# The limit is three times what is promised, because the guest is emulated on a machine that others use too.
served_in_time() {
    local took=$(( SECONDS - began ))
    echo "# from the package to a served VIP: $took s of commands; promised 600 s"
    check "a VIP is served in time" test "$took" -le 1800
}

# loses_a: its web server goes with it, so that only checks keep requests from it.
loses_a() {
    local lost=$SECONDS
    kill -KILL "${leader[a]}"
    check "a is lost: b answers all" eventually 60 b_alone
    echo "# a is lost: b answers all after $(( SECONDS - lost )) s"
}
b_alone() { [[ $(answers 6) == bbbbbb ]]; }

bed_up
[[ $ipvs ]] || skip "this kernel has no IPVS"
serve_web
for machine in a b; do prepare "$machine"; done
began=$SECONDS
follow 1
served_in_time
follow 2
check "both answer in turn, by whoever is master" eventually 30 alternate
loses_a
report
