"""Pages: what the program writes with --html, from a result in hand, alone and in a notebook's frame."""
import html
import os
import pathlib
import re
import tempfile
import unittest
from unittest import mock

import support
from support import CHAT, rows

import pagesim


def has_charts():
    try:
        return "figure data-chart" in pagesim.curve(rows(20)).html()
    except pagesim.UsageError:
        return False


def report(*words):
    """A page from the program."""
    return support.program(*words, "--html", "-")


def charts_in(page):
    return len(re.findall("<figure data-chart=", page))


@unittest.skipUnless(has_charts(), "the library was built without Chart.js")
class Pages(unittest.TestCase):
    def test_are_those_of_the_program(self):
        result = pagesim.command("explain", CHAT, num_gpu_blocks=100, limit=60)
        self.assertEqual(result.html(), report("explain", "--trace", CHAT, "--num-gpu-blocks", "100", "--limit", "60"))
        swept = pagesim.sweep(CHAT, vary={"num_gpu_blocks": [100, 200]}, limit=60)
        self.assertEqual(swept.html(), report("sweep", "--trace", CHAT, "--vary", "num_gpu_blocks=100,200", "--limit", "60"))

    def test_of_a_run_lacks_only_the_command(self):
        # From here on the words are the same; only a command line says which trace it was before.
        with tempfile.TemporaryDirectory() as folder:
            few = pathlib.Path(folder) / "few.jsonl"
            few.write_text(support.lines(60), encoding="utf-8")
            run = pagesim.replay(few, num_gpu_blocks=100)
            page, wanted = run.html(), report("replay", "--trace", str(few), "--num-gpu-blocks", "100")
        self.assertEqual(page, re.sub("<h2>The command</h2>\n<pre class=\"command\">.*</pre>\n", "", wanted))
        self.assertEqual(run.html(), page, "a second time the same")

    def test_without_charts(self):
        whole, lean = (pagesim.replay(rows(), num_gpu_blocks=100, charts=charts) for charts in (True, False))
        self.assertGreater(charts_in(whole.html()), 5)
        self.assertEqual(charts_in(lean.html()), 0)
        self.assertEqual(support.without(whole.json, "measured"), support.without(lean.json, "measured"))
        whole, lean = (pagesim.command("replay", CHAT, num_gpu_blocks=100, limit=60, charts=charts) for charts in (True, False))
        self.assertEqual(support.without(whole.json, "measured"), support.without(lean.json, "measured"))
        self.assertEqual(lean.saved, lean.json)
        self.assertIn("without its page", lean.html())
        self.assertNotIn("page", whole.report)
        self.assertNotIn("page", whole.tables)

    def test_are_saved(self):
        result = pagesim.compare(rows(), {}, {"block_size": 32}, num_gpu_blocks=100)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "page.html"
            self.assertEqual(result.html(path), path.read_text(encoding="utf-8"))
            saved = pathlib.Path(folder) / "report.json"
            saved.write_text(result.saved, encoding="utf-8")
            self.assertEqual(report("report", str(saved)), result.html(), "pagesim report shows it alike")

    def test_in_a_frame_cannot_break_out(self):
        with tempfile.TemporaryDirectory() as folder:
            evil = os.path.join(folder, '"><script>alert(1)<')
            with open(evil, "w", encoding="utf-8") as file:
                file.write(support.lines(20))
            for result in (pagesim.replay(evil, num_gpu_blocks=100), pagesim.command("ledger", evil, num_gpu_blocks=100)):
                shown = result._repr_html_()
                frame = re.fullmatch('<iframe title="([^"<>]*)" srcdoc="([^"<>]*)" sandbox="allow-scripts allow-downloads" style="[^"<>]*"></iframe>', shown)
                self.assertTrue(frame, shown[:200])
                self.assertEqual(html.unescape(frame.group(2)), result.html())
                self.assertNotIn("<script>alert", html.unescape(frame.group(2)))

    def test_a_file_that_cannot_be_written_says_so(self):
        with self.assertRaises(OSError):
            pagesim.curve(rows(20)).html("/no/such/folder/page.html")


class WithoutChartJs(unittest.TestCase):
    def test_a_table_shows_figures_and_escapes_names(self):
        result = pagesim.command("replay", rows(20), num_gpu_blocks=100)
        with mock.patch.object(type(result), "_make_page", side_effect=pagesim.UsageError("built without Chart.js")):
            page = result._repr_html_()
            self.assertRaises(pagesim.UsageError, result.html)
        self.assertIn("p99_ttft_ms", page)
        self.assertIn("&lt;requests&gt;", page)
        self.assertNotIn("<requests>", page)
        self.assertNotIn("<script", page)


if __name__ == "__main__":
    unittest.main()
