#!/usr/bin/env python3
"""Runs of apex_plus (vLLM 0.6.0, Llama-3.1-70B on H100) as folders for `pagesim validate FOLDER` and `fit FOLDER... --step-time-model roofline`.

usage: apex_runs.py DATA_FOLDER OUTPUT_FOLDER
DATA_FOLDER has results.csv and runs/. Writes OUTPUT_FOLDER/RUN for each run of Llama whose means fit each other (`clean`), and prints the names.

Means alone were saved, and TPOT is the sum of all gaps over all generated tokens there. The mean E2E says the same together with the TTFT,
and without that definition, so TTFT and E2E are what is handed over. By that version's defaults prompts are split into chunks of 512 tokens
where the model's length is above 32,768, which is assumed on four and eight GPUs; two served 24,272 tokens in 1,517 blocks.
"""
import csv
import json
import lzma
import os
import sys

CHUNKED = {"num_gpu_blocks": 30000, "max_model_len": 131072, "max_num_batched_tokens": 512, "enable_chunked_prefill": True}
WHOLE = {"num_gpu_blocks": 1517, "max_model_len": 24272, "max_num_batched_tokens": 24272, "enable_chunked_prefill": False}


def write_run(data, row, folder):
    os.makedirs(folder, exist_ok=True)
    gpus = int(row["tp"])
    with lzma.open(os.path.join(data, row["file"]), "rt") as file, open(os.path.join(folder, "trace.jsonl"), "w") as trace:
        for request in csv.DictReader(file):
            trace.write(json.dumps({"timestamp": int(request["offset_ns"]) / 1e6, "input_length": int(request["input_length"]),
                                    "output_length": int(request["output_length"])}) + "\n")
    config = {"scheduler": "vllm-v0", "model": "llama-3.1-70b", "gpu": "h100", "tensor_parallel_size": gpus, "enable_prefix_caching": False,
              **(WHOLE if gpus == 2 else CHUNKED), "step_time": {"model": "roofline"}}
    means = {"mean_ttft_ms": float(row["ttft_mean_s"]) * 1e3, "mean_e2el_ms": float(row["e2e_mean_s"]) * 1e3}
    for name, content in (("config.json", config), ("vllm.json", means)):
        with open(os.path.join(folder, name), "w") as file:
            json.dump(content, file)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    data, output = sys.argv[1:]
    with open(os.path.join(data, "results.csv")) as file:
        for row in csv.DictReader(file):
            if row["model"].startswith("llama") and row["clean"] == "1":
                write_run(data, row, os.path.join(output, row["run"]))
                print(row["run"])


main()
