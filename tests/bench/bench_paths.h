/* bench_paths.h - questions about a trace that take more than one replay, or none, timed next to a plain replay. For bench_control_plane.c. */
#ifndef BENCH_PATHS_H
#define BENCH_PATHS_H

#include <time.h>

#include "observe/decision_log.h"
#include "run/run.h"
#include "study/explanation.h"
#include "study/size_pools.h"
#include "study/trace_facts.h"

enum path { PATH_EXPLAIN, PATH_LOG, PATH_INFO, PATH_SIZE_HITS, PATHS };
static const char *const path_names[PATHS] = {"explain", "decision_log", "trace_info", "size_hits"};

/* A pool that preempts (explain), and the requirement of size_hits; NULL: the trace tells no contents. */
struct paths {
    const struct trace *trace;
    struct config config;
    uint32_t short_pool;
    const char *hits;
    double log_bytes; /* of the last decision log */
};

static inline enum status path_explain(const struct paths *paths, struct diag *diag)
{
    struct explanation explanation;
    struct config config = paths->config;
    const struct explanation_options options = {.worst = 5, .remedies = true};
    config.num_gpu_blocks = paths->short_pool;
    enum status status = explanation_make(&explanation, paths->trace, &config, &options, diag);
    explanation_close(&explanation);
    return status;
}

static inline enum status count_bytes(void *self, const char *text, size_t length, struct diag *diag)
{
    (void)text;
    (void)diag;
    *(double *)self += (double)length;
    return SIM_OK;
}

static inline enum status path_log(struct paths *paths, struct diag *diag)
{
    struct run run;
    struct decision_log *log = NULL;
    const struct log_sink sink = {.self = &paths->log_bytes, .write = count_bytes};
    const struct decision_log_options options = {.tables = false};
    paths->log_bytes = 0;
    enum status status = run_open(&run, paths->trace, &paths->config, diag);
    if (status == SIM_OK)
        status = decision_log_create(&run.metrics, &options, &sink, &log, diag);
    if (status == SIM_OK) {
        const struct observer observer = decision_log_observer(log);
        status = run_replay(&run, &observer, 1, NULL, diag);
    }
    decision_log_destroy(log);
    run_close(&run);
    return status;
}

static inline enum status path_info(const struct paths *paths, struct diag *diag)
{
    struct trace_facts facts;
    return trace_facts_collect(paths->trace, paths->config.trace_block_size, &facts, diag);
}

static inline enum status path_size_hits(const struct paths *paths, struct diag *diag)
{
    struct requirement requirement;
    struct size_answer answer;
    struct size_question question = {.trace = paths->trace,
                                     .config = paths->config,
                                     .requirements = &requirement,
                                     .requirement_count = 1,
                                     .prove = 20000,
                                     .below = 100,
                                     .quiet = true};
    enum status status = requirement_read(paths->hits, FIGURE_SCOPE(FIGURE_ALWAYS), &requirement, diag);
    if (status != SIM_OK)
        return status;
    status = size_pools(&question, &answer, diag);
    size_answer_deinit(&answer);
    return status;
}

static inline bool path_is_there(const struct paths *paths, enum path path)
{
    return path != PATH_SIZE_HITS || paths->hits;
}

static inline enum status path_run(struct paths *paths, enum path path, struct diag *diag)
{
    switch (path) {
    case PATH_EXPLAIN:
        return path_explain(paths, diag);
    case PATH_LOG:
        return path_log(paths, diag);
    case PATH_INFO:
        return path_info(paths, diag);
    case PATH_SIZE_HITS:
    case PATHS:
        break;
    }
    return path_size_hits(paths, diag);
}

#endif
