#!/bin/zsh -f
# What zsh completes, at a prompt of its own: completion.zsh FOLDER_OF_PROGRAM
cd ${0:A:h}/../..
zmodload zsh/zpty
passed=0 failed=0

zpty shell "PATH=$1:$PATH TERM=dumb zsh -f -i"
zpty -w shell "fpath=($PWD/deploy/completion \$fpath); autoload -Uz compinit; compinit -D -u; PS1=; unset zle_bracketed_paste"
# ^X prints the line between two signs and empties it; one more sign says that all is set up.
zpty -w shell 'out() { print -r -- "@$BUFFER@"; BUFFER=; }; zle -N out; bindkey "^X" out; bindkey "^I" complete-word'
zpty -w shell 'print set''-up'
zpty -r -m shell reply '*set-up*'

# completes LINE EXPECTED: LINE and a tab.
completes() {
    local reply
    zpty -w -n shell "$1"$'\t\x18'
    zpty -r -m shell reply '*@*@*'
    reply=${${reply%@*}##*@}
    if [[ $reply == "$2" ]]; then
        print -r -- "ok - zsh: $1 -> $reply"
        (( ++passed ))
    else
        print -r -- "not ok - zsh: $1 -> $reply, expected $2"
        (( ++failed ))
    fi
}

completes 'twobox rend' 'twobox render '
completes 'twobox render k' 'twobox render keepalived '
completes 'twobox import k' 'twobox import keepalived '
completes 'twobox run --allow' 'twobox run --allow-put '
completes 'twobox run --docu' 'twobox run --document='
completes 'twobox role web ba' 'twobox role web backup '
completes 'twobox explain vr' 'twobox explain vrrp-dropped '
completes 'twobox diff -o j' 'twobox diff -o json '
completes 'twobox validate schema/examples/wei' 'twobox validate schema/examples/weighted.json '
print "$passed passed, $failed failed"
(( failed == 0 ))
