#!/usr/bin/env python3
"""The replay of replay_trace.c from Python, then a sweep over pools: figures are attributes, tables are DataFrames where pandas is there.

    python3 replay.py [TRACE]
"""
import sys

import pagesim

trace = pagesim.Trace(sys.argv[1] if len(sys.argv) > 1 else "traces/chat.jsonl")
run = pagesim.replay(trace, num_gpu_blocks=300)
for name in ("mean_ttft_ms", "p99_ttft_ms", "mean_tpot_ms", "preemptions", "makespan_s"):
    print(f"{name:14} {run.figures[name]:.6g}")

slowest = max(zip(run.requests["ttft_ms"], run.requests["request"]))
print(f"request {slowest[1]} waits longest for its first token, {slowest[0] / 1000:.1f} s")

rows = pagesim.sweep(trace, vary={"num_gpu_blocks": [300, 600, 1200]}).tables["rows"]
for blocks, p99, preemptions in zip(rows["num_gpu_blocks"], rows["p99_ttft_ms"], rows["preemptions"]):
    print(f"{blocks:5} blocks: p99 TTFT {p99:8.1f} ms, {preemptions} preemptions")
