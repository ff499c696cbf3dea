"""--watch on a terminal of our own, of several widths and kinds, and on what is none: what is on the screen in the end, that no line is wider
than it, that standard output stays the same, and what an interrupt leaves."""
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time

PROGRAM, ROOT = os.environ["PAGESIM"], os.environ["ROOT"]
TRACE = f"--trace {ROOT}/traces/chat.jsonl --limit 100 --config {ROOT}/configs/demo.json --data-plane off --quiet"
REPLAY = f"replay {TRACE} --num-gpu-blocks 200"
SWEEP = f"sweep {TRACE} --threads 2 --vary num_gpu_blocks=200,300 --vary watermark=0,0.05"
LONG = "--dataset-name random --num-prompts 1500000 --random-input-len 2000 --random-output-len 1000 --max-model-len 8192 --quiet"
LABELS = ["replay", "done", "running", "pool", "output", "preempted"]


def start(words, width, **environment):
    """A process whose standard error is a terminal, and our side of it."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, width, 0, 0))
    environment = dict(os.environ, TERM="xterm", LC_ALL="C.UTF-8", **environment) if "TERM" not in environment else dict(os.environ, **environment)
    process = subprocess.Popen([PROGRAM] + words.split(), stdout=subprocess.PIPE, stderr=theirs, env=environment, text=True)
    os.close(theirs)
    return process, ours


def rest(terminal):
    text = b""
    while True:
        try:
            more = os.read(terminal, 65536)
        except OSError:  # nobody is left on the other side
            break
        if not more:
            break
        text += more
    os.close(terminal)
    return text.decode()


def watch(words, width, **environment):
    process, terminal = start(words + " --watch", width, **environment)
    text = rest(terminal)
    out = process.stdout.read()
    assert process.wait(60) == 0, text
    return text, out


def screen(text, width):
    """What a terminal shows, and the column of the cursor. Only what a view may use is understood."""
    lines, row, column = [[]], 0, 0
    for part in re.findall(r"\033\[\d*[AKm]|.", text, re.S):
        if part == "\r":
            column = 0
        elif part == "\n":
            row += 1
            lines += [[]] * (row == len(lines))
        elif part.endswith("A") and part[0] == "\033":
            row -= int(part[2:-1])
            assert row >= 0
        elif part == "\033[K":
            del lines[row][column:]
        elif part[0] != "\033" or part == "\033":
            assert part.isprintable(), repr(part)
            lines[row] += [" "] * (column - len(lines[row]))
            lines[row][column:column + 1] = [part]
            column += 1
            assert column <= width, f"wider than {width}: {''.join(lines[row])}"
    return ["".join(line).rstrip() for line in lines], column


def check_end(text, width, labels):
    lines, column = screen(text, width)
    assert column == 0 and lines[-1] == "", lines
    assert [line.split()[0] for line in lines[:-1]] == labels, lines
    return {line.split()[0]: line for line in lines[:-1]}


plain = subprocess.run([PROGRAM] + REPLAY.split(), capture_output=True, text=True, check=True).stdout
for width in (80, 40, 200, 12):
    text, out = watch(REPLAY, width)
    assert out == plain
    seen = check_end(text, width, LABELS)
    if width >= 40:
        assert "100 %" in seen["replay"] and "100 of 100 requests" in seen["done"] and "peak" in seen["pool"]
        assert "after" in seen["replay"] and "\u2588" in seen["replay"] and "\033[36m" in text
text, _ = watch(REPLAY, 80, COLUMNS="50")
check_end(text, 50, LABELS)
text, _ = watch(REPLAY, 80, NO_COLOR="")
assert not re.search(r"\033\[\d*m", text)
check_end(text, 80, LABELS)
text, _ = watch(REPLAY, 80, TERM="xterm", LC_ALL="C")
assert text.isascii()
check_end(text, 80, LABELS)
print("drawn")

text, out = watch(REPLAY, 80, TERM="dumb")
assert out == plain
piped = subprocess.run([PROGRAM] + (REPLAY + " --watch").split(), capture_output=True, text=True, check=True)
assert piped.stdout == plain
for lines in (text.replace("\r\n", "\n"), piped.stderr):
    assert re.fullmatch(r"replay 100 %, after [^;]+; done 100 of 100 requests; running 0, waiting 0, peak \d+; pool 0 %, peak \d+ % of 200 blocks; "
                        r"output [\d,]+ tokens/s in [^;]+; preempted [\d,]+ times\n", lines), repr(lines)
print("told in a line")

plain = subprocess.run([PROGRAM] + SWEEP.split(), capture_output=True, text=True, check=True).stdout
for width in (80, 40):
    text, out = watch(SWEEP, width)
    assert out == plain
    seen = check_end(text, width, ["sweep", "runs", "best", "with"])
    assert "4 of 4" in seen["runs"] and "request_throughput" in seen["best"] and "num_gpu_blocks=" in seen["with"], seen
rows = subprocess.run([PROGRAM] + (SWEEP + " --objectives p99_ttft_ms --format csv").split(), capture_output=True, text=True, check=True).stdout.split("\n")
column = rows[0].split(",").index("p99_ttft_ms")
least = min(float(row.split(",")[column]) for row in rows[1:] if row)
text, _ = watch(SWEEP + " --objectives p99_ttft_ms", 80)
assert f"p99_ttft_ms {least:.6g}" in screen(text, 80)[0][2], (text, least)
print("best so far")

for words, labels in ((f"replay {LONG} --num-gpu-blocks 3000 --reference", LABELS), (f"sweep {LONG} --vary num_gpu_blocks=3000,4000", ["sweep", "runs"])):
    process, terminal = start(words + " --watch", 80)
    began = time.monotonic()
    text = os.read(terminal, 65536).decode()
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    text += rest(terminal)
    taken = time.monotonic() - began
    assert process.wait(60) == 130
    lines, column = screen(text, 80)
    assert column == 0 and lines[-2:] == ["pagesim: interrupted", ""], lines
    assert [line.split()[0] for line in lines[:-2]] == labels, lines
    states = text.count(f"{labels[0]}  ")
    assert 2 <= states <= 10 * taken + 2, (states, taken)
print("interrupted")
