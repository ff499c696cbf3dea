"""replay(): one run, in this thread, with callbacks."""
from __future__ import annotations

import ctypes
import os
import struct
import warnings
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence

from ._errors import PagesimWarning, UsageError
from ._library import (EVENTS, PROGRESS, STEPS, EventStruct, FigureStruct, Handle, ObserverStruct, RequestResultStruct, RunOptionsStruct, StepStruct,
                       call, lib, take_text)
from ._results import UNDEFINED, Result, table
from ._traces import Trace, TraceLike
from ._words import as_json, settings

KINDS = ("arrived", "admitted", "readmitted", "swapped_in", "preempted", "first_token", "finished", "ignored", "dropped", "vain")
NS_PER_MS = 1e6
# A struct pagesim_request_result, quicker than by ctypes: the same members, and the same size.
ROW = struct.Struct("@4I4q2I2?0q")
assert ROW.size == ctypes.sizeof(RequestResultStruct)
# A note that the program does not call a warning: something was found in the trace that nobody had to say.
FOUND = "a hash id names "


class Event(NamedTuple):
    """Something happened to a request (enum pagesim_event_kind says what `tokens` counts). Times are ns from the start of the trace."""

    kind: str
    time_ns: int
    step: int
    request: int
    sample: int
    position: int
    tokens: int


Step = NamedTuple("Step", [(name, bool if kind is ctypes.c_bool else int) for name, kind in StepStruct._fields_])  # type: ignore[misc]
Step.__doc__ = "One step of the scheduler, or idle time between two: the members of struct pagesim_step, times in ns."

Progress = Callable[[int, int], Optional[bool]]


class Figure(NamedTuple):
    """What a figure means."""

    name: str
    unit: str
    meaning: str
    value: float


class Guard:
    """Callbacks that C may call: what one raises is kept and stops the run, and is raised again when the library has returned. Ctrl-C comes
    as an exception of whatever Python code runs next, which is in a callback."""

    def __init__(self) -> None:
        self.raised: Optional[BaseException] = None

    def call(self, function: Callable[..., Optional[bool]], *arguments: Any) -> bool:
        try:
            return self.raised is None and function(*arguments) is not False
        except BaseException as raised:  # pylint: disable=broad-except
            self.raised = raised
            return False

    def check(self) -> None:
        if self.raised is not None:
            raise self.raised


class Run(Result):
    """The result of a replay. Beside what every result has:

    requests:    a table, one row a request in order of arrival (each sample one, V1): request, sample, input_tokens, output_tokens,
                 arrival_ns, first_scheduled_ns, first_token_ns, finish_ns (-1: never), preemptions, cached_tokens, dropped, ignored, and
                 queue_ms, ttft_ms, e2el_ms (NaN: it has none)
    ended_early: None, or why the run ended before all requests did
    """

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._requests: Any = None
        self._details: Dict[str, Figure] = self._read_figures()
        out = ctypes.c_void_p()
        call("pagesim_result_json", handle.pointer, ctypes.byref(out))
        super().__init__(take_text(out))
        early = lib().pagesim_result_ended_early(handle.pointer)
        self.ended_early: Optional[str] = early.decode() if early else None

    def _read_figures(self) -> Dict[str, Figure]:
        figure, found = FigureStruct(), {}
        for i in range(lib().pagesim_result_figure_count(self._handle.pointer)):
            call("pagesim_result_figure_at", self._handle.pointer, i, ctypes.byref(figure))
            name = figure.name.decode()
            found[name] = Figure(name, figure.unit.decode(), figure.meaning.decode(), figure.value)
        return found

    def _figures(self) -> Dict[str, float]:
        return {name: figure.value for name, figure in self._details.items()}

    def _make_page(self) -> str:
        out = ctypes.c_void_p()
        call("pagesim_result_html", self._handle.pointer, ctypes.byref(out))
        return take_text(out)

    def figure(self, name: str) -> Figure:
        """A figure with its unit ("ms", "s", "1/s", "bytes", "GB/s", "") and what it means."""
        if name not in self._details:
            raise UsageError(f"there is no figure {name!r} in this run; .figures has them all")
        return self._details[name]

    @property
    def requests(self) -> Any:
        if self._requests is None:
            self._requests = self._table_of_requests()
        return self._requests

    def _table_of_requests(self) -> Any:
        count = lib().pagesim_result_request_count(self._handle.pointer)
        rows = (RequestResultStruct * count)()
        call("pagesim_result_requests", self._handle.pointer, 0, count, ctypes.addressof(rows))
        names = [name for name, _ in RequestResultStruct._fields_]
        ends = (("queue_ms", "first_scheduled_ns"), ("ttft_ms", "first_token_ns"), ("e2el_ms", "finish_ns"))
        try:
            import numpy
        except ImportError:
            columns: Dict[str, Any] = dict(zip(names, map(list, zip(*ROW.iter_unpack(rows)))))
            for name, end in ends:
                columns[name] = [(to - since) / NS_PER_MS if to >= 0 else UNDEFINED for to, since in zip(columns[end], columns["arrival_ns"])]
            return table(columns)
        seen = numpy.frombuffer(rows, dtype=numpy.dtype(RequestResultStruct))
        columns = {name: seen[name] for name in names}
        for name, end in ends:
            columns[name] = numpy.where(seen[end] >= 0, (seen[end] - seen["arrival_ns"]) / NS_PER_MS, UNDEFINED)
        return table(columns)

    def __repr__(self) -> str:
        return f"<pagesim replay: {self.report.get('trace')}, {len(self.figures)} figures>"


class Config:
    """A configuration of the library, from keywords."""

    def __init__(self, config: Any, vllm_args: Optional[str], given: Mapping[str, Any]) -> None:
        self.handle = Handle("pagesim_config_close")
        if config is None:
            call("pagesim_config_create", self.handle.out)
        elif isinstance(config, Mapping):
            text = as_json(config)
            call("pagesim_config_parse", b"<config>", text, len(text), self.handle.out)
        else:
            call("pagesim_config_open", os.fsencode(config), self.handle.out)
        if vllm_args is not None:
            call("pagesim_config_vllm_args", self.handle.pointer, os.fsencode(vllm_args))
        for key, value in settings(given):
            call("pagesim_config_set", self.handle.pointer, key.encode(), value.encode())


def _on_events(guard: Guard, function: Callable[[List[Event]], Optional[bool]]) -> Any:
    def events(_: Any, batch: Any, count: int) -> bool:
        return guard.call(lambda: function([Event(KINDS[e.kind], e.time_ns, e.step, e.request, e.sample, e.position, e.tokens)
                                            for e in batch[:count]]))
    return EVENTS(events)


def _on_steps(guard: Guard, function: Callable[[List[Any]], Optional[bool]]) -> Any:
    names = [name for name, _ in StepStruct._fields_]

    def steps(_: Any, batch: Any, count: int) -> bool:
        return guard.call(lambda: function([Step(*(getattr(s, name) for name in names)) for s in batch[:count]]))
    return STEPS(steps)


def replay(trace: TraceLike, *, config: Any = None, vllm_args: Optional[str] = None, figures: Sequence[str] = (), reference: bool = False,
           check: bool = False, progress: Optional[Progress] = None, on_events: Optional[Callable[[List[Event]], Optional[bool]]] = None,
           on_steps: Optional[Callable[[List[Any]], Optional[bool]]] = None, charts: bool = True, **keys: Any) -> Run:
    """Replay a trace: what `pagesim replay` does, in this process.

    trace:      a path, a pagesim.Trace, a list of dicts, a dict of columns or a DataFrame; see pagesim.Trace
    keys:       the configuration by vLLM's names: num_gpu_blocks=2000, max_num_seqs=64, step_time={"base_ns": 5000000}; None: not given
    config:     a configuration file, or a dict of one; keys win over it
    vllm_args:  a server's command line, "vllm serve MODEL --max-num-seqs 256", or a file with one; keys win over it
    figures:    further percentiles of latencies, such as "p99.9_queue_ms"
    reference:  use the plain step-by-step scheduler; check: walk all invariants after every step (slow)
    progress:   called now and then with (requests done, of how many)
    on_events:  called with lists of Event, on_steps with lists of Step, in order of time
    charts:     keep what happened over time, for the pictures of result.html() and of notebooks. Costs about 0.1 us a step and 2 MB, which may
                be as much as the replay itself: False where a loop makes many
    A callback that returns False stops the run (pagesim.Interrupted); what it raises is raised here. Ctrl-C raises KeyboardInterrupt.

    The pool needs a size: num_gpu_blocks, or model and gpu. Raises BadInput, UsageError, Failed.
    """
    source, settled, guard = Trace.of(trace), Config(config, vllm_args, keys), Guard()
    asked = progress or (lambda done, total: None)  # also without one, so that Ctrl-C has some Python code to come in
    report = PROGRESS(lambda _, done, total: guard.call(asked, done, total))
    observer = ObserverStruct(events=_on_events(guard, on_events) if on_events else EVENTS(), steps=_on_steps(guard, on_steps) if on_steps else STEPS())
    names = (ctypes.c_char_p * len(figures))(*(name.encode() for name in figures))
    options = RunOptionsStruct(observers=ctypes.pointer(observer), observer_count=1 if on_events or on_steps else 0, progress=report, figures=names,
                               figure_count=len(figures), reference=reference, check=check, charts=charts)
    made = Handle("pagesim_result_close")
    try:
        call("pagesim_run", source.pointer, settled.handle.pointer, ctypes.byref(options), made.out)
    finally:
        guard.check()
    run = Run(made)
    for text in run.warnings:
        if not text.startswith(FOUND):
            warnings.warn(text, PagesimWarning, stacklevel=2)
    return run
