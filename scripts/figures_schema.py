#!/usr/bin/env python3
"""Write doc/schema/figure_members.schema.json from the program's own table of figures, or check that it is up to date.

usage: figures_schema.py PROGRAM [--check]
"""
import json
import subprocess
import sys

PATH = "doc/schema/figure_members.schema.json"


def member(figure):
    """Whole figures of one run are integers, but a sweep's rows hold means over replicates."""
    return {"type": ["number", "null"], "description": f"{figure['meaning']} ({figure['unit']})"}


def main():
    told = subprocess.run([sys.argv[1], "figures", "--format", "json"], capture_output=True, text=True, check=True).stdout
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema",
              "title": "Figures of a run: which are there depends on engine and options (pagesim figures); null is undefined",
              "type": "object",
              "properties": {figure["name"]: member(figure) for figure in json.loads(told)["figures"]},
              "patternProperties": {r"^p[0-9]+(\.[0-9]+)?_(ttft|tpot|itl|e2el|queue|client_queue_time|e2el_including_client_queue)_ms$": {"type": ["number", "null"]}}}
    text = json.dumps(schema, indent=1) + "\n"
    if sys.argv[2:] != ["--check"]:
        open(PATH, "w", encoding="utf-8").write(text)
    elif open(PATH, encoding="utf-8").read() != text:
        sys.exit(f"{PATH} is not what the program says: run scripts/figures_schema.py {sys.argv[1]}")


main()
