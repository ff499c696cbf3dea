/* replay_trace.c - a replay in 25 lines: how long do users of a chat service wait if the KV cache has 300 blocks?
 *
 *     cc replay_trace.c $(pkg-config --cflags --libs pagesim) -o replay && ./replay traces/chat.jsonl 300
 */
#include <pagesim.h>

#include <stdio.h>

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "traces/chat.jsonl", *blocks = argc > 2 ? argv[2] : "300";
    static struct pagesim_error error; /* zeroed */
    struct pagesim_trace *trace = NULL;
    struct pagesim_config *config = NULL;
    struct pagesim_result *result = NULL;
    double mean = 0, p99 = 0, preemptions = 0;

    if (pagesim_trace_open(path, &trace, &error) == PAGESIM_OK && pagesim_config_create(&config, &error) == PAGESIM_OK &&
        pagesim_config_set(config, "num_gpu_blocks", blocks, &error) == PAGESIM_OK &&
        pagesim_run(trace, config, NULL, &result, &error) == PAGESIM_OK &&
        pagesim_result_figure(result, "mean_ttft_ms", &mean, &error) == PAGESIM_OK &&
        pagesim_result_figure(result, "p99_ttft_ms", &p99, &error) == PAGESIM_OK &&
        pagesim_result_figure(result, "preemptions", &preemptions, &error) == PAGESIM_OK)
        printf("%u requests: first token after %.1f ms on average, within %.1f ms for 99 %%; %.0f preemptions\n",
               pagesim_trace_count(trace), mean, p99, preemptions);
    else
        fprintf(stderr, "%s\n", error.message);

    pagesim_result_close(result);
    pagesim_config_close(config);
    pagesim_trace_close(trace);
    return (int)error.status;
}
