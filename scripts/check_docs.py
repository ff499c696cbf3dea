#!/usr/bin/env python3
"""Does everything that a comment or a page points to exist? Files, sections of doc/, cases of vllm_v1.md, links and headings of pages.

usage: check_docs.py      (from the project's folder)

In comments of core/, sim/, tests/, include/ and examples/: "doc/x.md", "vllm_v1.md section 6.1", "formats.md sections 2 and 3", "case E8";
in sim/vllm_v1*, sim/vllm_v0 a bare "section 5" means the page of that engine. Papers are cited as (SOSP'23) section 4 and are not looked up.
"""
import glob
import os
import re
import sys

PAPER = re.compile(r"(?:SOSP'23\)?|\b20\d\d\)|\barXiv [\d.]+\)),? sections? \d[\d., and]*")
FILES = re.compile(r"(?<![\w./-])(?:core|sim|tests|include|examples|doc|scripts|configs|traces)/[\w./-]*\w")
NO_FILE = re.compile(r"[A-Z]{4}|_x\.|core/\w+\.py")  # cmd_NAME.c, tests/sim/ROOM/test_x.c, vLLM's own core/scheduler.py
SECTIONS = re.compile(r"(?:(?:doc/)?(vllm_v[01]|[Ff]ormats)\.md,?\s+)?\b[Ss]ections? (\d+(?:\.\d+)?(?:(?:, | and | to |-)\d+(?:\.\d+)?)*)")


def headings(page):
    text = open(page, encoding="utf-8").read()
    return re.findall(r"^#+ (.*)$", re.sub(r"^    .*$", "", text, flags=re.M), re.M)


def anchor(heading):
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", re.sub(r"`|\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()).replace(" ", "-")


def numbers(spec):
    """\"2-5\" and \"1, 3 and 11\" as lists of numbers."""
    span = re.fullmatch(r"(\d+)(?:-| to )(\d+)", spec)
    return [str(n) for n in range(int(span[1]), int(span[2]) + 1)] if span else re.findall(r"\d+(?:\.\d+)?", spec)


def home_page(path):
    return "vllm_v0" if path.startswith("sim/vllm_v0/") else "vllm_v1" if path.startswith("sim/vllm_v1") else None


def missing_files(text):
    return [name for name in FILES.findall(text) if not NO_FILE.search(name) and not glob.glob(name) and not glob.glob(name + ".*")]


def comments(text):
    """(line number, comment on one line) of a C file."""
    for found in re.finditer(r"/\*.*?\*/", text, re.S):
        yield text.count("\n", 0, found.start()) + 1, re.sub(r"\s*\n\s*\*?\s*", " ", found[0])


def check_sources(pages, cases, problems):
    roots = ("core", "sim", "tests", "include", "examples")
    for path in sorted(name for root in roots for name in glob.glob(root + "/**/*.[ch]", recursive=True)):
        for line, comment in comments(open(path, encoding="utf-8").read()):
            for name in re.findall(r"semantics/\S+|\.\./shared/\S+\.md", comment):
                problems.append(f"{path}:{line}: points to {name}, which is not part of the project")
            problems += [f"{path}:{line}: {name} is not there" for name in missing_files(comment)]
            for case in re.findall(r"\bcase (E\d+)\b", comment):
                if case not in cases:
                    problems.append(f"{path}:{line}: vllm_v1.md has no case {case}")
            for page, spec in SECTIONS.findall(PAPER.sub(" ", comment)):
                page = page.lower() or home_page(path)
                if page is None:
                    problems.append(f"{path}:{line}: section {spec} of what?")
                    continue
                for number in numbers(spec):
                    if number not in pages[page]:
                        problems.append(f"{path}:{line}: doc/{page}.md has no section {number}")


def check_links(problems):
    for page in ["README.md", "CHANGELOG.md"] + sorted(glob.glob("doc/*.md")):
        text = open(page, encoding="utf-8").read()
        problems += [f"{page}: names {name}, which is not there" for name in missing_files(" ".join(re.findall(r"`([^`\n]+)`", text)))]
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            file, _, fragment = target.partition("#")
            if "://" in target:
                continue
            path = os.path.normpath(os.path.join(os.path.dirname(page), file)) if file else page
            if not os.path.exists(path):
                problems.append(f"{page}: links to {target}, which is not there")
            elif fragment and fragment not in map(anchor, headings(path)):
                problems.append(f"{page}: links to {target}, a heading that is not there")


def main():
    pages = {name: {m[1] for m in (re.match(r"(\d+(?:\.\d+)?)[. ]", h) for h in headings(f"doc/{name}.md")) if m}
             for name in ("vllm_v1", "vllm_v0", "formats")}
    cases = set(re.findall(r"^\*\*(E\d+),", open("doc/vllm_v1.md", encoding="utf-8").read(), re.M))
    problems = []
    check_sources(pages, cases, problems)
    check_links(problems)
    print("\n".join(problems) if problems else "docs: everything that is pointed to is there")
    sys.exit(bool(problems))


main()
