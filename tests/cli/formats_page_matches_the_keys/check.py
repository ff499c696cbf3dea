"""Hold the table of keys in doc/formats.md to the program: names in order, engines, ranges and choices, defaults of both engines.

usage: check.py PROGRAM PAGE
"""
import json
import re
import subprocess
import sys


# TODO(merge): the program does not yet hold 64-bit keys to the range of their row; empty this set when it does.
UNSHOWN = {"data_parallel_size", "gpu_hour_price"}  # at their default
UNBOUNDED = {"kv_cache_memory_bytes", "overhead_bytes"}


def flat(value, prefix=""):
    for name, item in value.items():
        if isinstance(item, dict):
            yield from flat(item, prefix + name + ".")
        else:
            yield prefix + name, item


def defaults(program, scheduler):
    shown = {}
    models = [["--step-time-model", model] for model in ("linear", "profile", "roofline")]  # a model shows the keys that it reads
    policies = [["--scheduling-policy", policy] for policy in ("edf", "vtc", "srpt")]  # and so does a policy
    policies += [["--eviction-policy", policy] for policy in ("tail-lru", "workload-aware")]
    policies += [["--kv-cache-groups", '[{"kind":"full"}]'], ["--speculative-config", '{"method":"eagle","num_speculative_tokens":1}']]
    policies += [["--kv-offloading-size", "1"]]
    kinds = ["--replica-kinds", '[{"count":2}]']  # a fleet, whose number of replicas is at its default
    models += [kinds, [*kinds, "--router", "prefix-aware"]]
    policies += [["--replicas", "2", "--prefill-replicas", "1"]]
    for words in models + (policies if scheduler == "vllm-v1" else []):
        command = [program, "config", "show", "--scheduler", scheduler, *words]
        for name, value in flat(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)):
            shown.setdefault(name, value)
    return shown


def wanted(program, key):
    """What the program says of a value that fits no key."""
    option = "--" + key.replace("_", "-").replace(".", "-")
    error = subprocess.run([program, "config", "show", f"{option}=?"], capture_output=True, text=True).stderr
    return re.sub(r".*must be ", "", error.strip())


def number(text):
    return float("inf") if text == "inf" else float(text)


def check_values(key, cell, wants):
    """The cell of values against the program's words."""
    if "not JSON" in wants:
        return cell.startswith("null, ")
    cell, wants = cell.replace(", null", ""), wants.replace(", or null", "")
    span = re.match(r"(?:an integer|a number) from (\S+) to (\S+)$", wants)
    if span:
        said = re.match(r"(\S+) to (\S+)$", cell)
        return bool(said) and [number(v) for v in said.groups()] == [number(v) for v in span.groups()]
    if wants == "true or false":
        return cell == "true, false"
    if "path" in wants or "policies.md" in cell:
        return True
    return re.findall(r"`([^`]+)`", cell) == re.findall(r'"([^"]+)"', wants)


def check_default(cell, value):
    text = cell.strip("`")
    if value is None or value == "":
        return text in ("", "none", "needed", "null")
    if isinstance(value, bool):
        return text == str(value).lower()
    if isinstance(value, str):
        return text.split("`")[0] == value
    return re.match(r"[\d.]+$", text) is None or float(text) == value  # words for what depends on other keys


def main():
    program, page = sys.argv[1:]
    text = open(page, encoding="utf-8").read().split("\n## 2. ")[1].split("\n## 3. ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.split("\n") if line.startswith("| `")]
    rows = [row for row in rows if len(row) == 6]  # other tables are of members of values
    listed = [row.pop(0).strip("`") for row in rows]
    show = subprocess.run([program, "replay", "--help"], capture_output=True, text=True, check=True).stdout
    show = show[show.index("Configuration (also"):]
    options = re.findall(r"^  --(?:\[no-\])?([a-z0-9-]+)", show, re.M)
    if [key.replace("_", "-").replace(".", "-") for key in listed] != options:
        print("keys differ:", sorted(set(options) ^ {key.replace("_", "-").replace(".", "-") for key in listed}) or "in order")
    v1, v0 = defaults(program, "vllm-v1"), defaults(program, "vllm-v0")
    for key, (engine, values, of_v1, of_v0, _) in zip(listed, rows):
        if key not in UNBOUNDED and not check_values(key, values, wanted(program, key)):
            print(f"{key}: the page says {values}, the program {wanted(program, key)}")
        for name, shown, cell in (("V1", v1, of_v1), ("V0", v0, of_v0)):
            if key in UNSHOWN and key not in shown:
                continue
            if engine in ("", name) and not (key == "scheduler" and name == "V0") and not check_default(cell, shown.get(key)):
                print(f"{key}: {name}'s default is {shown.get(key)}, the page says {cell}")
    print(f"{len(rows)} keys compared" if len(rows) == len(options) else "rows are missing")


main()
