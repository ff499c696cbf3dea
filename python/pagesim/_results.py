"""What runs and commands give: figures, tables, and the report that both come from."""
from __future__ import annotations

import json
import math
import os
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Union

from . import _page
from ._errors import UsageError


def table(columns: Dict[str, Any]) -> Any:
    """A DataFrame when pandas is there, else the dict of columns itself."""
    try:
        import pandas
    except ImportError:
        return columns
    return pandas.DataFrame(columns)


def columns_of(rows: List[Mapping[str, Any]]) -> Dict[str, List[Any]]:
    """Rows as columns; a cell that a row does not have is None."""
    names: Dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(row))
    return {name: [row.get(name) for row in rows] for name in names}


class Tables(Mapping[str, Any]):
    """Tables by name; each is made when it is asked for."""

    def __init__(self, makers: Dict[str, Callable[[], Any]]) -> None:
        self._makers, self._made = makers, {}  # type: ignore[var-annotated]

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def __repr__(self) -> str:
        return f"<tables {', '.join(self._makers)}>"


def _without_page(text: str) -> str:
    """A report less its member "page", which is the last one and stands on one line."""
    start = text.rfind(',\n  "page": {')
    return text if start < 0 else text[:start] + text[text.index("\n", start + 2):]


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(row, dict) for row in value)


class Result:
    """The result of a command: `pagesim COMMAND --format json` as an object.

    json:     the report, byte for byte what the program prints; with charts also `saved`, which `pagesim report` shows as this result does
    report:   the same as a dict (doc/formats.md, section 7)
    figures:  {name: number}; the name carries the unit (p99_ttft_ms), NaN: undefined. Each is an attribute, too: result.p99_ttft_ms
    tables:   {name: DataFrame, or dict of columns without pandas}
    warnings: what may not be what was meant, a list of sentences
    notices:  all that the program would have told on standard error
    """

    def __init__(self, text: str, notices: Optional[List[str]] = None) -> None:
        self.saved = text
        self.json = _without_page(text)
        self.report: Dict[str, Any] = json.loads(self.json)
        self.notices: List[str] = notices or []
        self.figures: Dict[str, float] = self._figures()
        self.tables = Tables({name: lambda rows=value: table(columns_of(rows)) for name, value in self.report.items() if _is_table(value)})

    def _figures(self) -> Dict[str, float]:
        """Of a report: its numbers, and what its table of figures says of a single side."""
        found = {name: value for name, value in self.report.items() if isinstance(value, (int, float)) and not isinstance(value, bool)}
        found.pop("schema_version", None)
        return found

    @property
    def command(self) -> str:
        return str(self.report.get("command", ""))

    @property
    def warnings(self) -> List[str]:
        return [str(text) for text in self.report.get("warnings", [])]

    @property
    def configuration(self) -> Dict[str, Any]:
        """The effective one with all defaults; itself good for config=. Of a comparison: {"a": ..., "b": ...}, or by the names of its sides."""
        if "configuration" in self.report:
            return dict(self.report["configuration"])
        if "configurations" in self.report:
            return dict(self.report["configurations"])
        return {side: self.report[side]["configuration"] for side in ("a", "b") if isinstance(self.report.get(side), dict)}

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            for place in (self.__dict__.get("figures", {}), self.__dict__.get("report", {})):
                if name in place:
                    return place[name]
        raise AttributeError(f"this {type(self).__name__} has no figure or member {name!r}")

    def __dir__(self) -> List[str]:
        return sorted({*super().__dir__(), *self.figures, *(name for name in self.report if name.isidentifier())})

    def __repr__(self) -> str:
        return f"<pagesim {self.command}: {self.report.get('trace')}, tables {', '.join(self.tables) or 'none'}>"

    def _make_page(self) -> str:
        from ._commands import run  # which needs this module

        return run(["report", "<report>", "--html=-"], files={"<report>": self.saved})

    def html(self, path: Optional[Union[str, "os.PathLike[str]"]] = None) -> str:
        """The page with pictures that the program writes with --html, one file for any browser; with a path it is saved there as well.
        UsageError: the library was built without Chart.js."""
        page = self._make_page()
        if path is not None:
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(page)
        return page

    def _repr_html_(self) -> str:
        try:
            return _page.framed(self.html(), f"pagesim {self.command}")
        except UsageError:
            return _page.page(self)


UNDEFINED = math.nan
