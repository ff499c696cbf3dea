#!/usr/bin/env python3
"""Every golden pack with real bytes, each float or output checked: swaps, copies, copies of a block onto itself, phantoms.

usage: check.py PROGRAM FOLDER      (folder of the packs; runs in a scratch folder)
"""
import glob
import json
import lzma
import os
import subprocess
import sys

SMALL = "--kv-num-layers 1 --kv-num-kv-heads 1 --kv-head-dim 16 --no-calibration --quiet --format json --data-plane verify".split()


def main():
    verified = 0
    for pack in sorted(glob.glob(os.path.join(sys.argv[2], "*.pack.jsonl.xz"))):
        for number, line in enumerate(lzma.open(pack, "rt")):
            case = json.loads(line)
            with open("config.json", "w") as file:
                json.dump(case["config"], file)
            with open("trace.jsonl", "w") as file:
                file.writelines(json.dumps(request) + "\n" for request in case["trace"])
            read = ["--kv-read", ("gather", "attend")[number % 2]]
            done = subprocess.run([sys.argv[1], "replay", "--config", "config.json", "--trace", "trace.jsonl"] + SMALL + read,
                                  capture_output=True, text=True)
            early = case["log"][-1].get("stall") or any("abort" in step for step in case["log"])
            if done.returncode != (1 if early else 0):
                print(f"{case['name']}: exit {done.returncode}: {done.stderr.strip()}")
                continue
            figures = json.loads(done.stdout)
            for name in ("data_phantom_blocks", "data_phantom_tokens"):
                if figures[name]:
                    print(case["name"], name, figures[name])
            onto_itself = sum(a == b for step in case["log"] if not step.get("summary") for a, b in step.get("copy") or [])
            if onto_itself:
                print(case["name"], onto_itself, "copies of a block onto itself")
            verified += 1
    print(verified, "verified")


main()
