#!/usr/bin/env python3
"""AIBrix's measurement of prefix-aware routing (vllm-project/aibrix, v0.3.0, Apache-2.0): its result files as a trace, and replays next to them.

usage: aibrix.py trace FOLDER random|prefix > TRACE           all rates as one trace, in pagesim's JSONL
       aibrix.py alone FOLDER TRACE RESULT                    for pagesim fit: the requests of the lowest rate of the random set-up that were
                                                              served alone, and what was measured of them, as vllm bench serve saves it
       aibrix.py ratios FOLDER RANDOM.csv PREFIX.csv          measured and replayed side by side, from two --per-request files

Rates run one after the other on servers that stay up, so that one trace has them all. A prompt is 1,000 tokens that all share, 20,000 of its user
and what was said before; who asks the same thing again sends the same prompt.
"""
import csv
import json
import sys

NAMES = {"random": "aibrix_naive_output", "prefix": "aibrix_naive_prefix_routing_output"}
RATES = ["0.1", "0.5", "0.9", "1.3", "1.7", "2.1", "2.5", "2.9", "3.3", "3.7", "4.1"]
PIECE = 1000      # tokens that a hash id names
USER_PIECES = 20  # of the user's own
SHARED = 0        # the id of what all share


def rows(folder, setup, rate):
    """One rate's requests, in the order in which they were sent."""
    with open(f"{folder}/{NAMES[setup]}_{rate}.csv", newline="", encoding="utf-8") as file:
        read = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    return sorted(read, key=lambda row: row["launch_time"])


def prompt_ids(row):
    """What stands before a question is its user's; a later question goes on where the one before ended."""
    first = 1 + int(row["user_id"]) * (USER_PIECES + 1)
    pieces = -(-int(row["prompt_tokens"]) // PIECE)
    return [SHARED] + [first + i for i in range(pieces - 1)]


def write_trace(sent, file):
    start = sent[0]["launch_time"]
    for number, row in enumerate(sent):
        line = {"timestamp": round((row["launch_time"] - start) * 1000, 3), "input_length": int(row["prompt_tokens"]),
                "output_length": int(row["generation_tokens"]), "hash_ids": prompt_ids(row)}
        print(json.dumps({"trace_block_size": PIECE, **line} if number == 0 else line), file=file)


def trace(folder, setup):
    write_trace([row for rate in RATES for row in rows(folder, setup, rate)], sys.stdout)


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def is_alone(row, others):
    return all(other is row or other["finish_time"] < row["launch_time"] or other["launch_time"] > row["finish_time"] for other in others)


def alone(folder, trace_path, result_path):
    """The client's clock ends with the last token; generation_time is what comes after the first one."""
    all_sent = rows(folder, "random", RATES[0])
    sent = [row for row in all_sent if is_alone(row, all_sent)]
    with open(trace_path, "w", encoding="utf-8") as file:
        write_trace(sent, file)
    result = {"completed": len(sent),
              "mean_ttft_ms": 1e3 * mean(row["ttft"] for row in sent),
              "mean_tpot_ms": 1e3 * mean(row["generation_time"] / (row["generation_tokens"] - 1) for row in sent),
              "mean_e2el_ms": 1e3 * mean(row["finish_time"] - row["launch_time"] for row in sent)}
    with open(result_path, "w", encoding="utf-8") as file:
        json.dump(result, file)


def replayed(path):
    """Of each request TTFT, arrival and end, in seconds."""
    with open(path, newline="", encoding="utf-8") as file:
        return [tuple(float(row[name]) / 1e3 for name in ("ttft_ms", "arrival_ms", "finish_ms")) for row in csv.DictReader(file)]


def summary(requests):
    """Mean TTFT, and requests a second from the first arrival to the last end."""
    ttfts, arrivals, ends = zip(*requests)
    return mean(ttfts), len(ttfts) / (max(ends) - min(arrivals))


def by_rate(folder, setup, path):
    """(measured, replayed), by rate."""
    simulated, at, out = replayed(path), 0, {}
    for rate in RATES:
        sent = rows(folder, setup, rate)
        measured = [(row["ttft"], row["launch_time"], row["finish_time"]) for row in sent]
        out[rate] = summary(measured), summary(simulated[at:at + len(sent)])
        at += len(sent)
    if at != len(simulated):
        sys.exit(f"{path}: {len(simulated)} requests, and {at} were measured: replay the whole trace")
    return out


def ratios(folder, random_path, prefix_path):
    """As CSV: mean TTFT of both set-ups and their ratio, then what was served at most, which is where the servers saturate."""
    random, prefix = by_rate(folder, "random", random_path), by_rate(folder, "prefix", prefix_path)
    print("rate,random_s,random_replayed_s,prefix_s,prefix_replayed_s,ratio,ratio_replayed,off_by")
    for rate in RATES:
        measured, simulated = (prefix[rate][i][0] / random[rate][i][0] for i in range(2))
        ttfts = [pair[i][0] for pair in (random[rate], prefix[rate]) for i in range(2)]
        print(",".join([rate] + [f"{value:.2f}" for value in ttfts + [measured, simulated, simulated / measured]]))
    for name, setup in ("random", random), ("prefix", prefix):
        most = [max(pair[i][1] for pair in setup.values()) for i in range(2)]
        print(f"saturated,{name},measured,{most[0]:.2f},replayed,{most[1]:.2f},off_by,{most[1] / most[0]:.2f}")


def main():
    commands = {"trace": trace, "alone": alone, "ratios": ratios}
    if len(sys.argv) < 4 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](*sys.argv[2:])


main()
