"""one.json and accounts.csv of a request against its row in rows.csv.

usage: check.py ID
"""
import csv
import json
import sys

one = json.load(open("one.json", encoding="utf-8"))
row = next(row for row in csv.DictReader(open("rows.csv", encoding="utf-8")) if row["request"] == sys.argv[1])
accounts = list(csv.DictReader(open("accounts.csv", encoding="utf-8")))


def close(a, b):
    return abs(float(a) - float(b)) < 1e-5


same = all(close(one[key], row[key]) for key in ("arrival_ms", "first_token_ms", "finish_ms"))
same = same and str(one["preemptions"]) == row["preemptions"] and len(one["life"]) == 1 + one["preemptions"]
same = same and str(one["life"][0]["cached_tokens"]) == row["cached_tokens"]
total = accounts.pop()
sums = [sum(float(account[key]) for account in accounts) for key in ("to_first_token_ms", "after_it_ms")]
adds = close(sums[0], row["ttft_ms"]) and close(sum(sums), row["e2el_ms"]) and close(total["to_first_token_ms"], sums[0])
adds = adds and close(one["latency_ms"], row["e2el_ms"])
first = one["life"][0]
missed = sum(first[name] for name in ("compulsory", "granularity", "last_token", "in_flight", "capacity", "preemption", "caching_off"))
adds = adds and missed == first["known_tokens"] - first["cached_tokens"]
waits = sum(wait[key] for wait in one["life"] for key in wait if key.startswith("wait_"))
both = ("to_first_token_ms", "after_it_ms")
adds = adds and close(waits, sum(float(a[key]) for a in accounts if a["account"].startswith("wait_") for key in both))
print(f"request {sys.argv[1]}:", "as in the report;" if same else "not as in the report;", "accounts add up" if adds else "accounts do not add up")
