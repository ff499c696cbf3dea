/* test_worker_step.c - the verified data plane with groups of layers, windows and drafts: right replays pass, also where requests are
 * preempted, and a block kept outside of its window, one of another group, and a rejected draft that counts as present are found. */
#include <criterion/criterion.h>
#include <string.h>

#include "config/kv_groups.h"
#include "data_plane/worker.h"
#include "replay/replay.h"
#include "support/tiny_trace.h"

static const struct tiny_request requests[] = {{0, 120, 40, .hash_count = 6, .hash_ids = {0, 1, 2, 3, 4, 5}},
                                               {0, 90, 40, .hash_count = 5, .hash_ids = {0, 1, 2, 3, 9}},
                                               {0, 64, 40, .hash_count = 4, .hash_ids = {0, 1, 2, 3}},
                                               {900, 120, 20, .hash_count = 6, .hash_ids = {0, 1, 2, 3, 4, 5}}};

/* What is done to one step on its way to the worker; true: it was. Tables and sequences are copies. */
typedef bool tamper_function(struct step_sequence *sequences, uint32_t count, uint32_t tables[][32], const struct kv_groups *groups);

struct tamperer {
    struct observer worker;
    struct kv_groups groups;
    tamper_function *tamper; /* NULL: none */
    bool struck;
    uint32_t preemptions;
};

enum { SEQUENCES_MOST = 16 };

static enum status on_scheduled(void *self, const struct step *step, struct diag *diag)
{
    struct tamperer *tamperer = self;
    struct step_sequence sequences[SEQUENCES_MOST];
    uint32_t tables[SEQUENCES_MOST][32];
    struct step wrong = *step;
    tamperer->preemptions += step->preempted_count;
    cr_assert_leq(step->sequence_count, SEQUENCES_MOST);
    for (uint32_t i = 0; i < step->sequence_count; i++) {
        cr_assert_leq(step->sequences[i].num_blocks, 32);
        sequences[i] = step->sequences[i];
        memcpy(tables[i], sequences[i].blocks, sequences[i].num_blocks * sizeof(uint32_t));
        sequences[i].blocks = tables[i];
    }
    wrong.sequences = sequences;
    if (tamperer->tamper && !tamperer->struck)
        tamperer->struck = tamperer->tamper(sequences, step->sequence_count, tables, &tamperer->groups);
    return tamperer->worker.scheduled(tamperer->worker.self, &wrong, diag);
}

static enum status on_completed(void *self, const struct step *step, struct diag *diag)
{
    struct tamperer *tamperer = self;
    return tamperer->worker.completed(tamperer->worker.self, step, diag);
}

static enum status run(const struct config *config, tamper_function *tamper, uint32_t *preemptions, struct diag *diag)
{
    struct trace *trace = tiny_trace(requests, sizeof requests / sizeof *requests);
    struct step_time_model *model;
    struct worker *worker;
    struct replay_facts facts;
    const struct replay_options options = {.reference = true};
    struct tamperer tamperer = {.tamper = tamper};
    *diag = (struct diag){0};
    cr_assert_eq(kv_groups_make(config, "test", &tamperer.groups, diag), SIM_OK, "%s", diag->text);
    cr_assert_eq(step_time_create(config, &model, diag), SIM_OK);
    cr_assert_eq(worker_create(trace, config, 2, &(struct geometry_wish){0}, &worker, diag), SIM_OK, "%s", diag->text);
    tamperer.worker = worker_observer(worker);
    const struct observer observer = {.self = &tamperer, .scheduled = on_scheduled, .completed = on_completed};
    enum status status = replay_run(trace, config, model, &observer, 1, &options, &facts, diag);
    cr_assert(tamperer.struck || !tamper);
    cr_expect_gt(worker_totals(worker)->floats_checked, 0);
    *preemptions = tamperer.preemptions;
    worker_destroy(worker);
    step_time_destroy(model);
    trace_destroy(trace);
    return status;
}

static struct config verified(bool async, enum kv_read read)
{
    struct config config = tiny_config_v1(16, 20);
    config.max_num_batched_tokens = 160;
    config.async_scheduling = async;
    config.scheduler_reserve_full_isl = false;
    config.data_plane = DATA_PLANE_VERIFY;
    config.kv.read = read;
    return config;
}

static void add_layers(struct config *config, enum kv_kind kind, uint32_t reach, uint32_t block_size)
{
    config->kv_cache_groups[config->kv_cache_groups_count++] =
        (struct kv_layers){.kind = kind, .reach = reach, .block_size = block_size, .layers = 1};
}

static void speculate(struct config *config, double rate)
{
    config->speculative = (struct speculative_config){.method = SPECULATIVE_EAGLE, .num_speculative_tokens = 3, .acceptance_seed = 5};
    for (int i = 0; i < 3; i++)
        config->speculative.acceptance_rates[i] = i ? config->speculative.acceptance_rates[i - 1] * rate : rate;
}

/* Pools are so small that somebody is preempted in each. */
Test(worker_step, groups_windows_and_drafts_pass_where_requests_are_preempted)
{
    for (int way = 0; way < 4; way++)
        for (int kind = 0; kind < 5; kind++) {
            struct config config = verified(way % 2, way / 2 ? KV_READ_ATTEND : KV_READ_GATHER);
            struct diag diag;
            uint32_t preemptions;
            if (kind == 0 || kind == 4) {
                add_layers(&config, KV_KIND_SLIDING_WINDOW, 40, 0);
                add_layers(&config, KV_KIND_FULL, 0, 0);
            } else if (kind == 1) {
                add_layers(&config, KV_KIND_CHUNKED_LOCAL, 64, 0);
                add_layers(&config, KV_KIND_FULL, 0, 0);
            } else if (kind == 2) {
                add_layers(&config, KV_KIND_FULL, 0, 48);
                add_layers(&config, KV_KIND_SLIDING_WINDOW, 20, 16);
                config.num_gpu_blocks = 16;
            }
            if (kind >= 3) {
                speculate(&config, 0.7);
                config.prefix_cache_retention_interval = RETENTION_DENSE;
            }
            cr_expect_eq(run(&config, NULL, &preemptions, &diag), SIM_OK, "way %d, kind %d: %s", way, kind, diag.text);
            cr_expect_gt(preemptions, 0, "way %d, kind %d", way, kind);
        }
}

/* A scheduler that forgets to give a block back. */
static bool keep_passed(struct step_sequence *sequences, uint32_t count, uint32_t tables[][32], const struct kv_groups *groups)
{
    (void)groups;
    for (uint32_t i = 0; i < count; i++)
        if (sequences[i].passed > 0) {
            tables[i][--sequences[i].passed] = 19;
            return true;
        }
    return false;
}

/* One that gives a block back too early. */
static bool pass_early(struct step_sequence *sequences, uint32_t count, uint32_t tables[][32], const struct kv_groups *groups)
{
    for (uint32_t i = 0; i < count; i++)
        if (groups->list[sequences[i].group].kind == KV_KIND_SLIDING_WINDOW && sequences[i].start > 64) {
            tables[i][sequences[i].passed++] = 0;
            return true;
        }
    return false;
}

Test(worker_step, a_block_kept_outside_of_its_window_and_one_given_up_in_it_are_found)
{
    tamper_function *const tampers[] = {keep_passed, pass_early};
    for (int way = 0; way < 4; way++) {
        struct config config = verified(way % 2, KV_READ_GATHER);
        struct diag diag;
        uint32_t preemptions;
        add_layers(&config, KV_KIND_SLIDING_WINDOW, 40, 0);
        add_layers(&config, KV_KIND_FULL, 0, 0);
        cr_expect_eq(run(&config, tampers[way / 2], &preemptions, &diag), SIM_FAILED);
        cr_expect(strstr(diag.text, "window") && strstr(diag.text, "group 0"), "%s", diag.text);
    }
}

/* The same place in the table of another group: other layers of the same tokens. */
static bool take_other_group(struct step_sequence *sequences, uint32_t count, uint32_t tables[][32], const struct kv_groups *groups)
{
    for (uint32_t i = 0; i + 1 < count; i++)
        if (groups->list[sequences[i].group].kind == KV_KIND_SLIDING_WINDOW && sequences[i].start > 64 && sequences[i].start % 16 == 0) {
            const uint32_t k = (sequences[i].start - 1) / 16; /* the step writes to the blocks after it */
            tables[i][k] = tables[i + 1][k];
            return true;
        }
    return false;
}

Test(worker_step, a_block_of_another_group_is_found)
{
    struct config config = verified(true, KV_READ_GATHER);
    struct diag diag;
    uint32_t preemptions;
    add_layers(&config, KV_KIND_SLIDING_WINDOW, 40, 0);
    add_layers(&config, KV_KIND_FULL, 0, 0);
    cr_expect_eq(run(&config, take_other_group, &preemptions, &diag), SIM_FAILED);
    cr_expect(strstr(diag.text, "should be"), "%s", diag.text);
}

/* One token more counts as present than was verified: a draft that was wrong. */
static bool keep_draft(struct step_sequence *sequences, uint32_t count, uint32_t tables[][32], const struct kv_groups *groups)
{
    (void)tables;
    (void)groups;
    for (uint32_t i = 0; i < count; i++)
        if (sequences[i].start > 130 && sequences[i].tokens > 1) {
            sequences[i].start++;
            sequences[i].tokens--;
            return true;
        }
    return false;
}

Test(worker_step, a_rejected_draft_that_is_kept_is_found)
{
    for (int async = 0; async < 2; async++) {
        struct config config = verified(async, KV_READ_GATHER);
        struct diag diag;
        uint32_t preemptions;
        speculate(&config, 0);
        config.num_gpu_blocks = 60;
        cr_expect_eq(run(&config, NULL, &preemptions, &diag), SIM_OK, "%s", diag.text);
        cr_expect_eq(run(&config, keep_draft, &preemptions, &diag), SIM_FAILED);
        cr_expect(strstr(diag.text, "should be"), "%s", diag.text);
    }
}
