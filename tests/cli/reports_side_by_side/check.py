import json

both, runs = json.load(open("c.json")), [json.load(open(name)) for name in ("a.json", "b.json", "lean.json")]
print(both["command"], [row["label"] for row in both["files"]])
names = [name for name in runs[0] if isinstance(runs[0][name], (int, float)) and not isinstance(runs[0][name], bool)]
rows = {row["figure"]: row for row in both["figures"]}
for name, row in rows.items():
    assert [row[side] for side in "abc"] == [run[name] for run in runs], name
    assert row["a"] is None or abs(row["delta_c"] - (row["c"] - row["a"])) <= 1e-9 * abs(row["c"]), name
print("all figures but", sorted(set(names) - set(rows)))
best = min("abc", key=lambda side: rows["p99_ttft_ms"][side])
label = both["files"]["abc".index(best)]["label"]
print("p99 TTFT" in next(part for part in both["headline"].split("; ") if label in part))
charts = {element["key"]: element for element in both["page"]["elements"] if element["kind"] == "chart"}
of_a = {chart["key"]: chart for chart in runs[0]["page"]["elements"] if chart["kind"] == "chart"}
waiting = next(series for series in of_a["queues"]["series"] if series["name"] == "waiting")
over = charts["queues waiting"]["series"]
print([series["name"] for series in over], over[0]["points"] == waiting["points"], "step_tokens budget" in charts)
bars = charts["ttft_percentiles"]["series"]
print(len(bars), [series["points"][7] == run["p99_ttft_ms"] for series, run in zip(bars, runs)])
