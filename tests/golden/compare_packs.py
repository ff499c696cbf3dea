#!/usr/bin/env python3
"""Replay every case of the packs beside this file and name the first decision that differs.

usage: compare_packs.py PROGRAM [replay options...]
Last line: "N passed, N failed"; exit status 1 when a case fails.
"""
import glob
import json
import lzma
import os
import subprocess
import sys
import tempfile

IGNORED = {"freeq"}  # of the real scheduler's log, not part of the format
SUMMARY = {"summary", "steps", "requests", "preemptions", "prompt_tokens", "cached_tokens", "cached_tokens_all", "output_tokens", "end_ns",
           "stall", "finished", "preempt_recompute", "preempt_swap", "copies", "swap_in", "swap_out", "dropped", "per_request"}
AFTER_ABORT = {"summary", "steps", "end_ns", "preemptions", "copies"}


def first_difference(want, got):
    for number, line in enumerate(want):
        if number >= len(got):
            return f"the log ends after {len(got)} of {len(want)} lines"
        summary = AFTER_ABORT if line.get("aborted") else SUMMARY
        for key, value in line.items():
            if line.get("summary") and key not in summary:
                continue
            if key == "abort" and "abort" in got[number]:
                continue  # its text is free
            has = got[number].get(key)
            if key == "dropped" and isinstance(has, list):
                value, has = sorted(value), sorted(has)
            if key not in IGNORED and value is not None and has != value:
                return f"line {number + 1}, {key}: want {value}, got {has}"
    return None if len(want) == len(got) else f"{len(got)} lines, want {len(want)}"


def run_case(program, options, case, folder):
    paths = {name: os.path.join(folder, name) for name in ("config.json", "trace.jsonl", "log.jsonl")}
    with open(paths["config.json"], "w") as file:
        json.dump(case["config"], file)
    with open(paths["trace.jsonl"], "w") as file:
        file.writelines(json.dumps(request) + "\n" for request in case["trace"])
    command = [program, "replay", "--config", paths["config.json"], "--trace", paths["trace.jsonl"], "--decision-log", paths["log.jsonl"]]
    if "tables" in case["log"][0]:
        command.append("--tables")
    done = subprocess.run(command + options, capture_output=True, text=True, timeout=60)
    ends_early = case["log"][-1].get("stall") or any("abort" in line for line in case["log"])
    if done.returncode != (1 if ends_early else 0):
        return f"exit {done.returncode}: {done.stderr.strip()}"
    with open(paths["log.jsonl"]) as file:
        return first_difference(case["log"], [json.loads(line) for line in file])


def main():
    program, options = sys.argv[1], sys.argv[2:]
    passed = failed = 0
    for pack in sorted(glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)), "*.pack.jsonl.xz"))):
        for line in lzma.open(pack, "rt"):
            case = json.loads(line)
            with tempfile.TemporaryDirectory() as folder:
                difference = run_case(program, options, case, folder)
            passed += difference is None
            if difference:
                failed += 1
                print(f"differs: {os.path.basename(pack)}: {case['name']}: {difference}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


main()
