#!/usr/bin/env python3
"""The `blocks` of every line of a decision log is the hash of its `tables` (doc/formats.md, section 4), whoever writes the log.

usage: check.py PROGRAM TRACE       (runs in a scratch folder)
"""
import json
import subprocess
import sys

COMMON = "--trace-block-size 16 --limit 60 --max-model-len 4096 --tables --decision-log log --n 3 --n-every 2 --format csv"
RUNS = ("--num-gpu-blocks 300", "--num-gpu-blocks 300 --reference", "--num-gpu-blocks 330 --scheduler vllm-v0 --num-cpu-blocks 300",
        "--num-gpu-blocks 330 --scheduler vllm-v0 --num-cpu-blocks 300 --enable-prefix-caching")


def fnv(numbers):
    value = 0xCBF29CE484222325
    for number in numbers:
        for byte in number.to_bytes(8, "little"):
            value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def of_table(entry):
    """The numbers that a table adds: V1 a request, or "request.sample"; V0 request, sample."""
    *name, ids = entry
    if len(name) == 1:
        request, _, sample = str(name[0]).partition(".")
        name = [int(request) + (int(sample or 0) << 32)]
    return name + ids


def main():
    for options in RUNS:
        subprocess.run([sys.argv[1], "replay", "--trace", sys.argv[2]] + COMMON.split() + options.split(), check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        lines = [json.loads(line) for line in open("log")]
        steps = [line for line in lines if "sched" in line]
        wrong = [line["step"] for line in steps if line["blocks"] != fnv(n for entry in line["tables"] for n in of_table(entry))]
        samples = {str(entry[0]).partition(".")[2] if len(entry) == 2 else str(entry[1]) for line in steps for entry in line["tables"]}
        print(options, "wrong:", len(wrong), "samples:", *sorted(samples), "preempts:", any(line["preempt"] for line in steps), len(steps) > 100)


main()
