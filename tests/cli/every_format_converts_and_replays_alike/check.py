"""A small file of every trace format: it is recognised, `trace convert` writes it as JSONL, and both replay alike, decision by decision.

usage: check.py PAGESIM FORMATS_PAGE

Also: every format of --trace-format is here, and has a row in the page's tables with its times, contents and sessions.
"""
import json
import re
import subprocess
import sys

TURN = '{"from":"%s","value":"%s"}'
CONVERSATION = '{"id":"%s","conversations":[' + ",".join((TURN % ("human", "w " * 90), TURN % ("gpt", "w " * 40),
                                                         TURN % ("human", "w " * 20), TURN % ("gpt", "w " * 9))) + "]}"
REQUEST = '{"timestamp":%s,"input_length":%d,"output_length":%d%s}'
CHAT = '{"chat_id":%d,"parent_chat_id":%d,"timestamp":%s,"input_length":%d,"output_length":%d,"type":"text","turn":1,"hash_ids":%s}'


def ids(first, count):
    return list(range(first, first + count))


def lines(*rows):
    return "\n".join(rows) + "\n"


# Name, text, options of reading, options of both replays. Times are far enough apart for some to overlap and some not; prompts share a few blocks.
OWN = (REQUEST % ("3.5", 70, 9, ',"priority":-2,"trace_block_size":16,"hash_ids":[1,2,3,4,9]'),
       REQUEST % ("20", 64, 30, ',"hash_ids":[1,2,3,5],"n":2,"session_id":"s"'),
       '{"input_length":200,"output_length":5,"session_id":"s","delay":12.25,"hash_ids":[1,2,3,5,6],"finish_reason":"stop"}',
       REQUEST % ("400.000001", 80, 4, ',"session_id":7'))
RATE = ["--request-rate", "20"]
FILES = [
    ("jsonl", lines(*OWN), [], []),
    ("json-array", "[" + ",\n ".join(OWN) + "]\n", [], []),
    ("bailian", lines(CHAT % (5, -1, "0.25", 60, 50, ids(0, 4)), CHAT % (6, 5, "0.3", 130, 20, ids(0, 9)), CHAT % (7, 5, "0.31", 90, 8, ids(0, 6)),
                      CHAT % (8, 6, "4.5", 170, 3, ids(0, 11)), CHAT % (9, -1, "4.6", 40, 3, ids(50, 3))), [], []),
    ("llmservingsim", lines(*('{"input_toks":%d,"output_toks":3,"arrival_time_ns":%d,"input_tok_ids":%s,"output_tok_ids":%s}'
                              % (n, at, ids(0, n), ids(n, 3)) for n, at in ((40, 11), (60, 5000022), (83, 70000000)))), [], []),
    ("aibrix", lines('{"timestamp":7,"requests":[{"Prompt Length":50,"Output Length":9},{"prompt_length":20,"output_length":2,"prompt":"w"}]}',
                     '{"timestamp":45,"requests":[{"Prompt Length":33,"Output Length":4}]}'), [], []),
    ("bench-result", '{"backend":"vllm",\n"input_lens":[50,60],"output_lens":[9,8],"start_times":[70.0123456789,70.5],"errors":["",""]}\n', [], []),
    ("bench-result", lines('{"backend":"sglang","input_lens":[50,60],"output_lens":[9,8]}', '{"input_lens":[7],"output_lens":[2]}'), [], RATE),
    ("sharegpt", "[" + CONVERSATION % "a" + ",\n" + CONVERSATION % "b" + "]", [], RATE),
    ("sharegpt", lines(CONVERSATION % "a", CONVERSATION % "b"), [], RATE),
    ("azure", lines("TIMESTAMP,ContextTokens,GeneratedTokens", "2023-11-16 18:15:46.6805900,374,44", "2023-11-16 18:15:46.9951690,396,9"), [], []),
    ("burstgpt", lines("Timestamp,Session ID,Model,Request tokens,Response tokens,Total tokens,Log Type", "5,c1,M,50,9,59,L", "5.02,c1,M,80,9,89,L",
                       "5.03,,M,33,2,35,L"), [], []),
    ("vidur", lines("arrived_at,num_prefill_tokens,num_decode_tokens", "0.012,50,9", "0.0125,33,4"), [], []),
    ("splitwise-sim", lines("request_id,arrival_timestamp,prompt_size,token_size", "0,0,50,9", "1,0.5,33,4"), [], []),
    ("gaps", lines("Time,RequestTokens,ResponseTokens", "0.1,50,9", "0.02,33,4"), [], []),
    ("csv", lines("ts,in,out,ids,who", "5,50,9,1 2,u", "5.01,70,4,1 2 3,u"),
     ["--columns", "arrival=ts,input=in,output=out,hash_ids=ids,session=who"], ["--trace-block-size", "32"]),
    ("jsonl-columns", lines('{"at":{"s":5},"usage":{"in":50,"out":9},"ids":[1,2]}', '{"at":{"s":5.01},"usage":{"in":70,"out":4},"ids":[1,2,3]}'),
     ["--columns", "arrival=at.s,input=usage.in,output=usage.out,hash_ids=ids,unit=s"], ["--trace-block-size", "32"]),
]
NO_TRACE = {"servegen"}  # a load: it has no requests to convert


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        print(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
    return done


def replay(program, name, options):
    """What the report says but for the file's name, what reading noted and this machine's times; and every decision."""
    report = json.loads(run(program, "replay", "--trace", name, "--num-gpu-blocks", "40", "--max-model-len", "640", "--decision-log", name + ".log",
                            "--format", "json", "--quiet", *options).stdout)
    for key in ("command_line", "trace", "warnings", "measured"):
        del report[key]
    return report, open(name + ".log").read()


program, page = sys.argv[1], open(sys.argv[2], encoding="utf-8").read()
alike = 0
for name, text, reading, options in FILES:
    with open("t", "w") as file:
        file.write(text)
    facts = json.loads(run(program, "trace", "info", "t", "--format", "json", *reading).stdout)
    if facts["trace_format"] != name:
        print(f"a file of {name} is taken for {facts['trace_format']}")
    run(program, "trace", "convert", "t", "--output", "c", *reading)
    as_it_is, converted = replay(program, "t", reading + options), replay(program, "c", options)
    different = [key for key in as_it_is[0] if as_it_is[0][key] != converted[0].get(key)]
    if different or as_it_is[1] != converted[1]:
        print(f"{name} replays differently when it is converted: {', '.join(different) or 'decisions'}")
    elif as_it_is[0]["completed"] < facts["requests"]:
        print(f"{name}: {as_it_is[0]['completed']} of {facts['requests']} requests were completed")
    else:
        alike += 1
known = re.search(r"must be (.*)$", subprocess.run([program, "trace", "info", "t", "--trace-format", "?"], capture_output=True, text=True).stderr.strip())[1]
known = set(re.split(r", | or ", known))
print("formats without a file here:", sorted(known - {name for name, *_ in FILES} - NO_TRACE))
rows = {name: row for row in re.findall(r"^\|.*\|$", page, re.M) for name in re.findall(r"^\| `([\w-]+)` \|", row)}
print("formats without a row of five cells:", sorted(name for name in known if rows.get(name, "").replace("\\|", "").count("|") != 6))
print(f"{alike} of {len(FILES)} files replay alike")
