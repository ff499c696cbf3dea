"""DataFrames in and out, with a real pandas: make python-frames."""
import unittest

import support
from support import rows

import pagesim


@support.needs_pandas
class Frames(unittest.TestCase):
    def test_tables_are_frames_of_the_report(self):
        import pandas
        result = pagesim.command("explain", rows(), num_gpu_blocks=100)
        for name, table in result.tables.items():
            self.assertIsInstance(table, pandas.DataFrame, name)
            self.assertEqual(len(table), len(result.report[name]), name)
        misses = result.tables["misses"]
        self.assertEqual(list(misses["class"]), [row["class"] for row in result.report["misses"]])
        self.assertEqual(misses["tokens"].sum(), sum(row["tokens"] for row in result.report["misses"]))

    def test_frames_are_traces_however_they_are_indexed_and_typed(self):
        import pandas
        given, wanted = pandas.DataFrame(rows()), pagesim.replay(rows(), num_gpu_blocks=100)
        typed = given.astype({"input_length": "Int64", "output_length": "int16", "timestamp": "float64"})
        for frame in (given, given.set_index(given.index * 7 + 3), typed, pandas.concat([given[:20], given[20:]])):
            run = pagesim.replay(frame, num_gpu_blocks=100)
            self.assertEqual(support.without(run.json, "measured", "trace"), support.without(wanted.json, "measured", "trace"))

    def test_missing_values_are_left_out(self):
        import pandas
        frame = pandas.DataFrame({"timestamp": [0.0, None], "input_length": [20, 40], "output_length": [4, 4], "session_id": ["a", "a"],
                                  "delay": [None, 1000.0], "priority": pandas.array([1, None], dtype="Int64")})
        run = pagesim.replay(frame, num_gpu_blocks=20)
        self.assertGreaterEqual(int(run.requests["arrival_ns"][1]), 10**9, "the second turn comes a second after the first")

    def test_errors_name_the_column_or_line(self):
        import pandas
        frame = pandas.DataFrame({"timestamp": [0, 1], "input_length": [20, 2.5], "output_length": [4, 4]})
        with self.assertRaisesRegex(pagesim.BadInput, "input_length, request 1"):
            pagesim.replay(frame, num_gpu_blocks=20)
        with self.assertRaisesRegex(pagesim.BadInput, "no columns"):
            pagesim.replay(pandas.DataFrame(), num_gpu_blocks=20)

    def test_requests_are_numbers(self):
        run = pagesim.replay(rows(), num_gpu_blocks=100)
        table = run.requests
        self.assertTrue(all(table[name].dtype.kind in "iuf" for name in ("request", "arrival_ns", "finish_ns", "ttft_ms")), table.dtypes)
        self.assertAlmostEqual(table["ttft_ms"].mean(), run.mean_ttft_ms, places=6)
        self.assertEqual(table["preemptions"].sum(), run.preemptions)


if __name__ == "__main__":
    unittest.main()
