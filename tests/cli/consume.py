#!/usr/bin/env python3
"""Read what `pagesim replay` writes the way other programs do, and check that it is well formed and adds up.

usage: consume.py vllm|requests|prometheus|perfetto FILE REPORT
REPORT is the JSON report of the same replay. Prints one line of counts; the first thing that is wrong ends it with exit code 1.
"""
import csv
import json
import math
import re
import sys


def need(holds, *what):
    if not holds:
        sys.exit("wrong: " + " ".join(str(w) for w in what))


def near(a, b, *what):
    need(abs(a - b) <= 1e-9 * max(abs(a), abs(b)) + 1e-12, a, "is not", b, *what)


def percentile(values, p):
    values = sorted(values)
    rank = p / 100 * (len(values) - 1)
    low = int(rank)
    high = min(low + 1, len(values) - 1)
    return values[low] + (rank - low) * (values[high] - values[low])


def ns(seconds):
    return round(seconds * 1e9)


# --- the JSON of vllm bench serve ---

SCALARS = ["endpoint_type", "backend", "label", "model_id", "tokenizer_id", "num_prompts", "request_rate", "burstiness", "max_concurrency",
           "duration", "completed", "failed", "total_input_tokens", "total_output_tokens", "request_throughput", "request_goodput",
           "output_throughput", "total_token_throughput", "max_output_tokens_per_s", "max_concurrent_requests", "rtfx"]
LISTS = ["input_lens", "output_lens", "ttfts", "itls", "latencies", "start_times", "queue_times", "errors"]


def check_latency(result, name, seconds):
    """Mean, median, deviation and every percentile, from the list; how many figures that were."""
    mean = sum(seconds) / len(seconds)
    near(result[f"mean_{name}_ms"], mean * 1e3, "mean", name)
    near(result[f"median_{name}_ms"], percentile(seconds, 50) * 1e3, "median", name)
    near(result[f"std_{name}_ms"], math.sqrt(sum((s - mean) ** 2 for s in seconds) / len(seconds)) * 1e3, "std", name)
    asked = [key for key in result if re.fullmatch(rf"p[0-9.]+_{name}_ms", key)]
    need(asked, "no percentile of", name)
    for key in asked:
        near(result[key], percentile(seconds, float(key[1:].split("_")[0])) * 1e3, key)
    return 3 + len(asked)


def peaks(result, done):
    """Most tokens and most requests in a whole second since the first start, counted token by token and second by second."""
    begin = min(ns(result["start_times"][i]) for i in done)
    seconds, active = {}, {}
    for i in done:
        at = ns(result["start_times"][i]) + ns(result["ttfts"][i])
        for itl in [0] + result["itls"][i]:
            at += ns(itl)
            seconds[(at - begin) // 10**9] = seconds.get((at - begin) // 10**9, 0) + 1
        for second in range((ns(result["start_times"][i]) - begin) // 10**9, (at - begin) // 10**9 + 1):
            active[second] = active.get(second, 0) + 1
    return max(seconds.values()), max(active.values())


def check_latencies(result, done, report):
    """All latencies that the file tells of, by the definitions of vllm bench serve; how many figures that were."""
    lists = {"ttft": [result["ttfts"][i] for i in done],
             "tpot": [(result["latencies"][i] - result["ttfts"][i]) / (result["output_lens"][i] - 1) for i in done
                      if result["output_lens"][i] > 1],
             "itl": [itl for i in done for itl in result["itls"][i]],
             "e2el": [result["latencies"][i] for i in done]}
    if result["max_concurrency"] is not None:
        lists["client_queue_time"] = [result["queue_times"][i] for i in done]
        if result["request_rate"] != "inf":
            lists["e2el_including_client_queue"] = [result["latencies"][i] + result["queue_times"][i] for i in done]
    else:
        need(not any(result["queue_times"]), "nobody waits in an open loop")
    told = {key.split("_", 1)[1][:-3] for key in result if key.startswith("mean_")}
    need(told and told <= set(lists), "latencies", told)
    for key in result:
        if key.startswith(("mean_", "median_", "std_", "p99_")):
            near(result[key], report[key], key, "of the report")
    return sum(check_latency(result, name, lists[name]) for name in told)


def check_goodput(result, done, report):
    """A request of one token has a TPOT of 0."""
    limits = report["goodput_limits_ms"]
    values = {"ttft": lambda i: result["ttfts"][i], "e2el": lambda i: result["latencies"][i],
              "tpot": lambda i: (result["latencies"][i] - result["ttfts"][i]) / max(1, result["output_lens"][i] - 1)}
    good = [i for i in done if all(values[name](i) * 1e3 <= limit + 1e-9 for name, limit in limits.items())]
    near(result["request_goodput"], len(good) / result["duration"], "goodput")
    need(report["good_requests"] == len(good), "good requests")


def consume_vllm(path, report):
    result = json.load(open(path))
    missing = [key for key in SCALARS + LISTS if key not in result]
    need(not missing, "missing:", missing)
    need("date" not in result, "a date makes every run different")
    for key in LISTS:
        need(len(result[key]) == result["num_prompts"] == report["requests"], key, "has not an entry a request")
    done = [i for i, error in enumerate(result["errors"]) if error == ""]
    need(len(done) == result["completed"] == report["completed"], "completed")
    need(result["completed"] + result["failed"] == result["num_prompts"], "completed and failed are not all")
    for i in range(result["num_prompts"]):
        if result["errors"][i]:
            need(result["output_lens"][i] == 0 and result["ttfts"][i] == 0 and result["itls"][i] == [], "a failed request has tokens")
            continue
        need(len(result["itls"][i]) == result["output_lens"][i] - 1, "request", i, "has", len(result["itls"][i]), "waits")
        near(result["ttfts"][i] + sum(result["itls"][i]), result["latencies"][i], "latency of", i)
    need(sum(result["input_lens"][i] for i in done) == result["total_input_tokens"], "input tokens")
    need(sum(result["output_lens"]) == result["total_output_tokens"], "output tokens")
    totals = {"request_throughput": len(done), "output_throughput": result["total_output_tokens"],
              "total_token_throughput": result["total_input_tokens"] + result["total_output_tokens"]}
    for key, total in totals.items():
        near(result[key], total / result["duration"], key)
        near(result[key], report[key], key, "of the report")
    need(result["rtfx"] == 0, "no audio")
    ends = [result["start_times"][i] + result["latencies"][i] for i in done]
    near(report["makespan_s"], result["duration"], "duration")
    need(max(ends, default=0) - min(result["start_times"]) <= result["duration"] + 1e-9, "somebody ends after the end")
    if report["unfinished"]:  # means count their tokens too, lists do not
        return f"{result['completed']} completed, {result['failed']} failed"
    need((result["max_output_tokens_per_s"], result["max_concurrent_requests"]) == peaks(result, done), "peaks", peaks(result, done))
    need(report["peak_output_throughput"] >= max(report["output_throughput"], result["max_output_tokens_per_s"]), "the peak is below")
    figures = check_latencies(result, done, report)
    if result["request_goodput"] is not None:
        check_goodput(result, done, report)
    return f"{result['completed']} completed, {result['failed']} failed, {sum(map(len, result['itls']))} waits, {figures} of latencies"


# --- a row a request ---

def consume_requests(path, report):
    if path.endswith(".csv"):
        rows = [{key: None if cell == "" else cell if key in ("status", "reason") else json.loads(cell) for key, cell in row.items()}
                for row in csv.DictReader(open(path))]
    else:
        rows = [json.loads(line) for line in open(path)]
    need(len(rows) == report["requests"], len(rows), "rows")
    need([(r["request"], r["sample"]) for r in rows] == sorted((r["request"], r["sample"]) for r in rows), "not in the file's order")
    counts = {status: sum(r["status"] == status for r in rows) for status in ("completed", "dropped", "ignored", "unfinished")}
    need(sum(counts.values()) == report["requests"], "some request is in no state")
    for status, count in counts.items():
        need(report[status] == count, status, count, "the report says", report[status])
    done = [r for r in rows if r["status"] == "completed"]
    need(all((r["reason"] is not None) == (r["status"] == "dropped") for r in rows), "reasons")
    need(sum(r["generated_tokens"] for r in done) == report["total_output_tokens"], "output tokens")
    need(sum(r["preemptions"] for r in rows) == report["preemptions"], "preemptions")
    need(sum(r["cached_tokens"] for r in rows) == report["cached_tokens"], "cached tokens")
    for r in done:
        need(r["arrival_ms"] <= r["first_scheduled_ms"] <= r["first_token_ms"] <= r["finish_ms"], "times of", r["request"])
        near(r["e2el_ms"], r["finish_ms"] - r["arrival_ms"], "e2e")
        if r["output_tokens"] > 1:
            near(r["tpot_ms"], (r["e2el_ms"] - r["ttft_ms"]) / (r["output_tokens"] - 1), "tpot")
        else:
            need(r["tpot_ms"] is None, "one token has no tpot")
    if done:
        near(sum(r["e2el_ms"] for r in done) / len(done), report["mean_e2el_ms"], "mean e2e")
        near(percentile([r["e2el_ms"] for r in done], 99), report["p99_e2el_ms"], "p99 e2e")
    return ", ".join(f"{count} {status}" for status, count in counts.items())


# --- Prometheus ---

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*)\} (\S+)')


def parse_prometheus(text):
    """{name: {labels: value}} and {family: type}; every sample belongs to the family announced last."""
    samples, types, helped = {}, {}, set()
    family = None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split(" ", 3)[2]
            need(family not in helped, "HELP twice:", family)
            helped.add(family)
        elif line.startswith("# TYPE "):
            name, kind = line.split(" ")[2:]
            need(name == family and name not in types and kind in ("gauge", "counter", "histogram"), "TYPE:", line)
            types[name] = kind
        else:
            match = SAMPLE.fullmatch(line)
            need(match, "not a sample:", line)
            name, labels, value = match.groups()
            need(name == family or (types[family] == "histogram" and re.fullmatch(re.escape(family) + "_(bucket|sum|count)", name)),
                 name, "stands under", family)
            need(labels not in samples.setdefault(name, {}), "twice:", line)
            samples[name][labels] = float(value)
    return samples, types


def check_histogram(samples, family):
    buckets = [(float(re.search('le="([^"]+)"', labels).group(1)), value) for labels, value in samples[family + "_bucket"].items()]
    need(buckets == sorted(buckets) and len(buckets) == len({le for le, _ in buckets}), family, "bounds")
    need(all(a[1] <= b[1] for a, b in zip(buckets, buckets[1:])), family, "is not cumulative")
    count = list(samples[family + "_count"].values())[0]
    need(buckets[-1] == (math.inf, count), family, "+Inf is not the count")
    return count, list(samples[family + "_sum"].values())[0], dict(buckets)


def consume_prometheus(path, report):
    text = open(path).read()
    need(text.endswith("\n"), "no newline at the end")
    samples, types = parse_prometheus(text)
    value = lambda name: list(samples["vllm:" + name].values())[0]
    for name in ("num_requests_running", "num_requests_waiting", "kv_cache_usage_perc"):
        need(types["vllm:" + name] == "gauge", name)
    need(value("num_requests_running") + value("num_requests_waiting") == report["unfinished"], "running and waiting are not the unfinished")
    need(value("num_preemptions_total") == report["preemptions"], "preemptions")
    need(value("prefix_cache_hits_total") == report["cached_tokens"], "hits")
    need(sum(samples["vllm:request_success_total"].values()) == report["completed"], "successes")
    histograms = {name: check_histogram(samples, name) for name, kind in types.items() if kind == "histogram"}
    for name, key in (("time_to_first_token_seconds", "ttft"), ("inter_token_latency_seconds", "itl"),
                      ("request_time_per_output_token_seconds", "tpot"), ("e2e_request_latency_seconds", "e2el")):
        count, total, buckets = histograms["vllm:" + name]
        if count:
            near(total / count * 1e3, report[f"mean_{key}_ms"], name)
            need(buckets[min(le for le in buckets if le * 1e3 >= report[f"max_{key}_ms"])] == count, name, "maximum")
    need(histograms["vllm:request_generation_tokens"][1] == report["total_output_tokens"], "output tokens")
    need(histograms["vllm:request_prompt_tokens"][1] == report["total_input_tokens"], "input tokens")
    need(histograms["vllm:e2e_request_latency_seconds"][0] == report["completed"], "completed")
    if report["unfinished"] == 0 and report["ignored"] == 0:
        need(value("prompt_tokens_total") == report["total_input_tokens"], "prompt tokens")
        need(value("generation_tokens_total") == report["total_output_tokens"], "generation tokens")
    return f"{len(types)} families, {len(histograms)} histograms, {sum(map(len, samples.values()))} samples"


# --- trace events ---

def us(number):
    """Exact: thousandths of a microsecond."""
    return round(number * 1000)


class Lane:
    """Slices of one thread, nested as viewers nest them."""

    def __init__(self):
        self.stack, self.residences, self.phases, self.last = [], 0, 0, 0

    def take(self, event):
        need(us(event["ts"]) >= self.last, "a lane goes back in time", event)
        self.last = us(event["ts"])
        if event["ph"] == "B":
            need(event["cat"] == ("phase" if self.stack else "request") and len(self.stack) < 2, "slices overlap", event)
            need(event["cat"] == "request" or event["name"] in ("prefill", "recompute", "decode"), "phase", event)
            self.stack.append(event)
        elif event["ph"] == "E":
            need(self.stack, "nothing to end", event)
            length = self.last - us(self.stack[-1]["ts"])
            if len(self.stack) == 1:
                self.residences += length
            else:
                self.phases += length
            self.stack.pop()
        else:
            need(self.stack, "an instant or an end of an arrow stands in no slice", event)


def consume_perfetto(path, report):
    events = json.load(open(path))["traceEvents"]
    named = {(e["pid"], e.get("tid")) for e in events if e["ph"] == "M" and e["name"] in ("process_name", "thread_name")}
    tracks, lanes, flows, ended = {}, {}, {}, {}
    instants = 0
    for e in events:
        need(e["ph"] in "MCBEisf" and (e["ph"] == "E" or isinstance(e["name"], str)), "event", e)
        need(e["ph"] == "M" or e["ts"] >= 0, "time of", e)
        need(e["ph"] == "M" or (e["pid"], e.get("tid")) in named, "place of", e)
        if e["ph"] == "C":
            points = tracks.setdefault(e["name"], [])
            need(not points or points[-1][0] <= us(e["ts"]), e["name"], "goes back in time")
            points.append((us(e["ts"]), *e["args"].values()))
    for e in sorted((e for e in events if e["ph"] not in "MC"), key=lambda e: e["ts"]):  # stable, as viewers sort
        lanes.setdefault(e["tid"], Lane()).take(e)
        if e["ph"] == "E" and "args" in e:
            ended[e["args"]["ended"]] = ended.get(e["args"]["ended"], 0) + 1
        elif e["ph"] == "i":
            need(e["s"] == "t" and e["name"] == "preempted", "instant", e)
            instants += 1
        elif e["ph"] in "sf":
            flows.setdefault(e["id"], []).append(e)
    need(sorted(tracks) == ["cached", "running", "used", "waiting", "wasted"], "tracks", sorted(tracks))
    need(all(len(points) <= 16384 for points in tracks.values()), "a track is too long")
    for pair in flows.values():
        need([e["ph"] for e in pair] == ["s", "f"] and pair[0]["ts"] == pair[1]["ts"] and pair[1]["bp"] == "e", "arrow", pair)
        need(pair[0]["tid"] != pair[1]["tid"], "an arrow to itself", pair)
    need(all(not lane.stack and lane.phases == lane.residences for lane in lanes.values()), "phases do not fill residences")
    need(instants == report["preemptions"] == ended.get("preempted", 0), instants, "instants", ended, "for", report["preemptions"])
    # With asynchronous scheduling a request can end after it was preempted.
    overlaps = report["configuration"].get("async_scheduling", False)
    need(report["completed"] - (report["preemptions"] if overlaps else 0) <= ended.get("finished", 0) <= report["completed"], "finished", ended)
    span = max(lane.last for lane in lanes.values()) - tracks["running"][0][0]
    near(sum(lane.residences for lane in lanes.values()) / span, report["mean_running"], "mean running")
    highest = {name: max(value for _, value in points) for name, points in tracks.items()}
    need(highest["running"] == report["peak_running"] == len(lanes), "peak running", highest["running"])
    need(highest["waiting"] == report["peak_waiting"], "peak waiting")
    need(highest["used"] == report["peak_used_blocks"], "peak used")
    need(highest["cached"] == report["peak_cached_idle_blocks"], "peak cached")
    near(highest["wasted"] * report["configuration"]["block_size"], report["peak_empty_slots"], "peak wasted")
    return f"{len(lanes)} lanes, {sum(ended.values())} residences, {instants} preemptions, {len(flows)} arrows"


CONSUMERS = {"vllm": consume_vllm, "requests": consume_requests, "prometheus": consume_prometheus, "perfetto": consume_perfetto}
print(f"{sys.argv[1]}: " + CONSUMERS[sys.argv[1]](sys.argv[2], json.load(open(sys.argv[3]))))
