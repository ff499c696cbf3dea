"""pagesim.Trace: however the same requests are given, the same run comes out, and what is wrong has a place."""
import array
import unittest

import support
from support import CHAT, rows

import pagesim

MS = 1000000


def columns(some):
    return {name: [row[name] for row in some] for name in some[0]}


class SameRequests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = rows()
        cls.expected = cls.outcome(cls.rows)

    @staticmethod
    def outcome(trace):
        """All figures, as text: NaN is NaN then."""
        return {name: repr(value) for name, value in pagesim.replay(trace, num_gpu_blocks=200).figures.items()}

    def test_list_is_the_file(self):
        of_file = pagesim.command("replay", CHAT, limit=len(self.rows), num_gpu_blocks=200)
        self.assertEqual(of_file.figures["p99_ttft_ms"], float(self.expected["p99_ttft_ms"]))
        self.assertEqual(pagesim.command("replay", self.rows, num_gpu_blocks=200).figures["p99_ttft_ms"], of_file.figures["p99_ttft_ms"])

    def test_columns(self):
        self.assertEqual(self.outcome(columns(self.rows)), self.expected)

    def test_columns_by_their_other_names_and_as_arrays(self):
        given = columns(self.rows)
        arrays = {"arrival_ns": array.array("q", (round(ms * MS) for ms in given["timestamp"])), "input_tokens": array.array("I", given["input_length"]),
                  "output_tokens": array.array("I", given["output_length"]), "hash_ids": given["hash_ids"]}
        self.assertEqual(self.outcome(arrays), self.expected)

    def test_rows_with_nanoseconds(self):
        given = [{**row, "arrival_ns": round(row["timestamp"] * MS)} for row in self.rows]
        for row in given:
            del row["timestamp"]
        self.assertEqual(self.outcome(given), self.expected)

    def test_one_trace_many_times(self):
        trace = pagesim.Trace(self.rows)
        self.assertEqual(len(trace), len(self.rows))
        self.assertEqual(self.outcome(trace), self.outcome(trace))

    @support.needs_numpy
    def test_numpy_is_read_where_it_lies(self):
        import numpy
        given = {"arrival_ns": numpy.array([round(row["timestamp"] * MS) for row in self.rows], dtype="i8"),
                 "input_tokens": numpy.array([row["input_length"] for row in self.rows], dtype="u4"),
                 "output_tokens": numpy.array([row["output_length"] for row in self.rows], dtype="u4"),
                 "hash_ids": [numpy.array(row["hash_ids"]) for row in self.rows]}
        self.assertEqual(self.outcome(given), self.expected)
        from pagesim._traces import _Array
        self.assertEqual(_Array(given["input_tokens"], "I", "input_tokens").address, given["input_tokens"].ctypes.data)
        given["input_tokens"] = given["input_tokens"].astype("i8")[::-1][::-1]
        given["timestamp"] = given.pop("arrival_ns") / MS
        self.assertEqual(self.outcome(given), self.expected)

    @support.needs_pandas
    def test_data_frames(self):
        import pandas
        self.assertEqual(self.outcome(pandas.DataFrame(self.rows)), self.expected)
        self.assertEqual(self.outcome(pandas.DataFrame(self.rows).sample(frac=1, random_state=1)).keys(), self.expected.keys())
        run = pagesim.replay(pandas.DataFrame(self.rows), num_gpu_blocks=200)
        self.assertIsInstance(run.requests, pandas.DataFrame)
        self.assertEqual(len(run.requests), len(self.rows))
        swept = pagesim.sweep(pandas.DataFrame(self.rows), vary={"num_gpu_blocks": [100, 200]}).tables["rows"]
        self.assertEqual(list(swept["num_gpu_blocks"]), [100, 200])


class OtherFields(unittest.TestCase):
    def test_whatever_json_lines_know(self):
        turns = [{"timestamp": 0, "input_length": 20, "output_length": 4, "session_id": "a"},
                 {"input_length": 40, "output_length": 4, "session_id": "a", "delay": 1000, "finish_reason": "stop"}]
        run = pagesim.replay(turns, num_gpu_blocks=20)
        self.assertGreaterEqual(support.columns_of(run.requests)["arrival_ns"][1], 1000 * MS, "the second turn comes a second after the first")
        table = {"timestamp": [0.0, float("nan")], "input_length": [20.0, 40.0], "output_length": [4, 4], "session_id": ["a", "a"],
                 "delay": [None, 1000], "finish_reason": [None, "stop"]}
        again = pagesim.replay(table, num_gpu_blocks=20)
        self.assertEqual(support.columns_of(again.requests)["finish_ns"], support.columns_of(run.requests)["finish_ns"])

    def test_samples(self):
        run = pagesim.replay({"timestamp": [0, 0], "input_length": [20, 20], "output_length": [4, 4], "n": [3, 1]}, num_gpu_blocks=40)
        requests = support.columns_of(run.requests)
        self.assertEqual(sorted(zip(requests["request"], requests["sample"])), [(0, 0), (0, 1), (0, 2), (1, 0)])

    def test_priorities(self):
        three = {"timestamp": [0, 0, 0], "input_length": [20] * 3, "output_length": [4] * 3, "priority": [1, 2, -5]}
        requests = support.columns_of(pagesim.replay(three, num_gpu_blocks=40, max_num_seqs=1, scheduling_policy="priority").requests)
        self.assertEqual([request for _, request in sorted(zip(requests["finish_ns"], requests["request"]))], [2, 0, 1])


class Wrong(unittest.TestCase):
    def says(self, trace, *parts):
        with self.assertRaises(pagesim.BadInput) as raised:
            pagesim.replay(trace, num_gpu_blocks=20)
        for part in parts:
            self.assertIn(part, str(raised.exception))

    def test_values(self):
        good = {"timestamp": [0, 1], "input_length": [5, 5], "output_length": [5, 5]}
        self.says({**good, "input_length": [5, 0]}, "request 1", "input_tokens")
        self.says({**good, "input_length": [5, -1]}, "request 1", "input_length", "-1")
        self.says({**good, "input_length": [5, 5.5]}, "request 1", "5.5")
        self.says({**good, "output_length": ["a", 5]}, "request 0", "'a'")
        self.says({**good, "timestamp": [0, float("inf")]}, "request 1", "inf")
        self.says({**good, "timestamp": [0, -1]}, "request 1")
        self.says({**good, "timestamp": [0]}, "equally long", "timestamp has 1")
        self.says({**good, "hash_ids": [[1], 3]}, "request 1", "hash_ids")
        self.says({"timestamp": [0], "input_length": [5]}, "<requests>:1:1", "how many tokens to generate")
        self.says({}, "no columns")
        self.says([], "<requests>")
        self.says([3], "<requests>:1", "3")

    @support.needs_numpy
    def test_values_of_numpy(self):
        import numpy
        good = {"arrival_ns": numpy.array([0, 1]), "input_tokens": numpy.array([5, 5]), "output_tokens": numpy.array([5, 5])}
        self.says({**good, "input_tokens": numpy.array([5, -1])}, "request 1", "-1")
        self.says({**good, "input_tokens": numpy.array([5, 2**40])}, "request 1")
        self.says({**good, "input_tokens": numpy.array([5, numpy.nan])}, "request 1", "nan")
        self.says({**good, "input_tokens": numpy.array([5, 5.5])}, "request 1", "5.5")
        self.says({**good, "input_tokens": numpy.array(["a", "b"])}, "no numbers")


if __name__ == "__main__":
    unittest.main()
