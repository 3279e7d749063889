# bash completion for twobox(8). Commands and options are what the program's own --help says, so that they need
# no list here.

# The first words of the lines below "Subcommands:".
_twobox_commands() {
    "$@" --help 2>/dev/null | sed -n '/^Subcommands:/,$s/^  \([a-z][a-z-]*\) .*/\1/p'
}

_twobox() {
    local cur prev words cword split
    _init_completion -s || return

    # The program and the commands so far: `twobox`, `twobox render`, `twobox render keepalived`.
    local program=("${words[0]}") word choices
    for word in "${words[@]:1:cword - 1}"; do
        [[ " $(_twobox_commands "${program[@]}" | tr '\n' ' ')" == *" $word "* ]] && program+=("$word")
    done

    case $prev in
        -o | --output)
            mapfile -t COMPREPLY < <(compgen -W "text json" -- "$cur")
            return ;;
        --document | --tls-* | --token-file | --expect)
            _filedir
            return ;;
        --state-dir)
            _filedir -d
            return ;;
        --node | --api | --peer | --listen | --resync | --limit | --wait | --if-match | --confirm) return ;;
    esac
    $split && return

    if [[ $cur == -* ]]; then
        choices=$("${program[@]}" --help 2>/dev/null | grep -oE '^  (-[a-z],)?--[a-z-]+' | grep -oE -- '--.*')
    else
        choices=$(_twobox_commands "${program[@]}")
        [[ ${program[1]-} != role ]] || choices="master backup fault document"
        [[ ${program[1]-} != explain ]] || choices=$("${words[0]}" explain 2>/dev/null | cut -d' ' -f1)
        [[ -n $choices ]] || _filedir "$([[ ${program[1]-} == import ]] && echo conf || echo json)"
    fi
    [[ -z $choices ]] || mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$cur")
} && complete -F _twobox twobox
