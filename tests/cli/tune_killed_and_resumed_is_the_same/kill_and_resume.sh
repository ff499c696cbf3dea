# Kill a tuning with SIGKILL when some replays are in its journal, tear the last line, go on; the output must be the bytes of an undisturbed
# one, its count of replays included, at any number of threads, and no replay may stand in the journal twice.
tune=("$PAGESIM" tune --trace "$ROOT/traces/chat.jsonl" --trace-block-size 16 --num-gpu-blocks 300 --max-model-len 8192 --reference
    --tune max_num_seqs=2,4 --tune watermark=0,0.1 --require 'p99_ttft_ms<500' --quiet)
replays() { if [ -e journal ]; then wc -l <journal; else echo 0; fi; }
for how in "" "--arrivals poisson --replicates 3 --no-clocks" "--minimize p99_ttft_ms --no-clocks"; do
    rm -f journal
    # shellcheck disable=SC2086
    "${tune[@]}" $how --format json >want.json
    for round in 1 2 3; do
        # shellcheck disable=SC2086
        "${tune[@]}" $how --journal journal --output partial.json &
        pid=$!
        start=$(replays)
        for _ in $(seq 2000); do
            [ "$(replays)" -ge $((start + 2)) ] && break
            kill -0 $pid 2>/dev/null || break
            sleep 0.005
        done
        kill -9 $pid 2>/dev/null
        wait $pid 2>/dev/null
        [ $round -eq 3 ] || truncate -s -7 journal # a line that was being written
    done
    cp journal killed
    for threads in 1 4; do
        cp killed journal
        # shellcheck disable=SC2086
        "${tune[@]}" $how --journal journal --threads $threads --format json | cmp - want.json && echo "the same bytes"
    done
    # shellcheck disable=SC2086
    before=$(replays) && "${tune[@]}" $how --journal journal --format json | cmp - want.json
    [ "$before" -eq "$(replays)" ] && [ "$(cut -d, -f1-5 journal | sort -u | wc -l)" -eq "$before" ] && echo "no replay was done again"
done
