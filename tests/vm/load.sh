# shellcheck shell=bash
# Requests from the test bed's client at a fixed rate, whatever becomes of them; to be sourced after testbed.sh.

# load_start ADDRESS PORT RATE [OPTION...]: returns once answers come.
load_start() {
    coproc _load { exec ip netns exec client "$_testbed_web" load "$@"; }
    eventually 60 _load_runs
}

# load_sum: what has become of the requests since the last call: a=.. b=.. failed=.. late=..
load_sum() {
    local sum
    echo >&"${_load[1]}"
    read -r sum <&"${_load[0]}"
    echo "$sum"
}
_load_runs() { [[ $(load_sum) == *=[1-9]* ]]; }

load_stop() {
    local pid=${_load_PID:-}
    [[ -n $pid ]] || return 0
    exec {_load[1]}>&-
    wait "$pid" 2>/dev/null || true
}
