"""usage: check.py PROGRAM OPTIONS TUNE.json - the tuning's load against a sweep over the loads around it."""
import json
import subprocess
import sys

program, options, path = sys.argv[1:]
tuned = json.load(open(path))
key = "request_rate" if tuned["arrivals"] == "poisson" else "arrival_speedup_ratio"
settings = [f"--{name.replace('_', '-')}={value}" for name, value in tuned["settings"].items()]
above = float(f"{tuned['load'] * (1 + tuned['rate_tolerance']):.6g}")
sweep = [program, "sweep", *options.split(), *settings, "--vary", f"{key}={tuned['load']!r},{above!r}", "--format", "json"]
rows = json.loads(subprocess.run(sweep, stdout=subprocess.PIPE, check=True).stdout)["rows"]
at, over = (row["p99_ttft_ms"] for row in rows)
print(tuned["seeds"], key, at < 1000, over >= 1000 or "saturated" in tuned["fails"], at == tuned["p99_ttft_ms"])
