"""check.py PROGRAM OPTIONS FILE: is the answer in FILE right? Asks sweep and replay."""
import itertools
import json
import subprocess
import sys

program, options, answer = sys.argv[1], sys.argv[2].split(), json.load(open(sys.argv[3]))
limit = 250
above = float("%.6g" % (answer["load"] * (1 + answer["rate_tolerance"])))


def run(*words):
    return subprocess.run([program, *words], capture_output=True, text=True)


# A rung more: rungs are rounded, so the next one is at most this much.
grid = ["--vary", "max_num_seqs=4,8,16,32", "--vary", "max_num_batched_tokens=256,512,1024,8192", "--vary", "block_size=16,64", "--vary",
        "gpu_memory_utilization=0.8,0.92"]
rows = json.loads(run("sweep", *options, *grid, "--arrival-speedup-ratio", str(above), "--format", "json").stdout)["rows"]
print(len(rows), "combinations,", sum(row["p99_ttft_ms"] < limit for row in rows), "meet the limit a rung above")
words = [word for key, value in answer["settings"].items() for word in ("--" + key.replace("_", "-"), value)]
for load, what in ((answer["load"], "at"), (above, "above")):
    print("the best,", what, "its load: exit",
          run("replay", *options, *words, "--arrival-speedup-ratio", str(load), "--require", f"p99_ttft_ms<{limit}").returncode)
line = [*options[:2], "--trace-block-size", "16", "--gpu", "rtx-4090", "--quiet"]
for load in answer["load"], above:
    print("the server's line: exit", run("replay", *line, "--vllm-args", answer["vllm_serve"], "--arrival-speedup-ratio", str(load), "--require",
                                         f"p99_ttft_ms<{limit}").returncode)
print("exhaustive" if answer["exhaustive"] else "not exhaustive", answer["combinations"] >= len(rows))
