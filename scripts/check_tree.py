#!/usr/bin/env python3
"""Rules of the house that no compiler knows: lengths of files and functions, direction of includes, no circles of includes, what the top of
a .c file says, one spelling a figure, unique names, no paths of a machine.

usage: check_tree.py            list what breaks a rule; exit 1 if there is anything
       check_tree.py --count    print lines, files, circles, share of comments and status checks of each room instead
       (from the project's folder)
"""
import os
import re
import subprocess
import sys

FILE_LINES, FUNCTION_LINES = 800, 90
# A room of sim/ may include from itself and from those before it.
ORDER = ["base", "policy", "config", "trace", "generate", "time", "engine", "vllm_v1", "vllm_v1_fast", "vllm_v0", "data_plane", "observe",
         "figure", "replay", "fleet", "run", "study", "report", "command", "public"]
# Where the compiler looks for a quoted include, after the folder of the file itself (Makefile: -Icore -Isim -Itests -Iinclude).
INCLUDE_ROOTS = ["core", "sim", "tests", "include"]
# The public headers: the manuals of the two libraries. Nothing else stands in include/.
PUBLIC_HEADERS = {"include/pagedkv.h", "include/pagesim.h"}

# Spellings of figures that another one replaced (sim/figure/figure_rows.h). measured_run.c reads a server's CSV, whose column is e2e_ms.
LATENCY, STATISTIC = r"(ttft|tpot|itl|e2el?|queue)", r"(mean|median|std|min|max|p[0-9]+)"
OTHER_SPELLINGS = re.compile(rf'"({LATENCY}_{STATISTIC}_ms|(\w*_)?e2e_(ms|mape|\w*error)|\w+_throughput_\w*per_s)"')
SPELLING_EXCEPTIONS = {"sim/study/measured_run.c"}


def tracked_files():
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], capture_output=True, text=True)
    return [path for path in listed.stdout.split("\n") if os.path.isfile(path)]


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def room_of(path):
    """"config" for sim/config/x.c; None outside of sim's rooms."""
    parts = path.split("/")
    return parts[1] if parts[0] == "sim" and len(parts) == 3 else None


def functions(lines):
    """(first line, length) of each function: from a line in column 0 that ends in ) or ){ to the closing brace in column 0."""
    start = None
    for number, line in enumerate(lines, 1):
        if re.match(r"[A-Za-z_].*\)\s*\{?\s*$", line):
            start = number
        elif line.startswith("}") and start:
            yield start, number - start
            start = None


def check_lengths(path, lines):
    if len(lines) > FILE_LINES:
        yield f"{path}: {len(lines)} lines, at most {FILE_LINES}"
    if path.endswith(".c"):
        for start, length in functions(lines):
            if length > FUNCTION_LINES:
                yield f"{path}:{start}: a function of {length} lines, at most {FUNCTION_LINES}"


# --- includes -----------------------------------------------------------------------------------------------------------------------------

def includes(path, text, known):
    """(line number, path of the included file) for each include of a file of the tree."""
    for found in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*["<]([\w./-]+)[">]', text, re.M):
        for folder in [os.path.dirname(path)] + INCLUDE_ROOTS:
            target = os.path.normpath(os.path.join(folder, found[1]))
            if target in known:
                yield text.count("\n", 0, found.start()) + 1, target
                break


def check_direction(path, text, known):
    room = room_of(path)
    for number, target in includes(path, text, known):
        if path.startswith("core/") and not target.startswith(("core/", "include/")):
            yield f"{path}:{number}: core includes from outside"
        other = room_of(target)
        if room in ORDER and other in ORDER and ORDER.index(other) > ORDER.index(room):
            yield f"{path}:{number}: {room}/ includes {target[len('sim/'):]}, against the direction"


def include_graph(texts):
    """Module -> modules that it includes; x.c and x.h of one folder are one module."""
    graph = {}
    for path, text in texts.items():
        module = os.path.splitext(path)[0]
        others = {os.path.splitext(target)[0] for _, target in includes(path, text, texts)}
        graph.setdefault(module, set()).update(others - {module})
    return graph


def reachable(graph, start):
    seen, todo = set(), [start]
    while todo:
        for other in graph.get(todo.pop(), ()):
            if other not in seen:
                seen.add(other)
                todo.append(other)
    return seen


def circles(graph):
    """The sets of modules that reach each other, two or more each, in the order of their names."""
    reach = {module: reachable(graph, module) for module in graph}
    found = []
    for module in sorted(graph):
        if module in reach[module] and not any(module in circle for circle in found):
            found.append({other for other in reach[module] if module in reach.get(other, ())})
    return found


def one_way_round(graph, circle):
    """A shortest way through the circle from its first module back to it."""
    start = min(circle)
    ways, seen = [[start]], {start}
    for way in ways:
        for other in sorted(graph[way[-1]] & circle):
            if other == start:
                return way + [start]
            if other not in seen:
                seen.add(other)
                ways.append(way + [other])
    return [start]


def check_circles(graph):
    for circle in circles(graph):
        yield f"a circle of {len(circle)} modules: {' -> '.join(one_way_round(graph, circle))}"


# --- comments -----------------------------------------------------------------------------------------------------------------------------

def top_comment(text):
    found = re.match(r"\s*/\*(.*?)\*/", text, re.S)
    return re.sub(r"\s*\n\s*\*?\s*", " ", found[1]).strip() if found else ""


def says_nothing(path, text):
    """Is there no comment at the top of a .c file, or one that only points elsewhere ("x.c - see x.h.")?"""
    said = re.sub(r"^[\w.]+ - ", "", top_comment(text))
    return path.endswith(".c") and re.fullmatch(r"([Ss]ee [\w./]+\.h\.?)?", said) is not None


def comment_lines(text):
    """How many lines have (part of) a comment on them."""
    tokens = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*', re.S)
    lines = set()
    for found in tokens.finditer(text):
        if found[0].startswith("/"):
            first = text.count("\n", 0, found.start())
            lines.update(range(first, first + found[0].count("\n") + 1))
    return len(lines)


# --- counts -------------------------------------------------------------------------------------------------------------------------------

def group_of(path):
    room = room_of(path)
    return f"sim/{room}" if room else path.split("/")[0]


def print_counts(texts):
    graph = include_graph(texts)
    loops = circles(graph)
    rows = {}
    for path, text in texts.items():
        group = group_of(path)
        for name in [group, "sim and core"] if group.startswith(("sim", "core")) else [group]:
            row = rows.setdefault(name, {"files": 0, "lines": 0, "filled": 0, "comment": 0, "status": 0, "tops": 0, "circles": 0})
            row["files"] += 1
            row["lines"] += text.count("\n")
            row["filled"] += sum(1 for line in text.split("\n") if line.strip())
            row["comment"] += comment_lines(text)
            row["status"] += len(re.findall(r"\bif \(.*\bstatus [=!]=", text))
            row["tops"] += says_nothing(path, text)
    for circle in loops:
        groups = {group_of(module) for module in circle}
        for name in groups | ({"sim and core"} if any(group.startswith(("sim", "core")) for group in groups) else set()):
            rows[name]["circles"] += 1
    order = [f"sim/{room}" for room in ORDER]
    names = sorted(rows, key=lambda name: (name == "sim and core", name not in order, order.index(name) if name in order else 0, name))
    print(f"{'':18}{'files':>7}{'lines':>8}{'comments':>10}{'if status':>11}{'only see':>10}{'circles':>9}")
    for name in names:
        row = rows[name]
        share = 100 * row["comment"] / max(row["filled"], 1)  # of the lines that are not blank
        print(f"{name:18}{row['files']:7}{row['lines']:8}{share:9.1f}%{row['status']:11}{row['tops']:10}{row['circles']:9}")
    for circle in loops:
        print(f"circle of {len(circle)}: {' -> '.join(one_way_round(graph, circle))}")


# --- the whole ----------------------------------------------------------------------------------------------------------------------------

def check_spellings(path, text):
    if path.startswith(("sim/", "include/")) and path not in SPELLING_EXCEPTIONS:
        for found in OTHER_SPELLINGS.finditer(text):
            yield f"{path}:{text.count(chr(10), 0, found.start()) + 1}: {found[0]} is not how figure_rows.h spells it"


def find_problems(files, texts):
    problems, names = [], {}
    for path, text in texts.items():
        problems.extend(check_lengths(path, text.split("\n")))
        problems.extend(check_direction(path, text, texts))
        problems.extend(check_spellings(path, text))
        names.setdefault(os.path.basename(path), []).append(path)
        if says_nothing(path, text):
            problems.append(f"{path}: the comment at the top says nothing; say in two lines what is inside and what to read first")
        if path.startswith("include/") and path not in PUBLIC_HEADERS:
            problems.append(f"{path}: not a public header; those are {', '.join(sorted(PUBLIC_HEADERS))}")
    problems.extend(check_circles(include_graph(texts)))
    for path in files:
        if not path.endswith((".xz", ".jsonl")) and re.search(r"(^|[^A-Za-z0-9_.])/(work|root|farm)/", read(path)):
            problems.append(f"{path}: holds a path of a machine")
    return problems + [f"{name}: the name is taken twice: {', '.join(paths)}" for name, paths in names.items() if len(paths) > 1]


def main():
    files = tracked_files()
    texts = {path: read(path) for path in files if path.endswith((".c", ".h"))}
    if sys.argv[1:] == ["--count"]:
        print_counts(texts)
        return 0
    if sys.argv[1:]:
        print(__doc__)
        return 2
    problems = find_problems(files, texts)
    print("\n".join(problems) if problems else "tree: nothing found")
    return bool(problems)


sys.exit(main())
