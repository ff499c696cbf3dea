# bash completion for pagesim: commands, then the options that the command's own --help lists
_pagesim() {
    local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]-}
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "replay curve compare sweep size tune capacity explain ledger validate fit report figures trace config --help --version" -- "$word")
    elif [[ $word == -* ]]; then
        local sub=()
        [[ $command == trace || $command == config ]] && sub=("${COMP_WORDS[2]-}")
        mapfile -t COMPREPLY < <(compgen -W "$(pagesim "$command" "${sub[@]}" --help 2>/dev/null | grep -oE '^  --[a-z0-9-]+' | tr -d ' ')" -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}
complete -o filenames -F _pagesim pagesim
