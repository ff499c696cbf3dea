#!/usr/bin/env python3
"""usage: memory_per_request.py PAGESIM [--requests N N ...] [--kind KIND] [--most BYTES] [-- REPLAY_OPTION ...]

How much memory a replay needs for each request of its trace: traces of two or more lengths are made in the temporary folder and replayed, and
the growth of the largest resident size is divided by the growth of the trace. Making them may need no more for more of them. With --most,
nothing but what is above it is said, and is a failure."""
import argparse
import os
import subprocess
import sys
import tempfile

# What making a trace may differ by: pages of the allocator.
GENERATOR_SLACK = 1 << 20


def peak(command):
    """The largest resident size of a program, in bytes."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(command)}: exit {os.waitstatus_to_exitcode(status)}")
    return usage.ru_maxrss * 1024


def measure(arguments, requests, folder):
    """Peaks of making and of replaying a trace of so many requests, which is gone afterwards."""
    path = os.path.join(folder, "trace.jsonl")
    making = peak([arguments.pagesim, "trace", "gen", arguments.kind, "--requests", str(requests), "--quiet", "--output", path])
    replaying = peak([arguments.pagesim, "replay", "--trace", path, "--num-gpu-blocks", "100000", "--threads", "1", "--quiet",
                      *arguments.options])
    os.remove(path)
    return making, replaying


def main():
    options = sys.argv[1:]
    own, passed = (options[: options.index("--")], options[options.index("--") + 1 :]) if "--" in options else (options, [])
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("pagesim")
    parser.add_argument("--requests", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--kind", default="uniform")
    parser.add_argument("--most", type=float)
    arguments = parser.parse_args(own)
    arguments.options = passed
    failed, before = False, None
    with tempfile.TemporaryDirectory() as folder:
        for requests in arguments.requests:
            making, replaying = measure(arguments, requests, folder)
            if before:
                each = (replaying - before[2]) / (requests - before[0])
                grown = making - before[1]
                failed |= arguments.most is not None and (each > arguments.most or grown > GENERATOR_SLACK)
            text = f"{requests:>10} requests: made in {making / 1e6:.1f} MB, replayed in {replaying / 1e6:.1f} MB"
            if before:
                text += f", {each:.1f} bytes for each one more"
            if arguments.most is None or failed:
                print(text)
            before = requests, making, replaying
    return failed


if __name__ == "__main__":
    sys.exit(main())
