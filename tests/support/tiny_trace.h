/* tiny_trace.h - traces and configurations made in memory, for tests of schedulers, engines and observers. */
#ifndef TESTS_TINY_TRACE_H
#define TESTS_TINY_TRACE_H

#include "config/config.h"
#include "trace/trace.h"

struct tiny_request {
    int64_t arrival_ns;
    uint32_t input, output;
    int32_t priority;
    uint32_t samples, beam_width; /* 0 = the default */
    uint32_t tenant;              /* 0 = not said */
    uint32_t hash_count;
    uint32_t hash_ids[16];
};

/* A trace of `count` requests, which must be in order of arrival. Aborts when memory is out; end it with trace_destroy. */
struct trace *tiny_trace(const struct tiny_request *requests, uint32_t count);

/* vLLM V1's defaults with linear step time 5000000, 50000, 20; change what the test is about. */
struct config tiny_config_v1(uint32_t block_size, uint32_t num_gpu_blocks);

/* Set a name of the configuration: tiny_name(config.scheduling_policy, "sjf"). */
void tiny_name(char name[CONFIG_NAME_SIZE], const char *value);

#endif
