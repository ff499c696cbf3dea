/* own_policy.c - a scheduling policy of your own, next to vLLM's first come, first served: the shortest prompt goes first, but who has
 * waited long goes before anybody who came much later.
 *
 *     cc own_policy.c $(pkg-config --cflags --libs pagesim) -o own_policy && ./own_policy
 */
#include <pagesim.h>

#include <stdio.h>
#include <stdlib.h>

enum { REQUESTS = 400 };

/* The lower key goes first. A prompt token counts like a millisecond of waiting, so that long prompts wait longer, but not for ever. */
static int64_t key(void *self, const struct pagesim_policy_request *request)
{
    (void)self; /* this policy keeps no state */
    return request->arrival_ns + (int64_t)request->input_tokens * 1000000;
}

static void must(enum pagesim_status status, const struct pagesim_error *error)
{
    if (status == PAGESIM_OK)
        return;
    fprintf(stderr, "%s\n", error->message);
    exit((int)status);
}

/* More than the pool can serve for eight seconds: mostly short prompts, some long ones. */
static struct pagesim_trace *make_trace(void)
{
    static int64_t arrival_ns[REQUESTS];
    static uint32_t input_tokens[REQUESTS], output_tokens[REQUESTS];
    static struct pagesim_requests requests; /* zeroed: what is not set below is not given */
    static struct pagesim_error error;       /* zeroed */
    struct pagesim_trace *trace = NULL;
    for (int i = 0; i < REQUESTS; i++) {
        arrival_ns[i] = (int64_t)i * 20000000; /* 50 a second */
        input_tokens[i] = i % 8 == 0 ? 4000 : 100 + (uint32_t)(i * 37 % 200);
        output_tokens[i] = 50 + (uint32_t)(i * 53 % 100);
    }
    requests.count = REQUESTS;
    requests.arrival_ns = arrival_ns;
    requests.input_tokens = input_tokens;
    requests.output_tokens = output_tokens;
    must(pagesim_trace_build(&requests, &trace, &error), &error);
    return trace;
}

static void replay(const struct pagesim_trace *trace, const char *policy)
{
    static struct pagesim_error error; /* zeroed */
    struct pagesim_config *config = NULL;
    struct pagesim_result *result = NULL;
    double median = 0, p99 = 0;
    must(pagesim_config_create(&config, &error), &error);
    must(pagesim_config_set(config, "num_gpu_blocks", "1000", &error), &error);
    must(pagesim_config_set(config, "scheduling_policy", policy, &error), &error);
    must(pagesim_run(trace, config, NULL, &result, &error), &error);
    must(pagesim_result_figure(result, "median_ttft_ms", &median, &error), &error);
    must(pagesim_result_figure(result, "p99_ttft_ms", &p99, &error), &error);
    printf("%-16s first token: median %7.0f ms, 99 %% within %7.0f ms\n", policy, median, p99);
    pagesim_result_close(result);
    pagesim_config_close(config);
}

int main(void)
{
    static struct pagesim_scheduling_policy patient; /* zeroed, and it must stay */
    static struct pagesim_error error;               /* zeroed */
    patient.info.name = "patient-shortest";
    patient.info.summary = "short prompts first, a token counting like a millisecond of waiting";
    patient.order = PAGESIM_POLICY_STATIC_KEY; /* known at arrival, never changes: runs in the fast replay */
    patient.key = key;
    must(pagesim_register_scheduling_policy(&patient, &error), &error);

    struct pagesim_trace *trace = make_trace();
    replay(trace, "fcfs");
    replay(trace, "patient-shortest");
    pagesim_trace_close(trace);
    return 0;
}
