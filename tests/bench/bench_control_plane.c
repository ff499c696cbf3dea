/* bench_control_plane.c - how fast traces are read and decisions made, and how the cost grows.
 *
 * Three workloads: the shared real traces where they lie beside the checkout, generated ones of the same number of requests elsewhere. One
 * configuration: blocks of 16, 256 sequences, 8192 batched tokens, max_model_len 200000, prefix caching on, pools of 100,000 (Azure) and
 * 1,000,000 blocks (Mooncake), one thread. All times are CPU seconds of this process; each figure is the median of several rounds, in which
 * all variants take turns, so that a change of the machine's mood meets them all.
 *
 *   read       trace_load alone          events     records of the event stream (arrivals, admissions, first tokens, irregular gaps,
 *   replay     run_open .. run_close                preemptions, finishes): what happened, not how an engine works
 *   growth     the replay's time with one thing doubled, over the plain one's; "requests" by repeating the trace in time
 *   paths      explain (in a pool that preempts), decision log, trace info, size on a hit rate: over a plain replay in the same round
 *   policies   the time of other policies, and of V0, in a pool that is short, over that of vLLM's policies in the same pool
 *   million    the conversation trace repeated with shifted times
 *
 * usage: bench_control_plane [--machine] [--quick]
 */
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "base/huge_pages.h"
#include "bench/bench_median.h"
#include "bench/bench_paths.h"
#include "generate/generate.h"
#include "run/run.h"

#define SHARED_TRACES "../shared/traces/"

enum { MOST_ROUNDS = 9, PATH_SIZE = 256, MILLION = 1000000 };

static int rounds = 7, reference_rounds = 3;
static bool machine, quick;

/* --- small things ---------------------------------------------------------------------------------------------------------------- */

static void check(enum status status, const struct diag *diag)
{
    if (status == SIM_OK)
        return;
    fprintf(stderr, "bench_control_plane: %s\n", diag->text);
    exit(1);
}

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void result(const char *trace, const char *what, double value)
{
    if (machine)
        printf("RESULT %s_%s %.6g\n", trace, what, value);
}

/* Peak resident memory since it was last reset, in bytes; 0 where /proc does not tell. */
static double peak_bytes(void)
{
    char line[256];
    double kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtod(line + 6, NULL);
    if (status)
        fclose(status);
    return kib * 1024;
}

static void reset_peak(void)
{
    malloc_trim(0);
    FILE *clear = fopen("/proc/self/clear_refs", "w");
    if (!clear)
        return;
    fputs("5", clear);
    fclose(clear);
}

/* --- workloads ------------------------------------------------------------------------------------------------------------------- */

struct workload {
    const char *name, *shared;           /* `shared`: file below SHARED_TRACES */
    uint32_t num_gpu_blocks, short_pool; /* short: requests are preempted */
    const char *hits;                    /* a requirement on the hit rate; NULL: no contents */
    const char *kind;                    /* what is generated where the shared file is missing, and its parts */
    const char *input, *output;
    uint32_t requests, gap_us, block_tokens;
    char path[PATH_SIZE];
    bool temporary; /* `path` is ours to delete */
    uint32_t trace_block_size;
};

/* A temporary file and its stream. */
static FILE *open_temporary(char *path)
{
    const char *folder = getenv("TMPDIR");
    snprintf(path, PATH_SIZE, "%s/pagesim-bench-XXXXXX", folder && *folder ? folder : "/tmp");
    int descriptor = mkstemp(path);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (!file) {
        perror(path);
        exit(1);
    }
    return file;
}

static void close_temporary(FILE *file, const char *path)
{
    if (fclose(file) == 0)
        return;
    perror(path);
    unlink(path);
    exit(1);
}

static void generate(const struct workload *workload, FILE *file)
{
    struct generate_spec spec;
    struct diag diag = {0};
    check(generate_spec_preset(&spec, workload->kind, &diag), &diag);
    if (workload->input) {
        check(generate_spec_set(&spec, "input-tokens", workload->input, &diag), &diag);
        check(generate_spec_set(&spec, "output-tokens", workload->output, &diag), &diag);
    }
    generate_spec_set_gap(&spec, workload->gap_us);
    spec.requests = workload->requests;
    spec.block_tokens = workload->block_tokens;
    check(generate_spec_check(&spec, &diag), &diag);
    check(generate_write(&spec, file, &diag), &diag);
    generate_spec_deinit(&spec);
}

static void find_trace(struct workload *workload)
{
    snprintf(workload->path, sizeof workload->path, "%s%s", SHARED_TRACES, workload->shared);
    workload->trace_block_size = 512;
    if (access(workload->path, R_OK) == 0)
        return;
    FILE *file = open_temporary(workload->path);
    workload->temporary = true;
    workload->trace_block_size = workload->block_tokens;
    generate(workload, file);
    close_temporary(file, workload->path);
}

static struct trace *load(const char *path)
{
    struct trace *trace;
    struct diag diag = {0};
    struct trace_selection all = trace_select_all();
    check(trace_load(path, &all, &trace, &diag), &diag);
    return trace;
}

/* The file, `times` over. The caller deletes `path`. */
static void repeat(const char *from, uint32_t times, char *path)
{
    struct trace *trace = load(from);
    FILE *file = open_temporary(path);
    struct diag diag = {0};
    check(trace_repeat(trace, times, -1, file, &diag), &diag);
    close_temporary(file, path);
    trace_destroy(trace);
}

static struct config configure(const struct workload *workload)
{
    struct config config;
    struct diag diag = {0};
    char pool[16], width[16];
    snprintf(pool, sizeof pool, "%u", workload->num_gpu_blocks);
    snprintf(width, sizeof width, "%u", workload->trace_block_size);
    const struct config_option options[] = {{"num-gpu-blocks", pool},
                                            {"max-num-seqs", "256"},
                                            {"max-num-batched-tokens", "8192"},
                                            {"max-model-len", "200000"},
                                            {"trace-block-size", width}};
    check(config_load(NULL, options, sizeof options / sizeof *options, &config, &diag), &diag);
    return config;
}

static void set(struct config *config, const char *key, uint32_t value)
{
    struct diag diag = {0};
    char text[16];
    snprintf(text, sizeof text, "%u", value);
    check(config_set(config, key, text, &diag), &diag);
}

/* --- replays --------------------------------------------------------------------------------------------------------------------- */

static enum status count_events(void *self, const struct event *events, size_t count, struct diag *diag)
{
    (void)events;
    (void)diag;
    *(uint64_t *)self += count;
    return SIM_OK;
}

/* CPU seconds of a replay with the standard observers; `events`: NULL, or where to count the event stream (which costs a little). */
static double replay(const struct trace *trace, const struct config *config, bool reference, uint64_t *events, uint64_t *steps)
{
    struct run run;
    struct diag diag = {0};
    struct replay_options options = {.reference = reference};
    struct observer counter = {.self = events, .events = count_events};
    double start = cpu_seconds();
    check(run_open(&run, trace, config, &diag), &diag);
    check(run_replay(&run, &counter, events ? 1 : 0, &options, &diag), &diag);
    check(run_judge(&run, &diag), &diag);
    *steps = run.facts.end.steps;
    run_close(&run);
    return cpu_seconds() - start;
}

/* A way to replay a workload that takes its turn in every round. */
struct variant {
    const char *name;
    const struct trace *trace;
    struct config config;
    bool reference;
    double seconds[MOST_ROUNDS];
    int count;
    uint64_t steps;
};

enum { PLAIN, OUTPUTS, BATCH, POOL, REQUESTS, BLOCK_64, NO_CACHING, REFERENCE, VARIANTS };

static void prepare(struct variant *variants, const struct workload *workload, const struct trace *plain, const struct trace *outputs,
                    const struct trace *requests)
{
    static const char *const names[VARIANTS] = {"plain", "outputs", "batch", "pool", "requests", "block_64", "no_caching", "reference"};
    for (int i = 0; i < VARIANTS; i++)
        variants[i] = (struct variant){.name = names[i], .trace = plain, .config = configure(workload)};
    variants[OUTPUTS].trace = outputs;
    variants[REQUESTS].trace = requests;
    variants[REFERENCE].reference = true;
    set(&variants[BATCH].config, "max_num_seqs", 512);
    set(&variants[BATCH].config, "max_num_batched_tokens", 16384);
    set(&variants[POOL].config, "num_gpu_blocks", 2 * workload->num_gpu_blocks);
    set(&variants[BLOCK_64].config, "block_size", 64);
    set(&variants[BLOCK_64].config, "num_gpu_blocks", workload->num_gpu_blocks / 4);
    variants[NO_CACHING].config.enable_prefix_caching = false;
}

static void take_turns(struct variant *variants, const char *path, double *read_seconds)
{
    for (int round = 0; round < rounds; round++) {
        double start = cpu_seconds();
        struct trace *trace = load(path);
        read_seconds[round] = cpu_seconds() - start;
        trace_destroy(trace);
        for (int i = 0; i < VARIANTS; i++) {
            struct variant *variant = &variants[i];
            if (!variant->reference || round < reference_rounds)
                variant->seconds[variant->count++] = replay(variant->trace, &variant->config, variant->reference, NULL, &variant->steps);
        }
    }
}

/* --- rows ------------------------------------------------------------------------------------------------------------------------ */

static double megabytes(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 ? (double)facts.st_size / 1e6 : 0;
}

/* What one way of replaying costs, in the units of the trace. */
static void print_speed(const char *name, const char *how, uint32_t requests, uint64_t steps, uint64_t events, double seconds)
{
    char what[64];
    const double values[] = {seconds * 1e3, requests / seconds, (double)steps / seconds, (double)events / seconds,
                             seconds * 1e9 / (double)events};
    static const char *const names[] = {"ms", "requests_per_s", "steps_per_s", "events_per_s", "ns_per_event"};
    for (int i = 0; i < 5; i++) {
        snprintf(what, sizeof what, "%s_%s", how, names[i]);
        result(name, what, values[i]);
    }
    if (!machine)
        printf("  %-10s %9.2f ms %11.0f requests/s %11.0f steps/s %11.0f events/s %9.1f ns/event\n", how, values[0], values[1], values[2],
               values[3], values[4]);
}

static void print_reading(const char *name, const char *path, double seconds)
{
    result(name, "read_ms", seconds * 1e3);
    result(name, "read_mb_per_s", megabytes(path) / seconds);
    if (!machine)
        printf("  %-10s %9.2f ms %11.0f MB/s\n", "read", seconds * 1e3, megabytes(path) / seconds);
}

/* Median over rounds of a variant's time over the plain one's in the same round. */
static double growth(const struct variant *variant, const double *plain)
{
    double ratios[MOST_ROUNDS];
    for (int round = 0; round < variant->count; round++)
        ratios[round] = variant->seconds[round] / plain[round];
    return median(ratios, variant->count);
}

static void print_growth(const char *name, const struct variant *variants)
{
    if (!machine)
        printf("  %-10s", "growth");
    for (int i = OUTPUTS; i <= NO_CACHING; i++) {
        double ratio = growth(&variants[i], variants[PLAIN].seconds);
        char what[64];
        snprintf(what, sizeof what, "growth_%s", variants[i].name);
        result(name, what, ratio);
        if (!machine)
            printf(" %s%s %.2f", variants[i].name, i <= REQUESTS ? " x2" : "", ratio);
    }
    if (!machine)
        putchar('\n');
}

/* --- policies and V0 ------------------------------------------------------------------------------------------------------------- */

struct contender {
    const char *name, *key, *value;
    bool swaps;
};

static double replay_as(const struct trace *trace, const struct workload *workload, const struct contender *as)
{
    struct diag diag = {0};
    struct config config = configure(workload);
    uint64_t steps;
    set(&config, "num_gpu_blocks", workload->short_pool);
    if (as->key)
        check(config_set(&config, as->key, as->value, &diag), &diag);
    if (config.scheduler == SCHEDULER_VLLM_V0) { /* prompts whole, as by default then */
        config.enable_prefix_caching = config.enable_chunked_prefill = false;
        config.max_num_batched_tokens = config.max_model_len;
        config.preemption_mode = as->swaps ? PREEMPTION_SWAP : PREEMPTION_RECOMPUTE;
        config.num_cpu_blocks = as->swaps ? workload->num_gpu_blocks : 0;
    }
    return replay(trace, &config, false, NULL, &steps);
}

static void print_policies(const struct workload *workload, const struct trace *trace)
{
    static const struct contender contenders[] = {
        {.name = "plain"},
        {"lru", "eviction_policy", "lru", false},
        {"lfu", "eviction_policy", "lfu", false},
        {"srpt", "scheduling_policy", "srpt", false},
        {"lpm", "scheduling_policy", "lpm", false},
        {"mlfq", "scheduling_policy", "mlfq", false},
        {"v0", "scheduler", "vllm-v0", false},
        {"v0_swap", "scheduler", "vllm-v0", true},
    };
    enum { CONTENDERS = sizeof contenders / sizeof *contenders };
    double ratios[CONTENDERS][MOST_ROUNDS];
    for (int round = 0; round < rounds; round++) {
        const double plain = replay_as(trace, workload, &contenders[0]);
        for (int i = 1; i < CONTENDERS; i++)
            ratios[i][round] = replay_as(trace, workload, &contenders[i]) / plain;
    }
    if (!machine)
        printf("  %-10s", "policies");
    for (int i = 1; i < CONTENDERS; i++) {
        char what[64];
        const double ratio = median(ratios[i], rounds);
        snprintf(what, sizeof what, "path_%s", contenders[i].name);
        result(workload->name, what, ratio);
        if (!machine)
            printf(" %s %.2f", contenders[i].name, ratio);
    }
    if (!machine)
        printf(" times vLLM V1's own, %u blocks\n", workload->short_pool);
}

/* Peak memory of reading and replaying, above what the process had. */
static double memory_of(const char *path, const struct config *config, uint32_t *requests)
{
    uint64_t steps;
    reset_peak();
    double before = peak_bytes();
    struct trace *trace = load(path);
    *requests = trace->count;
    replay(trace, config, false, NULL, &steps);
    trace_destroy(trace);
    return peak_bytes() - before;
}

static void print_memory(const char *name, const char *path, const struct config *config)
{
    uint32_t requests;
    double bytes = memory_of(path, config, &requests);
    result(name, "peak_mib", bytes / 1048576);
    result(name, "bytes_per_request", bytes / requests);
    if (!machine)
        printf("  %-10s %9.1f MiB %10.0f bytes a request, trace and its file included\n", "peak", bytes / 1048576, bytes / requests);
}

static void run_paths(const struct workload *workload, const struct trace *trace)
{
    struct paths paths = {.trace = trace, .config = configure(workload), .short_pool = workload->short_pool, .hits = workload->hits};
    double seconds[PATHS][MOST_ROUNDS], ratios[PATHS][MOST_ROUNDS];
    uint64_t steps;
    for (int round = 0; round < reference_rounds; round++) {
        const double plain = replay(trace, &paths.config, false, NULL, &steps);
        for (int i = 0; i < PATHS; i++) {
            struct diag diag = {0};
            const double start = cpu_seconds();
            if (path_is_there(&paths, (enum path)i))
                check(path_run(&paths, (enum path)i, &diag), &diag);
            seconds[i][round] = cpu_seconds() - start;
            ratios[i][round] = seconds[i][round] / plain;
        }
    }
    for (int i = 0; i < PATHS; i++) {
        char what[64];
        const double taken = median(seconds[i], reference_rounds), ratio = median(ratios[i], reference_rounds);
        if (!path_is_there(&paths, (enum path)i))
            continue;
        snprintf(what, sizeof what, "path_%s", path_names[i]);
        result(workload->name, what, ratio);
        if (!machine)
            printf("  %-14s %8.2f ms %7.1f x a plain replay", path_names[i], taken * 1e3, ratio);
        if (!machine)
            i == PATH_LOG ? printf(", %.0f MB/s\n", paths.log_bytes / 1e6 / taken) : putchar('\n');
    }
}

static void run_workload(const struct workload *workload)
{
    char twice[PATH_SIZE];
    struct variant variants[VARIANTS];
    double read_seconds[MOST_ROUNDS];
    uint64_t events = 0, steps;
    repeat(workload->path, 2, twice);
    struct trace *plain = load(workload->path), *outputs = load(workload->path), *requests = load(twice);
    unlink(twice);
    for (uint32_t i = 0; i < outputs->count; i++)
        outputs->output_tokens[i] *= 2;
    prepare(variants, workload, plain, outputs, requests);
    replay(plain, &variants[PLAIN].config, false, &events, &steps);
    take_turns(variants, workload->path, read_seconds);
    if (!machine)
        printf("%s: %u requests, %.1f MB%s\n", workload->name, plain->count, megabytes(workload->path),
               workload->temporary ? ", generated" : "");
    print_reading(workload->name, workload->path, median(read_seconds, rounds));
    print_growth(workload->name, variants); /* before medians are taken, which sorts */
    print_speed(workload->name, "replay", plain->count, steps, events, median(variants[PLAIN].seconds, rounds));
    print_speed(workload->name, "reference", plain->count, steps, events, median(variants[REFERENCE].seconds, reference_rounds));
    run_paths(workload, plain);
    print_policies(workload, plain);
    print_memory(workload->name, workload->path, &variants[PLAIN].config);
    trace_destroy(plain);
    trace_destroy(outputs);
    trace_destroy(requests);
}

static void run_million(const struct workload *workload)
{
    char path[PATH_SIZE];
    double reading[MOST_ROUNDS], replaying[MOST_ROUNDS];
    int turns = quick ? 1 : 3;
    uint64_t events = 0, steps;
    struct trace *trace = load(workload->path);
    uint32_t times = (quick ? MILLION / 10 : MILLION) / trace->count + 1, requests = times * trace->count;
    struct config config = configure(workload);
    trace_destroy(trace);
    repeat(workload->path, times, path);
    for (int turn = 0; turn < turns; turn++) {
        double start = cpu_seconds();
        trace = load(path);
        reading[turn] = cpu_seconds() - start;
        replaying[turn] = replay(trace, &config, false, NULL, &steps);
        if (turn == 0)
            replay(trace, &config, false, &events, &steps);
        trace_destroy(trace);
    }
    if (!machine)
        printf("million: %s %u times over, %u requests, %.1f MB\n", workload->name, times, requests, megabytes(path));
    print_reading("million", path, median(reading, turns));
    print_speed("million", "replay", requests, steps, events, median(replaying, turns));
    print_memory("million", path, &config);
    unlink(path);
}

static bool take_options(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        machine = machine || strcmp(argv[i], "--machine") == 0;
        quick = quick || strcmp(argv[i], "--quick") == 0;
        if (strcmp(argv[i], "--machine") != 0 && strcmp(argv[i], "--quick") != 0)
            return false;
    }
    if (quick) {
        rounds = 3;
        reference_rounds = 1;
    }
    return true;
}

int main(int argc, char **argv)
{
    huge_pages_prepare(); /* as the program does */
    struct workload workloads[] = {
        {.name = "conv", /* lengths about the real trace's means */
         .shared = "azure2023_conv.csv",
         .num_gpu_blocks = 100000,
         .short_pool = 1200,
         .kind = "uniform",
         .input = "uniform:min=1,max=2300",
         .output = "uniform:min=1,max=420",
         .requests = 19366,
         .gap_us = 180000,
         .block_tokens = 16},
        {.name = "code",
         .shared = "azure2023_code.csv",
         .num_gpu_blocks = 100000,
         .short_pool = 1200,
         .kind = "bundled-code",
         .requests = 8819,
         .gap_us = 400000,
         .block_tokens = 16},
        {.name = "mooncake", /* eight times the lengths of chat, and the blocks */
         .shared = "mooncake_conversation.jsonl",
         .num_gpu_blocks = 1000000,
         .short_pool = 50000,
         .hits = "prefix_hit_rate>=0.3",
         .kind = "chat",
         .input = "lognormal:median=4440,sigma=0.64,max=28000",
         .output = "uniform:min=20,max=700",
         .requests = 12031,
         .gap_us = 300000,
         .block_tokens = 128},
    };
    if (!take_options(argc, argv)) {
        puts("usage: bench_control_plane [--machine] [--quick]\n\nCPU time of reading traces and of replaying them, and how it grows.");
        return strcmp(argv[1], "--help") == 0 ? 0 : 2;
    }
#ifdef _OPENMP
    omp_set_num_threads(1);
#endif
    if (!machine)
        printf("CPU time, one thread, median of %d rounds\n\n", rounds);
    for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++) {
        find_trace(&workloads[i]);
        run_workload(&workloads[i]);
    }
    run_million(&workloads[0]);
    for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++)
        if (workloads[i].temporary)
            unlink(workloads[i].path);
    return 0;
}
