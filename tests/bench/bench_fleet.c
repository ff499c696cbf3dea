/* bench_fleet.c - a million requests of chats through a hundred replicas, by router and by number of threads: seconds of wall time of routing and
 * replaying, the same over one thread, and the most memory that the process ever had.
 *
 * What is made before (the requests) is not timed. Threads are those of OpenMP, so `threads 2` on a machine whose two processors are busy says
 * nothing. Each router runs in a process of its own, so that memory is its own.
 *
 * usage: bench_fleet [--quick] [REQUESTS [REPLICAS [ROUTER THREADS]]]     --quick: a tenth of the requests
 * Lines: fleet <router> threads <n> s <seconds> ratio <seconds of one thread by these> mib <most memory>
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "base/huge_pages.h"
#include "replay/workload.h"
#include "run/run.h"

static const char *const routers[] = {"round-robin",  "random",       "least-requests",    "power-of-two",
                                      "prefix-aware", "least-blocks", "vllm-data-parallel"};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void check(enum status status, const struct diag *diag)
{
    if (status == SIM_OK)
        return;
    fprintf(stderr, "bench_fleet: %s\n", diag->text);
    exit(1);
}

static double replay_once(const struct trace *trace, const struct config *config, int threads)
{
    static struct run run;
    struct diag diag = {0};
#ifdef _OPENMP
    omp_set_num_threads(threads);
#else
    (void)threads;
#endif
    check(run_open(&run, trace, config, &diag), &diag);
    const double start = now_s();
    check(run_replay(&run, NULL, 0, NULL, &diag), &diag);
    const double seconds = now_s() - start;
    run_close(&run);
    return seconds;
}

/* In a process of its own, for its memory. */
static void measure(const char *router, const struct trace *trace, uint32_t replicas, int threads)
{
    const struct config_option options[] = {{.name = "num-gpu-blocks", .value = "20000"}, {.name = "router", .value = router}};
    struct config config;
    struct diag diag = {0};
    struct rusage usage;
    check(config_load(NULL, options, sizeof options / sizeof *options, &config, &diag), &diag);
    config.fleet.replicas = replicas;
    config.trace_block_size = 64;
    const double seconds = replay_once(trace, &config, threads);
    getrusage(RUSAGE_SELF, &usage);
    printf("%.3f %ld\n", seconds, usage.ru_maxrss / 1024);
}

/* Chats at four a second for each replica. */
static struct trace *make_requests(uint32_t requests, uint32_t replicas)
{
    char text[64];
    struct workload_source source = {.kind = "chat", .selection = trace_select_all()};
    struct trace *trace;
    struct diag diag = {0};
    snprintf(text, sizeof text, "poisson:rate=%u", replicas * 4);
    check(generate_spec_preset(&source.generator, "chat", &diag), &diag);
    check(generate_spec_set(&source.generator, "arrival", text, &diag), &diag);
    source.generator.requests = requests;
    source.generator.block_tokens = 64;
    check(generate_spec_check(&source.generator, &diag), &diag);
    check(workload_draw(&source, 1, &trace, &diag), &diag);
    generate_spec_deinit(&source.generator);
    return trace;
}

/* The same program again, for one router and one number of threads. */
static bool run_again(const char *program, const char *router, uint32_t requests, uint32_t replicas, int threads, double *seconds,
                      long *mib)
{
    char numbers[3][16], text[64] = "", *end = text;
    int ends[2], state = 1;
    snprintf(numbers[0], sizeof numbers[0], "%u", requests);
    snprintf(numbers[1], sizeof numbers[1], "%u", replicas);
    snprintf(numbers[2], sizeof numbers[2], "%d", threads);
    if (pipe(ends) != 0)
        return false;
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execl(program, program, numbers[0], numbers[1], router, numbers[2], (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    const ssize_t length = read(ends[0], text, sizeof text - 1); /* one short line */
    close(ends[0]);
    if (child < 0 || waitpid(child, &state, 0) < 0 || state != 0 || length <= 0)
        return false;
    *seconds = strtod(text, &end);
    *mib = strtol(end, NULL, 10);
    return true;
}

int main(int argc, char **argv)
{
    huge_pages_prepare(); /* as the program does */
    const bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    const int first = quick ? 2 : 1;
    const uint32_t requests = argc > first ? (uint32_t)strtoul(argv[first], NULL, 10) : quick ? 100000 : 1000000;
    const uint32_t replicas = argc > first + 1 ? (uint32_t)strtoul(argv[first + 1], NULL, 10) : 100;
    if (argc > first + 3) {
        struct trace *trace = make_requests(requests, replicas);
        measure(argv[first + 2], trace, replicas, (int)strtol(argv[first + 3], NULL, 10));
        trace_destroy(trace);
        return 0;
    }
    for (size_t i = 0; i < sizeof routers / sizeof *routers; i++) {
        double seconds, alone = 0;
        for (int threads = 1; threads <= 2; threads++) {
            long mib;
            if (!run_again(argv[0], routers[i], requests, replicas, threads, &seconds, &mib))
                return 1;
            alone = threads == 1 ? seconds : alone;
            printf("fleet %s threads %d s %.2f ratio %.2f mib %ld\n", routers[i], threads, seconds, alone / seconds, mib);
            fflush(stdout);
        }
    }
    return 0;
}
