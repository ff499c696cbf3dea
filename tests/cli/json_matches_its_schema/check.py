#!/usr/bin/env python3
"""Every command's JSON against its schema in doc/schema, and every name of a latency figure against the table of figures.

usage: check.py PROGRAM ROOT COMMAND...    (a COMMAND is one string of arguments; a leading "!" expects exit 4)
Prints a line a command; needs jsonschema (Debian: python3-jsonschema).
"""
import json
import os
import re
import shlex
import subprocess
import sys

import jsonschema

LATENCY = re.compile(r"(^|_)(ttft|tpot|itl|e2el?|queue)(_|$)")
STATISTIC = re.compile(r"(^|_)(mean|median|std|min|max|p[0-9.]+)(_|$)")


def unique(pairs):
    if len(dict(pairs)) < len(pairs):
        sys.exit(f"a key stands twice: {[key for key, _ in pairs]}")
    return dict(pairs)


def keys(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key != "configuration":
                yield key
                yield from keys(value)
    elif isinstance(node, list):
        for value in node:
            yield from keys(value)


def whole(store, name):
    """The schema with those that it refers to inside, so that no version of jsonschema has to fetch anything."""
    text = json.dumps({**store[name], "$defs": {other: store[other] for other in ("common.schema.json", "figure_members.schema.json")}})
    return json.loads(re.sub(r'"\$ref": "([a-z_]+\.schema\.json)"', r'"$ref": "#/$defs/\1"', text))


def main():
    program, root = sys.argv[1:3]
    folder = os.path.join(root, "doc", "schema")
    store = {}
    for name in os.listdir(folder):
        schema = json.load(open(os.path.join(folder, name), encoding="utf-8"))
        jsonschema.Draft202012Validator.check_schema(schema)
        store[name] = schema
    figures = set(store["figure_members.schema.json"]["properties"])
    for words in sys.argv[3:]:
        run = subprocess.run([program] + shlex.split(words) + ["--format", "json"], capture_output=True, text=True)
        if run.returncode != 0:
            sys.exit(f"{words}: exit {run.returncode}: {run.stderr}")
        document = json.loads(run.stdout, object_pairs_hook=unique)
        name = document["command"].replace(" ", "_") + ".schema.json"
        for error in jsonschema.Draft202012Validator(whole(store, name)).iter_errors(document):
            sys.exit(f"{words}: {'/'.join(map(str, error.path))}: {error.message[:400]}")
        for key in keys(document):
            if key.endswith("_ms") and LATENCY.search(key) and STATISTIC.search(key) and key not in figures \
                    and not re.fullmatch(r"p[0-9]+(\.[0-9]+)?_(ttft|tpot|itl|e2el|queue)_ms(_(std|cv|se|ci_low|ci_high))?", key) \
                    and re.sub(r"_(std|cv|se|ci_low|ci_high)$", "", key) not in figures:
                sys.exit(f"{words}: {key} is no figure's name")
        print(document["command"], "fits", name)


main()
