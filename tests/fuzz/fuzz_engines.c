/* fuzz_engines.c - bytes become a small configuration and a trace, and both engines of V1 must say the same: every tally, every event, the
 * whole report byte for byte, the same error. The readable schedulers (V0 as well) walk their invariants after every step, the event replay
 * has them in assertions. Some inputs move K/V bytes, verified, and once more with a wrong block or a wrong float, which must be noticed.
 *
 * The input is a list of decisions (make_config, then make_trace), 0 being the simplest of each. Read LLVMFuzzerTestOneInput first. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text_file.h"
#include "config/config_keys.h"
#include "config/kv_groups.h"
#include "data_plane/worker.h"
#include "data_plane/worker_values.h"
#include "engine/content.h"
#include "fuzz/harness.h"
#include "report/renderer.h"
#include "report/replay_report.h"
#include "support/stream_recorder.h"
#include "support/tiny_trace.h"
#include "trace/trace_write.h"

/* A case that goes on for ever, as two requests that preempt each other do, is stopped after so many steps. */
enum { REQUESTS_MOST = 20, STEPS_MOST = 3000, SESSIONS = 3 };
/* What is done beside the comparison; half of the inputs get reports. */
enum { VERIFY = 1, WRONG_FLOAT = 2, REPORTS_FROM = 4, ALSO = 8 };

/* --- the configuration --------------------------------------------------------------------------------------------------------------- */

static void make_v0(struct config *config, struct fuzz_bytes *bytes)
{
    config->scheduler = SCHEDULER_VLLM_V0;
    config->num_cpu_blocks = fuzz_below(bytes, 2) ? fuzz_below(bytes, 60) : 0;
    config->preemption_mode = (enum preemption_mode)fuzz_below(bytes, 3);
    config->scheduler_reserve_full_isl = true;
    tiny_name(config->scheduling_policy, "fcfs");
    tiny_name(config->preemption_victim, "vllm");
    tiny_name(config->eviction_policy, "vllm");
    config->long_prefill_token_threshold = 0;
    if (config->enable_chunked_prefill && config->enable_prefix_caching) /* vLLM wants whole blocks there */
        config->max_num_batched_tokens = (config->max_num_batched_tokens / config->block_size + 1) * config->block_size;
}

static void choose_policies(struct config *config, struct fuzz_bytes *bytes)
{
    static const char *const scheduling[] = {"fcfs", "priority", "sjf", "sjf-oracle", "lpm", "srpt", "mlfq"};
    static const char *const victims[] = {"vllm", "lowest-progress", "cheapest-recompute"};
    static const char *const evictions[] = {"vllm", "vllm", "vllm", "lru", "lfu"};
    tiny_name(config->scheduling_policy, scheduling[fuzz_below(bytes, sizeof scheduling / sizeof *scheduling)]);
    tiny_name(config->preemption_victim, victims[fuzz_below(bytes, sizeof victims / sizeof *victims)]);
    tiny_name(config->eviction_policy, evictions[fuzz_below(bytes, sizeof evictions / sizeof *evictions)]);
}

/* Steps of a usual length, of none, or so long that the clock ends. */
static void choose_times(struct config *config, struct fuzz_bytes *bytes)
{
    static const int64_t base[] = {5000000, 0, 1, 1000000007, INT64_MAX / 64}, token[] = {50000, 0, 1}, context[] = {20, 0, 1};
    config->step_time.base_ns = base[fuzz_below(bytes, sizeof base / sizeof *base)];
    config->step_time.token_ns = token[fuzz_below(bytes, sizeof token / sizeof *token)];
    config->step_time.kv_ns = context[fuzz_below(bytes, sizeof context / sizeof *context)];
    config->max_concurrency = fuzz_below(bytes, 2) ? 1 + fuzz_below(bytes, 6) : 0;
    switch (fuzz_below(bytes, 8)) {
    case 1:
        config->request_rate = INFINITY;
        break;
    case 2:
        config->request_rate = 100;
        config->burstiness = 0.25;
        break;
    case 3:
        config->arrival_speedup_ratio = 3;
        break;
    default:
        break;
    }
}

/* From numbers that are there, so that inputs found before these keys existed still mean the same in all else. */
static void choose_scheduling(struct config *config)
{
    const uint32_t budget = config->max_num_batched_tokens, length = config->max_model_len;
    config->async_scheduling = (budget + length) % 3 > 0;
    config->finish_reason = length % 2 ? FINISH_STOP : FINISH_LENGTH;
    config->max_num_active_seqs = budget % 5 == 4 ? 1 + budget % config->max_num_seqs : 0;
    config->max_num_scheduled_tokens = length % 5 == 4 && config->enable_chunked_prefill ? 1 + length % budget : 0;
    config->long_prefill_token_threshold_adaptive = budget % 2;
    if (length % 4 == 3)
        tiny_name(config->scheduling_policy, budget % 2 ? "edf" : "vtc");
    if (length % 8 == 6) /* by the plain scheduler both times; the data plane and all checks see them */
        tiny_name(config->eviction_policy, budget % 2 ? "tail-lru" : "workload-aware");
    config->length_prediction_sigma = 0.5 * (budget % 3);
    config->slo_ttft_ms[1] = length;
    config->step_time.host_ns = length % 7 == 6 ? INT64_C(1) << (budget % 32) : 0;
}

/* Groups of layers, windows and drafts; likewise. */
static void choose_layers(struct config *config)
{
    const uint32_t budget = config->max_num_batched_tokens, length = config->max_model_len, size = config->block_size;
    const struct kv_layers kinds[] = {{.kind = KV_KIND_SLIDING_WINDOW, .reach = 1 + budget % 40, .layers = 1 + length % 5},
                                      {.kind = KV_KIND_FULL, .layers = 2},
                                      {.kind = KV_KIND_CHUNKED_LOCAL, .reach = size * (1 + budget % 4), .layers = 1}};
    if (strcmp(config->eviction_policy, "vllm") != 0)
        return;
    for (uint32_t i = 0; budget % 4 == 1 && i < sizeof kinds / sizeof *kinds; i++)
        if (length >> i & 1)
            config->kv_cache_groups[config->kv_cache_groups_count++] = kinds[i];
    if (config->kv_cache_groups_count > 0 && length % 2)
        config->prefix_cache_retention_interval = length % 3 == 0 ? RETENTION_DENSE : length % 3 == 1 ? 4 * (int64_t)size : 0;
    if (length % 6 != 4 || config->long_prefill_token_threshold > 0 || budget < 8)
        return;
    config->speculative =
        (struct speculative_config){.method = (enum speculative_method)(1 + budget % SPECULATIVE_DFLASH),
                                    .num_speculative_tokens = 1 + budget % 4,
                                    .acceptance_seed = length,
                                    .disable_lookahead_block_hashes = config->kv_cache_groups_count == 0 && budget % 3 > 0};
    for (uint32_t i = 0; i < config->speculative.num_speculative_tokens; i++)
        config->speculative.acceptance_rates[i] = 0.9 / (1 + i);
}

static struct config make_config(struct fuzz_bytes *bytes)
{
    static const uint32_t sizes[] = {16, 1, 2, 3, 4, 8};
    const uint32_t block_size = sizes[fuzz_below(bytes, sizeof sizes / sizeof *sizes)];
    struct config config = tiny_config_v1(block_size, 2 + fuzz_below(bytes, 120));
    config.arrival_speedup_ratio = 1;
    config.max_num_seqs = 1 + fuzz_below(bytes, 9);
    config.max_num_batched_tokens = config.max_num_seqs + fuzz_below(bytes, 64);
    config.max_model_len = 20 + fuzz_below(bytes, 128);
    config.enable_prefix_caching = fuzz_below(bytes, 4) != 3;
    config.enable_chunked_prefill = fuzz_below(bytes, 4) != 3;
    if (!config.enable_chunked_prefill && config.max_num_batched_tokens < config.max_model_len)
        config.max_num_batched_tokens = config.max_model_len;
    config.long_prefill_token_threshold = fuzz_below(bytes, 32);
    config.scheduler_reserve_full_isl = fuzz_below(bytes, 4) != 3;
    config.watermark = 0.01 * fuzz_below(bytes, 32);
    config.trace_block_size = fuzz_below(bytes, 2) ? 2 * block_size : 1 + fuzz_below(bytes, 20);
    config.contiguity = fuzz_below(bytes, 2);
    choose_policies(&config, bytes);
    choose_times(&config, bytes);
    if (fuzz_below(bytes, 4) == 3)
        make_v0(&config, bytes);
    else
        choose_scheduling(&config);
    if (config.scheduler == SCHEDULER_VLLM_V1)
        choose_layers(&config);
    return config;
}

/* What requests have. */
enum { PRIORITIES = 1, SAMPLES = 2, BEAMS = 4, TURNS = 8, ANSWERS_SHARED = 16, ANSWERS_NAMED = 32 };

/* --- the trace ------------------------------------------------------------------------------------------------------------------------- */

static struct tiny_request make_request(struct fuzz_bytes *bytes, const struct config *config, uint32_t kinds)
{
    const bool v0 = config->scheduler == SCHEDULER_VLLM_V0;
    struct tiny_request request = {.input = 1 + fuzz_below(bytes, config->max_model_len), .output = 1 + fuzz_below(bytes, 32)};
    request.tenant = (request.input + request.output) % 4;
    if (kinds & PRIORITIES)
        request.priority = (int32_t)fuzz_below(bytes, 5) - 1;
    if (kinds & SAMPLES && !(kinds & TURNS))
        request.samples = 1 + fuzz_below(bytes, 4);
    if (kinds & BEAMS && v0)
        request.beam_width = fuzz_below(bytes, 4);
    const uint32_t named = request.input + (kinds & ANSWERS_NAMED ? request.output : 0);
    const uint32_t whole = (named - 1) / config->trace_block_size + 1, most = whole < 16 ? whole : 16; /* readers refuse more */
    request.hash_count = fuzz_below(bytes, most + 1);
    const uint32_t branch = request.hash_count > 0 ? fuzz_byte(bytes) : 0; /* from where on the prompt is another one, and which */
    for (uint32_t k = 0; k < request.hash_count; k++)
        request.hash_ids[k] = k >= (branch & 15) && branch >= 16 ? k + 16 * (branch >> 4) : k;
    return request;
}

/* Turns of a few sessions, some with a delay. Samples of one request share its session, so there are none here. */
static void add_sessions(struct trace *trace, const uint32_t *turns)
{
    struct diag diag = {0};
    uint32_t number;
    for (const char *name = "abc"; *name; name++)
        FUZZ_CHECK(session_names_number(&trace->sessions, name, 1, &number, &diag) == SIM_OK, "%s", diag.text);
    trace->session = calloc(trace->count, sizeof *trace->session);
    trace->delay_ns = calloc(trace->count, sizeof *trace->delay_ns);
    FUZZ_CHECK(trace->session && trace->delay_ns, "out of memory");
    for (uint32_t position = 0; position < trace->count; position++) {
        trace->session[position] = turns[position] % (SESSIONS + 1);
        trace->delay_ns[position] = (int64_t)(turns[position] / (SESSIONS + 1)) * 1000000;
    }
    FUZZ_CHECK(trace_link_turns(trace, &diag) == SIM_OK, "%s", diag.text);
}

static struct trace *make_trace(struct fuzz_bytes *bytes, struct config *config)
{
    struct tiny_request requests[REQUESTS_MOST] = {0};
    const uint32_t kinds = fuzz_byte(bytes), spread = 1 + fuzz_below(bytes, 40);
    uint32_t count = 0, turns[REQUESTS_MOST] = {0};
    int64_t now = 0;
    if (kinds & ANSWERS_NAMED) /* answers that ids name are told token by token */
        config->trace_block_size = 1;
    while (count < REQUESTS_MOST && (count == 0 || bytes->left > 0)) {
        now += (int64_t)fuzz_below(bytes, spread) * 1000000;
        requests[count] = make_request(bytes, config, kinds);
        turns[count] = kinds & TURNS ? fuzz_byte(bytes) : 0;
        requests[count++].arrival_ns = now;
    }
    struct trace *trace = tiny_trace(requests, count);
    if (kinds & TURNS)
        add_sessions(trace, turns);
    trace->facts.answers_shared = kinds & TURNS && kinds & ANSWERS_SHARED;
    trace->facts.ids_cover_answers = kinds & ANSWERS_NAMED;
    return trace;
}

/* --- both engines ---------------------------------------------------------------------------------------------------------------------- */

/* What a replay said. */
struct said {
    enum status status;
    struct diag diag;
    struct stream stream;
    struct figure_set figures; /* of a replay that ended, like the rest */
    char *report, *lines;      /* if asked for: as JSON, and for people */
};

/* How to replay. */
struct manner {
    bool reference; /* step by step, with all invariants walked */
    bool watched;   /* somebody wants single steps, else the event replay may take many at once */
    bool reports;   /* with reports, which take longer than most replays */
};

static void make_report(const struct run *run, struct said *said)
{
    const struct replay_result result = {.run = run, .sizing = &(struct sizing){0}};
    struct document *document = replay_report(&result, &(struct document_origin){.command = "replay", .trace = "t", .config = run->config});
    struct json_text json;
    struct diag diag = {0};
    size_t length;
    FUZZ_CHECK(document_to_json(document, &json, &diag) == SIM_OK, "%s", diag.text);
    said->report = strdup(json.text);
    fuzz_check_json(&json);
    FILE *file = open_memstream(&said->lines, &length);
    FUZZ_CHECK(file && said->report, "out of memory");
    FUZZ_CHECK(renderer_find(NULL)->render(document, &(struct render_options){.width = 80}, file, &diag) == SIM_OK, "%s", diag.text);
    fclose(file);
    document_destroy(document);
}

static void replay(const struct trace *trace, const struct config *config, struct manner manner, struct said *said)
{
    struct run run;
    const struct replay_options how = {.reference = manner.reference, .check = manner.reference};
    *said = (struct said){.stream = {.tally_limit = STEPS_MOST}};
    struct observer observer = stream_observer(&said->stream);
    observer.contiguity = config->contiguity; /* or reports would tell of it that nobody asked */
    said->status = run_open(&run, trace, config, &said->diag);
    if (said->status == SIM_OK)
        said->status = run_replay(&run, &observer, manner.watched, &how, &said->diag);
    fuzz_check_diag(said->status == SIM_INTERRUPTED ? said->diag.status : said->status, &said->diag);
    run.facts.by_events = false; /* the one thing that reports may say differently */
    said->figures = run.figures;
    if (said->status == SIM_OK && manner.reports)
        make_report(&run, said);
    run_close(&run);
}

/* Runs of ids are counted for who asks; the readable scheduler has them anyway. */
static void forget_id_runs(struct stream *stream)
{
    for (size_t i = 0; i < stream->tally_count; i++)
        stream->tallies[i].table_runs = 0;
}

static void forget(struct said *said)
{
    stream_deinit(&said->stream);
    free(said->report);
    free(said->lines);
}

static void check_texts(const char *plain, const char *fast)
{
    FUZZ_CHECK(!plain == !fast, "only one of them has a report");
    const char *line = plain;
    for (size_t i = 0; plain && (plain[i] || fast[i]); i++) {
        FUZZ_CHECK(plain[i] == fast[i], "step by step: %.200s\nby events: %.200s", line, fast + (line - plain));
        line = plain[i] == '\n' ? plain + i + 1 : line;
    }
}

static void check_alike(const struct said *plain, const struct said *fast)
{
    FUZZ_CHECK(plain->status == fast->status && strcmp(plain->diag.text, fast->diag.text) == 0, "step by step: %d %s\nby events: %d %s",
               (int)plain->status, plain->diag.text, (int)fast->status, fast->diag.text);
    for (size_t i = 0; plain->status == SIM_OK && i < plain->figures.count; i++) {
        const struct figure *a = &plain->figures.list[i], *b = &fast->figures.list[i];
        FUZZ_CHECK(a->undefined == b->undefined && (a->undefined || a->value == b->value), "%s is %.17g and %.17g", a->name, a->value,
                   b->value);
    }
}

/* True when it ended by itself, so that it may be run without a limit. */
static bool compare_engines(const struct trace *trace, const struct config *config, bool reports)
{
    struct said *said = calloc(3, sizeof *said), *plain = &said[0], *fast = &said[1], *unwatched = &said[2];
    char text[256];
    FUZZ_CHECK(said, "out of memory");
    replay(trace, config, (struct manner){.reference = true, .watched = true, .reports = reports}, plain);
    replay(trace, config, (struct manner){.watched = true}, fast);
    if (!config->contiguity) {
        forget_id_runs(&plain->stream);
        forget_id_runs(&fast->stream);
    }
    FUZZ_CHECK(plain->status == SIM_BAD_INPUT || stream_equal(&plain->stream, &fast->stream, text, sizeof text), "%s", text);
    check_alike(plain, fast);
    const bool ended = plain->status == SIM_OK;
    if (ended) {
        replay(trace, config, (struct manner){.reports = reports}, unwatched);
        check_alike(plain, unwatched);
        check_texts(plain->report, unwatched->report);
        check_texts(plain->lines, unwatched->lines);
    }
    for (int i = 0; i < 3; i++)
        forget(&said[i]);
    free(said);
    return ended;
}

/* --- the data plane ---------------------------------------------------------------------------------------------------------------------- */

/* Hands steps to the worker, the first fitting one after `after` with one block of a table replaced by another one's. */
struct saboteur {
    struct observer worker;
    const struct trace *trace;
    const struct config *config;
    uint64_t after;
    bool struck;
};

/* What stands for all tokens up to the end of block `entry`. */
static uint64_t prefix_link(const struct saboteur *saboteur, const struct step_sequence *sequence, uint32_t entry)
{
    uint64_t link = 0;
    for (uint32_t j = 0; j < (entry + 1) * saboteur->config->block_size; j++)
        link = content_link(link, content_token(saboteur->trace, saboteur->config->trace_block_size, sequence->request, sequence->sample,
                                                sequence->lineage, j));
    return link;
}

/* Blocks that were full before the step are only read in it; the last of both, if their contents differ. */
static bool find_pair(const struct saboteur *saboteur, const struct step *step, uint32_t *victim, uint32_t *entry, uint32_t *block)
{
    const uint32_t size = saboteur->config->block_size;
    for (uint32_t q = 1; q < step->sequence_count; q++) {
        const struct step_sequence *a = &step->sequences[q], *b = &step->sequences[q - 1];
        if (a->start < size || b->start < size || a->tokens == 0)
            continue;
        const uint32_t mine = a->start / size - 1, other = b->start / size - 1;
        if (a->blocks[mine] == b->blocks[other] || prefix_link(saboteur, a, mine) == prefix_link(saboteur, b, other))
            continue;
        *victim = q;
        *entry = mine;
        *block = b->blocks[other];
        return true;
    }
    return false;
}

static enum status sabotage(void *self, const struct step *step, struct diag *diag)
{
    struct saboteur *saboteur = self;
    uint32_t victim, entry, block;
    if (saboteur->struck || step->tally.step < saboteur->after || !find_pair(saboteur, step, &victim, &entry, &block))
        return saboteur->worker.scheduled(saboteur->worker.self, step, diag);
    struct step wrong = *step;
    struct step_sequence *sequences = calloc(step->sequence_count, sizeof *sequences);
    uint32_t *table = calloc(step->sequences[victim].num_blocks, sizeof *table);
    FUZZ_CHECK(sequences && table, "out of memory");
    memcpy(sequences, step->sequences, step->sequence_count * sizeof *sequences);
    memcpy(table, sequences[victim].blocks, sequences[victim].num_blocks * sizeof *table);
    table[entry] = block;
    sequences[victim].blocks = table;
    wrong.sequences = sequences;
    saboteur->struck = true;
    const enum status status = saboteur->worker.scheduled(saboteur->worker.self, &wrong, diag);
    FUZZ_CHECK(status == SIM_FAILED && strstr(diag->text, "should be"), "a wrong block was not noticed in step %" PRIu64 ": %s",
               step->tally.step, diag->text);
    free(sequences);
    free(table);
    return status;
}

static enum status pass_on(void *self, const struct step *step, struct diag *diag)
{
    const struct saboteur *saboteur = self;
    return saboteur->worker.completed(saboteur->worker.self, step, diag);
}

/* Right bytes pass. With a saboteur the replay ends where it struck, if it found a step to strike in. */
static void move_bytes(const struct trace *trace, const struct config *config, uint64_t strike_after)
{
    struct run run;
    struct worker *worker = NULL;
    struct diag diag = {0};
    FUZZ_CHECK(run_open(&run, trace, config, &diag) == SIM_OK &&
                   worker_create(run.trace, config, 1, &(struct geometry_wish){0}, &worker, &diag) == SIM_OK,
               "%s", diag.text);
    struct saboteur saboteur = {.worker = worker_observer(worker),
                                .trace = run.trace,
                                .config = config,
                                .after = strike_after,
                                .struck = strike_after == UINT64_MAX};
    const struct observer observer = {.self = &saboteur, .scheduled = sabotage, .completed = pass_on};
    run.worker = worker_totals(worker);
    const enum status status = run_replay(&run, &observer, 1, NULL, &diag);
    if (strike_after == UINT64_MAX || !saboteur.struck)
        FUZZ_CHECK(status == SIM_OK, "right K/V data is refused: %s", diag.text);
    worker_destroy(worker);
    run_close(&run);
}

static void verify_data_plane(const struct trace *trace, struct config config, struct fuzz_bytes *bytes)
{
    const uint32_t byte = fuzz_byte(bytes);
    config.data_plane = DATA_PLANE_VERIFY;
    config.kv = (struct kv_config){.num_layers = 1 + byte % 2,
                                   .num_kv_heads = 1 + byte / 2 % 2,
                                   .head_dim = byte / 4 % 2 ? 8 : 20,
                                   .dtype = (enum kv_dtype)(byte / 8 % 3),
                                   .read = byte >= 224 ? KV_READ_ATTEND : KV_READ_GATHER};
    move_bytes(trace, &config, UINT64_MAX);
    /* Short storage types have so few values that a wrong one can be right by chance. */
    config.kv.dtype = KV_DTYPE_FLOAT32;
    config.kv.read = KV_READ_GATHER;
    if (kv_groups_plain(&config)) /* test_worker_step.c strikes the others */
        move_bytes(trace, &config, byte % 16);
}

/* One float of one token, wrong in any bit, is found at its place. */
static void check_wrong_float(struct fuzz_bytes *bytes)
{
    enum { TOKENS = 3, HEADS = 2, DIM = 20, FLOATS = TOKENS * HEADS * DIM };
    const struct kv_config kv = {.num_layers = 2, .num_kv_heads = HEADS, .head_dim = DIM, .dtype = (enum kv_dtype)fuzz_below(bytes, 3)};
    uint64_t links[TOKENS] = {0};
    float rows[2][FLOATS], heads[2][FLOATS];
    struct wrong_value wrong;
    for (uint32_t i = 0; i < TOKENS; i++)
        links[i] = content_link(i ? links[i - 1] : 0, fuzz_byte(bytes));
    const uint32_t layer = fuzz_below(bytes, 2), side = fuzz_below(bytes, 2), at = fuzz_below(bytes, FLOATS), flip = fuzz_below(bytes, 32);
    worker_values_fill(&kv, layer, links, TOKENS, rows[0], rows[1]);
    for (uint32_t i = 0; i < 2 * FLOATS; i++) {
        const uint32_t which = i / FLOATS, head = i % FLOATS / (TOKENS * DIM), token = i / DIM % TOKENS, dim = i % DIM;
        heads[which][i % FLOATS] = rows[which][(token * HEADS + head) * DIM + dim];
    }
    FUZZ_CHECK(worker_values_check(&kv, layer, links, TOKENS, heads[0], heads[1], 1, &wrong), "right floats are refused");
    uint32_t bits;
    const float right = heads[side][at];
    memcpy(&bits, &heads[side][at], sizeof bits);
    bits ^= UINT32_C(1) << flip;
    memcpy(&heads[side][at], &bits, sizeof bits);
    if (heads[side][at] == right) /* -0 is 0 */
        return;
    FUZZ_CHECK(!worker_values_check(&kv, layer, links, TOKENS, heads[0], heads[1], 1, &wrong), "%g instead of %g was not noticed",
               (double)heads[side][at], (double)right);
    FUZZ_CHECK(wrong.value == (side == 1) && wrong.head == at / (TOKENS * DIM) && wrong.token == at / DIM % TOKENS && wrong.dim == at % DIM,
               "the wrong float is found in another place");
}

/* The case as files that the program takes, to look at a finding with. */
static void tell(const struct trace *trace, const struct config *config)
{
    struct diag diag = {0};
    struct text_writer *writer;
    struct json_text json;
    json_text_init(&json, false);
    config_write(config, &json);
    dprintf(STDERR_FILENO, "%s\n", json.text);
    json_text_deinit(&json);
    if (text_writer_open("/dev/stderr", &writer, &diag) == SIM_OK && trace_write(trace, writer, &diag) == SIM_OK)
        diag.status = text_writer_commit(writer, &diag);
}

/* --- the whole --------------------------------------------------------------------------------------------------------------------------- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = {data, size};
    struct diag diag = {0};
    const uint32_t also = fuzz_below(&bytes, ALSO);
    struct fuzz_bytes more = bytes;
    struct config config = make_config(&bytes);
    if (config_check(&config, "configuration", &diag) != SIM_OK) {
        fuzz_check_diag(diag.status, &diag);
        return 0;
    }
    struct trace *trace = make_trace(&bytes, &config);
    if (getenv("FUZZ_TELL"))
        tell(trace, &config);
    const bool ended = compare_engines(trace, &config, also >= REPORTS_FROM);
    if (also == VERIFY && ended)
        verify_data_plane(trace, config, &more);
    if (also == WRONG_FLOAT)
        check_wrong_float(&more);
    trace_destroy(trace);
    return 0;
}
