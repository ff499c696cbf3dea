"""How a result shows itself in a notebook: the program's page in a frame of its own, or a table where the library has no Chart.js."""
from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, Any, List, Mapping

if TYPE_CHECKING:
    from ._results import Result

# What answers most questions first; others follow in the fold.
FIRST = ("requests", "unserved", "makespan_s", "request_throughput", "output_throughput", "mean_ttft_ms", "p99_ttft_ms", "mean_tpot_ms", "p99_tpot_ms",
         "p99_e2el_ms", "preemptions", "prefix_hit_rate", "peak_used_blocks", "pool_blocks")
ROWS_MOST, COLUMNS_MOST = 20, 12


def number(value: Any) -> str:
    """For people: six digits."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if isinstance(value, float):
        return f"{value:,.6g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _cells(tag: str, values: Any) -> str:
    return "<tr>" + "".join(f"<{tag} style='text-align:right'>{html.escape(value)}</{tag}>" for value in values) + "</tr>"


def _grid(head: List[str], rows: List[List[str]]) -> str:
    return f"<table><thead>{_cells('th', head)}</thead><tbody>{''.join(_cells('td', row) for row in rows)}</tbody></table>"


def _figures(figures: Mapping[str, Any], names: List[str]) -> str:
    return _grid(["figure", "value"], [[name, number(figures[name])] for name in names]) if names else ""


def _table(name: str, rows: List[Mapping[str, Any]]) -> str:
    head = [key for key in rows[0] if not isinstance(rows[0][key], (dict, list))][:COLUMNS_MOST]
    shown = _grid(head, [[number(row.get(key)) for key in head] for row in rows[:ROWS_MOST]])
    more = f"<p>{len(rows) - ROWS_MOST:,} more rows in <code>.tables[{html.escape(repr(name))}]</code></p>" if len(rows) > ROWS_MOST else ""
    return f"<details><summary>{html.escape(name)}: {len(rows):,} rows</summary>{shown}{more}</details>"


def framed(text: str, title: str) -> str:
    """A page inside of another one: it has its own styles and scripts, and sees nothing of what is around it."""
    return (f'<iframe title="{html.escape(title)}" srcdoc="{html.escape(text)}" sandbox="allow-scripts allow-downloads" '
            'style="width:100%;height:44rem;border:0;resize:vertical"></iframe>')


def page(result: "Result") -> str:
    """A fragment of HTML without scripts, styles from outside or requests to anywhere. Everything that a trace can name is escaped."""
    report, figures = result.report, result.figures
    first = [name for name in FIRST if name in figures]
    rest = [name for name in figures if name not in first]
    parts = [f"<div class='pagesim'><h4>pagesim {html.escape(result.command)}: {html.escape(str(report.get('trace', '')))}</h4>"]
    parts += [f"<p><b>note:</b> {html.escape(text)}</p>" for text in result.warnings]
    parts.append(_figures(figures, first))
    if rest:
        parts.append(f"<details><summary>{len(rest)} more figures</summary>{_figures(figures, rest)}</details>")
    parts += [_table(name, rows) for name, rows in report.items() if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows)]
    if report.get("command_line"):
        parts.append(f"<p><code>{html.escape(str(report['command_line']))}</code></p>")
    return "".join(parts) + "</div>"
