#!/usr/bin/env bash
# usage: arm64.sh tools COMPILER   |   BUILD=build/arm64 NATIVE=build/release PYTHON=python3 arm64.sh core|whole
# `tools` asks whether programs for 64-bit Arm can be made and run here. The others test what was made, under qemu: `core` the kernels
# against the portable ones and the rest of the core library; `whole` also the data plane, golden packs, and that the program says the same
# bytes as the one for this machine. They end with "N passed, N failed".
set -uo pipefail
PYTHON=${PYTHON:-python3}
qemu=$(command -v qemu-aarch64 || command -v qemu-aarch64-static)

if [ "$1" = tools ]; then
    [ "$(uname -m)" != aarch64 ] || { echo "arm64: this is such a processor: make test tests it"; exit 1; }
    command -v "$2" >/dev/null && [ -n "$qemu" ] && exit 0
    echo "arm64: needs $2 and qemu-aarch64; make deps-dev installs them"
    exit 1
fi

passed=0 failed=0
good() { passed=$((passed + 1)); }
bad() { failed=$((failed + 1)); echo "$1"; }

# Threads that wait must not take the processor from those that work.
export OMP_WAIT_POLICY=passive
# The Arm system is the packages' own where they are installed, else the one that came with the cross compiler.
[ -e /lib/ld-linux-aarch64.so.1 ] || export QEMU_LD_PREFIX=/usr/aarch64-linux-gnu

count() { # name, command... whose last line is "N passed, N failed"
    local name=$1 out line
    shift
    echo "== $name"
    out=$("$@" 2>&1)
    line=${out##*$'\n'}
    echo "$out" | tail -n 20
    if [[ $line =~ ([0-9]+)\ passed,\ ([0-9]+)\ failed ]]; then
        passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
    else
        bad "$name: no result"
    fi
}

# What is measured differs from run to run; of it only the kernels' name is looked at.
without_measured() { # the kernels that must have run
    "$PYTHON" -c 'import json, sys
document = json.load(sys.stdin)
ran = document.pop("measured").get("kernels")
print(json.dumps(document), "" if ran == sys.argv[1] or not sys.argv[1] else f"ran {ran}, not {sys.argv[1]}")' "$1"
}

same() { # "plane": a replay's report, with a data plane; "text": what says the same each time; then the command
    local kind=$1 want got
    shift
    if [ "$kind" = plane ]; then
        want=$("$NATIVE/pagesim" "$@" --format json | without_measured "") &&
            got=$("$BUILD/pagesim-under-qemu" "$@" --format json | without_measured neon)
    else
        want=$("$NATIVE/pagesim" "$@" | cksum) && got=$("$BUILD/pagesim-under-qemu" "$@" | cksum)
    fi || { bad "fails: $*"; return; }
    if [ "$want" = "$got" ]; then good; else bad "differs from $NATIVE: $*"; fi
}

# The emulated processor is slow, above all where each output of attention is checked against exact arithmetic: hence few requests.
same_bytes() {
    local chat=(replay --trace traces/chat.jsonl --config configs/demo.json --no-calibration) engine
    local pool=(--trace traces/code.jsonl --trace-block-size 16 --num-gpu-blocks 700)
    echo "== the same bytes as on this machine"
    for engine in vllm-v1 vllm-v0; do
        same plane "${chat[@]}" --limit 20 --threads 2 --scheduler $engine --n 2 --n-every 3
        same plane "${chat[@]}" --limit 4 --threads 1 --scheduler $engine --kv-read attend
        same text replay "${pool[@]}" --data-plane off --scheduler $engine --decision-log - --limit 60
    done
    for dtype in float16 bfloat16; do same plane "${chat[@]}" --limit 6 --threads 1 --kv-dtype $dtype; done
    same text ledger "${pool[@]}"
    same text explain "${pool[@]}" --limit 60
    same text curve "${pool[@]}"
    same text trace info traces/code.jsonl
    same text trace gen chat --requests 300 --seed 3 --quiet
    same text trace gen reasoning --requests 300 --seed 3 --quiet
}

count "core library and its kernels" "$qemu" "$BUILD/tests/core-tests"
if [ "$1" = whole ]; then
    printf '#!/bin/sh\nexec %s %s "$@"\n' "$qemu" "$PWD/$BUILD/pagesim" >"$BUILD/pagesim-under-qemu"
    chmod +x "$BUILD/pagesim-under-qemu"
    count "data plane" "$qemu" "$BUILD/tests/data-plane-tests"
    before=$passed
    same_bytes
    echo "$((passed - before)) outputs alike"
    count "golden packs" "$PYTHON" tests/golden/compare_packs.py "$BUILD/pagesim-under-qemu"
else
    echo "== SKIPPED, as there is no cJSON for Arm here (libcjson-dev:arm64): the program, its data plane and golden logs"
fi
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
