#!/usr/bin/env bash
# usage: lint.sh FILE...   (from the project's folder; LIBRARY_CFLAGS as pkg-config gives them)
# clang-format and clang-tidy over the files given. Prints findings and fails when there are any.
set -u
failed=0
mkdir -p build
# One file needs MPI's header, which make deps does not install.
mpi_cflags=$(pkg-config --cflags ompi-c 2>/dev/null | sed 's/-I/-isystem /g')
without_mpi() { if [ -n "$mpi_cflags" ]; then cat; else grep -v '/ranks_mpi\.c$'; fi; }
export LIBRARY_CFLAGS="${LIBRARY_CFLAGS-} $mpi_cflags"
[ -n "$mpi_cflags" ] || echo "lint: Open MPI is not installed; sim/study/ranks_mpi.c is not looked at"
echo "lint: clang-format over $# files"
clang-format --dry-run -Werror "$@" || failed=1

sources=()
for file in "$@"; do
    case $file in *.c) sources+=("$file") ;; esac
done
echo "lint: clang-tidy over ${#sources[@]} files (headers come with them)"
# One a processor; each takes a few seconds. Findings are errors (.clang-tidy).
printf '%s\n' "${sources[@]}" | without_mpi | xargs -P "${LINT_JOBS:-$(nproc)}" -n 4 sh -c '
    # shellcheck disable=SC2086
    clang-tidy --quiet "$@" -- -std=c11 -D_GNU_SOURCE -fopenmp -Iinclude -Icore -Isim -Itests $LIBRARY_CFLAGS 2>&1 |
        grep -vE "^[0-9]+ warnings? (generated|treated)|^Suppressed|^Use -header-filter" || true
    ' sh >build/lint.txt || failed=1
if grep -qE '(error|warning):' build/lint.txt; then
    cat build/lint.txt
    failed=1
fi
# macOS and others have no _GNU_SOURCE.
echo "lint: core and sim with POSIX alone"
# shellcheck disable=SC2086
printf '%s\n' core/*.c sim/*/*.c | without_mpi | xargs -P "${LINT_JOBS:-$(nproc)}" -n 40 "${CLANG:-clang}" -std=c11 -D_POSIX_C_SOURCE=200809L -fsyntax-only -Wall -Werror \
    -Wno-unknown-pragmas -Iinclude -Icore -Isim -DPAGESIM_DATA='""' $LIBRARY_CFLAGS || failed=1

if [ $failed -ne 0 ]; then
    echo "lint: findings above"
    exit 1
fi
echo "lint: nothing found"
