/* pagesim.h - a simulator of vLLM's schedulers as a library: replay a trace of requests on a virtual clock, get latencies and memory.
 *
 * A trace says when requests arrive and how many tokens each reads and writes. A configuration says what serves them: vLLM's generation,
 * block size, number of KV blocks, batch limits, policies, and how long a step takes. A replay runs the scheduler of that vLLM step by
 * step on a paged KV cache and makes the decisions that the real one makes. Nothing waits in real time; an hour of traffic takes
 * milliseconds. This is what the program `pagesim replay` does, and each figure here is the program's to the last digit.
 *
 * ---------------------------------------------------------------------------------------------------------------------------------------
 *  How to use it
 * ---------------------------------------------------------------------------------------------------------------------------------------
 *
 *     struct pagesim_error error = {0};
 *     struct pagesim_trace *trace = NULL;
 *     struct pagesim_config *config = NULL;
 *     struct pagesim_result *result = NULL;
 *     double p99;
 *     if (pagesim_trace_open("traces/chat.jsonl", &trace, &error) == PAGESIM_OK &&
 *         pagesim_config_create(&config, &error) == PAGESIM_OK &&
 *         pagesim_config_set(config, "num_gpu_blocks", "2000", &error) == PAGESIM_OK &&
 *         pagesim_run(trace, config, NULL, &result, &error) == PAGESIM_OK &&
 *         pagesim_result_figure(result, "p99_ttft_ms", &p99, &error) == PAGESIM_OK)
 *         printf("99 %% of requests see their first token within %.1f ms\n", p99);
 *     else
 *         fprintf(stderr, "%s\n", error.message);
 *     pagesim_result_close(result);
 *     pagesim_config_close(config);
 *     pagesim_trace_close(trace);
 *
 * examples/replay_trace.c is this as a whole program, examples/replay.py the same from Python (package pagesim, in python/), examples/own_policy.c adds a scheduling policy.
 * Build with `cc program.c $(pkg-config --cflags --libs pagesim)`, for the static library `pkg-config --static`.
 *
 * ---------------------------------------------------------------------------------------------------------------------------------------
 *  Rules that hold everywhere
 * ---------------------------------------------------------------------------------------------------------------------------------------
 *
 *   Errors     A function that can fail returns enum pagesim_status and must be asked. Results go through pointers and are written only
 *              with PAGESIM_OK (but see pagesim_command); a failed call changes nothing. `error` gets the reason and, for files, the place; it may be NULL. On
 *              PAGESIM_OK it is left alone. Out of memory is PAGESIM_FAILED. Nothing prints, nothing exits.
 *   Ownership  What x_open, x_create, x_build or pagesim_run gives is the caller's and ends with x_close, where NULL is fine. Arguments
 *              are borrowed for the time of the call, except where the text says more. Other pointers must not be NULL.
 *   Threads    Objects share nothing. A trace does not change: any number of threads may replay it at once, each with its own
 *              configuration or sharing one that nobody changes. A result may be read by many threads. Policies are known to the whole
 *              process: register them before the first run. An error belongs to one thread. Callbacks are called by the thread in
 *              pagesim_run; do not close from within one what the run uses.
 *   Units      Times are nanoseconds (int64_t, `_ns`) from the start of the trace. Names of figures carry their unit: p99_ttft_ms.
 *   Same in,   The same trace, configuration and policies give the same result, on every machine and with any number of threads. Only
 *   same out   the times of this machine in a report ("measured") differ.
 *
 * To fill a struct of this header, zero it first: a later version may append members whose zero means what was before.
 */
#ifndef PAGESIM_H
#define PAGESIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef PAGESIM_API
#define PAGESIM_API __attribute__((visibility("default")))
#endif
#define PAGESIM_NODISCARD __attribute__((warn_unused_result))

/* --- version ------------------------------------------------------------------------------------------------------------------------ */

#define PAGESIM_VERSION_MAJOR  0 /* another number: programs must be compiled anew (while it is 0, another minor number means that) */
#define PAGESIM_VERSION_MINOR  1
#define PAGESIM_VERSION_PATCH  0
#define PAGESIM_VERSION_NUMBER (PAGESIM_VERSION_MAJOR * 10000 + PAGESIM_VERSION_MINOR * 100 + PAGESIM_VERSION_PATCH)

/* Of the library that runs, which may be newer than the header: PAGESIM_VERSION_NUMBER as it was compiled, and "0.1.0". */
PAGESIM_API uint32_t pagesim_version_number(void);
PAGESIM_API const char *pagesim_version_string(void);

/* --- errors ------------------------------------------------------------------------------------------------------------------------- */

/* Also the exit codes of the program. */
enum pagesim_status {
    PAGESIM_OK = 0,
    PAGESIM_FAILED = 1,       /* out of memory; or a policy that cannot be registered */
    PAGESIM_USAGE = 2,        /* the caller: an unknown key, value or figure */
    PAGESIM_BAD_INPUT = 3,    /* a trace or configuration that says something wrong */
    PAGESIM_REQUIREMENT = 4,  /* of a command: something that was required does not hold */
    PAGESIM_INTERRUPTED = 130 /* a callback asked to stop */
};

struct pagesim_error {
    enum pagesim_status status;
    char message[1024]; /* one sentence without a newline: "file:line:column: what is wrong; what would be right" */
    char file[256];     /* what the message begins with; "" when it names no file */
    uint32_t line;      /* from 1; 0: none */
    uint32_t column;    /* bytes, from 1; 0: none */
};

/* --- trace: who asks for what, and when ------------------------------------------------------------------------------------------------ */

struct pagesim_trace;

/* Read a trace file, JSON lines (Mooncake's format and its relatives) or Azure's CSV, told apart by content; "-" is standard input.
 * O(bytes), in parallel. PAGESIM_BAD_INPUT: it cannot be read, or a line is no request; the error has the place. */
PAGESIM_NODISCARD PAGESIM_API enum pagesim_status pagesim_trace_open(const char *path, struct pagesim_trace **out,
                                                                     struct pagesim_error *error);

/* The same for a text of `length` bytes; `name` is what errors call it. */
PAGESIM_NODISCARD PAGESIM_API enum pagesim_status pagesim_trace_parse(const char *name, const char *text, size_t length,
                                                                      struct pagesim_trace **out, struct pagesim_error *error);

/* Requests as arrays, one element a request, in any order of time; requests of equal arrival keep the order of the arrays. */
struct pagesim_requests {
    uint32_t count;                /* 1 .. 2147483646 */
    const int64_t *arrival_ns;     /* >= 0 */
    const uint32_t *input_tokens;  /* 1 .. 1000000000: the prompt */
    const uint32_t *output_tokens; /* 1 .. 1000000000: how many it will generate */
    /* The rest may be NULL. Prompts are equal as far as their hash ids are: id j names the tokens [j * T, (j + 1) * T) of a prompt and all
     * before them, T being trace_block_size of the configuration (512). Those of request i are hash_ids[hash_start[i]] up to
     * hash_ids[hash_start[i + 1] - 1]. Without ids, prompts have nothing in common. Both arrays or none. */
    const uint64_t *hash_start; /* count + 1, ascending */
    const uint64_t *hash_ids;
    const int32_t *priority; /* lower is sooner, for policies that look at it; NULL: all 0 */
    const uint32_t *samples; /* "n": so many outputs of one prompt, 1 .. 1000; NULL: all 1 */
};

/* A trace from arrays, which are copied. O(count log count). PAGESIM_BAD_INPUT: a value out of range, with the number of the request. */
PAGESIM_NODISCARD PAGESIM_API enum pagesim_status pagesim_trace_build(const struct pagesim_requests *requests, struct pagesim_trace **out,
                                                                      struct pagesim_error *error);

/* How many requests it holds. */
PAGESIM_API uint32_t pagesim_trace_count(const struct pagesim_trace *trace);
PAGESIM_API void pagesim_trace_close(struct pagesim_trace *trace);

/* --- configuration: what serves them ---------------------------------------------------------------------------------------------------
 *
 * Keys are those of the configuration file and of the command line, most of them vLLM's own: num_gpu_blocks, block_size, max_num_seqs,
 * max_num_batched_tokens, scheduling_policy, request_rate, step_time.model ... `pagesim config show` lists them with their defaults, and
 * doc/guide.md explains them. Later settings win over earlier ones and over the file. Rules that join several keys are checked when the
 * whole is used, so the order of settings does not matter. */

struct pagesim_config;

/* Nothing but defaults, those of vLLM V1. A run needs the size of the pool in addition: num_gpu_blocks, or model and gpu. */
PAGESIM_NODISCARD PAGESIM_API enum pagesim_status pagesim_config_create(struct pagesim_config **out, struct pagesim_error *error);

/* The same with the keys of a JSON file, or of JSON text of `length` bytes. `name` is what errors call the text; paths in it are relative
 * to the folder of that name. PAGESIM_BAD_INPUT: the file cannot be read, or what is wrong in it, with its place. */
PAGESIM_NODISCARD PAGESIM_API enum pagesim_status pagesim_config_open(const char *path, struct pagesim_config **out,
                                                                      struct pagesim_error *error);
PAGESIM_NODISCARD PAGESIM_API enum pagesim_status pagesim_config_parse(const char *name, const char *text, size_t length,
                                                                       struct pagesim_config **out, struct pagesim_error *error);

/* Set one key to a value written as on the command line: ("block_size", "16"), ("enable_prefix_caching", "false"),
 * ("step_time.base_ns", "5000000"). PAGESIM_USAGE: there is no such key, or the value is not one of its values. */
PAGESIM_NODISCARD PAGESIM_API enum pagesim_status pagesim_config_set(struct pagesim_config *config, const char *key, const char *value,
                                                                     struct pagesim_error *error);

/* Take a server's command line as it is, "vllm serve MODEL --max-num-seqs 256 ...", or a file with one (also its YAML): the keys that it says are
 * set, options without effect here are passed over. pagesim_config_set wins over it, whichever comes first.
 * PAGESIM_BAD_INPUT: an option that vLLM does not know, one that is not modelled, a value that does not fit; `config` stays as it was. */
PAGESIM_NODISCARD PAGESIM_API enum pagesim_status pagesim_config_vllm_args(struct pagesim_config *config, const char *line_or_file,
                                                                           struct pagesim_error *error);

/* The effective configuration as JSON, which pagesim_config_parse reads back to the same; end it with pagesim_text_free.
 * PAGESIM_BAD_INPUT: the keys do not fit together; vLLM would refuse them, too. */
PAGESIM_NODISCARD PAGESIM_API enum pagesim_status pagesim_config_json(const struct pagesim_config *config, char **out,
                                                                      struct pagesim_error *error);
PAGESIM_API void pagesim_config_close(struct pagesim_config *config);

/* Free a text that this library gave. NULL is fine. */
PAGESIM_API void pagesim_text_free(char *text);

/* --- observers: what happens during a run ----------------------------------------------------------------------------------------------
 *
 * A request is named by its number in the file or arrays (`request`, from 0) and, when it asks for several samples, by `sample`; `position`
 * is its place in the order of arrival, from 0, as pagesim_result_request counts. */

enum pagesim_event_kind {
    PAGESIM_ARRIVED,     /* the scheduler takes it in; time_ns is its arrival */
    PAGESIM_ADMITTED,    /* waiting -> running, first time; tokens = found in the prefix cache */
    PAGESIM_READMITTED,  /* waiting -> running after a preemption; tokens likewise */
    PAGESIM_SWAPPED_IN,  /* V0: back from CPU blocks */
    PAGESIM_PREEMPTED,   /* running -> waiting for want of blocks; tokens = computed ones lost (0 for a swap) */
    PAGESIM_FIRST_TOKEN, /* its first output token, at the end of the step */
    PAGESIM_FINISHED,    /* its last one; tokens = output tokens */
    PAGESIM_IGNORED,     /* V0: dropped by the engine while it ran */
    PAGESIM_DROPPED,     /* before the replay: it can never run, being longer than the pool or max_model_len; or when it came: rejected */
    PAGESIM_VAIN         /* a step is over that computed `tokens` for it although it had ended by a stop token (asynchronous scheduling) */
};

struct pagesim_event {
    enum pagesim_event_kind kind;
    int64_t time_ns;
    uint64_t step; /* number of the step in which it happened, from 0 */
    uint32_t request, sample, position;
    uint32_t tokens;
};

/* One step of the scheduler, or (idle) time between two decisions. */
struct pagesim_step {
    uint64_t step; /* from 0; 0 for idle time */
    bool idle;
    int64_t start_ns, duration_ns; /* of the step on the device; 0 long: the last step runs on, and nothing more could be decided */
    int64_t decided_ns,
        state_ns; /* from when on, and for how long, queues and blocks are as below; the same without asynchronous scheduling */
    uint32_t scheduled_sequences, scheduled_tokens;
    uint32_t prefill_tokens; /* those of scheduled_tokens that are prompts or recomputed */
    uint32_t output_tokens;  /* that the step's end brings */
    uint32_t vain_tokens;    /* those of scheduled_tokens whose request had ended by a stop token, as the step's end shows */
    uint32_t running_requests, waiting_requests, swapped_groups; /* after scheduling */
    uint32_t used_blocks;                                        /* distinct blocks in block tables */
    uint32_t free_blocks;                                        /* cached ones included */
    uint32_t cached_blocks;                                      /* those of free_blocks whose content can still be found */
    uint32_t table_blocks;                                       /* entries of all block tables: more than used_blocks by what is shared */
    uint64_t held_tokens;                                        /* in block tables, a shared one once for each table */
    uint32_t preemptions;                                        /* in this step */
};

/* Each function is NULL or called with batches, in order of time; events of a step may come before or after its struct pagesim_step. They
 * return true to go on; false stops the run with PAGESIM_INTERRUPTED. The arrays are valid during the call. */
struct pagesim_observer {
    void *self;
    bool (*events)(void *self, const struct pagesim_event *events, size_t count);
    bool (*steps)(void *self, const struct pagesim_step *steps, size_t count);
};

/* --- run ---------------------------------------------------------------------------------------------------------------------------- */

enum { PAGESIM_OBSERVERS_MOST = 8 };

struct pagesim_run_options {
    const struct pagesim_observer *observers;
    uint32_t observer_count; /* at most PAGESIM_OBSERVERS_MOST */
    /* NULL, or called now and then with how many of `total` requests are done; false stops the run with PAGESIM_INTERRUPTED. */
    bool (*progress)(void *context, uint64_t done, uint64_t total);
    void *progress_context;
    /* Percentiles of latencies that not every report has, as "p99.9_queue_ms"; the result has them after all others. */
    const char *const *figures;
    uint32_t figure_count; /* at most 96 */
    bool reference;        /* use the plain scheduler, a step at a time, even where the fast replay gives the same sooner */
    bool check;            /* walk all invariants after every step; for tests, slow */
    bool charts;           /* keep what happened over time, for the pictures of pagesim_result_html: some 0.1 us a step, 2 MB */
};

struct pagesim_result;

/* Replay `trace` as `config` says; `options` NULL: the defaults. The result owns all that it needs. Keys of the data plane do not count
 * here: no K/V bytes are moved. O(steps * changes in the batch), see doc/performance.md.
 * PAGESIM_BAD_INPUT: keys that do not fit together, a step-time table that is wrong, or requests that the engine does not have (V1 has no
 * beam search). PAGESIM_USAGE: the pool has no size, a figure that no run has, or too many of something. PAGESIM_INTERRUPTED: a callback said so. */
PAGESIM_NODISCARD PAGESIM_API enum pagesim_status pagesim_run(const struct pagesim_trace *trace, const struct pagesim_config *config,
                                                              const struct pagesim_run_options *options, struct pagesim_result **out,
                                                              struct pagesim_error *error);

/* --- result ------------------------------------------------------------------------------------------------------------------------- */

/* NULL: every request came to its end. Else a sentence that says why the run ended before that: requests are left that nothing can move
 * any more (a stall), or vLLM would have died here (an abort). Figures then tell of what happened until then. Lives as long as the result. */
PAGESIM_API const char *pagesim_result_ended_early(const struct pagesim_result *result);

struct pagesim_figure {
    const char *name;    /* "p99_ttft_ms"; lives as long as the result */
    const char *unit;    /* "ms", "s", "1/s", "bytes", "GB/s"; "" for counts and shares */
    const char *meaning; /* a sentence without its full stop; static */
    double value;        /* NaN: there is nothing to tell, as the time per output token when each output has one token */
};

/* All figures of the report, i from 0 to pagesim_result_figure_count - 1, in the report's order. PAGESIM_USAGE: i is too large. */
PAGESIM_API uint32_t pagesim_result_figure_count(const struct pagesim_result *result);
PAGESIM_NODISCARD PAGESIM_API enum pagesim_status pagesim_result_figure_at(const struct pagesim_result *result, uint32_t i,
                                                                           struct pagesim_figure *out, struct pagesim_error *error);

/* One figure by name; `pagesim figures` lists them. NaN as above. PAGESIM_USAGE: there is none of that name, and the message offers the
 * nearest; or a percentile that the options of the run did not ask for. O(figures). */
PAGESIM_NODISCARD PAGESIM_API enum pagesim_status pagesim_result_figure(const struct pagesim_result *result, const char *name,
                                                                        double *value, struct pagesim_error *error);

/* The whole report as JSON, as `pagesim replay --format json` prints it, but for the command line; end it with pagesim_text_free. Its member
 * "measured" has the times of this machine. */
PAGESIM_NODISCARD PAGESIM_API enum pagesim_status pagesim_result_json(const struct pagesim_result *result, char **out,
                                                                      struct pagesim_error *error);

/* The page that `pagesim replay --html` writes, one file of HTML, but for the command line; end it with pagesim_text_free. Without
 * `options.charts` it has no pictures. One call at a time for a result. PAGESIM_USAGE: the library was built without Chart.js. */
PAGESIM_NODISCARD PAGESIM_API enum pagesim_status pagesim_result_html(struct pagesim_result *result, char **out,
                                                                      struct pagesim_error *error);

/* What became of one request. Times are -1 when it never got there. */
struct pagesim_request_result {
    uint32_t request; /* number in the file or arrays */
    uint32_t sample;  /* which of its samples, from 0 */
    uint32_t input_tokens;
    uint32_t output_tokens; /* generated */
    int64_t arrival_ns, first_scheduled_ns, first_token_ns, finish_ns;
    uint32_t preemptions;
    uint32_t cached_tokens; /* found in the prefix cache at its first admission */
    bool dropped;           /* could never run, or was rejected (max_num_queued_reqs, max_num_queued_tokens) */
    bool ignored;           /* V0: dropped by the engine while it ran */
};

/* All requests in order of arrival, each sample one (V1). PAGESIM_USAGE: `position` is too large. */
PAGESIM_API uint32_t pagesim_result_request_count(const struct pagesim_result *result);
PAGESIM_NODISCARD PAGESIM_API enum pagesim_status pagesim_result_request(const struct pagesim_result *result, uint32_t position,
                                                                         struct pagesim_request_result *out, struct pagesim_error *error);

/* The same for `count` requests from `first` on, into an array of the caller's. PAGESIM_USAGE: there are not so many. */
PAGESIM_NODISCARD PAGESIM_API enum pagesim_status pagesim_result_requests(const struct pagesim_result *result, uint32_t first,
                                                                          uint32_t count, struct pagesim_request_result *out,
                                                                          struct pagesim_error *error);

PAGESIM_API void pagesim_result_close(struct pagesim_result *result);

/* --- commands: whatever the program does ------------------------------------------------------------------------------------------------
 *
 * Sweeps, hit curves, comparisons, sizes, explanations and all else that has no function of its own here. A command is the words of a command
 * line, {"sweep", "--trace", "t.jsonl", "--vary", "block_size=16,32", "--format", "json"}, and its result is what the program would print,
 * byte for byte. With "--format json" that is a document with all figures and tables (doc/formats.md). */

/* A text that stands for a file wherever the words or a configuration name one. */
struct pagesim_file {
    const char *name; /* in angle brackets, "<requests>" */
    const char *text; /* `length` bytes of what would be in the file */
    size_t length;
};

/* The callbacks may come from other threads than the caller's, one at a time. */
struct pagesim_command_options {
    const struct pagesim_file *files;
    uint32_t file_count;
    /* Called with each warning and note, a line without its end. NULL: nobody wants them. */
    void (*notice)(void *context, const char *line);
    /* NULL, or called some times a second with how much of `total` is done, in units of the command's own. false asks it to stop: it ends
     * with PAGESIM_INTERRUPTED as soon as it looks, which work without replays (a hit curve) and single replays of ledger and validate do
     * at their end only. */
    bool (*progress)(void *context, uint64_t done, uint64_t total);
    void *context;
};

/* Run one. `options` NULL: none. Like the program it writes the files that the words name, and reads standard input for "-"; unlike the
 * program it prints nothing. A process runs one command at a time; pagesim_run and all else may go on beside it.
 * Unlike everywhere else, *out is written with every status: what was printed before the end, "" if nothing was; NULL when another command
 * runs or memory is out. Reports come before the judgement on them, so they are there with PAGESIM_REQUIREMENT and after a stall. End it
 * with pagesim_text_free.
 * PAGESIM_USAGE: wrong words. PAGESIM_BAD_INPUT: a file. PAGESIM_REQUIREMENT: what --require says does not hold. PAGESIM_FAILED: a stall or an
 * abort, a file that cannot be written, out of memory, or another command runs. PAGESIM_INTERRUPTED: `progress` said so. */
PAGESIM_NODISCARD PAGESIM_API enum pagesim_status pagesim_command(const char *const *words, uint32_t count,
                                                                  const struct pagesim_command_options *options, char **out,
                                                                  struct pagesim_error *error);

/* --- policies of your own -----------------------------------------------------------------------------------------------------------------
 *
 * What a user may choose about vLLM V1's scheduler: the order of waiting, the victim of a preemption, the order of eviction; and the router
 * in front of a fleet. A policy is one table of functions. Register it, then name it in the configuration: pagesim_config_set(config, "scheduling_policy", "mine", &error).
 *
 *     arrivals ----> [ waiting, by scheduling_policy ] ----> running, in order of admission ----> finished
 *                          ^                                    |
 *                          '----- preempted, who it is ---------'   when blocks run out: preemption_victim
 *
 *     blocks:  released with content -> free, cached -> taken for something else, which first: eviction_policy
 *
 * Policies know requests by what is below and nothing else: no scheduler, no trace, no configuration. They decide nothing but order: the
 * token budget, the full-prompt gate, and that nobody is preempted but for want of blocks, stay vLLM's. Same calls in, same answers out:
 * no clocks, no addresses, no randomness. examples/own_policy.c is a whole one; the built-in ones in sim/policy use the same tables.
 *
 * Thread rule: tables are constant and shared by all runs; `self` belongs to one run. */

/* The first member of every table. */
struct pagesim_policy_info {
    const char *name;    /* as in the configuration; shorter than 64 bytes */
    const char *summary; /* one line: what it does and where it is from */
};

/* A request as a policy sees it. */
struct pagesim_policy_request {
    int64_t arrival_ns;
    uint32_t position; /* 0 .. request_count - 1, in order of arrival */
    uint32_t input_tokens;
    uint32_t output_tokens; /* how many it will generate, >= 1: known to a simulator only, or what a predictor that errs says of it
                             * (length_prediction_sigma), and then it may generate more. Who looks at it says "oracle" in its summary. */
    int32_t priority;       /* lower is sooner */
    /* These change. Not for policies with a static key. */
    uint32_t known_tokens;    /* prompt and generated so far */
    uint32_t computed_tokens; /* with K/V present; 0 while it waits */
    /* This does not change. */
    uint32_t tenant; /* whose it is, from 1; in traces that name no tenants, its session; 0: the trace does not say */
};

static inline uint32_t pagesim_generated_tokens(const struct pagesim_policy_request *request)
{
    return request->known_tokens - request->input_tokens;
}

/* --- scheduling_policy: the order of waiting ---------------------------------------------------------------------------------------- */

enum pagesim_policy_order {
    PAGESIM_POLICY_ARRIVAL,      /* first come, first served; preempted requests go to the very front. No key */
    PAGESIM_POLICY_STATIC_KEY,   /* the key depends on what is known at arrival: asked for once */
    PAGESIM_POLICY_CHANGING_KEY, /* asked for at arrival, at a preemption and, of running requests, whenever a victim is chosen */
};

enum { PAGESIM_POLICY_CLASSES = 3 };

/* What a policy may ask once, when a run starts. */
struct pagesim_policy_setup {
    uint32_t request_count;
    uint32_t tenant_count; /* numbers of tenants are below it */
    /* The time of a step in which one request alone computes `tokens` after `context` tokens, as the run's step-time model prices it. */
    int64_t (*step_ns)(const void *model, uint32_t tokens, uint32_t context);
    const void *model;
    /* The keys of the configuration that are for policies: slo_ttft_ms_0 and so on, fair_input_weight, fair_output_weight. */
    int64_t ttft_target_ns[PAGESIM_POLICY_CLASSES];
    double input_weight, output_weight;
};

enum pagesim_policy_event_kind {
    PAGESIM_POLICY_ARRIVED,  /* before its first key */
    PAGESIM_POLICY_ADMITTED, /* waiting -> running, first time or again; tokens = found in the prefix cache */
    /* A step is priced, and ends at now_ns; tokens = computed in it; `generated`: and it brings an output token, which counts as known. With
     * asynchronous scheduling this is told a step before its output is back. */
    PAGESIM_POLICY_COMPUTED,
    PAGESIM_POLICY_PREEMPTED, /* running -> waiting, before its new key; tokens = computed ones lost */
    PAGESIM_POLICY_FINISHED,  /* after the PAGESIM_POLICY_COMPUTED of its last step */
};

struct pagesim_policy_event {
    enum pagesim_policy_event_kind kind;
    int64_t now_ns;
    int64_t step_ns; /* PAGESIM_POLICY_COMPUTED: how long the step took */
    uint32_t tokens;
    bool generated;
};

/* The waiting requests, for before_admission. */
struct pagesim_policy_waiting {
    uint32_t count;
    const uint32_t *positions; /* in no useful order */
    /* Tokens that the request would find in the prefix cache now. O(blocks found). */
    uint32_t (*cached_tokens)(struct pagesim_policy_waiting *waiting, uint32_t position);
    /* Give a waiting request another key; counts when before_admission returns. */
    void (*set_key)(struct pagesim_policy_waiting *waiting, uint32_t position, int64_t key);
};

struct pagesim_scheduling_policy {
    struct pagesim_policy_info info;
    enum pagesim_policy_order order;
    /* Keys say nothing of running requests: vLLM's victim is then the one admitted last, as under fcfs. */
    bool waiting_only;
    /* Victims of equal key and arrival: vLLM's priority policy takes the first of the running list, with which requests can push each
     * other out for ever. All others leave this false: the one that comes last in the trace. */
    bool first_of_ties;
    /* Lower is sooner; ties go by position. NULL for PAGESIM_POLICY_ARRIVAL only. */
    int64_t (*key)(void *self, const struct pagesim_policy_request *request);

    /* The rest may be NULL. create makes the state of one run, `self` of all other calls; false: out of memory. destroy gets NULL when there is no state. */
    bool (*create)(const struct pagesim_policy_setup *setup, void **self);
    void (*destroy)(void *self);
    void (*happened)(void *self, const struct pagesim_policy_request *request, const struct pagesim_policy_event *event);
    /* In each step that can admit somebody, before the first is looked at. Not with PAGESIM_POLICY_ARRIVAL, which has no keys to set. */
    void (*before_admission)(void *self, int64_t now_ns, struct pagesim_policy_waiting *waiting);
    /* For how long a request that decodes may go on, in ns of its steps, until `happened` has to know. Steps that end before that may be
     * told late and as one: PAGESIM_POLICY_COMPUTED with the sums of their step_ns and tokens, before anything else is told or asked of the
     * request. So `happened` must look at one request at a time. Makes replays several times as fast; NULL: each step by itself. */
    int64_t (*patience)(void *self, const struct pagesim_policy_request *request);
};

/* --- preemption_victim: who loses its blocks ------------------------------------------------------------------------------------------ */

/* The running requests; [count - 1] was admitted last. The one that needs a block is among them and may be the victim too. */
struct pagesim_policy_running {
    uint32_t count;     /* >= 1 */
    bool ordered;       /* the scheduling policy has keys and they mean running requests too */
    bool first_of_ties; /* of the scheduling policy */
    struct pagesim_policy_request (*request)(const struct pagesim_policy_running *running, uint32_t at);
    /* The scheduling policy's key; only when `ordered`. */
    int64_t (*key)(const struct pagesim_policy_running *running, uint32_t at);
    /* Of its computed tokens, the leading ones in blocks that other running requests hold too. O(blocks shared). */
    uint32_t (*shared_tokens)(const struct pagesim_policy_running *running, uint32_t at);
};

struct pagesim_preemption_victim {
    struct pagesim_policy_info info;
    uint32_t (*choose)(const struct pagesim_policy_running *running); /* 0 .. count - 1 */
};

/* --- eviction_policy: which cached block is taken for something else ------------------------------------------------------------------ */

/* A free block whose content can still be found. Free blocks without content are always taken first. */
struct pagesim_policy_block {
    uint64_t touched; /* number of the admission that hit it last or, if none did, whose request filled it; counts up */
    uint64_t freed;   /* number of its release; counts up over all blocks */
    uint32_t hits;    /* requests that hit it since it was filled */
    uint32_t depth;   /* its place in the last such request's table, from 0 */
    /* Not for policies with touches_only. */
    uint32_t table_blocks;  /* of the table that it became free with */
    uint32_t request_class; /* of the request of `touched`, below PAGESIM_EVICTION_CLASSES; 0 for policies without `worth` */
    int64_t touched_ns;     /* when that was admitted */
};

/* Three priorities (0 and below, 1, 2 and above) times three turns of a session (the first, the second, later ones) or, in traces without
 * sessions, lengths of the prompt (up to 1024 tokens, up to 8192, longer): class 3 * priority + turn. */
enum { PAGESIM_EVICTION_CLASSES = 9 };

/* What a policy may know when a run starts: keys of the configuration. */
struct pagesim_eviction_setup {
    uint32_t block_size;
    uint32_t tail_tokens, tail_next_tokens;
    int64_t reuse_window_ns;
};

struct pagesim_eviction_policy {
    struct pagesim_policy_info info;
    /* Lowest goes first; ties: touched longest ago, then deepest. NULL: vLLM's queue. Asked for once each time the block becomes free. */
    uint64_t (*key)(void *self, const struct pagesim_policy_block *block);
    /* The key looks at `touched` and `hits` alone. Blocks that were touched together then go one after the other, and the policy runs in
     * the fast event replay; false: in the plain scheduler. */
    bool touches_only;
    /* The rest may be NULL, and is with touches_only. As in scheduling policies. */
    bool (*create)(const struct pagesim_eviction_setup *setup, void **self);
    void (*destroy)(void *self);
    /* A request of this class is admitted and hits a block, which is shown as it was before; NULL: it fills a new one. */
    void (*touched)(void *self, const struct pagesim_policy_block *before, uint32_t request_class, int64_t now_ns);
    /* Each class of requests has an order of its own by the key, and of the first of each the one that is worth least goes. Asked for at
     * every eviction, so it may change with time. */
    double (*worth)(void *self, const struct pagesim_policy_block *first, int64_t now_ns);
};

/* --- router: which replica of a fleet gets a request --------------------------------------------------------------------------------
 *
 *     clients ----> router ----> replica 0 .. count - 1, each a server of its own: scheduler, pool, prefix cache
 *                     ^              |
 *                     '-- answers ---'   and reports of queues and blocks, taken every router_view_ms
 *
 * A router knows what a real one would: the request, what it sent where, whose answers came back, and what the replicas report. Requests
 * come in the order of time. */

/* A request as a router sees it. All samples of one request go the same way. */
struct pagesim_router_request {
    int64_t now_ns;        /* when the router has it */
    uint32_t position;     /* 0 .. request_count - 1, in the trace's order */
    uint32_t input_tokens; /* of the prompt */
    int32_t priority;      /* lower is sooner */
    uint32_t session;      /* from 1; 0: none */
    uint32_t tenant;       /* from 1; in traces that name no tenants, its session; 0: the trace does not say */
    /* What the prompt begins with: names of pieces of tokens_per_name tokens each, numbers below name_count. Equal names at equal places after
     * equal names are equal tokens. A later turn of a session whose prompt has no names has one that stands for its session. */
    const uint32_t *names;
    uint32_t names_length;
};

/* A replica as a router sees it. */
struct pagesim_router_replica {
    bool takes_requests; /* false: starting, draining, failed or ended; never choose it */
    /* The router's own books: requests that it sent there and whose answers have not all come back. */
    uint64_t unanswered;
    uint64_t unanswered_tokens;                     /* prompt tokens of these */
    uint64_t unanswered_of[PAGESIM_POLICY_CLASSES]; /* these by class: priority 0 and below, 1, 2 and above */
    uint64_t sent;                                  /* all that it ever sent there */
    uint64_t last_sent;                             /* the number of the newest of these over all replicas, from 1; 0: none yet */
    /* The replica's newest report, which is up to router_view_ms old. */
    uint64_t running, waiting, used_blocks, pool_blocks;
    uint64_t sent_since; /* requests sent there after that report */
};

struct pagesim_router_setup {
    uint32_t request_count;
    uint32_t replica_most;    /* numbers of replicas are below it, those that come later included */
    uint32_t name_count;      /* names of prompt pieces are below it */
    uint32_t tokens_per_name; /* 0: no prompt has names */
    uint64_t seed;
    /* Keys of the configuration that are for routers. */
    double prefix_match_share; /* router_prefix_match: the least share of a prompt that counts as a match */
    uint64_t balance_requests; /* router_balance_requests and */
    double balance_ratio;      /* router_balance_ratio: loads that differ by more than both are out of balance */
    uint64_t index_pieces;     /* router_index_blocks in pieces: how many a router remembers of a replica */
};

struct pagesim_router {
    struct pagesim_policy_info info;
    /* What choose looks at. A router that looks at neither is told of nothing, and all its replicas replay side by side. */
    bool looks_at_answers; /* unanswered and its kin */
    bool looks_at_reports; /* running, waiting, used_blocks, sent_since */
    double view_ms;        /* the age of reports that is usual for it, where router_view_ms is not given */
    /* As in scheduling policies; may be NULL. */
    bool (*create)(const struct pagesim_router_setup *setup, void **self);
    void (*destroy)(void *self);
    /* The number of a replica that takes requests; there is at least one. Out of memory: UINT32_MAX. */
    uint32_t (*choose)(void *self, const struct pagesim_router_request *request, const struct pagesim_router_replica *replicas,
                       uint32_t count);
    /* What was remembered of a replica is void: it went away, and one that comes later may get its number. May be NULL. */
    void (*gone)(void *self, uint32_t replica);
};

/* --- registering ---
 *
 * Make a policy known to the whole process. The table is not copied and must stay. Call these from one thread, before the first run.
 * PAGESIM_FAILED: the name is taken, empty or too long (64 bytes with the terminator), a function is missing, or there are 64 already. */
PAGESIM_NODISCARD PAGESIM_API enum pagesim_status pagesim_register_scheduling_policy(const struct pagesim_scheduling_policy *policy,
                                                                                     struct pagesim_error *error);
PAGESIM_NODISCARD PAGESIM_API enum pagesim_status pagesim_register_preemption_victim(const struct pagesim_preemption_victim *policy,
                                                                                     struct pagesim_error *error);
PAGESIM_NODISCARD PAGESIM_API enum pagesim_status pagesim_register_eviction_policy(const struct pagesim_eviction_policy *policy,
                                                                                   struct pagesim_error *error);
PAGESIM_NODISCARD PAGESIM_API enum pagesim_status pagesim_register_router(const struct pagesim_router *router, struct pagesim_error *error);

#ifdef __cplusplus
}
#endif

#endif
