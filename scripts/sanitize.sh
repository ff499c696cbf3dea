#!/usr/bin/env bash
# usage: BUILD=build/asan sanitize.sh asan   |   BUILD=build/tsan sanitize.sh tsan PROGRAM...   |   BUILD=build/release sanitize.sh valgrind
# Runs tests and replays in a sanitized build. Reports go to files, because a leak does not fail a Criterion test: any file is a failure. So is a
# test that fails, as undefined behaviour makes it do.
set -euo pipefail
kind=$1
shift
reports=$PWD/$BUILD/reports
rm -rf "$reports"
mkdir -p "$reports"

replays() {
    local trace=traces/chat.jsonl
    "$BUILD/pagesim" replay --trace $trace --config configs/demo.json --limit 40 --threads 4 >/dev/null
    "$BUILD/pagesim" replay --trace $trace --config configs/demo.json --limit 40 --threads 4 --scheduler vllm-v0 --num-cpu-blocks 400 --n 3 --n-every 2 >/dev/null
    "$BUILD/pagesim" replay --trace $trace --config configs/demo.json --limit 25 --threads 4 --scheduler vllm-v0 --num-cpu-blocks 400 --beam-width 3 >/dev/null
    "$BUILD/pagesim" replay --trace traces/code.jsonl --num-gpu-blocks 700 --trace-block-size 16 --data-plane off --threads 4 \
        --gnuplot "$reports/../pictures" --watch >/dev/null 2>&1
    rm -r "$reports/../pictures"
    "$BUILD/pagesim" sweep --trace $trace --trace-block-size 16 --limit 60 --vary num_gpu_blocks=150:300:50 --vary scheduler=vllm-v1,vllm-v0 \
        --max-model-len 4096 --threads 4 --journal "$reports/../sweep.jsonl" --watch 2>&1 >/dev/null | grep -c "^sweep 100 %" >/dev/null
    rm -f "$reports/../sweep.jsonl"
    "$BUILD/pagesim" size --trace $trace --trace-block-size 16 --limit 60 --require preemptions=0 --threads 4 --max-blocks 400 >/dev/null
    "$BUILD/pagesim" tune --trace $trace --trace-block-size 16 --limit 60 --num-gpu-blocks 300 --require 'p99_ttft_ms<500' --tune max_num_seqs=4,16 \
        --tune watermark=0.1 --arrivals poisson --replicates 2 --threads 4 >/dev/null
    "$BUILD/pagesim" capacity --trace $trace --trace-block-size 16 --limit 60 --num-gpu-blocks 300 --threads 4 >/dev/null
    for router in least-blocks prefix-aware; do
        "$BUILD/pagesim" replay --trace $trace --trace-block-size 16 --num-gpu-blocks 300 --replicas 3 --router $router >/dev/null
    done
    "$BUILD/pagesim" trace info $trace >/dev/null
}

if [ "$kind" = asan ]; then
    export ASAN_OPTIONS="log_path=$reports/asan:detect_leaks=1:allocator_may_return_null=1" UBSAN_OPTIONS="print_stacktrace=1:log_path=$reports/ubsan"
    # Of random cases, thousands more run in the release build.
    export EVENT_REPLAY_CASES=2000
    # What it says at the end is asked, as the exit status is that of Criterion's own leak, too (below).
    "$BUILD/tests/all-tests" >"$BUILD/tests.log" 2>&1 || true
    if ! grep "Synthesis:.*Failing: 0 | Crashing: 0" "$BUILD/tests.log"; then
        cat "$BUILD/tests.log"
        echo "asan: tests fail"
        exit 1
    fi
    replays
    for target in "$BUILD"/fuzz/fuzz_*; do
        kept=(tests/fuzz/*/"${target##*/}")
        "$target" "${kept[@]}" >"$BUILD/inputs.log"
        tail -n 1 "$BUILD/inputs.log"
    done
    ${PYTHON:-python3} tests/golden/compare_packs.py "$BUILD/pagesim" | tail -n 3
elif [ "$kind" = valgrind ]; then
    # It has no AVX-512, so the AVX2 and the portable kernels are what is looked at; the program must not have chosen others.
    under="valgrind -q --trace-children=yes --log-file=$reports/valgrind.%p --error-exitcode=9"
    for suite in half_float kernels gather kv_store sequence; do $under "$BUILD/tests/all-tests" -j1 --filter "$suite/*" | tail -n 1; done
    $under "$BUILD/pagesim" replay --trace traces/chat.jsonl --config configs/demo.json --limit 3 --threads 1 --no-calibration >"$BUILD/valgrind.log"
    if grep avx512 "$BUILD/valgrind.log"; then exit 1; fi
    find "$reports" -type f -empty -delete
else
    # libomp is not instrumented; what happens inside it is not ours to report.
    export TSAN_OPTIONS="log_path=$reports/tsan:ignore_noninstrumented_modules=1"
    for program in "$@"; do "$program"; done
    replays
fi
# Criterion loses a block of its own. A suppression matches any frame, and Criterion calls each test, so that it would hide the tests' leaks
# too: only a report in which each block was allocated by Criterion's own code (frame 1) is left out.
ours='/ERROR: / && !/ERROR: LeakSanitizer: detected memory leaks/ || /^ *#1 / && !/libcriterion\.so/ { found = 1 } END { exit !found }'
for report in "$reports"/asan.*; do
    if [ -f "$report" ] && ! awk "$ours" "$report"; then rm "$report"; fi
done
if [ -n "$(ls -A "$reports")" ]; then
    cat "$reports"/*
    echo "$kind: reports above"
    exit 1
fi
echo "$kind: clean"
