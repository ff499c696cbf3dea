"""What the tests share: the checkout, the program next to the library, small traces."""
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build" / "release"))
BUILD = BUILD if BUILD.is_absolute() else ROOT / BUILD
CHAT = str(ROOT / "traces" / "chat.jsonl")
os.environ.setdefault("PAGESIM_LIBRARY", str(BUILD / "libpagesim.so.0"))
sys.path.insert(0, str(ROOT / "python"))
sys.dont_write_bytecode = True


def have(module):
    return importlib.util.find_spec(module) is not None


# `make python-frames` says that both must be there.
NEEDED = "NEED_FRAMES" in os.environ
needs_numpy = unittest.skipUnless(NEEDED or have("numpy"), "numpy is not installed")
needs_pandas = unittest.skipUnless(NEEDED or have("pandas"), "pandas is not installed; make python-frames")


def program(*words):
    """What the program prints."""
    return subprocess.run([str(BUILD / "pagesim"), *words], capture_output=True, text=True, check=True).stdout


def lines(limit):
    """The beginning of a trace."""
    with open(CHAT, encoding="utf-8") as file:
        return "".join(line for line, _ in zip(file, range(limit)))


def rows(limit=60):
    return [json.loads(line) for line in lines(limit).splitlines()]


def without(report, *names):
    """A report's text without these members: two runs differ in what this machine measured, and a library call has no command line."""
    kept = {name: value for name, value in json.loads(report).items() if name not in names}
    return json.dumps(kept)


def columns_of(table):
    """A table as a dict of lists, with and without pandas."""
    return {name: list(table[name]) for name in table}
