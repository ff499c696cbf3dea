/* figure_rows.h - the rows of the table of figures, in the order in which reports list them. Included by figure.c (what a figure is) and by
 * run_figures.c (how it is computed), each with its own definition of FIGURE, which ends here. The macros below are the same each time.
 *
 *     FIGURE(name, unit, sense, combine, scope, whole, heading, meaning, value)
 *
 * `value` is an expression over s, a struct run_facts (run_figures.h); NAN means undefined. Figures of comparisons come from validation.c
 * and compare_runs.c; their value here is NAN.
 */
#define COUNT_FIGURE(name, sense, heading, meaning, value)                                                                                 \
    FIGURE(name, FIGURE_COUNT, sense, FIGURE_MEAN, FIGURE_ALWAYS, true, heading, meaning, (double)(value))
#define PEAK_FIGURE(name, sense, heading, meaning, value)                                                                                  \
    FIGURE(name, FIGURE_COUNT, sense, FIGURE_MAX, FIGURE_ALWAYS, true, heading, meaning, (double)(value))
#define REAL_FIGURE(name, unit, sense, heading, meaning, value)                                                                            \
    FIGURE(name, unit, sense, FIGURE_MEAN, FIGURE_ALWAYS, false, heading, meaning, value)
#define LATENCY_FIGURE(statistic, latency, which, scope, title, meaning)                                                                   \
    FIGURE(statistic##_##latency##_ms, FIGURE_MS, FIGURE_LESS_IS_BETTER, FIGURE_MEAN, scope, false, title, meaning,                        \
           latency_value(s, which, s->metrics->latency_ms[which].statistic))
#define LATENCY_FIGURES(latency, which, scope, title, meaning)                                                                             \
    LATENCY_FIGURE(mean, latency, which, scope, title " ms", "Mean " meaning)                                                              \
    LATENCY_FIGURE(std, latency, which, scope, "std " title " ms", "Standard deviation of " meaning)                                       \
    LATENCY_FIGURE(min, latency, which, scope, "min " title " ms", "Smallest " meaning)                                                    \
    LATENCY_FIGURE(median, latency, which, scope, "med " title " ms", "Median " meaning)                                                   \
    LATENCY_FIGURE(p90, latency, which, scope, "p90 " title " ms", "90th percentile of " meaning)                                          \
    LATENCY_FIGURE(p95, latency, which, scope, "p95 " title " ms", "95th percentile of " meaning)                                          \
    LATENCY_FIGURE(p99, latency, which, scope, "p99 " title " ms", "99th percentile of " meaning)                                          \
    LATENCY_FIGURE(max, latency, which, scope, "max " title " ms", "Largest " meaning)
#define DRAFT_FIGURE(name, unit, sense, whole, heading, meaning, value)                                                                    \
    FIGURE(name, unit, sense, FIGURE_MEAN, FIGURE_OF_SPECULATION, whole, heading, meaning, value)
#define FLEET_FIGURE(name, unit, sense, whole, heading, meaning, value)                                                                    \
    FIGURE(name, unit, sense, FIGURE_MEAN, FIGURE_OF_FLEET, whole, heading, meaning, value)
#define HOST_FIGURE(name, unit, sense, whole, heading, meaning, value)                                                                     \
    FIGURE(name, unit, sense, FIGURE_MEAN, FIGURE_OF_OFFLOADING, whole, heading, meaning, (double)(value))
#define GROUP_FIGURE(name, unit, whole, heading, meaning, value)                                                                           \
    FIGURE(name, unit, FIGURE_LESS_IS_BETTER, FIGURE_MEAN, FIGURE_OF_GROUPS, whole, heading, meaning, value)
#define BYTES_FIGURE(name, unit, heading, meaning, value)                                                                                  \
    FIGURE(name, unit, FIGURE_NEITHER, FIGURE_MEAN, FIGURE_OF_BYTES, true, heading, meaning, (double)(value))
#define MACHINE_FIGURE(name, unit, heading, meaning, value)                                                                                \
    FIGURE(name, unit, FIGURE_MORE_IS_BETTER, FIGURE_MEAN, FIGURE_OF_MACHINE, false, heading, meaning, value)
#define ERROR_FIGURE(name, unit, heading, meaning)                                                                                         \
    FIGURE(name, unit, FIGURE_LESS_IS_BETTER, FIGURE_MEAN, FIGURE_OF_VALIDATION, false, heading, meaning, NAN)
#define POOLED_ERROR_FIGURES(latency, title)                                                                                               \
    ERROR_FIGURE(mean_##latency##_error, FIGURE_SHARE, title " mean", "Relative error of the mean " title)                                 \
    ERROR_FIGURE(median_##latency##_error, FIGURE_SHARE, title " median", "Relative error of the median " title)                           \
    ERROR_FIGURE(p90_##latency##_error, FIGURE_SHARE, title " p90", "Relative error of the 90th percentile of " title)                     \
    ERROR_FIGURE(p95_##latency##_error, FIGURE_SHARE, title " p95", "Relative error of the 95th percentile of " title)                     \
    ERROR_FIGURE(p99_##latency##_error, FIGURE_SHARE, title " p99", "Relative error of the 99th percentile of " title)
#define ERROR_FIGURES(latency, title)                                                                                                      \
    POOLED_ERROR_FIGURES(latency, title)                                                                                                   \
    ERROR_FIGURE(latency##_mape, FIGURE_SHARE, title " MAPE", "Mean over requests of the absolute relative error of " title)               \
    ERROR_FIGURE(latency##_median_ape, FIGURE_SHARE, title " median", "Median over requests of the absolute relative error of " title)

/* Requests and throughput. */
COUNT_FIGURE(requests, FIGURE_NEITHER, "requests", "Requests of the trace, dropped ones included", s->trace->count)
COUNT_FIGURE(completed, FIGURE_MORE_IS_BETTER, "completed", "Requests that generated all their tokens", s->metrics->completed)
COUNT_FIGURE(dropped, FIGURE_LESS_IS_BETTER, "dropped",
             "Requests that can never run under the configuration, or that a full queue rejected", s->metrics->dropped)
COUNT_FIGURE(ignored, FIGURE_LESS_IS_BETTER, "ignored", "Requests that the engine gave up while it ran (V0)", s->metrics->ignored)
COUNT_FIGURE(unfinished, FIGURE_LESS_IS_BETTER, "unfinished", "Requests that still ran or waited when the replay ended",
             s->trace->count - s->metrics->completed - s->metrics->dropped - s->metrics->ignored)
COUNT_FIGURE(unserved, FIGURE_LESS_IS_BETTER, "not served", "Requests that were dropped, ignored or left unfinished",
             s->trace->count - s->metrics->completed)
COUNT_FIGURE(steps, FIGURE_NEITHER, "steps", "Steps of the engine", s->metrics->end.steps)
REAL_FIGURE(makespan_s, FIGURE_S, FIGURE_LESS_IS_BETTER, "makespan s", "First arrival to the end of the last step (vLLM: duration)",
            s->seconds)
COUNT_FIGURE(total_input_tokens, FIGURE_NEITHER, "input tokens", "Prompt tokens of completed requests", s->input_tokens)
COUNT_FIGURE(total_output_tokens, FIGURE_NEITHER, "output tokens", "Tokens generated for completed requests", s->output_tokens)
COUNT_FIGURE(scheduled_tokens, FIGURE_LESS_IS_BETTER, "computed tokens", "Tokens computed, recomputed ones included",
             s->metrics->scheduled_tokens)
REAL_FIGURE(request_throughput, FIGURE_PER_S, FIGURE_MORE_IS_BETTER, "req/s", "Completed requests a second",
            per((double)s->metrics->completed, s->seconds))
REAL_FIGURE(input_throughput, FIGURE_PER_S, FIGURE_MORE_IS_BETTER, "in tok/s", "Prompt tokens of completed requests a second",
            per((double)s->input_tokens, s->seconds))
REAL_FIGURE(output_throughput, FIGURE_PER_S, FIGURE_MORE_IS_BETTER, "out tok/s", "Tokens generated for completed requests a second",
            per((double)s->output_tokens, s->seconds))
FIGURE(peak_output_throughput, FIGURE_PER_S, FIGURE_MORE_IS_BETTER, FIGURE_MAX, FIGURE_ALWAYS, false, "peak tok/s",
       "Tokens generated in the fullest second of the run, or in all of a shorter one, a second; never below the mean", peak_output(s))
REAL_FIGURE(total_token_throughput, FIGURE_PER_S, FIGURE_MORE_IS_BETTER, "tok/s",
            "Prompt and generated tokens of completed requests a second", per((double)(s->input_tokens + s->output_tokens), s->seconds))
FIGURE(good_requests, FIGURE_COUNT, FIGURE_MORE_IS_BETTER, FIGURE_MEAN, FIGURE_OF_GOODPUT, true, "good",
       "Requests that met every limit of --goodput", (double)s->good_requests)
FIGURE(request_goodput, FIGURE_PER_S, FIGURE_MORE_IS_BETTER, FIGURE_MEAN, FIGURE_OF_GOODPUT, false, "good/s",
       "Requests a second that met every limit of --goodput", per((double)s->good_requests, s->seconds))

/* Latencies. */
LATENCY_FIGURES(ttft, LATENCY_TTFT, FIGURE_ALWAYS, "TTFT", "time from arrival to the first token")
LATENCY_FIGURES(tpot, LATENCY_TPOT, FIGURE_ALWAYS, "TPOT", "time per token after a request's first")
LATENCY_FIGURES(itl, LATENCY_ITL, FIGURE_ALWAYS, "ITL", "gap between two tokens of a request, over all gaps")
LATENCY_FIGURES(e2el, LATENCY_E2EL, FIGURE_ALWAYS, "E2E", "time from arrival to the last token")
LATENCY_FIGURES(queue, LATENCY_QUEUE, FIGURE_ALWAYS, "queue", "time from arrival to first admission")
LATENCY_FIGURES(client_queue_time, LATENCY_CLIENT_QUEUE, FIGURE_OF_CLIENT, "client queue", "time for which the client held a request back")
LATENCY_FIGURES(e2el_including_client_queue, LATENCY_E2EL_CLIENT_QUEUE, FIGURE_OF_CLIENT, "E2E + client",
                "time from when a request was due at the client to the last token")

/* Scheduling and the prefix cache. */
COUNT_FIGURE(preemptions, FIGURE_LESS_IS_BETTER, "preempt", "Preemptions, by recompute and by swap",
             s->metrics->preempt_recompute + s->metrics->preempt_swap)
COUNT_FIGURE(preemptions_by_swap, FIGURE_LESS_IS_BETTER, "by swap", "Preemptions by swap (V0)", s->metrics->preempt_swap)
COUNT_FIGURE(recomputed_tokens, FIGURE_LESS_IS_BETTER, "recomputed", "Computed tokens that preemptions gave up",
             s->metrics->recomputed_tokens)
COUNT_FIGURE(vain_tokens, FIGURE_LESS_IS_BETTER, "in vain",
             "Tokens computed for requests that had just ended by a stop token (asynchronous scheduling)", s->metrics->vain_tokens)
COUNT_FIGURE(prompt_tokens, FIGURE_NEITHER, "prompt tokens", "Prompt tokens of admitted requests, at first admission",
             s->metrics->prompt_tokens)
COUNT_FIGURE(cached_tokens, FIGURE_MORE_IS_BETTER, "cached", "Of these, tokens found in the prefix cache", s->metrics->cached_tokens)
COUNT_FIGURE(cached_tokens_all, FIGURE_NEITHER, "cached, all", "Tokens found in the prefix cache, admissions after a preemption included",
             s->metrics->cached_tokens_all)
REAL_FIGURE(prefix_hit_rate, FIGURE_SHARE, FIGURE_MORE_IS_BETTER, "hit rate",
            "Share of prompt tokens found in the prefix cache, at first admission",
            per((double)s->metrics->cached_tokens, (double)s->metrics->prompt_tokens))
REAL_FIGURE(prefix_hit_rate_all, FIGURE_SHARE, FIGURE_NEITHER, "hit rate, all", "The same with admissions after a preemption",
            per((double)s->metrics->cached_tokens_all, (double)s->metrics->known_tokens_all))
REAL_FIGURE(mean_running, FIGURE_COUNT, FIGURE_NEITHER, "running", "Running requests, mean over time",
            ledger_mean(&s->memory, s->memory.running))
PEAK_FIGURE(peak_running, FIGURE_NEITHER, "peak running", "Most requests running at once", s->metrics->peak_running)
REAL_FIGURE(mean_waiting, FIGURE_COUNT, FIGURE_LESS_IS_BETTER, "waiting", "Waiting requests, mean over time",
            ledger_mean(&s->memory, s->memory.waiting))
PEAK_FIGURE(peak_waiting, FIGURE_LESS_IS_BETTER, "peak waiting", "Most requests waiting at once", s->metrics->peak_waiting)

/* K and V that come from elsewhere. */
FIGURE(received_tokens, FIGURE_COUNT, FIGURE_NEITHER, FIGURE_MEAN, FIGURE_OF_HANDOVER, true, "received",
       "Prompt tokens whose K and V came from a prefill server, not found in the prefix cache here", (double)s->metrics->external_tokens)

HOST_FIGURE(host_blocks, FIGURE_COUNT, FIGURE_NEITHER, true, "host blocks", "Blocks that the host's memory holds, of all GPUs",
            sizing_host_blocks(s->config))
HOST_FIGURE(host_hit_tokens, FIGURE_COUNT, FIGURE_MORE_IS_BETTER, true, "host hits",
            "Prompt tokens loaded from the host's memory, at first admission", s->metrics->external_tokens)
HOST_FIGURE(host_hit_tokens_all, FIGURE_COUNT, FIGURE_NEITHER, true, "host hits, all",
            "Tokens loaded from the host's memory, admissions after a preemption included", s->metrics->external_tokens_all)
HOST_FIGURE(host_hit_rate, FIGURE_SHARE, FIGURE_MORE_IS_BETTER, false, "host hit rate",
            "Share of prompt tokens loaded from the host's memory, at first admission, next to those of prefix_hit_rate",
            per((double)s->metrics->external_tokens, (double)s->metrics->prompt_tokens))
HOST_FIGURE(host_loads, FIGURE_COUNT, FIGURE_NEITHER, true, "loads", "Loads from the host's memory", s->metrics->end.offloads.loads)
HOST_FIGURE(host_loaded_bytes, FIGURE_BYTES, FIGURE_NEITHER, true, "loaded", "Bytes of these, of all GPUs",
            host_bytes(s, s->metrics->end.offloads.loaded_blocks))
HOST_FIGURE(host_stored_bytes, FIGURE_BYTES, FIGURE_NEITHER, true, "stored", "Bytes stored in the host's memory, of all GPUs",
            host_bytes(s, s->metrics->end.offloads.stored_blocks))
HOST_FIGURE(mean_host_load_ms, FIGURE_MS, FIGURE_LESS_IS_BETTER, false, "load ms",
            "How long a request waits for its load, from when it has blocks, mean over loads",
            per((double)s->metrics->end.offloads.load_ns / 1e6, (double)s->metrics->end.offloads.loads))

/* Speculation. Names are those of vLLM's benchmark, which writes its rate in per cent. */
DRAFT_FIGURE(spec_decode_num_drafts, FIGURE_COUNT, FIGURE_NEITHER, true, "drafts", "Times that a request's draft tokens were verified",
             (double)s->metrics->end.drafts.verified)
DRAFT_FIGURE(spec_decode_draft_tokens, FIGURE_COUNT, FIGURE_NEITHER, true, "draft tokens",
             "Draft tokens verified, of requests that had not ended", (double)s->metrics->draft_tokens)
DRAFT_FIGURE(spec_decode_accepted_tokens, FIGURE_COUNT, FIGURE_MORE_IS_BETTER, true, "accepted",
             "Draft tokens that were right, and all before them", (double)s->metrics->accepted_draft_tokens)
DRAFT_FIGURE(wasted_draft_tokens, FIGURE_COUNT, FIGURE_LESS_IS_BETTER, true, "wasted drafts", "Draft tokens computed and thrown away",
             (double)(s->metrics->draft_tokens - s->metrics->accepted_draft_tokens))
DRAFT_FIGURE(spec_decode_acceptance_rate, FIGURE_SHARE, FIGURE_MORE_IS_BETTER, false, "acceptance", "Accepted share of draft tokens",
             per((double)s->metrics->accepted_draft_tokens, (double)s->metrics->draft_tokens))
DRAFT_FIGURE(spec_decode_acceptance_length, FIGURE_COUNT, FIGURE_MORE_IS_BETTER, false, "accepted length",
             "Mean tokens that a verification brings: the accepted ones and one more", acceptance_length(s))
DRAFT_FIGURE(output_tokens_per_step, FIGURE_COUNT, FIGURE_MORE_IS_BETTER, false, "tokens/step", "Tokens generated, by steps of the engine",
             per((double)s->metrics->output_tokens, (double)s->metrics->end.steps))

/* A fleet. Other figures are of all its requests; those of queues and memory are means over replicas, and the highest peak of any. */
FLEET_FIGURE(peak_replicas, FIGURE_COUNT, FIGURE_LESS_IS_BETTER, true, "servers", "Servers, the most at once", s->servers.replicas)
FLEET_FIGURE(gpus, FIGURE_COUNT, FIGURE_LESS_IS_BETTER, true, "GPUs", "GPUs of all servers, the most at once", s->servers.gpus)
FLEET_FIGURE(gpu_hours, FIGURE_COUNT, FIGURE_LESS_IS_BETTER, false, "GPU hours", "GPUs times the hours from each server's start to its end",
             s->servers.gpu_seconds / 3600)
FLEET_FIGURE(cost_per_million_output_tokens, FIGURE_COUNT, FIGURE_LESS_IS_BETTER, false, "cost/M tokens",
             "GPU hours times gpu_hour_price, by millions of output tokens",
             per(s->servers.gpu_seconds / 3600 * s->config->fleet.gpu_hour_price * 1e6,
                 s->config->fleet.gpu_hour_price > 0 ? (double)s->output_tokens : 0))
FLEET_FIGURE(replica_imbalance, FIGURE_COUNT, FIGURE_LESS_IS_BETTER, false, "imbalance",
             "Tokens computed by the busiest server, by the mean of all; 1 is even", s->servers.imbalance)
FLEET_FIGURE(mean_routing_wait_ms, FIGURE_MS, FIGURE_LESS_IS_BETTER, false, "routing wait ms",
             "Mean time that a request waited for admission while another server that took requests had nobody waiting",
             per(s->servers.mean_routing_wait_ms, (double)(s->servers.waits > 0)))
FLEET_FIGURE(p99_routing_wait_ms, FIGURE_MS, FIGURE_LESS_IS_BETTER, false, "p99 routing wait ms", "99th percentile of that time",
             per(s->servers.p99_routing_wait_ms, (double)(s->servers.waits > 0)))
FLEET_FIGURE(mean_kv_transfer_ms, FIGURE_MS, FIGURE_LESS_IS_BETTER, false, "KV transfer ms",
             "Mean time from the end of a prompt to the arrival of its K and V at a decode server",
             per(s->servers.transfer_seconds * 1e3, (double)(s->servers.transfers > 0)))
FLEET_FIGURE(retried_requests, FIGURE_COUNT, FIGURE_LESS_IS_BETTER, true, "retried", "Requests sent anew after a server failed",
             (double)s->servers.retried)
FLEET_FIGURE(lost_requests, FIGURE_COUNT, FIGURE_LESS_IS_BETTER, true, "lost", "Requests that no server answered because one failed",
             (double)s->servers.lost)

/* Memory. Means are over time, from the first step to the end. */
COUNT_FIGURE(pool_blocks, FIGURE_LESS_IS_BETTER, "pool", "Blocks of the pool", s->ledger->pool_blocks)
COUNT_FIGURE(pool_tokens, FIGURE_NEITHER, "pool tokens",
             "Tokens that the pool has room for; with several groups of layers, in requests of max_model_len", pool_tokens(s))
REAL_FIGURE(max_concurrency_at_max_model_len, FIGURE_COUNT, FIGURE_MORE_IS_BETTER, "longest at once",
            "Requests of max_model_len that the pool has room for, as vLLM prints when it starts",
            per((double)s->ledger->pool_blocks, (double)longest_blocks(s)))
FIGURE(block_bytes, FIGURE_BYTES, FIGURE_NEITHER, FIGURE_MEAN, FIGURE_ALWAYS, true, "block",
       "Bytes of a block on one GPU, or at the kv shape", (double)s->block_bytes)
FIGURE(pool_bytes, FIGURE_BYTES, FIGURE_LESS_IS_BETTER, FIGURE_MEAN, FIGURE_ALWAYS, true, "pool", "Bytes of the pool",
       (double)(s->ledger->pool_blocks * s->block_bytes))
REAL_FIGURE(mean_used_blocks, FIGURE_COUNT, FIGURE_NEITHER, "in use", "Blocks in block tables", ledger_mean(&s->memory, s->memory.used))
PEAK_FIGURE(peak_used_blocks, FIGURE_NEITHER, "peak used", "Most blocks in block tables at once", s->ledger->peaks.used_blocks)
REAL_FIGURE(mean_cached_idle_blocks, FIGURE_COUNT, FIGURE_NEITHER, "cached", "Blocks in no table whose content can still be found",
            ledger_mean(&s->memory, s->memory.cached))
PEAK_FIGURE(peak_cached_idle_blocks, FIGURE_NEITHER, "peak cached", "Most of these at once", s->ledger->peaks.cached_blocks)
REAL_FIGURE(mean_free_blocks, FIGURE_COUNT, FIGURE_NEITHER, "free", "Blocks that hold nothing",
            ledger_mean(&s->memory, s->memory.free_uncached))
REAL_FIGURE(mean_held_tokens, FIGURE_COUNT, FIGURE_NEITHER, "held tokens",
            "Tokens present in block tables, shared ones once a table; in each group of layers that keeps them",
            ledger_mean(&s->memory, s->memory.held_tokens))
PEAK_FIGURE(peak_held_tokens, FIGURE_NEITHER, "peak held", "Most of these at once", s->ledger->peaks.held_tokens)
REAL_FIGURE(mean_saved_blocks, FIGURE_COUNT, FIGURE_MORE_IS_BETTER, "saved", "Blocks saved because tables share them",
            ledger_mean(&s->memory, s->memory.table_blocks - s->memory.used))
PEAK_FIGURE(peak_saved_blocks, FIGURE_NEITHER, "peak saved", "Most of these at once", s->ledger->peaks.saved_blocks)
REAL_FIGURE(saved_share, FIGURE_SHARE, FIGURE_MORE_IS_BETTER, "saved share",
            "Saved blocks as a share of what would be held without sharing",
            share(s->memory.table_blocks - s->memory.used, s->memory.table_blocks))
REAL_FIGURE(mean_empty_slots, FIGURE_COUNT, FIGURE_LESS_IS_BETTER, "empty slots",
            "Slots in tables that hold no token yet: internal fragmentation", ledger_mean(&s->memory, empty_slots(s)))
PEAK_FIGURE(peak_empty_slots, FIGURE_LESS_IS_BETTER, "peak empty", "Most of these at once", s->ledger->peaks.empty_slots)
REAL_FIGURE(empty_share, FIGURE_SHARE, FIGURE_LESS_IS_BETTER, "empty share", "Empty slots as a share of the slots of used blocks",
            share(empty_slots(s), s->memory.used * s->ledger->block_size))
REAL_FIGURE(token_share_paged, FIGURE_SHARE, FIGURE_MORE_IS_BETTER, "tokens, paged",
            "Tokens as a share of the slots that paging holds for them",
            share(s->memory.held_tokens, s->memory.table_blocks * s->ledger->block_size))
#define RESERVE_FIGURES(kind, i, what)                                                                                                     \
    REAL_FIGURE(mean_slots_reserve_##kind, FIGURE_COUNT, FIGURE_LESS_IS_BETTER, "slots, " #kind,                                           \
                "Slots that reserving " what " would hold for the same requests", ledger_mean(&s->memory, s->ledger->reserved[i]))         \
    REAL_FIGURE(token_share_reserve_##kind, FIGURE_SHARE, FIGURE_MORE_IS_BETTER, "tokens, " #kind,                                         \
                "Tokens as a share of the slots that reserving " what " would hold", share(s->memory.held_tokens, s->ledger->reserved[i]))
RESERVE_FIGURES(max, 0, "max_model_len")
RESERVE_FIGURES(pow2, 1, "the next power of two")
RESERVE_FIGURES(exact, 2, "the exact length")
REAL_FIGURE(mean_run_blocks, FIGURE_COUNT, FIGURE_MORE_IS_BETTER, "contiguous", "Consecutive block ids in a table (with --contiguity)",
            share(s->memory.table_blocks, s->memory.table_runs))

/* Groups of sequences. */
GROUP_FIGURE(forks, FIGURE_COUNT, true, "forks", "Tables shared with a new sample or beam", (double)s->metrics->forks)
GROUP_FIGURE(survivor_recomputes, FIGURE_COUNT, true, "survivors", "Groups recomputed with finished samples, whose blocks vLLM would leak",
             (double)s->metrics->survivor_recomputes)
GROUP_FIGURE(swapped_group_seconds, FIGURE_S, false, "swapped s", "Time that groups spent swapped out, added up",
             (double)s->metrics->swapped_ns / 1e9)
GROUP_FIGURE(copied_blocks, FIGURE_COUNT, true, "copied", "Blocks copied on write", (double)s->metrics->copies)
GROUP_FIGURE(copied_bytes, FIGURE_BYTES, true, "copied", "Bytes of these", (double)(s->metrics->copies * s->block_bytes))
GROUP_FIGURE(swapped_in_blocks, FIGURE_COUNT, true, "swapped in", "Blocks swapped in", (double)s->metrics->swapped_in_blocks)
GROUP_FIGURE(swapped_out_blocks, FIGURE_COUNT, true, "swapped out", "Blocks swapped out", (double)s->metrics->swapped_out_blocks)
GROUP_FIGURE(swapped_bytes, FIGURE_BYTES, true, "swapped", "Bytes of both",
             (double)((s->metrics->swapped_in_blocks + s->metrics->swapped_out_blocks) * s->block_bytes))

/* The data plane. */
BYTES_FIGURE(data_tokens_written, FIGURE_COUNT, "written", "Tokens whose K and V were written", s->worker->tokens_written)
BYTES_FIGURE(data_written_bytes, FIGURE_BYTES, "written", "Bytes of these", s->worker->written_bytes)
BYTES_FIGURE(data_gathered_bytes, FIGURE_BYTES, "gathered", "Bytes gathered, or attended to in place", s->worker->read_bytes)
BYTES_FIGURE(data_floats_checked, FIGURE_COUNT, "checked", "Floats that verify compared; a wrong one ends the run",
             s->worker->floats_checked)
BYTES_FIGURE(data_phantom_blocks, FIGURE_COUNT, "phantom blocks", "Blocks hit that were registered but never computed",
             s->worker->phantom_blocks)
BYTES_FIGURE(data_phantom_tokens, FIGURE_COUNT, "phantom tokens", "Tokens of these, filled when first hit", s->worker->phantom_tokens)
MACHINE_FIGURE(gather_gb_per_s, FIGURE_GB_PER_S, "GB/s", "Speed of gathers on this machine", read_speed(s, KV_READ_GATHER))
MACHINE_FIGURE(attend_gb_per_s, FIGURE_GB_PER_S, "attend GB/s", "Speed of attention in place on this machine",
               read_speed(s, KV_READ_ATTEND))
MACHINE_FIGURE(share_of_limit, FIGURE_SHARE, "of limit", "That speed as a share of the machine's measured limit",
               per(read_speed(s, s->config->kv.read), s->read_limit))

/* A replay against a measured run (`pagesim validate`). */
ERROR_FIGURES(ttft, "TTFT")
ERROR_FIGURES(tpot, "TPOT")
ERROR_FIGURES(e2el, "E2E")
POOLED_ERROR_FIGURES(itl, "ITL")
ERROR_FIGURE(prefill_error, FIGURE_SHARE, "prefill",
             "Mean difference, rank by rank, of the times from first admission to first token, by the measured mean")
ERROR_FIGURE(running_error, FIGURE_COUNT, "running", "Mean absolute difference of running requests over the timeline")
ERROR_FIGURE(waiting_error, FIGURE_COUNT, "waiting", "Mean absolute difference of waiting requests over the timeline")
ERROR_FIGURE(kv_usage_error, FIGURE_SHARE, "KV usage", "Mean absolute difference of the pool's usage over the timeline")
ERROR_FIGURE(output_throughput_error, FIGURE_SHARE, "output tok/s", "Relative error of the output throughput over the timeline")

/* Either side of a comparison (`pagesim compare`), as a_NAME, b_NAME and delta_NAME. Blocks of different sizes compare in slots and shares. */
#define COMPARED_RUN_FIGURE(name, unit, sense, whole, heading, meaning)                                                                    \
    FIGURE(name, unit, sense, FIGURE_MEAN, FIGURE_OF_COMPARED_RUN, whole, heading, meaning, NAN)
COMPARED_RUN_FIGURE(mean_used_slots, FIGURE_COUNT, FIGURE_NEITHER, false, "slots in use",
                    "Token slots of the blocks in block tables, mean over time")
COMPARED_RUN_FIGURE(mean_used_share, FIGURE_SHARE, FIGURE_NEITHER, false, "pool in use",
                    "Blocks in block tables as a share of the pool, mean over time")
COMPARED_RUN_FIGURE(jain_index, FIGURE_SHARE, FIGURE_MORE_IS_BETTER, false, "Jain's index",
                    "Jain's index of E2E time per output token over requests; 1 is fair")
COMPARED_RUN_FIGURE(starving, FIGURE_COUNT, FIGURE_LESS_IS_BETTER, true, "starving", "Requests that waited longer than starving_above_ms")
COMPARED_RUN_FIGURE(mean_slowdown, FIGURE_COUNT, FIGURE_LESS_IS_BETTER, false, "slowdown",
                    "E2E over what the request would take alone on an empty server, mean over completed requests")
COMPARED_RUN_FIGURE(p99_slowdown, FIGURE_COUNT, FIGURE_LESS_IS_BETTER, false, "p99 slowdown", "99th percentile of that")
COMPARED_RUN_FIGURE(max_slowdown, FIGURE_COUNT, FIGURE_LESS_IS_BETTER, false, "max slowdown", "Largest of that")

/* The comparison as a whole. */
#define COMPARISON_FIGURE(name, unit, sense, whole, heading, meaning)                                                                      \
    FIGURE(name, unit, sense, FIGURE_MEAN, FIGURE_OF_COMPARISON, whole, heading, meaning, NAN)
#define PAIRED_FIGURES(latency, title)                                                                                                     \
    COMPARISON_FIGURE(paired_##latency##_ms, FIGURE_MS, FIGURE_LESS_IS_BETTER, false, title " B - A",                                      \
                      "Mean difference B - A of " title " over requests")                                                                  \
    COMPARISON_FIGURE(paired_ci_low_##latency##_ms, FIGURE_MS, FIGURE_NEITHER, false, title " from",                                       \
                      "Lower end of its 95 % interval, requests taken as independent")                                                     \
    COMPARISON_FIGURE(paired_ci_high_##latency##_ms, FIGURE_MS, FIGURE_NEITHER, false, title " to",                                        \
                      "Upper end of its 95 % interval, requests taken as independent")                                                     \
    COMPARISON_FIGURE(paired_batch_ci_low_##latency##_ms, FIGURE_MS, FIGURE_NEITHER, false, title " batched",                              \
                      "Lower end of its 95 % interval over batches of requests")                                                           \
    COMPARISON_FIGURE(paired_batch_ci_high_##latency##_ms, FIGURE_MS, FIGURE_NEITHER, false, title " to",                                  \
                      "Upper end of its 95 % interval over batches of requests")                                                           \
    COMPARISON_FIGURE(better_##latency, FIGURE_COUNT, FIGURE_MORE_IS_BETTER, true, title " better",                                        \
                      "Requests with a smaller " title " under B")                                                                         \
    COMPARISON_FIGURE(worse_##latency, FIGURE_COUNT, FIGURE_LESS_IS_BETTER, true, title " worse",                                          \
                      "Requests with a larger " title " under B")                                                                          \
    COMPARISON_FIGURE(equal_##latency, FIGURE_COUNT, FIGURE_NEITHER, true, title " equal", "Requests with the same " title " under both")  \
    COMPARISON_FIGURE(sign_p_##latency, FIGURE_SHARE, FIGURE_NEITHER, false, title " sign p",                                              \
                      "p of the sign test of better against worse " title)
COMPARISON_FIGURE(starving_above_ms, FIGURE_MS, FIGURE_NEITHER, false, "starving above",
                  "Wait above which a request starves: --starve-factor times the median of all sides")
PAIRED_FIGURES(ttft, "TTFT")
PAIRED_FIGURES(tpot, "TPOT")
PAIRED_FIGURES(e2el, "E2E")
PAIRED_FIGURES(queue, "queue")
COMPARISON_FIGURE(decisions_differ, FIGURE_COUNT, FIGURE_NEITHER, true, "differ",
                  "1 when any decision of the two schedulers differs, else 0")
COMPARISON_FIGURE(first_difference_step, FIGURE_COUNT, FIGURE_NEITHER, true, "first step", "First step whose decisions differ")

#undef FIGURE
