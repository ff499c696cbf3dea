#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets, tests/fuzz/seeds/TARGET/NAME: small inputs of every kind that a target takes, from which libFuzzer
makes others.

usage: make_seeds.py    (from the project's folder)
"""
import gzip
import os
import shutil

SEEDS = "tests/fuzz/seeds"


def write(target, name, content):
    folder = os.path.join(SEEDS, "fuzz_" + target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())


# --- traces: format, switches, unit, edit, then the file --------------------------------------------------------------------------------

BY_CONTENT, COLUMNS, PACKED = 0, 13, 2
TRACES = {
    "jsonl": '{"timestamp":0,"input_length":50,"output_length":2,"hash_ids":[1,2,99],"session_id":"a","priority":-1}\n'
             '{"timestamp":1500.25,"input_length":20,"output_length":9,"n":2,"session_id":"a","delay":30,"finish_reason":"stop"}\n',
    "untimed": '{"input_length":50,"output_length":2}\n{"input_length":5,"output_length":2,"trace_block_size":16,"hash_ids":[7]}\n',
    "bailian": '{"chat_id":1,"parent_chat_id":-1,"timestamp":7,"input_length":5,"output_length":2,"hash_ids":[3],"type":"text","turn":1}\n'
               '{"chat_id":2,"parent_chat_id":1,"timestamp":7.5,"input_length":5,"output_length":2,"hash_ids":[3],"turn":2}\n',
    "llmservingsim": '{"input_toks":2,"output_toks":1,"arrival_time_ns":7,"input_tok_ids":[4,5],"output_tok_ids":[6]}\n',
    "aibrix": '{"timestamp":7,"requests":[{"Prompt Length":5,"Output Length":2},{"Prompt Length":6,"Output Length":1}]}\n',
    "bench_result": '{"backend":"vllm",\n"input_lens":[5,5],"output_lens":[2,0],"start_times":[70,70.5],"errors":["","no"]}\n',
    "sharegpt": '[{"id":"a","conversations":[{"from":"human","value":"12345"},{"from":"gpt","value":"1234"},\n'
                '{"from":"human","value":"1"},{"from":"gpt","value":"12345"}]}]\n',
    "azure": "TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:15:46.6805900,5,2\r\n2023-11-16 18:15:47,5,2\r\n",
    "burstgpt": "Timestamp,Session ID,Model,Request tokens,Response tokens,Total tokens,Log Type\n3,s,M,5,2,7,L\n3.5,,M,5,2,7,L\n",
    "vidur": "arrived_at,num_prefill_tokens,num_decode_tokens\n0.0,5,2\n0.5,5,2\n",
    "splitwise": "request_id,arrival_timestamp,prompt_size,token_size\n0,0,5,2\n1,0.5,5,2\n",
    "gaps": "Time,RequestTokens,ResponseTokens\n0,5,2\n0.5,5,2\n",
    "servegen": "0,4,0,Gamma,0,0\n0.6,0,,,,\n600,2,1.5,Weibull,0.9,2\n",
}
CSV_OF_ANY_KIND = 'when;"who";in;out\n1.5;"a;""b""";7;3\n2;c;9;\n'


def trace_seeds():
    for name, text in TRACES.items():
        write("trace_readers", name, bytes([BY_CONTENT, 0, 0, 0]) + text.encode())
    for edit in range(1, 6):
        write("trace_readers", f"edit_{edit}", bytes([BY_CONTENT, 1, 0, edit]) + TRACES["jsonl"].encode())
    write("trace_readers", "packed", bytes([BY_CONTENT, PACKED, 2, 0]) + TRACES["azure"].encode())
    write("trace_readers", "gzip", bytes([BY_CONTENT, 0, 0, 0]) + gzip.compress(TRACES["vidur"].encode(), mtime=0))
    write("trace_readers", "columns_csv",
          bytes([COLUMNS, 1 | 8, 0, 0]) + b"arrival=when,input=in,output=out,session=who,unit=s\n" + CSV_OF_ANY_KIND.encode())
    write("trace_readers", "columns_jsonl",
          bytes([COLUMNS, 16, 0, 0]) + b'arrival=t,input=a.b,hash_ids=h,n=k\n{"t":1,"a":{"b":7},"h":[1],"k":2}\n{"t":2,"a.b":3}\n')


# --- configurations: kind, then text ----------------------------------------------------------------------------------------------------------

MODEL = ('{"num_hidden_layers": 32, "hidden_size": 4096, "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128,'
         ' "intermediate_size": 14336, "vocab_size": 128256, "tie_word_embeddings": false, "weight_bytes": 2, "kv_bytes": 1}')
COMPACT = ('{"base_us": 100, "sequence_us": 2.5, "token_us": 1, "token_above_knee_us": 2, "decode_context_us": 0.01, "mixed_us": 3,'
           ' "mixed_decode_us": 0, "mixed_decode_context_us": 0, "prefill_square_us": 0, "prefill_context_us": 0, "prefill_read_us": 0,'
           ' "knee_tokens": 256}')


def configuration_seeds():
    texts = [
        ("config", '{"scheduler": "vllm-v1", "block_size": 16, "num_gpu_blocks": 400, "max_num_seqs": 8, "scheduling_policy": "sjf",'
                   ' "watermark": 0.02, "step_time": {"model": "roofline"}, "model": "llama-3.1-8b", "gpu": "h100", "request_rate": "inf"}'),
        ("settings", "scheduler=vllm-v0\nblock_size=32\nstep_time.base_ns=5\nkv.dtype=float16\nramp_up_strategy=linear\n"),
        ("model", MODEL),
        ("gpu", '{"memory_bytes": 85520809984, "bandwidth_gb_per_s": 3350, "tflops": 989}'),
        ("compact", COMPACT),
        ("points", '{"block_size": 8, "step_time": {"base_ns": 4000000}}\nblock_size=16 num_gpu_blocks=4000 \n# why\n'),
        ("metadata", "who=me\nnote=\"quoted\" \\ back\nempty=\n"),
    ]
    for kind, (name, text) in enumerate(texts):
        write("configuration", name, bytes([kind]) + text.encode())
    write("configuration", "config_v0", bytes([0]) + b'{"scheduler": "vllm-v0", "num_gpu_blocks": 100, "num_cpu_blocks": 10,'
          b' "preemption_mode": "swap", "kv": {"num_layers": 2, "dtype": "bfloat16", "read": "attend"}, "seed": 18446744073709551615}')


# --- a server's command line: text or YAML, then it ---------------------------------------------------------------------------------------------

def vllm_seeds():
    texts = [
        "A=1 vllm serve Qwen3-32B \\\n  -tp 2 --max_num_seqs=256 --no-enable-chunked-prefill # why\n --port $PORT 2>&1 | tee 'a b'\n",
        "model: qwen3-32b\nmax-model-len: 32k\nport: 80\nenable-lora: false\nserved-model-name: [a, {b: c}]\nasync-scheduling: true\n",
        "docker run -p 80:80 vllm/vllm-openai --model llama-3.1-8b --kv-cache-dtype fp8 --watermark 0.02 -O3 --api-key 'x\"y' \"z\\\"\"",
        "block-size: 32\nscheduling-policy: 'priority'\nnum-gpu-blocks-override: 99\nlong_prefill_token_threshold: 64\n",
    ]
    for i, text in enumerate(texts):
        write("vllm_args", f"seed{i}", bytes([i % 2]) + text.encode())


# --- command lines: a word a line ---------------------------------------------------------------------------------------------------------------

LINES = {
    "replay": "replay --trace t.jsonl --num-gpu-blocks=2000 --no-enable-prefix-caching --goodput ttft:500 tpot:50 --metric-percentiles 50,99.9 "
              "--format json --require p99_ttft_ms<0.5s --percentile-metrics ttft,e2el --save-result --metadata a=b c=d",
    "columns": "replay --columns arrival=a,input=b,unit=ms --output-range 2:9 --from 1 --to 2e3 --n 2 --n-every 3 --limit 5 --num-gpu-blocks 9",
    "curve": "curve --trace t --num-gpu-blocks 9 --points 100,1k,2M --block-sizes 8,16 --format csv",
    "compare": "compare --num-gpu-blocks 9 --trace t --a block_size=8,num_gpu_blocks=100 --b block_size=16 --require e2el<0.9",
    "compare_sides": "compare --num-gpu-blocks 9 --trace t --side a block_size=8 c.json --side=b --side c --by ttft --by input_length<5&tenant=x,else",
    "sweep": "sweep --trace t --num-gpu-blocks 9 --vary block_size=8,16,32 --vary num_gpu_blocks=100:800:*2 --objectives request_throughput:max",
    "sweep_drawn": "sweep --generate chat --requests 5 --vary watermark=0:0.1:0.05 --vary block_size=1:3 --mode list --num-gpu-blocks 9",
    "size": "size --num-gpu-blocks 9 --trace t --require preemptions=0 --max-blocks 400",
    "tune": "tune --num-gpu-blocks 9 --trace t --require p99_ttft_ms<2s --tune max_num_seqs=8:64:*2 --tune block_size=8,16 --arrivals poisson",
    "tune_cost": "tune --num-gpu-blocks 9 --trace t --minimize cost_per_million_tokens --gpu-hour-price 2.5 --rate-tolerance 2% --most 100",
    "capacity": "capacity --num-gpu-blocks 9 --trace t --require p99_ttft_ms<2s --points 5 --rate-tolerance 5%",
    "explain": "explain --trace t --top 3 --num-gpu-blocks 7",
    "ledger": "ledger --num-gpu-blocks 9 --trace t --by priority",
    "gen": "gen chat --requests 5 --seed 3 --arrival gamma:rate=4,cv=2 --turns fixed:2 --think exponential:mean=3",
    "gen_own": "gen --input-tokens zipf:1.2,max=512 --output-tokens choice:1=0.9,4=0.1 --sharing system:prompts=8,tokens=64 --later-turns delay "
               "--class share=0.2_priorities=fixed:5 --requests 7",
    "gen_closed": "gen agent --arrival closed:users=5,ramp=6 --requests 9 --samples uniform:min=1,max=3 --priorities lognormal:median=3,sigma=1",
    "filter": "filter a.jsonl --keep-input 1:99 --keep-priority -1:0 --keep-session x --skip-invalid --time-unit us",
    "validate": "validate -- -folder",
    "config": "config show --scheduler vllm-v0 --block-size 32 --step-time-base-ns 7",
}
NAMES = {"gen": "trace gen", "filter": "trace filter", "config": "config show"}


def option_seeds():
    for name, line in LINES.items():
        words = line.split()
        words[0] = NAMES.get(words[0], words[0])
        write("options", name, "\n".join(word.replace("share=0.2_", "share=0.2 ") for word in words) + "\n")


# --- tables --------------------------------------------------------------------------------------------------------------------------------------

DENSE = ["act_fn", "down_proj", "embedding", "final_layernorm", "gate_up_proj", "layernorm", "o_proj", "qkv_proj", "rotary_emb"]
PER_SEQUENCE = ["lm_head", "sampler"]


def table_seeds():
    dense = "layer,tokens,time_us\n" + "".join(f"{layer},{n},{n * 0.5 + 2}\n" for layer in DENSE for n in (1, 16, 512))
    per_sequence = "layer,sequences,time_us\n" + "".join(f"{layer},{n},{100 + n}\n" for layer in PER_SEQUENCE for n in (1, 8))
    attention = "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n" + "".join(
        f"{chunk},{before},{decodes},{context},{1 + chunk * 0.1 + decodes * context * 0.001}\n"
        for chunk in (0, 16, 64) for before in (0, 32) for decodes in (0, 1, 8) for context in (0, 64)
        if (chunk or decodes) and (chunk or not before) and bool(decodes) == bool(context))
    skew = ("pc,n_label,skew_rate_label,kv_big_label,kp_label,alpha,n_samples\n"
            "0,n<=128,sr<=15%,kvB<=16k,kp=0,0.0317,4\n0,n<=128,sr<=15%,kvB<=1k,kp=0,0.0271,4\n")
    profile = f"== dense.csv\n{dense}== per_sequence.csv\n{per_sequence}== attention.csv\n{attention}"
    # pool (2), kind, switches, layers, alpha, sequences, batched tokens (2), length (2)
    write("profile_tables", "profile", bytes([1, 130, 0, 0, 31, 5, 63, 2, 0, 2, 0]) + profile.encode())
    write("profile_tables", "skew_parallel", bytes([1, 130, 0, 63, 31, 5, 63, 2, 9, 2, 0]) + (profile + "== skew_fit.csv\n" + skew).encode())
    columns = ("step,duration_ns,scheduled_tokens,sequences,prefill_chunks,prefill_tokens,prefill_context_product,prefill_context,decodes,"
               "decode_context")
    steps = "".join(f"{i},{1000000 + i * 999},{i % 5 + 1},{i % 5 + 1},{i % 2},{i % 2},0,0,{i % 5 + 1 - i % 2},{i * 10}\n" for i in range(64))
    write("profile_tables", "recorded", bytes([1, 130, 2, 0, 1, 0, 63, 2, 0, 2, 0]) + f"== steps.csv\n{columns}\n{steps}".encode())
    write("profile_tables", "compact", bytes([1, 130, 3, 0, 1, 0, 63, 2, 0, 2, 0]) + f"== compact.json\n{COMPACT}\n".encode())


# --- measured runs -------------------------------------------------------------------------------------------------------------------------------

def measured_seeds():
    requests = "== requests\nid,input_tokens,output_tokens,ttft_ms,tpot_ms,e2e_ms\n0,40,8,10,5.5,48\n1,30,1,11,0,11\n2,40,12,9,5,64\n"
    timeline = "== timeline\nt,prompt_throughput,gen_throughput,running,waiting,kv_cache_pct\n0.01,100,5,1,0,1.5\n0.05,0,9,2,1,3\n"
    write("measured_results", "requests", requests)
    write("measured_results", "timeline", requests + timeline)
    write("measured_results", "bench",
          '== json\n{"input_lens":[40,30,40],"output_lens":[8,1,12],"ttfts":[0.01,0.02,0.03],'
          f'"itls":[[{",".join(["0.005"] * 7)}],[],[{",".join(["0.004"] * 11)}]],"errors":["","",""]}}\n')
    write("measured_results", "own_trace", "== trace\n" + TRACES["azure"] + requests.replace("0,40,8", "0,5,2").replace("1,30,1", "1,5,2"))


# --- journals: kind, then bytes --------------------------------------------------------------------------------------------------------------------

def report_seeds():
    """A report with its page, lean ones of the commands that draw from tables, and two that are compared."""
    head = '{"schema_version":2,"pagesim":"1","command":"%s","command_line":"x","trace":"t","headline":"found","vllm":"v","configuration":%s'
    replay = head % ("replay", '{"num_gpu_blocks":9,"step_time":{"base_ns":%d}}')
    figures = ',"preemptions":7,"median_ttft_ms":1.5,"p99_ttft_ms":9,"mean_used_blocks":4,"mean_free_blocks":null'
    axes = '"title":"T","note":"n","x":{"name":"time","unit":"s","low":1,"high":9},"y":{"name":"y","high":9}'
    chart = '{"kind":"chart","key":"%s","for":["%s"],"draw":"%s",' + axes + ',"categories":["one"],"series":[%s]}'
    series = '{"name":"s","label":"l","mark":"*","group":1,"draw":"%s","points":[1,2,3,null,5,1e999]}'
    page = ',"rows":[{"a":1,"b":"x"}],"page":{"elements":[' + ",".join([
        '{"kind":"key figure","label":"l","value":"7","note":"n"}', '{"kind":"heading","text":"h","note":"n","light":true}',
        '{"kind":"line","text":"w"}', '{"kind":"figures","names":["preemptions","median_ttft_ms"]}',
        '{"kind":"table","key":"rows","for":["people","json","csv"],"columns":[{"name":"a","heading":"A","decimals":1},'
        '{"name":"b","heading":"B","decimals":-2}],"shown":0}',
        '{"kind":"table","key":"own","for":["csv"],"columns":[{"name":"a","decimals":-5,"unit":2}],"shown":1,"rows":[[1],[null],[true]]}',
        chart % ("p", "page", "plot", ",".join(series % draw for draw in ("line", "marks", "steps", "spans", "range"))),
        chart % ("b", "page", "bars", series % "line"), chart % ("h", "page", "heat", series % "line"),
        chart % ("l", "people", "lines", series % "line"), chart % ("a", "people", "areas", series % "line" + "," + series % "line")]) + ']}'
    whole = replay % 5 + figures + page + "}"
    write("saved_reports", "whole", "== a\n" + whole + "\n")
    write("saved_reports", "lean", "== a\n" + replay % 5 + figures + ',"dropped_requests":[{"request":1,"why":"x"}]}\n')
    write("saved_reports", "both", "== a\n" + whole + "\n== b\n" + (replay % 6 + figures + page).replace(":7", ":8") + "}\n")
    write("saved_reports", "ledger", "== a\n" + head % ("ledger", "{}") + ',"accounts":[{"account":"useful","share":0.5,"share_while_waiting":0.6}],'
          '"reserving":[{"way":"maximum","token_share":0.2,"free_share":0.1}],"timeline_slots":{"title":"t","kind":"areas","x":{"name":"time",'
          '"scale":"linear","low":0,"high":9},"y":{"high":5},"series":[{"name":"s","points":[[0,1],[2,3]]}]}}\n')
    write("saved_reports", "compare", "== a\n" + head % ("compare", "{}") + ',"per_request":[{"input_tokens":5,"a_ttft_ms":1,"b_ttft_ms":2,'
          '"a_e2el_ms":3,"b_e2el_ms":4,"delta_e2el_ms":1}],"figures":[{"figure":"p99_ttft_ms","a":1,"b":2}],'
          '"latencies":[{"latency":"e2el","mean_a_ms":1,"delta_ms":2,"batch_ci_low_ms":-1,"batch_ci_high_ms":3}]}\n')
    write("saved_reports", "compare_sides", "== a\n" + head % ("compare", "{}") + ',"sides":[{"side":"x"},{"side":"y"},{"side":"z"}],"per_request":'
          '[{"input_tokens":5,"x_ttft_ms":1,"y_ttft_ms":2,"x_arrival_s":0,"delta_y_e2el_ms":4,"delta_z_e2el_ms":-1}],"first_differences":'
          '[{"side":"y","step":5,"first_start_ns":1,"own_start_ns":2}],"figures":[{"figure":"p99_ttft_ms","x":1,"y":2,"z":3}]}\n')
    write("saved_reports", "explain", "== a\n" + head % ("explain", "{}") + figures + ',"each_preemption":[{"time_s":1,"tokens_lost":5}],'
          '"misses":[{"class":"new","share":0.5},{"class":"all","share":1}]}\n')
    write("saved_reports", "validate", "== a\n" + head % ("validate", "{}") + ',"mean_e2el_error":0.1,"e2el_mape":0.2,"timeline_measured":'
          '[{"t_s":1,"running":2,"waiting":0,"kv_usage":0.5}],"timeline_simulated":[{"t_s":1,"running":3}]}\n')


def journal_seeds():
    line = '{"run":%d,"state":"%s"%s,"figures":{"good_requests":5,"request_goodput":0.25,"p1_ttft_ms":null,"p2_ttft_ms":1e-9}}\n'
    rows = line % (0, "done", "") + line % (1, "stalled", ',"diagnosis":"it stuck"') + line % (2, "aborted", "")
    write("journal", "nothing", bytes([0]))
    write("journal", "torn_header", bytes([0]) + b'{"pagesim_sweep":2,"vers')
    write("journal", "foreign", bytes([0]) + b'{"pagesim_sweep":1}\nhello\n')
    write("journal", "rows", bytes([1]) + rows.encode())
    write("journal", "torn_row", bytes([1]) + rows[:200].encode())
    write("journal", "changed", bytes([2, 1, 0, 60, 0, 20]) + b"7")
    write("journal", "lines", bytes([3]) + rows.encode())


# --- engines: decisions ------------------------------------------------------------------------------------------------------------------------------

def engine_seeds():
    """Bytes in the order of make_config: what also, block size, pool, sequences, batched tokens, length, caching, chunks, threshold, gate,
    watermark, ids (2), contiguity, policy, victim, eviction, times (3), concurrency, arrivals, engine; then make_trace."""
    def case(name, also=0, block=4, pool=20, policy=0, concurrency=(0,), arrivals=0, engine=(0,), kinds=0, requests=12, gate=0, eviction=0):
        decisions = [also, block, pool, 4, 30, 80, 0, 0, 0, gate, 0, 0, 15, 1, policy, 0, eviction, 0, 0, 0, *concurrency, arrivals, *engine,
                     kinds, 20]
        for i in range(requests):
            decisions += [i * 7 % 20, 20 + i * 13 % 60, 5 + i * 5 % 25, *([i % 3] if kinds & 1 else []), *([i % 4] if kinds & 2 and not kinds & 8 else []),
                          3, 0x21 + i % 2 * 0x10, *([i * 9 % 256] if kinds & 8 else [])]
        write("engines", name, bytes(decisions))
    case("plain")
    case("reports", also=4)
    case("reports_sjf", also=4, policy=2)
    case("small_pool", block=3, pool=12)
    case("priority", policy=1, kinds=1)
    case("sjf", policy=2)
    case("mlfq", policy=6)
    case("samples", kinds=2)
    case("sessions", kinds=8)
    case("shared_answers", kinds=24)
    case("answers_named", kinds=32)
    case("concurrency", concurrency=(1, 2))
    case("rate", arrivals=2)
    case("no_gate", gate=3)
    case("lfu", eviction=4)
    case("verify", also=1, pool=60)
    case("verify_sessions", also=1, pool=60, kinds=8)
    case("wrong_float", also=2)
    case("v0", engine=(3, 0, 0), kinds=6)
    case("v0_swap", engine=(3, 1, 40, 2), kinds=2, pool=14)
    case("v0_verify", also=1, engine=(3, 1, 40, 0), kinds=4)


def main():
    shutil.rmtree(SEEDS, ignore_errors=True)
    for make in (trace_seeds, configuration_seeds, vllm_seeds, option_seeds, table_seeds, measured_seeds, report_seeds, journal_seeds, engine_seeds):
        make()


main()
