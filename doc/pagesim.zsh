#compdef pagesim
# zsh completion for pagesim: commands, then the options that the command's own --help lists
if (( CURRENT == 2 )); then
    compadd replay curve compare sweep size tune capacity explain ledger validate fit report figures trace config --help --version
elif [[ $words[CURRENT] == -* ]]; then
    compadd -- ${(f)"$(pagesim $words[2] ${words[3]:#-*} --help 2>/dev/null | grep -oE '^  --[a-z0-9-]+' | tr -d ' ')"}
else
    _files
fi
