#!/usr/bin/env python3
"""Rules of the house that no compiler knows: lengths of files and functions, direction of includes, unique names, no paths of a machine.

usage: check_tree.py      (from the project's folder)
"""
import os
import re
import subprocess
import sys

FILE_LINES, FUNCTION_LINES = 800, 90
# A folder may include from itself and from those before it.
ORDER = ["base", "policy", "config", "trace", "time", "engine", "vllm_v1", "vllm_v1_fast", "vllm_v0", "data_plane", "observe", "figure",
         "replay", "study", "report", "public", "command"]
# What the move into rooms has left to mend.
ALLOWED = {("config", "trace/load.h"), ("engine", "replay/engine.h"), ("replay", "report/report.h"), ("vllm_v1_fast", "replay/engine.h")}


def functions(lines):
    """(first line, length) of each function: from a line in column 0 that ends in ) or ){ to the closing brace in column 0."""
    start = None
    for number, line in enumerate(lines, 1):
        if re.match(r"[A-Za-z_].*\)\s*\{?\s*$", line):
            start = number
        elif line.startswith("}") and start:
            yield start, number - start
            start = None


def check_file(path, problems):
    lines = open(path, encoding="utf-8").read().split("\n")
    if len(lines) > FILE_LINES:
        problems.append(f"{path}: {len(lines)} lines, at most {FILE_LINES}")
    if path.endswith(".c"):
        problems.extend(f"{path}:{start}: a function of {length} lines, at most {FUNCTION_LINES}" for start, length in functions(lines)
                        if length > FUNCTION_LINES)
    folder = path.split("/")[1] if path.startswith("sim/") and path.count("/") == 2 else None
    for number, line in enumerate(lines, 1):
        include = re.match(r'#include "(\w+)/(\w+\.h)"', line)
        if path.startswith("core/") and include:
            problems.append(f"{path}:{number}: core includes from outside")
        if folder in ORDER and include and include[1] in ORDER and ORDER.index(include[1]) > ORDER.index(folder):
            if (folder, f"{include[1]}/{include[2]}") not in ALLOWED:
                problems.append(f"{path}:{number}: {folder}/ includes {include[1]}/{include[2]}, against the direction")


def main():
    tracked = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], capture_output=True, text=True).stdout.split("\n")
    problems, names = [], {}
    for path in filter(os.path.isfile, tracked):
        if path.endswith((".c", ".h")):
            check_file(path, problems)
            names.setdefault(os.path.basename(path), []).append(path)
        if not path.endswith((".xz", ".jsonl")):
            text = open(path, encoding="utf-8", errors="replace").read()
            if re.search(r"(^|[^A-Za-z0-9_.])/(work|root|farm)/", text):
                problems.append(f"{path}: holds a path of a machine")
    problems += [f"{name}: the name is taken twice: {', '.join(paths)}" for name, paths in names.items() if len(paths) > 1]
    print("\n".join(problems) if problems else "tree: nothing found")
    sys.exit(bool(problems))


main()
