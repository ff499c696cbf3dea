#!/usr/bin/env bash
# usage: embed.sh NAME=FILE ... > OUT.c
# C source of each file's bytes as `const struct page_file NAME` (sim/report/page_files.h). A file that is not there is empty.
set -eu
echo '#include "report/page_files.h"'
for pair in "$@"; do
    name=${pair%%=*} file=${pair#*=}
    length=0
    [ ! -f "$file" ] || length=$(wc -c <"$file")
    echo "static const char ${name}_text[] = {"
    [ "$length" -eq 0 ] || od -An -v -td1 "$file" | sed -E 's/ +(-?[0-9]+)/\1,/g'
    echo "0};"
    echo "const struct page_file $name = {${name}_text, $((length))};"
done
