/* tiny_trace.c - traces of a few requests and configurations for them, built in memory as tests write them down. */
#include "support/tiny_trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *column(uint32_t count, size_t size)
{
    void *memory = calloc((size_t)count + 1, size);
    if (!memory)
        abort();
    return memory;
}

/* Tenants are called by their numbers, so all up to this one are there. */
static void fill_tenant(struct trace *trace, uint32_t tenant, uint32_t position)
{
    struct diag diag = {0};
    char name[16];
    if (tenant == 0)
        return;
    if (!trace->tenant)
        trace->tenant = column(trace->count, sizeof *trace->tenant);
    for (uint32_t number = 1, same; number <= tenant; number++)
        if (session_names_number(&trace->tenants, name, (size_t)sprintf(name, "%u", number), &same, &diag) != SIM_OK)
            abort();
    trace->tenant[position] = tenant;
}

static void fill_optional(struct trace *trace, const struct tiny_request *requests, uint32_t position)
{
    trace->priority[position] = requests[position].priority;
    trace->samples[position] = requests[position].samples ? requests[position].samples : 1;
    trace->beam_width[position] = requests[position].beam_width;
    fill_tenant(trace, requests[position].tenant, position);
}

struct trace *tiny_trace(const struct tiny_request *requests, uint32_t count)
{
    struct trace *trace = column(1, sizeof *trace);
    uint64_t hashes = 0;
    for (uint32_t i = 0; i < count; i++)
        hashes += requests[i].hash_count;
    trace->count = trace->requests_in_file = count;
    trace->arrival_ns = column(count, sizeof *trace->arrival_ns);
    trace->input_tokens = column(count, sizeof *trace->input_tokens);
    trace->output_tokens = column(count, sizeof *trace->output_tokens);
    trace->index = column(count, sizeof *trace->index);
    trace->priority = column(count, sizeof *trace->priority);
    trace->samples = column(count, sizeof *trace->samples);
    trace->beam_width = column(count, sizeof *trace->beam_width);
    trace->hash_start = column(count + 1, sizeof *trace->hash_start);
    trace->hash_ids = column((uint32_t)hashes, sizeof *trace->hash_ids);
    for (uint32_t i = 0; i < count; i++) {
        const struct tiny_request *request = &requests[i];
        trace->arrival_ns[i] = request->arrival_ns;
        trace->input_tokens[i] = request->input;
        trace->output_tokens[i] = request->output;
        trace->index[i] = i;
        fill_optional(trace, requests, i);
        uint64_t start = trace->hash_start[i];
        for (uint32_t k = 0; k < request->hash_count; k++) {
            trace->hash_ids[start + k] = request->hash_ids[k];
            if (request->hash_ids[k] >= trace->distinct_hashes)
                trace->distinct_hashes = request->hash_ids[k] + 1;
        }
        trace->hash_start[i + 1] = start + request->hash_count;
    }
    strcpy(trace->name, "tiny");
    return trace;
}

struct config tiny_config_v1(uint32_t block_size, uint32_t num_gpu_blocks)
{
    struct config config = {.scheduler = SCHEDULER_VLLM_V1,
                            .tensor_parallel_size = 1,
                            .block_size = block_size,
                            .num_gpu_blocks = num_gpu_blocks,
                            .max_num_seqs = 128,
                            .max_num_batched_tokens = 2048,
                            .max_model_len = 131072,
                            .scheduling_policy = "fcfs",
                            .preemption_victim = "vllm",
                            .eviction_policy = "vllm",
                            .slo_ttft_ms = {500, 2000, 10000},
                            .fair_input_weight = 1,
                            .fair_output_weight = 2,
                            .tail_tokens = 64,
                            .tail_next_tokens = 16,
                            .reuse_window_s = 1,
                            .enable_prefix_caching = true,
                            .enable_chunked_prefill = true,
                            .scheduler_reserve_full_isl = true,
                            .trace_block_size = 16,
                            .step_time = {.model = STEP_TIME_LINEAR, .base_ns = 5000000, .token_ns = 50000, .kv_ns = 20},
                            .kv = {.num_layers = 2, .num_kv_heads = 2, .head_dim = 32},
                            .request_rate = -1,
                            .burstiness = 1.0};
    return config;
}

void tiny_name(char name[CONFIG_NAME_SIZE], const char *value)
{
    snprintf(name, CONFIG_NAME_SIZE, "%s", value);
}
