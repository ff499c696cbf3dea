#!/usr/bin/env python3
"""Random cases of vLLM V1 with several KV groups, windows, speculation and asynchronous scheduling: the program's decision log against a slow
reference program that was written apart from it.

usage: compare_reference.py PROGRAM REFERENCE [--cases N] [--seed S]
Last line: "N passed, N failed"; exit status 1 when a case differs, which is then left in a folder that is named.
"""
import argparse
import concurrent.futures
import functools
import importlib.util
import json
import os
import random
import subprocess
import sys
import tempfile


def layers(draw):
    """Kinds of layers as models have them, and as they do not."""
    size = draw.choice([4, 8, 16])
    full = {"kind": "full", "layers": draw.randint(1, 4)}
    window = {"kind": "sliding_window", "window": draw.choice([1, 2, 7, size, size + 1, 3 * size, 40, 64]), "layers": draw.randint(1, 6)}
    other = {"kind": "sliding_window", "window": draw.choice([5, 33, 80]), "layers": draw.randint(1, 3)}
    chunk = {"kind": "chunked_local", "chunk": size * draw.choice([1, 2, 4]), "layers": draw.randint(1, 4)}
    kinds = draw.choice([[full], [window], [window, full], [full, window], [window, other, full], [chunk, full], [chunk], [window, chunk, full]])
    if draw.random() < 0.2 and all(kind["kind"] != "chunked_local" for kind in kinds):
        for kind in kinds:  # blocks of one size are the rule
            kind["block_size"] = size * draw.choice([1, 2, 3])
    return size, kinds


def speculation(draw):
    tokens = draw.randint(1, 5)
    rates = sorted((round(draw.random(), 2) for _ in range(tokens)), reverse=True)
    method = draw.choice(["eagle", "eagle", "eagle3", "mtp", "ngram", "draft_model", "dflash"])
    made = {"method": method, "num_speculative_tokens": tokens, "rejection_sample_method": "synthetic", "acceptance_seed": draw.randint(0, 1 << 40)}
    made["synthetic_acceptance_rates"] = draw.choice([rates, [1.0] * tokens, [0.0] * tokens])
    if draw.random() < 0.4:
        made["disable_lookahead_block_hashes"] = True
    if draw.random() < 0.2:
        made["disable_eagle_block_drop"] = True
    return made


def configuration(draw):
    size, kinds = layers(draw)
    config = {
        "scheduler": "vllm-v1",
        "block_size": size,
        "num_gpu_blocks": draw.choice([12, 24, 40, 80, 200]),
        "max_num_seqs": draw.choice([1, 2, 4, 8]),
        "max_num_batched_tokens": draw.choice([16, 32, 64, 200]),
        "max_model_len": draw.choice([100, 200, 400]),
        "scheduling_policy": draw.choice(["fcfs", "fcfs", "priority"]),
        "enable_prefix_caching": draw.random() < 0.85,
        "enable_chunked_prefill": True,
        "long_prefill_token_threshold": draw.choice([0, 0, 0, 11, 24]),
        "scheduler_reserve_full_isl": draw.random() < 0.6,
        "watermark": draw.choice([0.0, 0.0, 0.1]),
        "trace_block_size": draw.choice([4, 8, 16, 24]),
        "async_scheduling": draw.random() < 0.6,
        "finish_reason": draw.choice(["length", "stop"]),
        "step_time": {"model": "linear", "base_ns": 5000000, "token_ns": 50000, "kv_ns": 20},
    }
    if draw.random() < 0.75:
        config["kv_cache_groups"] = kinds
        if any(kind["kind"] == "sliding_window" for kind in kinds):
            sizes = [kind.get("block_size", size) for kind in kinds]
            config["prefix_cache_retention_interval"] = draw.choice([0, 0, None, 48 * 4 if max(sizes) > size else 4 * size])
    if draw.random() < 0.55:
        config["speculative_config"] = speculation(draw)
    return config


def requests(draw, config):
    arrival, rows = 0, []
    for _ in range(draw.randint(3, 14)):
        arrival += draw.choice([0, 0, 3, 20, 80])
        prompt = draw.choice([1, 2, draw.randint(1, 60), draw.randint(1, config["max_model_len"] // 2)])
        row = {"timestamp": arrival, "input_length": prompt, "output_length": draw.randint(1, draw.choice([4, 30, 60]))}
        ids = -(-prompt // config["trace_block_size"])
        shared = draw.randint(0, ids)
        if draw.random() < 0.8:
            chain = draw.randint(0, 2) * 100
            row["hash_ids"] = [chain + k if k < shared else draw.randint(1000, 1003) * 50 + k for k in range(draw.randint(0, ids))]
        if config["scheduling_policy"] == "priority":
            row["priority"] = draw.randint(0, 2)
        rows.append(row)
    return rows


@functools.cache  # it compiles a function
def load(path):
    spec = importlib.util.spec_from_file_location("reference", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def difference(program, reference, config, rows, folder):
    """None, a text, or "refused": the program does not take the configuration, as vLLM would not."""
    with open(folder + "/config.json", "w") as file:
        json.dump(config, file)
    with open(folder + "/trace.jsonl", "w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    command = [program, "replay", "--config", folder + "/config.json", "--trace", folder + "/trace.jsonl"]
    done = subprocess.run(command + ["--decision-log", folder + "/log.jsonl", "--tables", "--check", "--quiet"], capture_output=True, text=True, timeout=60)
    if done.returncode == 3 and "vLLM" in done.stderr:
        return "refused"
    if done.returncode != 0 and "stall" not in done.stderr:
        return f"exit {done.returncode}: {done.stderr.strip()}"
    try:
        want = [json.loads(json.dumps(line)) for line in reference.simulate(config, rows, True)]
    except (AssertionError, ValueError) as error:
        return f"the reference fails: {error!r}"
    with open(folder + "/log.jsonl") as file:
        got = [json.loads(line) for line in file]
    for number, line in enumerate(want):
        if number >= len(got):
            return f"only {len(got)} of {len(want)} lines"
        if "dropped" in line:
            line["dropped"].sort()
            got[number]["dropped"].sort()
        for name, value in line.items():
            if got[number].get(name) != value:
                return f"line {number + 1} {name}: want {str(value)[:160]}, got {str(got[number].get(name))[:160]}"
    return None if len(got) == len(want) else f"{len(got)} lines instead of {len(want)}"


def one(arguments):
    program, path, seed = arguments
    reference = load(path)
    draw = random.Random(seed)
    while True:
        config = configuration(draw)
        rows = requests(draw, config)
        with tempfile.TemporaryDirectory() as folder:
            wrong = difference(program, reference, config, rows, folder)
        if wrong != "refused":
            return seed, config, rows, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("reference")
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    wishes = parser.parse_args()
    passed = failed = 0
    jobs = [(wishes.program, wishes.reference, wishes.seed * 1000003 + case) for case in range(wishes.cases)]
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        for seed, config, rows, wrong in pool.map(one, jobs, chunksize=10):
            passed += not wrong
            failed += bool(wrong)
            if wrong:
                folder = tempfile.mkdtemp(prefix="differs.")
                difference(wishes.program, load(wishes.reference), config, rows, folder)
                print(f"case {seed} in {folder}: {wrong}")
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
