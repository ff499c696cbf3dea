#!/usr/bin/env python3
"""Replay every golden case in the quick way of its engine and step by step: their whole reports must be the same, and for V1 agree with the
summary that the real scheduler's log ends with. V1 cases of one group of full layers are replayed with other policies, too, of which no log tells; the event replay
takes all of these.

usage: compare_engines.py PROGRAM [FOLDER...]       (folders with packs and cases; default: the packs beside this file)
Last line: "N passed, N failed"; exit status 1 when a case fails.
"""
import json
import lzma
import os
import subprocess
import sys
import tempfile

OTHER_POLICIES = (
    ["--eviction-policy", "lru"],
    ["--eviction-policy", "lfu", "--scheduling-policy", "lpm"],
    ["--scheduling-policy", "mlfq", "--preemption-victim", "cheapest-recompute"],
    ["--scheduling-policy", "mlfq", "--eviction-policy", "lru"],
    ["--scheduling-policy", "srpt"],
)
FROM_LOG = ("steps", "preemptions", "cached_tokens", "cached_tokens_all", "prompt_tokens")


def cases(folder):
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if name.endswith(".pack.jsonl.xz"):
            for line in lzma.open(path, "rt"):
                case = json.loads(line)
                yield case["name"], case["config"], "".join(json.dumps(request) + "\n" for request in case["trace"]), case["log"][-1]
        elif name.endswith(".config.json"):
            base = path[: -len(".config.json")]
            with open(path) as file:
                config = json.load(file)
            last = lzma.open(base + ".log.jsonl.xz", "rt").read().rstrip("\n").rsplit("\n", 1)[-1]
            yield name, config, lzma.open(base + ".trace.jsonl.xz", "rt").read(), json.loads(last)


def report(program, folder, options):
    command = [program, "replay", "--config", folder + "/config.json", "--trace", folder + "/trace.jsonl", "--format", "json"]
    done = json.loads(subprocess.run(command + options, capture_output=True, text=True, timeout=120).stdout)
    return done.pop("measured")["engine"], done


taken = [0]  # replays by events


def difference(program, config, trace, summary):
    with tempfile.TemporaryDirectory() as folder:
        v1 = config.get("scheduler", "vllm-v1") == "vllm-v1"
        if v1:  # logs that do not say were made with it off
            config = {"async_scheduling": False, **config}
        with open(folder + "/config.json", "w") as file:
            json.dump(config, file)
        with open(folder + "/trace.jsonl", "w") as file:
            file.write(trace)
        wrong = []
        groups, drafts = config.get("kv_cache_groups"), config.get("speculative_config")
        for policies in [[], *OTHER_POLICIES] if v1 else [[]]:
            if groups and "--eviction-policy" in policies:
                continue  # those know one group
            way, quick = report(program, folder, policies)
            _, by_steps = report(program, folder, policies + ["--reference"])
            told = drafts and "mlfq" in policies  # of every step, which it does not do with drafts
            if v1 and not groups and not told and way != "events":  # of groups it takes the usual ones
                return "the event replay did not take it " + " ".join(policies)
            taken[0] += way == "events"
            wrong += [" ".join([key] + policies) for key in by_steps if by_steps[key] != quick.get(key)]
            if v1 and not policies:
                wrong += [f"{key} of the log" for key in FROM_LOG if quick[key] != summary[key]]
    return ", ".join(wrong)


def main():
    passed = failed = 0
    for folder in sys.argv[2:] or [os.path.dirname(os.path.abspath(__file__))]:
        for name, config, trace, summary in cases(folder):
            wrong = difference(sys.argv[1], config, trace, summary)
            passed += not wrong
            failed += bool(wrong)
            if wrong:
                print(f"differs: {name}: {wrong}")
    print(f"{taken[0]} replays by events")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


main()
