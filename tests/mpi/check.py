#!/usr/bin/env python3
"""Sweeps by several ranks of MPI: the same bytes as by one process, whoever dies on the way.

usage: check.py PROGRAM      (one that `make mpi` has built)
Ranks may be more than the machine has cores. Last line: "N passed, N failed".
"""
import functools
import os
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM = os.path.abspath(sys.argv[1])
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CHAT = [f"--trace={ROOT}/traces/chat.jsonl", "--trace-block-size=16", "--quiet"]
GRID = ["--vary=block_size=8,16", "--vary=num_gpu_blocks=300:1000:50", "--vary=scheduling_policy=fcfs,priority"]
# A replay step by step takes about 20 ms, so that there is time to kill somebody.
SLOW = [*CHAT, "--reference", "--threads=1", "--vary=block_size=8,16", "--vary=num_gpu_blocks=300:795:5"]
SLOW_RUNS = 200
# mpirun passes a signal on after a second. So long must the runs last.
SLOWER = [*SLOW[:-1], "--vary=num_gpu_blocks=300:4295:5"]
SLOWER_RUNS = 1600
# Nothing of the machine's own settings; mpirun refuses root unless it is told twice.
ENVIRONMENT = dict(os.environ, LC_ALL="C", OMP_WAIT_POLICY="passive", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")


def mpirun(ranks):
    return ["mpirun", "--oversubscribe", "-n", str(ranks)]


def run(words, ranks=0, **more):
    """One process (ranks 0), or several."""
    more.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run([*(mpirun(ranks) if ranks else []), PROGRAM, "sweep", *words], capture_output=True, text=True, timeout=100,
                          env=ENVIRONMENT, **more)


def said(done):
    """What pagesim said on standard error; mpirun says more."""
    return [line for line in done.stderr.splitlines() if line.startswith("pagesim: ")]


def expect(what, good, told=""):
    if not good:
        raise AssertionError(f"{what}: {told}")


def same(what, words, ranks, **more):
    want, got = run(words), run(words, ranks, **more)
    expect(f"{what}, {ranks} ranks", want.returncode == 0 and got.returncode == 0 and want.stdout == got.stdout and want.stdout,
           f"exits {want.returncode} {got.returncode}: {want.stderr}{got.stderr}\n{got.stdout[:1000]}")
    expect(f"{what}, {ranks} ranks: nothing is said", not said(got), got.stderr)


def lines_of(path):
    return open(path).read().splitlines() if os.path.exists(path) else []


def rank_of(pid):
    with open(f"/proc/{pid}/environ", "rb") as file:
        for setting in file.read().split(b"\0"):
            if setting.startswith(b"OMPI_COMM_WORLD_RANK="):
                return int(setting.split(b"=")[1])
    return None


def children(pid):
    """Of mpirun, its ranks: rank -> pid."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout.split()
    return {rank_of(child): int(child) for child in found}


# --- the same bytes --------------------------------------------------------------------------------------------------------------------

def every_format_is_the_same():
    for ranks in (2, 4):
        for form in ("table", "json", "csv"):
            same(form, [*CHAT, *GRID, "--format", form, "--threads", str(5 - ranks)], ranks)


def what_is_drawn_is_the_same():
    same("generated", ["--generate=chat", "--requests=100", "--replicates=6", "--num-gpu-blocks=3000", "--quiet", "--format=json",
                       "--vary=enable_prefix_caching=true,false"], 2)


def sessions_and_samples_are_shared():
    """Columns that few traces have reach the other ranks, too."""
    with open("t.jsonl", "w") as file:
        for i in range(60):
            file.write(f'{{"timestamp":{i * 50},"input_length":{40 + i},"output_length":{5 + i % 7},"session_id":"s{i % 9}","delay":{i % 3},'
                       f'"priority":{i % 4},"n":{1 + i % 2},"finish_reason":"{("stop", "length")[i % 2]}"}}\n')
    for scheduler in ("vllm-v1", "vllm-v0"):
        same(scheduler, ["--trace=t.jsonl", "--quiet", "--format=json", f"--scheduler={scheduler}", "--max-model-len=1000",
                         "--vary=num_gpu_blocks=60:200:10"], 4)


def a_trace_from_standard_input_is_read_by_rank_0():
    words = ["--trace=-", *CHAT[1:], *GRID]
    with open(f"{ROOT}/traces/chat.jsonl") as one, open(f"{ROOT}/traces/chat.jsonl") as other:
        want, got = run(words, stdin=one), run(words, 2, stdin=other)
    expect("standard input", want.returncode == 0 and got.stdout == want.stdout, got.stderr)


def more_ranks_than_runs():
    same("two runs", [*CHAT, "--vary=num_gpu_blocks=300,400"], 4)


def all_ranks_do_runs():
    """Each rank writes the lines of its own runs, so the journal holds all of them once; a second command has nothing to do."""
    words = [*SLOW, "--journal=j"]
    first = run(words, 4)
    lines = lines_of("j")
    expect("journal", first.returncode == 0 and len(lines) == SLOW_RUNS + 1 == len(set(lines)), f"{len(lines)} lines; {first.stderr}")
    expect("one process reads it", run(words).stdout == first.stdout and lines_of("j") == lines)


def shares_of_several_ranks():
    for part in (1, 2):
        done = run([*CHAT, *GRID, f"--shard={part}/2", f"--journal=p{part}", "--mpi"], 2)
        expect("part", done.returncode == 0 and not done.stdout, done.stderr)
    expect("merged", run([*CHAT, *GRID, "--merge", "p1", "p2"]).stdout == run([*CHAT, *GRID]).stdout)


# --- somebody dies ---------------------------------------------------------------------------------------------------------------------

@functools.lru_cache
def undisturbed(words):
    return run([word for word in words if word != "--threads=1"] + ["--format=json"]).stdout


def kill_one(victim, number, slow=tuple(SLOW), runs=SLOW_RUNS):
    """In the middle of a sweep of 3 ranks; "mpirun" itself may be the victim. Then the same command again."""
    words = [*slow, "--format=json", "--journal=killed"]
    if os.path.exists("killed"):
        os.remove("killed")
    with open("told", "w") as told, open("out", "w") as out:
        process = subprocess.Popen([*mpirun(3), PROGRAM, "sweep", *words, "--output=partial"], stdout=out, stderr=told, env=ENVIRONMENT,
                                   stdin=subprocess.DEVNULL)
        end = time.monotonic() + 30
        while len(lines_of("killed")) < 8 and time.monotonic() < end:
            time.sleep(0.005)
        os.kill(process.pid if victim == "mpirun" else children(process.pid)[victim], number)
        code = process.wait(timeout=30)
    what = f"{victim} gets signal {number}"
    text = open("killed").read()
    expect(f"{what}: it ended midway", 8 <= text.count("\n") < runs + 1 and not os.path.exists("partial"), f"{text.count(chr(10))} lines")
    expect(f"{what}: nothing but whole lines, each once", text.endswith("}\n") and len(set(text.splitlines())) == text.count("\n"))
    expect(f"{what}: exit {code}", code != 0)
    # mpirun may end before it has passed on what rank 0 said last. Then it has said itself who died, unless it was told to end.
    told = open("told").read()
    expect(f"{what}: it is said", "goes on with what killed holds" in told or "mpirun" in told or victim == "mpirun", told)
    again = run(words, 2)
    expect(f"{what}: the same command goes on", again.returncode == 0 and again.stdout == undisturbed(slow), again.stderr)
    expect(f"{what}: nothing is done again", open("killed").read().startswith(text) and len(lines_of("killed")) == runs + 1)


def a_killed_rank_ends_all_and_nothing_is_lost():
    kill_one(1, signal.SIGKILL)
    kill_one(2, signal.SIGTERM)


def a_killed_rank_0_ends_all_and_nothing_is_lost():
    kill_one(0, signal.SIGKILL)


def an_interrupt_ends_all():
    kill_one("mpirun", signal.SIGINT, tuple(SLOWER), SLOWER_RUNS)


# --- what goes wrong -------------------------------------------------------------------------------------------------------------------

def fails(what, words, code, message, ranks=2):
    done = run(words, ranks)
    expect(what, done.returncode == code and not done.stdout, f"exit {done.returncode}, {done.stderr}")
    expect(f"{what}: said once", len(said(done)) == 1 and message in said(done)[0], done.stderr)


def errors_are_said_once():
    fails("option", [*CHAT, *GRID, "--nonsense"], 2, "unknown option")
    fails("no trace", ["--trace=none.csv", "--vary=num_gpu_blocks=1,2", "--quiet"], 3, "none.csv: cannot be opened")
    fails("a point", [*CHAT, "--vary=num_gpu_blocks=1,0"], 2, "num_gpu_blocks")
    fails("list", [*CHAT, "--list=-"], 2, "several processes cannot read one standard input")
    fails("data plane", [*CHAT, *GRID, "--data-plane=on"], 2, "several processes cannot")
    open("other", "w").write("something else\n")
    fails("journal", [*CHAT, *GRID, "--journal=other"], 3, "other: is no journal of a sweep")


def files_that_differ_are_found():
    """Rank 1 sees another configuration file under the same name, as on a machine of its own."""
    open("a.json", "w").write('{"block_size": 16}')
    open("b.json", "w").write('{"block_size": 8}')
    script = f'ln -s "$PWD"/$([ "$OMPI_COMM_WORLD_RANK" = 1 ] && echo b || echo a).json $OMPI_COMM_WORLD_RANK/c.json; cd $OMPI_COMM_WORLD_RANK; exec "$@"'
    for rank in ("0", "1"):
        os.mkdir(rank)
    done = subprocess.run([*mpirun(2), "bash", "-c", script, "bash", PROGRAM, "sweep", *CHAT, *GRID[1:], "--config=c.json"],
                          capture_output=True, text=True, timeout=60, env=ENVIRONMENT, stdin=subprocess.DEVNULL)
    expect("files", done.returncode == 3 and said(done) == [
        "pagesim: rank 1: files differ: the trace, or what a configuration names, is not what rank 0 has read"], done.stderr)


def a_requirement_that_nothing_meets():
    done, alone = (run([*CHAT, *GRID, "--require=p99_ttft_ms<1"], ranks) for ranks in (2, 0))
    expect("requirement", done.returncode == 4 == alone.returncode and done.stdout == alone.stdout and len(said(done)) == 1, done.stderr)


CASES = [every_format_is_the_same, what_is_drawn_is_the_same, sessions_and_samples_are_shared, a_trace_from_standard_input_is_read_by_rank_0,
         more_ranks_than_runs, all_ranks_do_runs, shares_of_several_ranks, a_killed_rank_ends_all_and_nothing_is_lost,
         a_killed_rank_0_ends_all_and_nothing_is_lost, an_interrupt_ends_all, errors_are_said_once, files_that_differ_are_found,
         a_requirement_that_nothing_meets]


def main():
    failed = 0
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            try:
                case()
            except Exception as problem:  # also what a case did not foresee
                failed += 1
                print(f"failed: {case.__name__}: {type(problem).__name__} {problem}")
            os.chdir("/")
    print(f"{len(CASES) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
