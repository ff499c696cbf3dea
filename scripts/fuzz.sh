#!/usr/bin/env bash
# usage: BUILD=build/fuzz [FUZZ_SEED=NUMBER] [FUZZ_JOBS=N] fuzz.sh SECONDS TARGET...
# Runs each fuzz target for so long, from the inputs of tests/fuzz/{seeds,found}/TARGET and what earlier runs have learnt
# ($BUILD/corpus/TARGET). Stops at the first finding, whose input stays in $BUILD/findings; mend it and keep it in tests/fuzz/found/TARGET.
set -eu
seconds=$1
shift
# Several targets side by side: each is one thread.
if [ $# -gt 1 ] && [ "${FUZZ_JOBS:-1}" -gt 1 ]; then
    printf '%s\n' "$@" | xargs -P "$FUZZ_JOBS" -n 1 "$0" "$seconds"
    exit
fi
export ASAN_OPTIONS="detect_leaks=1:allocator_may_return_null=1" UBSAN_OPTIONS="print_stacktrace=1" OMP_NUM_THREADS=1
mkdir -p "$BUILD/findings"
for target in "$@"; do
    corpus=$BUILD/corpus/$target log=$BUILD/$target.log
    options=(-max_total_time="$seconds" -seed="${FUZZ_SEED:-0}" -rss_limit_mb=2048 -timeout=10 -max_len=4096 -print_final_stats=1 -artifact_prefix="$BUILD/findings/$target-")
    [ ! -f "tests/fuzz/$target.dict" ] || options+=("-dict=tests/fuzz/$target.dict")
    mkdir -p "$corpus"
    echo "fuzz: $target, $seconds s"
    if ! "$BUILD/fuzz/$target" "${options[@]}" "$corpus" tests/fuzz/*/"$target" >"$log" 2>&1; then
        tail -n 60 "$log"
        echo "fuzz: $target has a finding, see $log"
        exit 1
    fi
    grep -a 'DONE' "$log" | tail -n 1
done
echo "fuzz: nothing found"
