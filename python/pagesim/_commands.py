"""Everything that the program does, in this process: commands by their words, and sweep, curve and compare with arguments of their own."""
from __future__ import annotations

import ctypes
import os
import threading
import warnings
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from ._errors import Error, PagesimWarning, UsageError
from ._library import NOTICE, OK, PROGRESS, CommandOptionsStruct, ErrorStruct, FileStruct, exception, lib, take_text
from ._replay import Progress
from ._results import Result
from ._traces import Trace, TraceLike
from ._words import as_json, config_words, option_words, settings, text_of

# How often the calling thread looks for news of a command: 20 times a second.
LOOK_S = 0.05
_one_at_a_time = threading.Lock()


class _Job:
    """A command in a thread of its own, so that the caller's thread sees Ctrl-C at once and calls back itself: the library's calls come from
    any of its threads, and only take notes here."""

    def __init__(self, words: Sequence[str], files: Mapping[str, bytes]) -> None:
        self.words = (ctypes.c_char_p * len(words))(*(os.fsencode(word) for word in words))
        self.files = (FileStruct * len(files))(*(FileStruct(name.encode(), text, len(text)) for name, text in files.items()))
        self.notices: List[str] = []
        self.done = self.total = 0
        self.stop = False
        self.ended = threading.Event()
        self.error, self.status, self.text = ErrorStruct(), OK, ""
        self.failed: Optional[BaseException] = None

    def _progress(self, _: Any, done: int, total: int) -> bool:
        self.done, self.total = done, total
        return not self.stop

    def run(self) -> None:
        out = ctypes.c_void_p()
        try:
            notice = NOTICE(lambda _, line: self.notices.append(line.decode(errors="replace")))
            options = CommandOptionsStruct(files=self.files, file_count=len(self.files), notice=notice, progress=PROGRESS(self._progress))
            self.status = lib().pagesim_command(self.words, len(self.words), ctypes.byref(options), ctypes.byref(out), ctypes.byref(self.error))
            self.text = take_text(out)
        except BaseException as failed:  # pylint: disable=broad-except
            self.failed = failed
        finally:
            self.ended.set()


def _watch(job: _Job, progress: Optional[Progress]) -> Optional[BaseException]:
    """Wait for the end. What the caller's callback raises, or Ctrl-C, stops the command and is returned."""
    raised: Optional[BaseException] = None
    while True:
        try:
            if job.ended.wait(LOOK_S):
                return raised
            if progress and job.total and not job.stop and progress(job.done, job.total) is False:
                job.stop = True
        except BaseException as why:  # pylint: disable=broad-except
            raised, job.stop = raised or why, True


def _run(words: Sequence[str], files: Mapping[str, bytes], progress: Optional[Progress]) -> Tuple[str, List[str], Optional[Error]]:
    lib()
    with _one_at_a_time:
        job = _Job(words, files)
        thread = threading.Thread(target=job.run, name="pagesim", daemon=True)
        thread.start()
        raised = _watch(job, progress)
        thread.join()
    if raised or job.failed:
        raise raised or job.failed  # type: ignore[misc]
    return job.text, job.notices, exception(job.error) if job.status != OK else None  # type: ignore[return-value]


def run(words: Sequence[str], *, files: Optional[Mapping[str, Union[str, bytes]]] = None, progress: Optional[Progress] = None) -> str:
    """Run a command line of the program and return what it would print: run(["trace", "info", "--trace", "t.jsonl"]).

    files: texts by names in angle brackets, {"<requests>": "..."}, that the words may use as files. Warnings are Python's (PagesimWarning).
    """
    texts = {name: text.encode() if isinstance(text, str) else text for name, text in (files or {}).items()}
    text, notices, error = _run(words, texts, progress)
    _warn(notices, 3)
    if error:
        raise error
    return text


def _warn(notices: Sequence[str], level: int) -> None:
    for line in notices:
        if line.startswith("warning: "):
            warnings.warn(line[len("warning: "):], PagesimWarning, stacklevel=level)


def _report(words: Sequence[str], files: Mapping[str, bytes], progress: Optional[Progress], charts: bool, level: int = 4) -> Result:
    text, notices, error = _run([*words, "--format=json", *(["--charts"] if charts else [])], files, progress)
    _warn(notices, level)
    result = Result(text, notices) if text.startswith("{") else None
    if error:
        error.result = result
        raise error
    if result is None:
        raise UsageError(f"{' '.join(words)} makes no report; pagesim.run() gives what it prints")
    return result


def command(name: str, trace: Optional[TraceLike] = None, *arguments: str, config: Any = None, vllm_args: Optional[str] = None,
            progress: Optional[Progress] = None, charts: bool = True, **options: Any) -> Result:
    """Run a command that makes a report: command("explain", "t.jsonl", num_gpu_blocks=300).

    name:      "replay", "size", "explain", "ledger", "validate", "trace info", ...; `pagesim --help` lists them
    trace:     as for replay
    arguments: what stands there without an option's name
    options:   options of the command and keys of the configuration, by the names of the program with _ for -: limit=200,
               enable_prefix_caching=False, from_=3.5, require=["p99_ttft_ms<500"], step_time={"base_ns": 1}. True is a switch.
    charts:    keep the pictures of result.html() and of notebooks with the result, some 100 KB of text; False where a loop makes many
    Raises RequirementNotMet, and Failed after a stall, both with `result`; BadInput, UsageError.
    """
    files: Dict[str, bytes] = {}
    words = [*name.split(), *arguments]
    if trace is not None and name.startswith("trace "):  # these have no option for it
        words.append(Trace.of(trace).words(files)[0][len("--trace="):])
        trace = None
    return _report([*words, *_common(trace, config, vllm_args, files), *option_words(options)], files, progress, charts)


def _common(trace: Optional[TraceLike], config: Any, vllm_args: Optional[str], files: Dict[str, bytes]) -> List[str]:
    words = Trace.of(trace).words(files) if trace is not None else []
    words += config_words(config, files)
    return words + ([f"--vllm-args={vllm_args}"] if vllm_args is not None else [])


def sweep(trace: Optional[TraceLike] = None, *, vary: Optional[Mapping[str, Any]] = None, points: Optional[Sequence[Mapping[str, Any]]] = None,
          config: Any = None, vllm_args: Optional[str] = None, progress: Optional[Progress] = None, charts: bool = True, **options: Any) -> Result:
    """Replay one trace under many configurations, in parallel: `pagesim sweep`. tables["rows"] has a row for each point.

    vary:     {"num_gpu_blocks": [1000, 2000], "step_time.base_ns": "2000000:8000000:*2"}: all combinations (mode="list": first with first)
    points:   or a list of dicts, the settings of each run, {"num_gpu_blocks": 300, "step_time.base_ns": 1}
    options:  figures=["p99_ttft_ms"], objectives=["request_throughput:max"], require=[...], replicates=5, generate="chat", journal=..., and
              keys of the configuration for all runs; see command
    progress: called some times a second with (done, total) in thousandths of a run
    """
    files: Dict[str, bytes] = {}
    words = ["sweep", *_common(trace, config, vllm_args, files)]
    for key, values in (vary or {}).items():
        listed = values if isinstance(values, str) else ",".join(text_of(value) for value in values)
        words.append(f"--vary={key}={listed}")
    if points is not None:
        files["<points>"] = b"".join(as_json(point) + b"\n" for point in points)
        words.append("--list=<points>")
    return _report([*words, *option_words(options)], files, progress, charts)


def curve(trace: TraceLike, *, config: Any = None, vllm_args: Optional[str] = None, progress: Optional[Progress] = None, charts: bool = True,
          **options: Any) -> Result:
    """How much of all prompts a prefix cache of each size would hold: `pagesim curve`. tables["points"] has the chosen sizes.

    options: block_sizes=[16, 64], points=[1000, "10k"] in blocks or token_points=["1M"], replay=True to hold a scheduler next to it, and keys of
             the configuration; see command
    """
    files: Dict[str, bytes] = {}
    return _report(["curve", *_common(trace, config, vllm_args, files), *option_words(options)], files, progress, charts)


def compare(trace: TraceLike, a: Any = None, b: Any = None, *, sides: Optional[Mapping[str, Any]] = None, config: Any = None,
            vllm_args: Optional[str] = None, progress: Optional[Progress] = None, charts: bool = True, **options: Any) -> Result:
    """Two to eight configurations on one trace, request by request: `pagesim compare`. Differences are B - A, or a side less the first one.

    a, b:     settings of each side, {"block_size": 16}, on top of what holds for both; or two configuration files
    sides:    instead of a and b: {"fcfs": {}, "sjf": {"scheduling_policy": "sjf"}, "old": "old.json"}, two to eight by name
    options:  by=["ttft", "input_length"], top=10, require=["delta_p99_ttft_ms<=0"], and keys of the configuration for all; see command
    progress: called some times a second with (done, total) in requests of all sides
    """
    files: Dict[str, bytes] = {}
    words = ["compare", *_common(trace, config, vllm_args, files)]
    if sides is not None:
        if a is not None or b is not None:
            raise UsageError("sides, or a and b: one of the two")
        for name, side in sides.items():
            words += ["--side", name]
            words += [f"{key}={value}" for key, value in settings(side)] if isinstance(side, Mapping) else [os.fspath(side)]
        return _report([*words, *option_words(options)], files, progress, charts)
    given = [side for side in (a, b) if side is not None and not isinstance(side, Mapping)]
    if len(given) == 2:
        words += [os.fspath(a), os.fspath(b)]
    elif given:
        raise UsageError("a and b: give two configuration files, or settings of each side as dicts")
    else:
        words += [f"--{side}={key}={value}" for side, own in (("a", a), ("b", b)) for key, value in settings(own or {})]
    return _report([*words, *option_words(options)], files, progress, charts)
