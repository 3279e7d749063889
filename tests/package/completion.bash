#!/bin/bash
# What bash completes, asked of the script itself: completion.bash FOLDER_OF_PROGRAM
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export PATH=$1:$PATH
set +eu  # bash-completion is not written for them
source /usr/share/bash-completion/bash_completion
source deploy/completion/twobox.bash
passed=0
failed=0

# offers EXPECTED WORDS...: the last word, which may be "", is completed to these.
offers() {
    local expected=$1
    shift
    COMP_WORDS=("$@") COMP_CWORD=$(( $# - 1 )) COMP_LINE="$*" COMPREPLY=()
    COMP_POINT=${#COMP_LINE}
    _twobox
    if [[ ${COMPREPLY[*]} == $expected ]]; then
        echo "ok - bash: $* -> ${COMPREPLY[*]}"
        passed=$(( passed + 1 ))
    else
        echo "not ok - bash: $* -> ${COMPREPLY[*]}, expected $expected"
        failed=$(( failed + 1 ))
    fi
}

offers "*validate*run*schema*" twobox ""
offers "render" twobox ren
offers "keepalived" twobox render ""
offers "keepalived" twobox import ""
offers "--help*--document*--resync*" twobox run --
offers "--large" twobox render keepalived --l
offers "text json" twobox diff -o ""
offers "master" twobox role web ma
offers "vrrp-dropped" twobox explain vr
offers "schema/examples/weighted.json" twobox validate schema/examples/wei
offers "schema/examples/weighted.json" twobox run --allow-put --document schema/examples/wei
echo "$passed passed, $failed failed"
(( failed == 0 ))
