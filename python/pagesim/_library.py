"""libpagesim.so by ctypes: where it is found, its structs and prototypes (include/pagesim.h), its errors as exceptions."""
from __future__ import annotations

import ctypes
import os
import pathlib
from ctypes import POINTER, Structure, c_bool, c_char, c_char_p, c_double, c_int, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any, Iterator, List, Optional

from ._errors import BY_STATUS, LibraryError
from ._version import __version__

SONAME = "libpagesim.so.0"
OK = 0


class ErrorStruct(Structure):
    _fields_ = [("status", c_int), ("message", c_char * 1024), ("file", c_char * 256), ("line", c_uint32), ("column", c_uint32)]


class RequestsStruct(Structure):
    _fields_ = [("count", c_uint32), ("arrival_ns", c_void_p), ("input_tokens", c_void_p), ("output_tokens", c_void_p), ("hash_start", c_void_p),
                ("hash_ids", c_void_p), ("priority", c_void_p), ("samples", c_void_p)]


class EventStruct(Structure):
    _fields_ = [("kind", c_int), ("time_ns", c_int64), ("step", c_uint64), ("request", c_uint32), ("sample", c_uint32), ("position", c_uint32),
                ("tokens", c_uint32)]


class StepStruct(Structure):
    _fields_ = [("step", c_uint64), ("idle", c_bool), ("start_ns", c_int64), ("duration_ns", c_int64), ("decided_ns", c_int64), ("state_ns", c_int64),
                *((name, c_uint32) for name in (
                    "scheduled_sequences", "scheduled_tokens", "prefill_tokens", "output_tokens", "vain_tokens", "running_requests",
                    "waiting_requests", "swapped_groups", "used_blocks", "free_blocks", "cached_blocks", "table_blocks")),
                ("held_tokens", c_uint64), ("preemptions", c_uint32)]


EVENTS = ctypes.CFUNCTYPE(c_bool, c_void_p, POINTER(EventStruct), c_size_t)
STEPS = ctypes.CFUNCTYPE(c_bool, c_void_p, POINTER(StepStruct), c_size_t)
PROGRESS = ctypes.CFUNCTYPE(c_bool, c_void_p, c_uint64, c_uint64)
NOTICE = ctypes.CFUNCTYPE(None, c_void_p, c_char_p)


class ObserverStruct(Structure):
    _fields_ = [("self", c_void_p), ("events", EVENTS), ("steps", STEPS)]


class RunOptionsStruct(Structure):
    _fields_ = [("observers", POINTER(ObserverStruct)), ("observer_count", c_uint32), ("progress", PROGRESS), ("progress_context", c_void_p),
                ("figures", POINTER(c_char_p)), ("figure_count", c_uint32), ("reference", c_bool), ("check", c_bool), ("charts", c_bool)]


class FigureStruct(Structure):
    _fields_ = [("name", c_char_p), ("unit", c_char_p), ("meaning", c_char_p), ("value", c_double)]


class RequestResultStruct(Structure):
    _fields_ = [("request", c_uint32), ("sample", c_uint32), ("input_tokens", c_uint32), ("output_tokens", c_uint32), ("arrival_ns", c_int64),
                ("first_scheduled_ns", c_int64), ("first_token_ns", c_int64), ("finish_ns", c_int64), ("preemptions", c_uint32),
                ("cached_tokens", c_uint32), ("dropped", c_bool), ("ignored", c_bool)]


class FileStruct(Structure):
    _fields_ = [("name", c_char_p), ("text", c_char_p), ("length", c_size_t)]


class CommandOptionsStruct(Structure):
    _fields_ = [("files", POINTER(FileStruct)), ("file_count", c_uint32), ("notice", NOTICE), ("progress", PROGRESS), ("context", c_void_p)]


# Functions whose last argument is a struct pagesim_error: what comes before it.
FALLIBLE = {
    "pagesim_trace_open": [c_char_p, POINTER(c_void_p)],
    "pagesim_trace_parse": [c_char_p, c_char_p, c_size_t, POINTER(c_void_p)],
    "pagesim_trace_build": [POINTER(RequestsStruct), POINTER(c_void_p)],
    "pagesim_config_create": [POINTER(c_void_p)],
    "pagesim_config_open": [c_char_p, POINTER(c_void_p)],
    "pagesim_config_parse": [c_char_p, c_char_p, c_size_t, POINTER(c_void_p)],
    "pagesim_config_set": [c_void_p, c_char_p, c_char_p],
    "pagesim_config_vllm_args": [c_void_p, c_char_p],
    "pagesim_config_json": [c_void_p, POINTER(c_void_p)],
    "pagesim_run": [c_void_p, c_void_p, POINTER(RunOptionsStruct), POINTER(c_void_p)],
    "pagesim_result_figure_at": [c_void_p, c_uint32, POINTER(FigureStruct)],
    "pagesim_result_json": [c_void_p, POINTER(c_void_p)],
    "pagesim_result_html": [c_void_p, POINTER(c_void_p)],
    "pagesim_result_requests": [c_void_p, c_uint32, c_uint32, c_void_p],
    "pagesim_command": [POINTER(c_char_p), c_uint32, POINTER(CommandOptionsStruct), POINTER(c_void_p)],
}
PLAIN = {
    "pagesim_version_number": (c_uint32, []),
    "pagesim_version_string": (c_char_p, []),
    "pagesim_trace_count": (c_uint32, [c_void_p]),
    "pagesim_trace_close": (None, [c_void_p]),
    "pagesim_config_close": (None, [c_void_p]),
    "pagesim_text_free": (None, [c_void_p]),
    "pagesim_result_ended_early": (c_char_p, [c_void_p]),
    "pagesim_result_figure_count": (c_uint32, [c_void_p]),
    "pagesim_result_request_count": (c_uint32, [c_void_p]),
    "pagesim_result_close": (None, [c_void_p]),
}


def _places() -> Iterator[str]:
    """Where the library may be, best first: PAGESIM_LIBRARY alone if it is set; the build of the checkout that this file is in; lib folders
    above an installed package; wherever the system looks."""
    named = os.environ.get("PAGESIM_LIBRARY")
    if named:
        yield named
        return
    here = pathlib.Path(__file__).resolve().parent
    if (here.parents[1] / "include" / "pagesim.h").is_file():
        yield str(here.parents[1] / "build" / "release" / SONAME)
    for folder in here.parents:
        if folder.name.startswith("lib"):
            yield str(folder / SONAME)
    yield SONAME


def _open(path: str) -> ctypes.CDLL:
    # libpagesim asks for libpagedkv by its bare name. When that is loaded already, from the same folder, no search path is needed.
    beside = os.path.join(os.path.dirname(path), SONAME.replace("pagesim", "pagedkv"))
    if os.path.dirname(path) and os.path.exists(beside):
        ctypes.CDLL(beside)
    return ctypes.CDLL(path)


def _declare(lib: ctypes.CDLL, path: str) -> None:
    try:
        for name, arguments in FALLIBLE.items():
            function = getattr(lib, name)
            function.restype, function.argtypes = c_int, [*arguments, POINTER(ErrorStruct)]
        for name, (result, arguments) in PLAIN.items():
            function = getattr(lib, name)
            function.restype, function.argtypes = result, arguments
    except AttributeError as missing:
        raise LibraryError(f"{path}: {missing}; it is older than this package ({__version__})") from None


def _check_version(lib: ctypes.CDLL, path: str) -> None:
    """While the major number is 0, another minor number is another interface (include/pagesim.h)."""
    theirs = lib.pagesim_version_string().decode()
    if theirs.split(".")[:2] != __version__.split(".")[:2]:
        raise LibraryError(f"{path} is libpagesim {theirs}, this package is for {__version__}; install both from one version")


_lib: Optional[ctypes.CDLL] = None
_path = ""


def lib() -> ctypes.CDLL:
    """The library, loaded at first use."""
    global _lib, _path
    if _lib is None:
        tried: List[str] = []
        for path in _places():
            if os.path.dirname(path) and not os.path.exists(path):
                tried.append(f"{path}: not there")
                continue
            try:
                found = _open(path)
            except OSError as why:
                tried.append(str(why))
                continue
            _declare(found, path)
            _check_version(found, path)
            _lib, _path = found, path
            break
        else:
            raise LibraryError("libpagesim.so is not found; `make install` installs it, PAGESIM_LIBRARY names it. Tried: " + "; ".join(tried))
    return _lib


def library_path() -> str:
    """Of the library that is used."""
    lib()
    return _path


def exception(error: ErrorStruct) -> Exception:
    return BY_STATUS.get(error.status, BY_STATUS[1])(error.message.decode(errors="replace"), error.file.decode(errors="replace") or None,
                                                    error.line or None, error.column or None)


def call(name: str, *arguments: Any) -> None:
    """Call one of FALLIBLE; a failure is an exception."""
    error = ErrorStruct()
    if getattr(lib(), name)(*arguments, ctypes.byref(error)) != OK:
        raise exception(error)


def take_text(pointer: c_void_p) -> str:
    """A text that the library gave, freed there."""
    if not pointer:
        return ""
    try:
        return ctypes.string_at(pointer).decode()
    finally:
        lib().pagesim_text_free(pointer)


class Handle:
    """Owns something that the library made, and ends it."""

    def __init__(self, close: str) -> None:
        self.pointer = c_void_p()
        self._close = getattr(lib(), close)

    @property
    def out(self) -> Any:
        return ctypes.byref(self.pointer)

    def __del__(self) -> None:
        if self.pointer:
            self._close(self.pointer)
            self.pointer = c_void_p()
