"""A sweep's tables as CSV and as JSON hold the same cells; the JSON has each key once; what is wrong is refused before any run."""
import csv
import io
import json
import os
import subprocess

SWEEP = [os.environ["PAGESIM"], "sweep", "--generate", "uniform", "--input-range", "1:100", "--output-range", "1:50", "--requests", "30",
         "--replicates", "3", "--num-gpu-blocks", "40", "--vary", "block_size=8,16", "--vary", "enable_prefix_caching=true,false", "--vary",
         "watermark=0,0.02", "--require", "preemptions<2"]


def run(*more):
    return subprocess.run(SWEEP + list(more), capture_output=True, text=True)


def unique(pairs):
    assert len({key for key, _ in pairs}) == len(pairs), "a key stands twice"
    return dict(pairs)


def same(cell, value):
    if value is None:
        return cell == ""
    if isinstance(value, bool):
        return cell == str(value).lower()
    return float(cell) == value if isinstance(value, (int, float)) else cell == value


document = json.loads(run("--format", "json").stdout, object_pairs_hook=unique)
for table, rows in (("rows", 8), ("runs", 24)):
    lines = list(csv.DictReader(io.StringIO(run("--format", "csv", "--table", table).stdout)))
    assert len(lines) == len(document[table]) == rows
    for line, member in zip(lines, document[table]):
        assert list(line) == list(member)
        assert all(same(line[key], member[key]) for key in line)
    print(f"{table}: csv and json agree")
assert run("--format", "csv").stdout == run("--format", "csv", "--table", "rows").stdout
first = document["rows"][0]
assert (first["block_size"], first["enable_prefix_caching"], first["watermark"], first["meets"]) == (8, True, 0, True)
assert document["configuration"]["block_size"] == 8 and document["command"] == "sweep" and document["schema_version"] == 2
assert document["objectives"] == {"request_throughput": "max", "p99_ttft_ms": "min", "pool_bytes": "min"}
print("keys are unique, and a document says where it comes from")
for wrong in (["--require", "p99_tfft_ms<1"], ["--objectives", "p99_tfft_ms"], ["--figures", "gather_gb_per_s"], ["--figures", "forks"],
              ["--format", "csv", "--table", "points"]):
    done = run("--journal", "journal", *wrong)
    assert done.returncode == 2 and not done.stdout, wrong
print(int(os.path.exists("journal")), "not run before a wrong figure was refused")
