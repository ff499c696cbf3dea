#!/usr/bin/env python3
"""The replay of replay_trace.c from Python, through ctypes: all figures of a run as a dict.

    python3 replay.py traces/chat.jsonl num_gpu_blocks=300
"""
import ctypes
import sys

lib = ctypes.CDLL("libpagesim.so.0")


class Error(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("message", ctypes.c_char * 1024), ("file", ctypes.c_char * 256), ("line", ctypes.c_uint32),
                ("column", ctypes.c_uint32)]


class Figure(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("unit", ctypes.c_char_p), ("meaning", ctypes.c_char_p), ("value", ctypes.c_double)]


class PagesimError(Exception):
    """Carries the library's sentence, which names file, line and column where there is a file."""


def call(function, *arguments):
    """Call a function whose last argument is a struct pagesim_error."""
    error = Error()
    if function(*arguments, ctypes.byref(error)) != 0:
        raise PagesimError(error.message.decode())


def replay(path, **keys):
    """Replay the trace at `path`; keys are those of the configuration. Returns {name of figure: value}."""
    trace, config, result = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
    try:
        call(lib.pagesim_trace_open, path.encode(), ctypes.byref(trace))
        call(lib.pagesim_config_create, ctypes.byref(config))
        for key, value in keys.items():
            call(lib.pagesim_config_set, config, key.encode(), str(value).encode())
        call(lib.pagesim_run, trace, config, None, ctypes.byref(result))
        figures, figure = {}, Figure()
        for i in range(lib.pagesim_result_figure_count(result)):
            call(lib.pagesim_result_figure_at, result, i, ctypes.byref(figure))
            figures[figure.name.decode()] = figure.value
        return figures
    finally:
        lib.pagesim_result_close(result)
        lib.pagesim_config_close(config)
        lib.pagesim_trace_close(trace)


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else "traces/chat.jsonl"
    keys = dict(argument.split("=", 1) for argument in sys.argv[2:]) or {"num_gpu_blocks": "300"}
    try:
        figures = replay(path, **keys)
    except PagesimError as error:
        sys.exit(str(error))
    for name in ("requests", "mean_ttft_ms", "p99_ttft_ms", "mean_tpot_ms", "preemptions", "makespan_s"):
        print(f"{name:14} {figures[name]:.6g}")


if __name__ == "__main__":
    main()
