"""sweep, curve, compare, command, run: the program's bytes, callbacks, Ctrl-C, errors with their reports."""
import json
import os
import pathlib
import signal
import tempfile
import threading
import unittest
import warnings

import support
from support import CHAT, rows

import pagesim


class SameBytes(unittest.TestCase):
    """Every report is the program's, whoever asked for it."""

    def same(self, result, command, *words):
        self.assertEqual(result.json, support.program(*command.split(), "--trace", CHAT, *words, "--format", "json"))

    def test_sweep(self):
        self.same(pagesim.sweep(CHAT, vary={"num_gpu_blocks": [300, 400], "step_time.base_ns": "1000000:4000000:*2"}, limit=60, figures=["p99_ttft_ms"]),
                  "sweep", "--vary", "num_gpu_blocks=300,400", "--vary", "step_time.base_ns=1000000:4000000:*2", "--limit", "60", "--figures", "p99_ttft_ms")

    def test_sweep_at_any_number_of_threads(self):
        reports = {pagesim.sweep(CHAT, vary={"num_gpu_blocks": [200, 300, 400, 500]}, limit=60, threads=threads).json for threads in (1, 2, 8)}
        self.assertEqual(len(reports), 1)

    def test_curve(self):
        self.same(pagesim.curve(CHAT, block_sizes=[16, 64], points=["1k", 2000], replay=True, limit=60),
                  "curve", "--block-sizes", "16,64", "--points", "1k,2000", "--replay", "--limit", "60")

    def test_compare(self):
        self.same(pagesim.compare(CHAT, {"block_size": 16}, {"block_size": 32, "step_time": {"base_ns": 9}}, num_gpu_blocks=300, limit=60),
                  "compare", "--a", "block_size=16", "--b", "block_size=32", "--b", "step_time.base_ns=9", "--num-gpu-blocks", "300", "--limit", "60")

    def test_compare_sides(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "old.json"
            path.write_text(json.dumps({"num_gpu_blocks": 100}), encoding="utf-8")
            sides = {"base": {}, "large": {"block_size": 32, "step_time": {"base_ns": 9}}, "old": path}
            found = pagesim.compare(CHAT, sides=sides, by=["ttft", "input_length"], num_gpu_blocks=300, limit=60)
            self.same(found, "compare", "--side", "base", "--side", "large", "block_size=32", "step_time.base_ns=9", "--side", "old", str(path),
                      "--by", "ttft", "--by", "input_length", "--num-gpu-blocks", "300", "--limit", "60")
        self.assertEqual(list(found.configuration), ["base", "large", "old"])
        self.assertEqual(found.configuration["large"]["block_size"], 32)
        with self.assertRaises(pagesim.UsageError):
            pagesim.compare(CHAT, {}, sides=sides)

    def test_others(self):
        self.same(pagesim.command("explain", CHAT, num_gpu_blocks=100, from_=1, to=20.5), "explain", "--num-gpu-blocks", "100", "--from", "1", "--to", "20.5")
        self.same(pagesim.command("ledger", CHAT, num_gpu_blocks=300, enable_prefix_caching=False, limit=60),
                  "ledger", "--num-gpu-blocks", "300", "--no-enable-prefix-caching", "--limit", "60")
        self.assertEqual(pagesim.command("trace info", CHAT).json, support.program("trace", "info", CHAT, "--format", "json"))
        self.assertEqual(pagesim.command("trace info", rows()).requests, 60)
        self.assertEqual(pagesim.run(["figures"]), support.program("figures"))


class Results(unittest.TestCase):
    def test_tables(self):
        swept = pagesim.sweep(rows(), vary={"num_gpu_blocks": [100, 200]})
        table = support.columns_of(swept.tables["rows"])
        self.assertEqual(table["num_gpu_blocks"], [100, 200])
        self.assertEqual(set(swept.tables), {"rows", "requirements"})
        self.assertEqual(swept.trace, "<requests>")
        if not support.have("pandas"):
            self.assertIsInstance(swept.tables["rows"], dict)

    def test_points_and_configurations_as_dicts(self):
        points = [{"num_gpu_blocks": 100}, {"num_gpu_blocks": 200, "max_num_seqs": 4, "step_time.base_ns": 7}]
        table = support.columns_of(pagesim.sweep(rows(), points=points, config={"block_size": 32}).tables["rows"])
        self.assertEqual([int(blocks) for blocks in table["num_gpu_blocks"]], [100, 200])

    def test_two_files_are_compared(self):
        with tempfile.TemporaryDirectory() as folder:
            a, b = (pathlib.Path(folder) / name for name in ("a.json", "b.json"))
            a.write_text(json.dumps({"num_gpu_blocks": 100}), encoding="utf-8")
            b.write_text(json.dumps({"num_gpu_blocks": 200}), encoding="utf-8")
            both = pagesim.compare(rows(), a, b)
        self.assertEqual(both.configuration["b"]["num_gpu_blocks"], 200)
        with self.assertRaises(pagesim.UsageError):
            pagesim.compare(rows(), a, {"num_gpu_blocks": 1})

    def test_every_report_says_what_it_is(self):
        for result in (pagesim.curve(rows()), pagesim.compare(rows(), {}, {"block_size": 32}, num_gpu_blocks=100)):
            self.assertIn(result.command, repr(result))


class Stopping(unittest.TestCase):
    LONG = {"vary": {"num_gpu_blocks": "100:10000:1"}}  # minutes

    def test_progress_is_in_this_thread_and_may_stop(self):
        threads = set()

        def progress(done, total):
            threads.add(threading.current_thread())
            self.assertLessEqual(done, total)
            return False
        with self.assertRaises(pagesim.Interrupted):
            pagesim.sweep(CHAT, progress=progress, **self.LONG)
        self.assertEqual(threads, {threading.current_thread()})

    def test_what_progress_raises_comes_out(self):
        def broken(*_):
            raise KeyError("mine")
        with self.assertRaisesRegex(KeyError, "mine"):
            pagesim.sweep(CHAT, progress=broken, **self.LONG)

    def test_ctrl_c_is_keyboard_interrupt(self):
        press = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
        press.start()
        with self.assertRaises(KeyboardInterrupt):
            pagesim.sweep(CHAT, **self.LONG)
        self.assertEqual(pagesim.command("replay", CHAT, limit=10, num_gpu_blocks=300).completed, 10, "the next one runs")

    def test_threads_take_turns(self):
        done = []
        threads = [threading.Thread(target=lambda: done.append(pagesim.sweep(rows(), vary={"num_gpu_blocks": [100, 200]}).json)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((len(done), len(set(done))), (4, 1))


class Errors(unittest.TestCase):
    def test_a_requirement_that_is_not_met_has_the_report(self):
        with self.assertRaises(pagesim.RequirementNotMet) as raised:
            pagesim.command("replay", rows(), num_gpu_blocks=100, require=["completed>1", "completed<1"])
        self.assertEqual(raised.exception.result.completed, 60)
        self.assertIn("completed<1", str(raised.exception))

    def test_have_their_place(self):
        with self.assertRaises(pagesim.BadInput) as raised:
            pagesim.sweep([{"timestamp": 0, "input_length": 5, "output_length": 5}, {"timestamp": 0, "input_length": 5, "output_length": "x"}],
                          vary={"num_gpu_blocks": [100]})
        self.assertEqual((raised.exception.file, raised.exception.line), ("<requests>", 2))

    def test_usage(self):
        for wrong in (lambda: pagesim.sweep(rows(), vary={"num_gpu_block": [1]}), lambda: pagesim.curve(rows(), blok_sizes=[1]),
                      lambda: pagesim.command("repaly", rows()), lambda: pagesim.command("config show", num_gpu_blocks=9, front=True)):
            self.assertRaises(pagesim.UsageError, wrong)

    def test_warnings_are_pythons(self):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            result = pagesim.command("replay", rows(), num_gpu_blocks=100, scheduling_policy="priority")
        self.assertTrue(told and all(issubclass(warning.category, pagesim.PagesimWarning) and warning.filename == __file__ for warning in told),
                        [str(warning.filename) for warning in told])
        self.assertTrue(any(line.startswith("note: ") for line in result.notices))


if __name__ == "__main__":
    unittest.main()
