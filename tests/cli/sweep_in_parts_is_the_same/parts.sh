# Three jobs do a part each; one of them is killed and given again. Put together, the parts are the bytes of one run, in whatever order.
sweep=("$PAGESIM" sweep --trace "$ROOT/traces/chat.jsonl" --trace-block-size 16 --vary block_size=8,16 --vary num_gpu_blocks=300:1000:50
    --vary scheduler=vllm-v1,vllm-v0 --max-model-len 4096 --replicates 2 --figures p99_ttft_ms,p97.5_ttft_ms)
for format in table json csv; do "${sweep[@]}" --quiet --format $format >want.$format; done
for part in 3 1 2; do "${sweep[@]}" --shard $part/3 --journal part$part; done 2>&1 | grep -v warning
wc -l <part1
truncate -s -9 part2
"${sweep[@]}" --quiet --shard 2/3 --journal part2
for format in table json csv; do
    "${sweep[@]}" --quiet --format $format --merge part2 part3 part1 >got.$format
    cmp want.$format got.$format && echo "$format: the same bytes"
done
# V0 takes three times as long: each part has its share of both. Every second pair of seeds is V0's.
for part in 1 2 3; do tail -n +2 part$part | tr -c '0-9\n' ' ' | awk '{v0 += int($1 / 2) % 2} END {print v0}'; done
