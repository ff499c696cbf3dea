"""Write measured_requests.csv and measured_timeline.csv as a server that does what log.jsonl says would have measured them."""
import bisect
import json

trace = [json.loads(line) for line in open("trace.jsonl")]
log = [json.loads(line) for line in open("log.jsonl")]
steps, summary = log[:-1], log[-1]
starts = [step["t"] for step in steps]
usable = json.load(open("config.json"))["num_gpu_blocks"] - 1
with open("measured_requests.csv", "w") as out:
    print("id,input_tokens,output_tokens,ttft_ms,tpot_ms,e2e_ms,scheduled_s,first_token_s", file=out)
    for request, arrival, scheduled, first, finish, *_ in summary["per_request"]:
        queued = starts[bisect.bisect_left(starts, arrival)]
        tokens = trace[request]["output_length"]
        tpot = (finish - first) / 1e6 / (tokens - 1) if tokens > 1 else 0
        print(request, trace[request]["input_length"], tokens, (first - queued) / 1e6, tpot, (finish - queued) / 1e6,
              scheduled / 1e9, first / 1e9, sep=",", file=out)
with open("measured_timeline.csv", "w") as out:
    print("t,running,waiting,kv_cache_pct,gen_throughput", file=out)
    for quarter in range(1, int(summary["end_ns"] / 2.5e8)):
        step = steps[bisect.bisect_right(starts, quarter * 2.5e8) - 1]
        print(quarter / 4, step["run"], step["wait"], 100 * (1 - step["free"] / usable), 1, sep=",", file=out)
