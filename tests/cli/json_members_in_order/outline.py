#!/usr/bin/env python3
"""The members of each command's JSON, in order: names are a contract, and a schema does not see a member that is new or has moved.

usage: outline.py PROGRAM COMMAND...       (a COMMAND is one string of arguments)
Figures are held against the table of figures (`pagesim figures`) and written in a few words when they are all there, in its order.
"""
import itertools
import json
import shlex
import subprocess
import sys


def pairs_of(items):
    """Objects stay lists of pairs, so that a name that stands twice is seen."""
    return tuple(items)


def run(program, words):
    done = subprocess.run([program] + shlex.split(words) + ["--format", "json"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{words}: exit {done.returncode}: {done.stderr}")
    return json.loads(done.stdout, object_pairs_hook=pairs_of)


def is_object(value):
    return isinstance(value, tuple)


SPREAD = ("n", "std", "cv", "se", "ci_low", "ci_high")


def without_spread(names, table):
    """Of a sweep with replicates: a mean has its spread after it, a peak has none. Names as they are when that is not so."""
    short = [name for name in names if name in table]
    spread = [more for name in short
              for more in [name] + [f"{name}_{what}" for what in SPREAD if table[name]["replicates"] == "mean"]]
    return (short, " with spread") if spread == names else (names, "")


def described(names, table):
    """Figures of a report are all that its runs have, in the table's order; a table shows some of them first. Names as they are when
    any is missing, moved or new."""
    short, spread = without_spread(names, table) if any(name not in table for name in names) else (names, "")
    places = [list(table).index(name) if name in table else -1 for name in short]
    first = len(short)
    while first > 0 and (first == len(short) or places[first - 1] < places[first]):
        first -= 1
    runs = list(dict.fromkeys(table[name]["runs"] for name in short if name in table))
    if sorted(short) != sorted(name for name in table if table[name]["runs"] in runs):
        return names
    shown = short[:first] if first < len(short) else []
    shown = shown if len(shown) < 20 else short
    others = "the other figures" if shown else "figures"
    return shown + [f"<{others} of: {', '.join(sorted(runs))}{spread}>"]


def belongs(key, table):
    return key in table or any(key.endswith("_" + what) and key[:-len(what) - 1] in table for what in SPREAD)


def collapsed(pairs, table):
    """Member names with runs of figures described. A few figures among other members are members."""
    for is_figure, group in itertools.groupby((key for key, _ in pairs), lambda key: belongs(key, table)):
        names = list(group)
        yield from described(names, table) if is_figure and len(names) > 20 else names


def outline(value, table):
    """One line of all that is inside."""
    if is_object(value):
        inner, words = dict(value), []
        for name in collapsed(value, table):
            more = outline(inner[name], table) if name in inner and name != "configuration" else ""
            words.append(f"{name} {more}" if more else name)
        return "{" + ", ".join(words) + "}"
    if isinstance(value, list):
        kinds = list(dict.fromkeys(outline(item, table) for item in value))
        return "[" + " or ".join(kinds) + "]"
    return ""


def main():
    program = sys.argv[1]
    rows = dict(run(program, "figures"))["figures"]
    table = {dict(row)["name"]: dict(row) for row in rows}
    for words in sys.argv[2:]:
        document = run(program, words)
        inner = dict(document)
        print(f"== {inner['command']}")
        for name in collapsed(document, table):
            more = outline(inner[name], table) if name in inner and name != "configuration" else ""
            print(f"{name} {more}" if more else name)


main()
