"""Values of Python as the library reads them: settings of a configuration, and words of a command line."""
from __future__ import annotations

import json
import os
from typing import Any, Dict, Iterator, List, Mapping, Tuple

from ._errors import UsageError

# Options of commands that are given once for each value; other lists stand between commas.
REPEATED = {"require", "vary", "a", "b", "by", "goodput", "metadata"}


def plain(value: Any) -> Any:
    """A number of numpy as one of Python."""
    return value.item() if hasattr(value, "item") and not hasattr(value, "__len__") else value


def text_of(value: Any) -> str:
    value = plain(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    if isinstance(value, os.PathLike):
        return str(os.fspath(value))
    raise UsageError(f"{value!r} is no value of a setting; a number, a text, True, False or a path is")


def settings(given: Mapping[str, Any], prefix: str = "") -> Iterator[Tuple[str, str]]:
    """Keys and values as on the command line. A dict is a group, step_time={"base_ns": 1}; None leaves a key out."""
    for key, value in given.items():
        if isinstance(value, Mapping):
            yield from settings(value, f"{prefix}{key}.")
        elif value is not None:
            yield prefix + key, text_of(value)


def as_json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, default=plain).encode()


def config_words(config: Any, files: Dict[str, bytes]) -> List[str]:
    """--config for a path or a dict."""
    if config is None:
        return []
    if isinstance(config, Mapping):
        files["<config>"] = as_json(config)
        return ["--config=<config>"]
    return [f"--config={os.fspath(config)}"]


def option_words(options: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Options of the program: block_size=16 is --block-size=16, async_scheduling=False is --no-async-scheduling, from_=3 is --from=3."""
    for key, value in options.items():
        name = prefix + key.rstrip("_").replace("_", "-").replace(".", "-")
        value = plain(value)
        if isinstance(value, Mapping):
            yield from option_words(value, f"{name}-")
        elif isinstance(value, bool):
            yield f"--{name}" if value else f"--no-{name}"
        elif isinstance(value, (list, tuple)) or hasattr(value, "tolist"):
            texts = [text_of(item) for item in value]
            yield from (f"--{name}={text}" for text in (texts if key in REPEATED else [",".join(texts)]))
        elif value is not None:
            yield f"--{name}={text_of(value)}"
