"""usage: alone.py PROGRAM     in the folder of the case: report.json, rows.jsonl, traces, logs
Replays each replica's requests alone and compares its decision log; says how much was compared."""
import json
import os
import shlex
import subprocess
import sys

program = sys.argv[1]
report = json.load(open("report.json"))
requests = preemptions = steps = 0
for row in report["replicas"]:
    words = shlex.split(row["command"])
    assert words[0] == "pagesim", words
    subprocess.run([program, *words[1:], "--quiet", "--tables", "--decision-log", "alone.jsonl"], check=True, stdout=subprocess.DEVNULL)
    trace = words[words.index("--trace") + 1]
    log = os.path.join("logs", os.path.basename(trace))
    if open(log, "rb").read() != open("alone.jsonl", "rb").read():
        print(f"replica {row['replica']} decides otherwise alone")
    requests += sum(1 for _ in open(trace))
    steps += sum(1 for _ in open(log)) - 1
    preemptions += row["preemptions"]
rows = [json.loads(line) for line in open("rows.jsonl")]
for row in report["replicas"]:
    name = "prefill_replica" if row["role"] == "prefill" else "replica"
    assert sum(r[name] == row["replica"] for r in rows) == row["requests"], row
assert steps == report["steps"] and preemptions == report["preemptions"] > 0, (steps, preemptions)
waits = [r["routing_wait_ms"] for r in rows if r["routing_wait_ms"] is not None]
assert abs(sum(waits) / len(waits) - report["mean_routing_wait_ms"]) < 1e-6
total = sum(r["mean_routing_wait_ms"] * r["requests"] for r in report["replicas"])
assert abs(total - sum(waits)) < 1e-3, (total, sum(waits))
assert abs(sum(r["token_share"] for r in report["replicas"]) - 1) < 1e-9
print(f"{len(report['replicas'])} replicas, {len(rows)} requests, the same alone")
