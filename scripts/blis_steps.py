#!/usr/bin/env python3
"""Steps of a server traced by inference-sim (BLIS), as `pagesim validate --steps` and `fit --steps` read them.

usage: blis_steps.py STEPS.csv[.xz] OUTPUT_FOLDER
Writes OUTPUT_FOLDER/EXPERIMENT.csv for each experiment and prints what it wrote.

The trace has one step in ten. Its `step.duration_us` is the time from the entry of schedule() to its end, some tenths of a millisecond: the
host's, not the step's. What a step took is the time from one schedule() to the next, which is known where two steps in a row were
traced. vLLM 0.15 schedules asynchronously, so a batch is computed while the next one is being decided: the time between the starts of
steps n and n + 1 is that of batch n - 1. That one is known where three in a row were traced, and is much like n where n only decodes.
The blocks in use give the tokens of context; blocks that requests share count once, so it is somewhat more.
"""
import collections
import csv
import lzma
import os
import sys

COLUMNS = ["duration_ns", "scheduled_tokens", "sequences", "prefill_chunks", "prefill_tokens", "prefill_context_product", "decodes",
           "decode_context"]
BLOCK_TOKENS = 16


def number(row, name):
    return int(row[name])


def step(row, duration_ns):
    prefill, decodes = number(row, "batch.prefill_tokens"), number(row, "batch.decode_tokens")
    chunks = number(row, "batch.num_prefill_reqs")
    blocks = number(row, "kv.blocks_total_gpu") - number(row, "kv.blocks_free_gpu")
    share = decodes / (decodes + chunks) if decodes + chunks else 0
    return [duration_ns, prefill + decodes, decodes + chunks, chunks, prefill, 0, decodes, round(blocks * BLOCK_TOKENS * share)]


def steps_of(traced):
    for at in sorted(traced):
        if at + 1 not in traced:
            continue
        duration = number(traced[at + 1], "step.ts_start_ns") - number(traced[at], "step.ts_start_ns")
        batch = traced.get(at - 1, traced[at] if number(traced[at], "batch.prefill_tokens") == 0 else None)
        if batch and number(batch, "batch.prefill_tokens") + number(batch, "batch.decode_tokens") > 0:
            yield step(batch, duration)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    path, folder = sys.argv[1:]
    experiments = collections.defaultdict(dict)
    with (lzma.open if path.endswith(".xz") else open)(path, "rt") as file:
        for row in csv.DictReader(file):
            experiments[row["experiment_id"]][number(row, "step.id")] = row
    os.makedirs(folder, exist_ok=True)
    for name, traced in experiments.items():
        steps = list(steps_of(traced))
        with open(os.path.join(folder, name + ".csv"), "w", newline="") as file:
            csv.writer(file).writerows([COLUMNS, *steps])
        print(name, len(traced), "traced,", len(steps), "of known time")


main()
