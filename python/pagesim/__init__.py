"""pagesim: replay traces of LLM requests through vLLM's schedulers and paged KV cache, from Python.

    import pagesim
    run = pagesim.replay("traces/chat.jsonl", num_gpu_blocks=300)
    print(run.p99_ttft_ms, run.preemptions)       # each figure is an attribute
    run.requests                                  # a DataFrame, or a dict of columns without pandas
    pagesim.sweep("traces/chat.jsonl", vary={"num_gpu_blocks": [300, 400, 500]}).tables["rows"]

Everything runs in this process, in libpagesim.so; figures are those of the program `pagesim` to the last digit. Functions: replay, sweep,
curve, compare; command for all else that makes a report, run for everything. A child process made by fork() after a parallel run cannot use
OpenMP's threads; start workers by multiprocessing's "spawn".
"""
from ._commands import command, compare, curve, run, sweep
from ._errors import BadInput, Error, Failed, Interrupted, LibraryError, PagesimWarning, RequirementNotMet, UsageError
from ._library import library_path
from ._replay import Event, Figure, Run, Step, replay
from ._results import Result
from ._traces import Trace
from ._version import __version__

__all__ = ["BadInput", "Error", "Event", "Failed", "Figure", "Interrupted", "LibraryError", "PagesimWarning", "RequirementNotMet", "Result", "Run", "Step",
           "Trace", "UsageError", "__version__", "command", "compare", "curve", "library_path", "replay", "run", "sweep"]
