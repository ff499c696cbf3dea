"""pagesim.replay: the program's figures, requests that can be counted by hand, observers, stopping, errors."""
import math
import os
import signal
import unittest
import warnings

import support
from support import CHAT

import pagesim

# Blocks of 16 tokens. Both prompts fit the budget of one step, so both are admitted in step 0 and have a token at its end.
TWO = [{"timestamp": 0, "input_length": 20, "output_length": 4}, {"timestamp": 0, "input_length": 30, "output_length": 2}]
PLAIN = {"num_gpu_blocks": 20, "async_scheduling": False, "step_time": {"base_ns": 1000, "token_ns": 10, "kv_ns": 0}}


class Figures(unittest.TestCase):
    def test_report_is_the_programs_to_the_byte(self):
        for given, words in (({}, []), ({"async_scheduling": False}, ["--no-async-scheduling"]), ({"max_num_seqs": 4, "request_rate": 9.5, "seed": 3},
                             ["--max-num-seqs", "4", "--request-rate", "9.5", "--seed", "3"])):
            ours = pagesim.replay(CHAT, num_gpu_blocks=300, **given).json
            theirs = support.program("replay", "--trace", CHAT, "--num-gpu-blocks", "300", *words, "--format", "json")
            gone = ("command_line", "measured")
            self.assertEqual(support.without(ours, *gone), support.without(theirs, *gone))

    def test_numbers_that_can_be_worked_out(self):
        run = pagesim.replay(TWO, **PLAIN)
        # Step 0 computes 50 prompt tokens, 1000 + 500 ns; step 1 two tokens, 1020; steps 2 and 3 one, 1010.
        self.assertEqual(run.figures["steps"], 4)
        self.assertAlmostEqual(run.makespan_s, 4540e-9)
        requests = support.columns_of(run.requests)
        self.assertEqual(requests["first_token_ns"], [1500, 1500])
        self.assertEqual(requests["finish_ns"], [4540, 2520])
        self.assertEqual(requests["output_tokens"], [4, 2])
        self.assertEqual(requests["dropped"], [False, False])
        self.assertAlmostEqual(requests["e2el_ms"][0], 0.00454)
        self.assertIsNone(run.ended_early)

    def test_attributes_figures_and_what_they_mean(self):
        run = pagesim.replay(TWO, figures=["p99.9_queue_ms"], **PLAIN)
        self.assertEqual(run.completed, 2)
        self.assertEqual(run.figures["p99.9_queue_ms"], 0)
        self.assertEqual(run.figure("p99_ttft_ms").unit, "ms")
        self.assertIn("p99_ttft_ms", dir(run))
        self.assertEqual(run.configuration["num_gpu_blocks"], 20)
        with self.assertRaises(AttributeError):
            _ = run.p99_tftt_ms
        with self.assertRaises(pagesim.UsageError):
            run.figure("p99_tftt_ms")
        one = pagesim.replay(TWO[:1] + [dict(TWO[1], output_length=1)], **dict(PLAIN, num_gpu_blocks=3))
        self.assertTrue(math.isnan(pagesim.replay([dict(TWO[0], output_length=1)], **PLAIN).mean_tpot_ms))
        # Two blocks beside the null block: 24 and 31 tokens need two each, so one waits for the other.
        self.assertEqual(one.figures["peak_running"], 1)

    def test_requests_that_never_run_have_no_times(self):
        run = pagesim.replay([TWO[0], {"timestamp": 1, "input_length": 5000, "output_length": 1}], **PLAIN)
        requests = support.columns_of(run.requests)
        self.assertEqual(requests["dropped"], [False, True])
        self.assertEqual(requests["finish_ns"][1], -1)
        self.assertTrue(math.isnan(requests["e2el_ms"][1]))
        self.assertEqual(len(run.tables["dropped_requests"]["request"]), 1)

    def test_a_fleet_has_a_row_a_replica_and_pictures(self):
        run = pagesim.replay(CHAT, num_gpu_blocks=300, replicas=3, router="least-requests")
        self.assertEqual(sum(run.tables["replicas"]["requests"]), run.figures["requests"])
        self.assertEqual(run.html().count('class="panel"'), 2)
        with self.assertRaisesRegex(pagesim.UsageError, "one server"):
            pagesim.replay(CHAT, num_gpu_blocks=300, replicas=3, on_events=lambda events: None)

    def test_configurations_add_up(self):
        file = str(support.ROOT / "configs" / "demo.json")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a whole configuration says much that has no effect
            run = pagesim.replay(TWO, config=file, num_gpu_blocks=50, data_plane=None)
            self.assertEqual(run.configuration["num_gpu_blocks"], 50)
            again = pagesim.replay(TWO, config=run.configuration)
        self.assertEqual(again.configuration, run.configuration)
        line = pagesim.replay(TWO, vllm_args="vllm serve --max-num-seqs 7 --block-size 32", block_size=16, num_gpu_blocks=50)
        self.assertEqual((line.configuration["max_num_seqs"], line.configuration["block_size"]), (7, 16))

    def test_warnings_are_pythons(self):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            run = pagesim.replay(TWO, scheduling_policy="priority", num_gpu_blocks=20000)
        self.assertEqual([str(warning.message) for warning in told], run.warnings)
        self.assertTrue(issubclass(told[0].category, pagesim.PagesimWarning) and told[0].filename == __file__)


class Callbacks(unittest.TestCase):
    def test_observers_see_what_the_figures_count(self):
        events, steps = [], []
        run = pagesim.replay(CHAT, num_gpu_blocks=300, on_events=events.extend, on_steps=steps.extend)
        self.assertEqual(sum(event.kind == "preempted" for event in events), run.preemptions)
        self.assertEqual(sum(event.kind == "finished" for event in events), run.completed)
        self.assertEqual(sum(not step.idle for step in steps), run.steps)
        self.assertEqual(sum(step.scheduled_tokens for step in steps), run.scheduled_tokens)
        self.assertEqual(run.json.split('"measured"')[0], pagesim.replay(CHAT, num_gpu_blocks=300).json.split('"measured"')[0])

    def test_progress_may_stop(self):
        calls = []
        with self.assertRaises(pagesim.Interrupted):
            pagesim.replay(CHAT, num_gpu_blocks=300, progress=lambda done, total: calls.append((done, total)) or False)
        self.assertEqual(len(calls), 1)
        self.assertEqual(calls[0][1], 400)
        with self.assertRaises(pagesim.Interrupted):
            pagesim.replay(CHAT, num_gpu_blocks=300, on_steps=lambda batch: False)

    def test_what_a_callback_raises_comes_out(self):
        def broken(_):
            raise KeyError("mine")
        with self.assertRaisesRegex(KeyError, "mine"):
            pagesim.replay(CHAT, num_gpu_blocks=300, on_events=broken)

    def test_ctrl_c_is_keyboard_interrupt(self):
        def press(*_):
            os.kill(os.getpid(), signal.SIGINT)
        with self.assertRaises(KeyboardInterrupt):
            pagesim.replay(CHAT, num_gpu_blocks=300, progress=press)


class Errors(unittest.TestCase):
    def fails(self, kind, *arguments, **keys):
        with self.assertRaises(kind) as raised:
            pagesim.replay(*arguments, **keys)
        self.assertIsInstance(raised.exception, pagesim.Error)
        return raised.exception

    def test_have_their_place(self):
        error = self.fails(pagesim.BadInput, [TWO[0], {"timestamp": 1, "input_length": 0, "output_length": 3}], num_gpu_blocks=20)
        self.assertEqual((error.file, error.line), ("<requests>", 2))
        self.assertGreater(error.column, 1)
        error = self.fails(pagesim.BadInput, "there/is/no.jsonl", num_gpu_blocks=20)
        self.assertEqual((error.file, error.line, error.column), ("there/is/no.jsonl", None, None))
        error = self.fails(pagesim.BadInput, TWO, config={"block_size": 16, "blok": 3})
        self.assertEqual((error.file, error.line), ("<config>", 1))

    def test_say_what_would_be_right(self):
        self.assertIn("num_gpu_blocks", str(self.fails(pagesim.UsageError, TWO, num_gpu_block=20)))
        self.assertIn("block_size", str(self.fails(pagesim.UsageError, TWO, num_gpu_blocks=20, block_size="many")))
        self.assertIn("num_gpu_blocks", str(self.fails(pagesim.UsageError, TWO)))
        self.fails(pagesim.UsageError, TWO, num_gpu_blocks=object())
        self.fails(pagesim.UsageError, TWO, num_gpu_blocks=20, figures=["p99_tftt_ms"])
        self.fails(pagesim.UsageError, 7, num_gpu_blocks=20)
        self.assertIsInstance(self.fails(ValueError, TWO, num_gpu_block=20), ValueError)


if __name__ == "__main__":
    unittest.main()
