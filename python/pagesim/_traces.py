"""Requests to replay: files, and what a program has in its hands.

A list of dicts becomes JSON lines and is read as a file would be, so that all fields are known and an error has the number of the line,
which is that of the item. Columns of whole numbers go to the library as arrays, those of numpy without a copy on this side.
"""
from __future__ import annotations

import array
import ctypes
import json
import math
import os
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

from ._errors import BadInput, UsageError
from ._library import Handle, RequestsStruct, call, lib
from ._words import plain

NAME = "<requests>"
# Other names of the fields that columns may have, and the array that each is.
COLUMNS = {"timestamp": "arrival_ns", "arrival_ns": "arrival_ns", "input_length": "input_tokens", "input_tokens": "input_tokens",
           "output_length": "output_tokens", "output_tokens": "output_tokens", "priority": "priority", "n": "samples", "hash_ids": "hash_ids"}
NEEDED = {"arrival_ns", "input_tokens", "output_tokens"}
TYPES = {"arrival_ns": "q", "input_tokens": "I", "output_tokens": "I", "priority": "i", "samples": "I"}
RANGES = {"q": (-(1 << 63), (1 << 63) - 1), "I": (0, (1 << 32) - 1), "i": (-(1 << 31), (1 << 31) - 1), "Q": (0, (1 << 64) - 1)}

TraceLike = Union["Trace", str, "os.PathLike[str]", Sequence[Mapping[str, Any]], Mapping[str, Any], Any]


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value)) or type(value).__name__ in ("NAType", "NaTType")


_encode = json.JSONEncoder(default=plain).encode


def _clean(row: Mapping[str, Any]) -> Dict[str, Any]:
    """What is missing (None, NaN) is left out, as a table has a cell for each. A column of whole numbers with a gap in it is one of floats."""
    kept: Dict[str, Any] = {}
    for name, value in row.items():
        value = value.tolist() if hasattr(value, "tolist") else value
        if not _is_missing(value):
            kept[str(name)] = int(value) if isinstance(value, float) and name != "timestamp" and value.is_integer() else value
    return kept


def _line(row: Mapping[str, Any], number: int) -> str:
    """A request as a JSON line. Most rows hold nothing that needs a look."""
    for name, value in row.items():
        kind = type(value)
        if kind is not int and kind is not str and kind is not list and not (kind is float and name == "timestamp" and value == value):
            row = _clean(row)
            break
    if "arrival_ns" not in row:
        return _encode(row) + "\n"
    rest = dict(row)
    ns = rest.pop("arrival_ns")
    if not isinstance(ns, int) or isinstance(ns, bool):
        raise BadInput(f"{NAME}:{number}: arrival_ns is {ns!r}; a whole number of nanoseconds would be right", NAME, number)
    sign, ns = "-" if ns < 0 else "", abs(ns)  # as milliseconds, to the last digit
    return f'{{"timestamp": {sign}{ns // 1000000}.{ns % 1000000:06d}, {_encode(rest)[1:]}\n'


def _jsonl(rows: Iterable[Mapping[str, Any]]) -> bytes:
    lines = []
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            raise BadInput(f"{NAME}:{number}: {row!r} is no request; a dict with timestamp, input_length and output_length is", NAME, number)
        lines.append(_line(row, number))
    return "".join(lines).encode()


def _columns_of(data: Any) -> Optional[Dict[str, Any]]:
    """A dict of columns from such a dict or a DataFrame; None: it is neither."""
    if isinstance(data, Mapping):
        return {str(name): column for name, column in data.items()}
    if hasattr(data, "columns") and hasattr(data, "__getitem__"):
        return {str(name): data[name].to_numpy() if hasattr(data[name], "to_numpy") else list(data[name]) for name in data.columns}
    return None


def _lengths(columns: Mapping[str, Any]) -> int:
    counts = {name: len(column) for name, column in columns.items()}
    if len(set(counts.values())) != 1:
        raise BadInput("columns must be equally long: " + ", ".join(f"{name} has {count}" for name, count in counts.items()), NAME)
    return next(iter(counts.values()))


def _rows_of(columns: Mapping[str, Any]) -> Iterator[Dict[str, Any]]:
    _lengths(columns)
    names = list(columns)
    for cells in zip(*(column.tolist() if hasattr(column, "tolist") else column for column in columns.values())):
        yield dict(zip(names, cells))


class _Array:
    """Numbers where C can read them. `keep` holds the memory."""

    def __init__(self, values: Any, kind: str, name: str, scale: int = 1) -> None:
        if hasattr(values, "dtype") and hasattr(values, "ctypes"):
            self.keep, self.address = self._numpy(values, kind, name, scale)
        else:
            self.keep = values if isinstance(values, array.array) and values.typecode == kind and scale == 1 else self._list(values, kind, name, scale)
            self.address = self.keep.buffer_info()[0]

    @staticmethod
    def _numpy(values: Any, kind: str, name: str, scale: int) -> Tuple[Any, int]:
        import numpy

        least, most = RANGES[kind]
        if values.dtype.kind not in "iufb":
            raise BadInput(f"column {name}: {values.dtype} are no numbers", NAME)
        whole = numpy.rint(values * float(scale)) if values.dtype.kind == "f" else values * scale if scale != 1 else values
        wrong = (whole < least) | (whole > most)
        if values.dtype.kind == "f":
            wrong |= ~numpy.isfinite(values) | ((values != whole) if scale == 1 else False)
        if wrong.any():
            at = int(wrong.argmax())
            raise BadInput(f"column {name}, request {at}: {values[at]} must be a {'whole ' if scale == 1 else ''}number from {least} to {most}", NAME)
        done = numpy.ascontiguousarray(whole, dtype=numpy.dtype({"q": "i8", "Q": "u8", "I": "u4", "i": "i4"}[kind]))
        return done, done.ctypes.data

    @staticmethod
    def _list(values: Iterable[Any], kind: str, name: str, scale: int) -> "array.array[int]":
        least, most = RANGES[kind]
        made = array.array(kind)
        for at, value in enumerate(values):
            number = plain(value)
            whole = round(number * scale) if isinstance(number, (int, float)) and math.isfinite(number) else None
            if whole is None or isinstance(number, bool) or not least <= whole <= most or (scale == 1 and whole != number):
                raise BadInput(f"column {name}, request {at}: {value!r} must be a {'whole ' if scale == 1 else ''}number from {least} to {most}", NAME)
            made.append(whole)
        return made


class Trace:
    """Requests, read once and replayed as often as wanted, also by several threads at once.

    data: the path of a trace file; a list of dicts with the fields of JSON lines (timestamp in ms, input_length, output_length, hash_ids,
    priority, n, session_id, delay, finish_reason, ...: doc/formats.md); a dict of columns or a DataFrame with these names. Columns may also
    be called arrival_ns (in ns), input_tokens, output_tokens. A path stays a path: other programs may read the same file.
    """

    def __init__(self, data: TraceLike) -> None:
        self._handle: Optional[Handle] = None
        self._text: Optional[bytes] = None
        self._columns: Optional[Dict[str, Any]] = None
        self.path: Optional[str] = None
        if isinstance(data, (str, os.PathLike)):
            self.path = os.fspath(data)
            return
        self._columns = _columns_of(data)
        if self._columns is not None and not self._columns:
            raise BadInput("there are no columns", NAME)
        if self._columns is None:
            if isinstance(data, (bytes, int, float)) or not isinstance(data, Iterable):
                raise UsageError(f"{type(data).__name__} is no trace; a path, a list of dicts, a dict of columns or a DataFrame is")
            self._text = _jsonl(data)  # type: ignore[arg-type]

    @classmethod
    def of(cls, data: TraceLike) -> "Trace":
        return data if isinstance(data, cls) else cls(data)

    @property
    def name(self) -> str:
        """What reports and errors call it: the path, or "<requests>"."""
        return self.path if self.path is not None else NAME

    def text(self) -> bytes:
        """As JSON lines; only of what is no file."""
        if self._text is None:
            self._text = _jsonl(_rows_of(self._columns or {}))
        return self._text

    def words(self, files: Dict[str, bytes]) -> List[str]:
        """--trace for a command."""
        if self.path is None:
            files[NAME] = self.text()
        return [f"--trace={self.name}"]

    @property
    def pointer(self) -> ctypes.c_void_p:
        """The library's trace, read at first use."""
        if self._handle is None:
            handle = Handle("pagesim_trace_close")
            if self.path is not None:
                call("pagesim_trace_open", os.fsencode(self.path), handle.out)
            elif not self._build(handle):
                call("pagesim_trace_parse", NAME.encode(), self.text(), len(self.text()), handle.out)
            self._handle = handle
        return self._handle.pointer

    def _build(self, handle: Handle) -> bool:
        """From arrays, where these say all that the columns do. False: they do not."""
        columns = self._columns or {}
        kinds = [COLUMNS.get(name) for name in columns]
        if None in kinds or len(set(kinds)) < len(kinds) or not NEEDED <= set(kinds):
            return False
        # Columns of objects are those of pandas' own types, which may lack values: rows know what to do with these.
        if any(kind != "hash_ids" and getattr(getattr(column, "dtype", None), "kind", "") == "O" for kind, column in zip(kinds, columns.values())):
            return False
        struct, keep = RequestsStruct(count=_lengths(columns)), []
        for name, column in columns.items():
            kind = COLUMNS[name]
            if kind == "hash_ids":
                starts, ids = self._hashes(column)
                struct.hash_start, struct.hash_ids = starts.address, ids.address
                keep += [starts, ids]
            else:
                made = _Array(column, TYPES[kind], name, 1000000 if name == "timestamp" else 1)
                setattr(struct, kind, made.address)
                keep.append(made)
        call("pagesim_trace_build", ctypes.byref(struct), handle.out)
        return True

    @staticmethod
    def _hashes(column: Any) -> Tuple[_Array, _Array]:
        starts, ids = array.array("Q", [0]), array.array("Q")
        for at, some in enumerate(column):
            try:
                ids.extend([] if _is_missing(some) else [int(i) for i in some])
            except (TypeError, ValueError, OverflowError):
                raise BadInput(f"column hash_ids, request {at}: {some!r} must be a list of whole numbers from 0", NAME) from None
            starts.append(len(ids))
        ids.append(0)  # an array without an element has no address
        return _Array(starts, "Q", "hash_ids"), _Array(ids, "Q", "hash_ids")

    def __len__(self) -> int:
        """Requests in it; reads the file."""
        return int(lib().pagesim_trace_count(self.pointer))

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"pagesim.Trace({self.name!r})"
