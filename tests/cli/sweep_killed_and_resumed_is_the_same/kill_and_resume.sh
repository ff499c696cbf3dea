# Kill a sweep with SIGKILL when a few runs are in its journal, tear the last line, go on; the output must be the bytes of an undisturbed
# sweep, and no run may stand in the journal twice or be lost.
sweep=("$PAGESIM" sweep --trace "$ROOT/traces/chat.jsonl" --trace-block-size 16 --reference --vary block_size=8,16
    --vary num_gpu_blocks=300:1000:50 --vary scheduling_policy=fcfs,priority --threads 1 --quiet)
runs() { if [ -e journal ]; then wc -l <journal; else echo 0; fi; }
for format in table json csv; do "${sweep[@]}" --format $format >want.$format; done
for round in 1 2 3; do
    "${sweep[@]}" --journal journal --output partial.json &
    pid=$!
    start=$(runs)
    for _ in $(seq 2000); do
        [ "$(runs)" -ge $((start + 4)) ] && break
        sleep 0.005
    done
    kill -9 $pid
    wait $pid 2>/dev/null
    [ $round -eq 3 ] || truncate -s -7 journal # a line that was being written
done
[ ! -e partial.json ] && [ "$(runs)" -lt 61 ] && echo "killed midway"
cut -d, -f1 journal | sort >before
"${sweep[@]}" --journal journal --format json >got.json
for format in table csv; do "${sweep[@]}" --journal journal --format $format >got.$format; done
for format in table json csv; do cmp want.$format got.$format && echo "$format: the same bytes"; done
head -n "$(wc -l <before)" journal | cut -d, -f1 | sort | cmp - before && echo "no run was done again"
tail -n +2 journal | cut -d, -f1 | sort -u | wc -l
wc -l <journal
ls ./*.tmp 2>/dev/null
exit 0
