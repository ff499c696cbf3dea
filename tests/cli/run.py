#!/usr/bin/env python3
"""Run the command-line cases beside this file.

usage: run.py PROGRAM [CASE...]
A case is a folder with `cmd` (shell, run in a scratch folder; $PAGESIM is the program, $ROOT the project, $HERE the case) and what must come
of it: `stdout`, `stderr` (missing = not looked at; lines may hold * for "anything"), `exit` (missing = 0). `needs`: a program, or a path from the
project, without which the case is skipped, which the output says; with CI set that is a failure.
Last line: "N passed, N failed".
"""
import fnmatch
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def text_of(case, name):
    path = os.path.join(HERE, case, name)
    return open(path).read() if os.path.exists(path) else None


def matches(want, got):
    want, got = want.splitlines(), got.splitlines()
    escaped = [line.replace("[", "[[]") for line in want]
    return len(want) == len(got) and all(fnmatch.fnmatchcase(g, w) for w, g in zip(escaped, got))


def run_case(program, case):
    environment = dict(os.environ, PAGESIM=program, ROOT=ROOT, HERE=os.path.join(HERE, case), LC_ALL="C", OMP_WAIT_POLICY="passive")
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as cache:
        environment["XDG_CACHE_HOME"] = cache  # nothing that earlier runs have measured
        done = subprocess.run(["bash", "-c", text_of(case, "cmd")], cwd=folder, env=environment, capture_output=True, text=True, timeout=120,
                              stdin=subprocess.DEVNULL)
    wanted_exit = int(text_of(case, "exit") or 0)
    if done.returncode != wanted_exit:
        return f"exit {done.returncode}, want {wanted_exit}; stderr: {done.stderr.strip()[:300]}"
    for name, got in (("stdout", done.stdout), ("stderr", done.stderr)):
        want = text_of(case, name)
        if want is not None and not matches(want, got):
            return f"{name} differs; got:\n{got[:1500]}want:\n{want[:1500]}"
    return None


def is_there(needed):
    return os.path.exists(os.path.join(ROOT, needed)) if "/" in needed else shutil.which(needed)


def main():
    program = os.path.abspath(sys.argv[1])
    cases = sys.argv[2:] or sorted(d for d in os.listdir(HERE) if os.path.exists(os.path.join(HERE, d, "cmd")))
    passed = failed = 0
    for case in cases:
        needed = (text_of(case, "needs") or "").strip()
        if needed and not is_there(needed) and not os.environ.get("CI"):
            print(f"SKIPPED: {case}: {needed} is not there")
            continue
        problem = run_case(program, case)
        passed += problem is None
        if problem:
            failed += 1
            print(f"failed: {case}: {problem}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


main()
