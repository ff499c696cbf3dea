#!/usr/bin/env bash
# usage: BUILD=build/release PYTHON=python3 test.sh unit|golden|cli|threads|public|python|fuzz ...
# Runs the named sets of tests and ends with "N passed, N failed". With CI set, missing test material is a failure, else a clear skip.
set -u
BUILD=${BUILD:-build/release} PYTHON=${PYTHON:-python3}
passed=0 failed=0 skipped=0

# Add "N passed, N failed" of a runner's last line to the totals; a runner that says nothing counts as one failure.
count() { # name, file with its output, exit status
    local line
    line=$(tail -n 1 "$2")
    if [[ $line =~ ([0-9]+)\ passed,\ ([0-9]+)\ failed ]]; then
        passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
        [ "$3" -eq 0 ] || [ "${BASH_REMATCH[2]}" -gt 0 ] || failed=$((failed + 1))
    else
        failed=$((failed + 1))
    fi
}

run() { # name, command...
    local name=$1 out status
    shift
    out=$(mktemp)
    echo "== $name"
    "$@" >"$out" 2>&1
    status=$?
    tail -n 40 "$out"
    count "$name" "$out" $status
    rm -f "$out"
}

unit() {
    "$BUILD/tests/all-tests" >"$BUILD/unit.log" 2>&1
    local status=$? line
    grep -E 'Assertion Failed|\[----\]   [^ ]|FAIL|CRASH' "$BUILD/unit.log" | head -n 60
    line=$(grep 'Synthesis' "$BUILD/unit.log" | tail -n 1)
    [[ $line =~ Passing:\ ([0-9]+).*Failing:\ ([0-9]+).*Crashing:\ ([0-9]+) ]] || { tail -n 5 "$BUILD/unit.log"; echo "0 passed, 1 failed"; return 1; }
    echo "${BASH_REMATCH[1]} passed, $((BASH_REMATCH[2] + BASH_REMATCH[3])) failed"
    return $status
}

shared_golden() {
    if [ -d ../shared/golden ]; then
        run "golden logs of real schedulers" "$PYTHON" ../shared/golden/compare.py --program "$BUILD/pagesim"
        run "both engines on those cases" "$PYTHON" tests/golden/compare_engines.py "$BUILD/pagesim" ../shared/golden/*/
        run "random cases against a reference program" "$PYTHON" tests/golden/compare_reference.py "$BUILD/pagesim" ../shared/semantics/reference_v1.py
    elif [ -n "${CI:-}" ]; then
        echo "== golden logs of real schedulers: ../shared/golden is missing, which is a failure in CI"
        failed=$((failed + 1))
    else
        echo "== golden logs of real schedulers: SKIPPED, ../shared/golden is not there"
        skipped=$((skipped + 1))
    fi
}

# The same report, whatever the number of threads, and without OpenMP.
threads() {
    local want got good=0 bad=0 engine
    report() { # program, threads, engine
        "$1" replay --trace traces/chat.jsonl --config configs/demo.json --limit 60 --threads "$2" --scheduler "$3" --n 2 --n-every 3 --format json |
            "$PYTHON" -c 'import json, sys; d = json.load(sys.stdin); d.pop("measured"); print(json.dumps(d))'
    }
    for engine in vllm-v1 vllm-v0; do
        want=$(report "$BUILD/pagesim" 1 $engine)
        for how in "$BUILD/pagesim 2" "$BUILD/pagesim 8" ${SERIAL:+"$SERIAL 1"}; do
            # shellcheck disable=SC2086
            got=$(report $how $engine)
            if [ -n "$want" ] && [ "$want" = "$got" ]; then good=$((good + 1)); else bad=$((bad + 1)); echo "$engine: $how differs"; fi
        done
    done
    echo "$good passed, $bad failed"
    [ $bad -eq 0 ]
}

# The Python package, with the system's python3 where there is one. What needs numpy or pandas is skipped without them, which unittest says.
python_package() {
    local system=/usr/bin/python3 out line
    [ -x $system ] || system=$PYTHON
    out=$(cd python/tests && BUILD=$(cd "../../$BUILD" && pwd) "$system" -B -m unittest discover -v -s . 2>&1)
    local status=$?
    if [ $status -ne 0 ]; then printf '%s\n' "$out"; else printf '%s\n' "$out" | grep -o "test_[a-z_]* .*skipped.*" | sed 's/^/SKIPPED: /'; fi
    line=$(printf '%s\n' "$out" | grep -E '^Ran [0-9]+ test')
    [[ $line =~ ([0-9]+) ]] || { echo "0 passed, 1 failed"; return 1; }
    local ran=${BASH_REMATCH[1]} bad=0 left=0
    line=$(printf '%s\n' "$out" | tail -n 1)
    while [[ $line =~ (failures|errors|skipped)=([0-9]+)(.*) ]]; do
        if [ "${BASH_REMATCH[1]}" = skipped ]; then left=${BASH_REMATCH[2]}; else bad=$((bad + BASH_REMATCH[2])); fi
        line=${BASH_REMATCH[3]}
    done
    echo "$((ran - bad - left)) passed, $bad failed"
    return $status
}

# All seeds and all inputs that were findings once, each in its target's program. A target ends at the first that breaks something.
fuzz() {
    local target name good=0 bad=0
    for target in "$BUILD"/fuzz/fuzz_*; do
        name=${target##*/}
        if "$target" "tests/fuzz/seeds/$name" $([ ! -d "tests/fuzz/found/$name" ] || echo "tests/fuzz/found/$name") >"$BUILD/$name.log" 2>&1 &&
            [[ $(tail -n 1 "$BUILD/$name.log") =~ ^([0-9]+)\ passed ]]; then
            good=$((good + BASH_REMATCH[1]))
        else
            bad=$((bad + 1))
            echo "$name:" && tail -n 5 "$BUILD/$name.log"
        fi
    done
    echo "$good passed, $bad failed"
    [ $bad -eq 0 ]
}

for set in "$@"; do
    case $set in
    unit) run "unit tests" unit ;;
    golden)
        run "golden packs" "$PYTHON" tests/golden/compare_packs.py "$BUILD/pagesim"
        run "golden packs, step by step" "$PYTHON" tests/golden/compare_packs.py "$BUILD/pagesim" --reference
        run "both engines on the packs" "$PYTHON" tests/golden/compare_engines.py "$BUILD/pagesim"
        shared_golden
        ;;
    cli) run "command line" "$PYTHON" tests/cli/run.py "$BUILD/pagesim" ;;
    threads) run "same bytes at any number of threads" threads ;;
    public) run "public headers, libraries and examples" "$PYTHON" tests/public/run.py "$BUILD" ;;
    python) run "Python package" python_package ;;
    fuzz) run "kept fuzz inputs" fuzz ;;
    *) echo "test.sh: no set called $set" >&2; exit 2 ;;
    esac
done
[ $skipped -eq 0 ] || echo "$skipped set of tests skipped"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
