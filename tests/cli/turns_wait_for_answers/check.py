#!/usr/bin/env python3
"""Later turns ask when the answer before them has ended, `delay` later, and not before their own time; dropped turns are passed over.

usage: check.py PROGRAM      (runs in a scratch folder)
A step takes 1 ms and everything fits, so a request that is taken in at a step's start ends as many steps later as it has output tokens:
few lines say when each turn arrives and ends.
"""
import csv
import heapq
import json
import random
import subprocess
import sys

STEP = "--num-gpu-blocks 5000 --max-model-len 200 --max-num-seqs 500 --step-time-base-ns 1000000 --step-time-token-ns 0 --step-time-kv-ns 0 --no-async-scheduling"


def requests(seed, samples):
    """Rows in order of time; later turns may have a delay, a time of their own, or neither."""
    random.seed(seed)
    rows = []
    for number in range(80):
        row = {"timestamp": number * random.choice((1, 2)), "input_length": random.randint(1, 60), "output_length": random.randint(1, 12)}
        if random.random() < 0.8:
            row["session_id"] = f"s{random.randrange(12)}"
            if random.random() < 0.7:
                row["delay"] = random.choice((0, 0.5, 3, 20, 7.25))
        if random.random() < 0.1:
            row["output_length"] = 300  # longer than max_model_len: dropped
        if samples and random.random() < 0.3:
            row["n"] = random.randint(2, 3)
        rows.append(row)
    return sorted(rows, key=lambda row: row["timestamp"])


def naive(rows):
    """Arrival and end of each row in ms."""
    turns, arrival, end = {}, {}, {}
    waiting = []
    for number, row in enumerate(rows):
        turns.setdefault(row.get("session_id", ("alone", number)), []).append(number)

    def ask(session, after, when):
        """The first turn after `after` that is not dropped; a dropped one hands its time on."""
        for number in turns[session][after:]:
            if after > 0:
                when = max(when + rows[number].get("delay", 0), rows[number]["timestamp"])
            else:
                when = rows[number]["timestamp"]
            if rows[number]["output_length"] < 300:
                heapq.heappush(waiting, (when, number))
                return
            after += 1

    for session in turns:
        ask(session, 0, 0)
    now, running = 0, {}
    while waiting or running:
        if not running:
            now = max(now, waiting[0][0])
        while waiting and waiting[0][0] <= now:
            when, number = heapq.heappop(waiting)
            arrival[number], running[number] = when, rows[number]["output_length"]
        now += 1
        for number in sorted(running):
            running[number] -= 1
            if running[number] == 0:
                del running[number]
                end[number] = now
                session = rows[number].get("session_id", ("alone", number))
                ask(session, turns[session].index(number) + 1, now)
    return arrival, end


def main():
    for seed in range(12):
        rows = requests(seed, samples=seed % 3 == 2)
        with open("t", "w") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
        subprocess.run([sys.argv[1], "replay", "--trace", "t", "--per-request", "rows.csv"] + STEP.split(), check=True, stdout=subprocess.DEVNULL)
        arrival, end = naive(rows)
        got = list(csv.DictReader(open("rows.csv")))
        wrong = [(row["request"], row["arrival_ms"], row["finish_ms"], arrival[int(row["request"])], end[int(row["request"])]) for row in got
                 if row["status"] == "completed"
                 and (float(row["arrival_ms"]), float(row["finish_ms"])) != (arrival[int(row["request"])], end[int(row["request"])])]
        served = {int(row["request"]) for row in got if row["status"] == "completed"}
        if wrong or served != set(end):
            print(f"seed {seed}: {len(wrong)} wrong, first {wrong[:1]}, served {len(served)} of {len(end)}")
    print("compared")


main()
