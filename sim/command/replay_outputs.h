/* replay_outputs.h - the files that `pagesim replay` writes in addition to its report, each only on request: vLLM's benchmark result, one row
 * for each request, Prometheus metrics, a trace of events for a viewer, the decision log and the step log.
 *
 * All files are opened before the replay, so that a path that cannot be written ends the run at once. They are written under a temporary name
 * and renamed when they are complete. One of them may go to standard output with "-"; the report is then written only if --output is given.
 */
#ifndef PAGESIM_REPLAY_OUTPUTS_H
#define PAGESIM_REPLAY_OUTPUTS_H

#include "command/options.h"
#include "command/replica_outputs.h"
#include "observe/chrome_trace.h"
#include "observe/decision_log.h"
#include "observe/per_request.h"
#include "observe/replay_course.h"
#include "report/bench_result.h"
#include "report/prometheus.h"
#include "run/run.h"

/* Rows for the command's option table. */
#define REPLAY_OUTPUT_OPTIONS                                                                                                              \
    {"goodput", "KEY:MS", "limits on ttft, tpot, e2el in ms, as in ttft:500 tpot:50; adds goodput", OPTION_MANY},                          \
        {"percentile-metrics", "LIST",                                                                                                     \
         "latencies in vLLM's forms; also e2el, client_queue_time, e2el_including_client_queue [ttft,tpot,itl]"},                          \
        {"metric-percentiles", "LIST", "percentiles of them, as in 50,90,99.9 [99]"},                                                      \
        {"save-result", "FILE", "write the JSON of vllm bench serve to FILE or --result-filename", OPTION_OPTIONAL},                       \
        {"save-detailed", NULL, "with --save-result: add lists with one entry per request"},                                               \
        {"result-filename", "FILE", "with --save-result: the file's name [from rate and trace]"},                                          \
        {"result-dir", "DIR", "with --save-result: the file's folder"},                                                                    \
        {"metadata", "KEY=VALUE", "with --save-result: members to add", OPTION_MANY},                                                      \
        {"per-request", "FILE", "write one row per request: FILE.csv or FILE.jsonl"},                                                      \
        {"per-request-format", "NAME", "jsonl or csv [by the file's name, else jsonl]"},                                                   \
        {"prometheus", "FILE", "write vLLM's metrics at the end as Prometheus text"},                                                      \
        {"perfetto", "FILE", "write trace events for ui.perfetto.dev, chrome://tracing"},                                                  \
        {"decision-log", "FILE", "write every decision, one JSON line per step"},                                                          \
        {"tables", NULL, "with --decision-log or --replica-logs: add the block tables"},                                                   \
        {"step-log", "FILE", "write each step's time and shape as CSV, for fit and the recorded model"}, REPLICA_OUTPUT_OPTIONS

enum replay_output {
    OUTPUT_RESULT,
    OUTPUT_PER_REQUEST,
    OUTPUT_PROMETHEUS,
    OUTPUT_PERFETTO,
    OUTPUT_DECISIONS,
    OUTPUT_STEPS,
    REPLAY_OUTPUTS
};
enum { METADATA_MOST = 64, REPLAY_OBSERVERS_MOST = 7 };

struct replay_outputs {
    const struct options *options;
    struct goodput goodput;
    struct latency_choice choice;
    const char *metadata[METADATA_MOST];
    size_t metadata_count;
    enum per_request_format per_request_format;
    bool takes_stdout;                           /* one of them goes to standard output */
    bool prints_block;                           /* --format vllm */
    struct text_writer *writers[REPLAY_OUTPUTS]; /* NULL: not asked for */
    struct token_times times;
    struct prometheus prometheus;
    struct chrome_trace *chrome;
    struct decision_log *log;
    struct replay_course course; /* for pictures; without them no trace, and with several servers neither */
    struct replica_outputs replicas;
};

/* Read the options. SIM_USAGE: one of them makes no sense. Call this before any work. A zeroed struct may be closed. */
SIM_NODISCARD enum status replay_outputs_parse(struct replay_outputs *outputs, const struct options *options, bool prints_block,
                                               struct diag *diag);
/* Open the files for an opened run. observers[0 .. *count) must then watch the replay; those of replicas are with the fleet. */
SIM_NODISCARD enum status replay_outputs_open(struct replay_outputs *outputs, struct run *run,
                                              struct observer observers[REPLAY_OBSERVERS_MOST], size_t *count, struct diag *diag);
/* The figures that the options name. */
SIM_NODISCARD enum status replay_outputs_wish(const struct replay_outputs *outputs, struct figure_wishes *wishes, struct diag *diag);
/* Write the outputs that are made after the replay, then give all files their final names. */
SIM_NODISCARD enum status replay_outputs_write(struct replay_outputs *outputs, const struct run *run, struct diag *diag);
/* vLLM's console block, as lines of a document. */
SIM_NODISCARD enum status replay_outputs_block(const struct replay_outputs *outputs, const struct run *run, struct document *document,
                                               struct diag *diag);
void replay_outputs_close(struct replay_outputs *outputs);

#endif
