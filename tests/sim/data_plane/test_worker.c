/* test_worker.c - the verified data plane: right replays pass, one wrong block is found and named. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data_plane/worker.h"
#include "data_plane/worker_values.h"
#include "half_float.h"
#include "replay/replay.h"
#include "support/tiny_trace.h"

static const struct tiny_request two_prompts[] = {{0, 40, 8, .hash_count = 3, .hash_ids = {0, 1, 2}},
                                                  {0, 40, 8, .hash_count = 3, .hash_ids = {0, 5, 6}}};

/* Hands steps on to the worker, at one step with a wrong block in the second sequence's table. */
struct saboteur {
    struct observer worker;
    uint64_t at_step;
    uint32_t entry; /* which entry of the second table is replaced by the first table's */
    bool struck;
};

static enum status sabotage(void *self, const struct step *step, struct diag *diag)
{
    struct saboteur *saboteur = self;
    if (step->tally.step != saboteur->at_step || step->sequence_count < 2)
        return saboteur->worker.scheduled(saboteur->worker.self, step, diag);
    struct step wrong = *step;
    struct step_sequence sequences[2] = {step->sequences[0], step->sequences[1]};
    uint32_t table[16];
    memcpy(table, sequences[1].blocks, sequences[1].num_blocks * sizeof *table);
    table[saboteur->entry] = sequences[0].blocks[saboteur->entry];
    sequences[1].blocks = table;
    wrong.sequences = sequences;
    saboteur->struck = true;
    return saboteur->worker.scheduled(saboteur->worker.self, &wrong, diag);
}

static enum status pass_on(void *self, const struct step *step, struct diag *diag)
{
    struct saboteur *saboteur = self;
    return saboteur->worker.completed(saboteur->worker.self, step, diag);
}

static enum status run(const struct config *config, uint64_t at_step, uint32_t entry, struct worker_totals *totals, struct diag *diag)
{
    struct trace *trace = tiny_trace(two_prompts, 2);
    struct step_time_model *model;
    struct worker *worker;
    struct replay_facts facts;
    struct replay_options options = {.reference = true};
    cr_assert_eq(step_time_create(config, &model, diag), SIM_OK);
    cr_assert_eq(worker_create(trace, config, 2, &(struct geometry_wish){0}, &worker, diag), SIM_OK, "%s", diag->text);
    struct saboteur saboteur = {.worker = worker_observer(worker), .at_step = at_step, .entry = entry};
    struct observer observer = {.self = &saboteur, .scheduled = sabotage, .completed = pass_on};
    enum status status = replay_run(trace, config, model, &observer, 1, &options, &facts, diag);
    cr_assert(saboteur.struck || at_step == UINT64_MAX);
    *totals = *worker_totals(worker);
    worker_destroy(worker);
    step_time_destroy(model);
    trace_destroy(trace);
    return status;
}

Test(worker, a_right_replay_passes_in_every_storage_type)
{
    for (int dtype = KV_DTYPE_FLOAT32; dtype <= KV_DTYPE_BFLOAT16; dtype++) {
        struct config config = tiny_config_v1(16, 20);
        struct worker_totals totals;
        struct diag diag = {0};
        config.data_plane = DATA_PLANE_VERIFY;
        config.kv.dtype = (enum kv_dtype)dtype;
        cr_expect_eq(run(&config, UINT64_MAX, 0, &totals, &diag), SIM_OK, "%s", diag.text);
        /* Both prompts (one block shared), then seven more tokens each; all of it gathered again in every step. */
        uint64_t written = 40 + 24 + 2 * 7, gathered = 0;
        for (uint64_t context = 40; context <= 47; context++)
            gathered += 2 * context;
        cr_expect_eq(totals.tokens_written, written);
        cr_expect_eq(totals.floats_checked, gathered * 2 * 2 * 2 * 32);
    }
}

Test(worker, one_wrongly_shared_block_is_found_and_named)
{
    for (uint32_t entry = 1; entry < 3; entry++) { /* entry 0 is rightly shared: the prompts begin alike */
        struct config config = tiny_config_v1(16, 20);
        struct worker_totals totals;
        struct diag diag = {0};
        config.data_plane = DATA_PLANE_VERIFY;
        cr_expect_eq(run(&config, 3, entry, &totals, &diag), SIM_FAILED);
        cr_expect(strstr(diag.text, "step 3") && strstr(diag.text, "should be") && strstr(diag.text, "block"), "%s", diag.text);
    }
    struct config config = tiny_config_v1(16, 20);
    struct worker_totals totals;
    struct diag diag = {0};
    config.data_plane = DATA_PLANE_VERIFY;
    cr_expect_eq(run(&config, 3, 0, &totals, &diag), SIM_OK, "sharing equal content is right");
}

Test(worker, values_are_exact_in_their_type_and_differ_where_they_must)
{
    for (int dtype = KV_DTYPE_FLOAT32; dtype <= KV_DTYPE_BFLOAT16; dtype++) {
        struct kv_config kv = {.num_layers = 2, .num_kv_heads = 2, .head_dim = 32, .dtype = (enum kv_dtype)dtype};
        uint32_t same = 0;
        for (uint64_t link = 1; link <= 100; link++)
            for (uint32_t dim = 0; dim < 32; dim++) {
                float value = worker_value(&kv, 1, link, true, 1, dim);
                if (dtype == KV_DTYPE_FLOAT16)
                    cr_assert_eq(kv_float16_to_float(kv_float16_from_float(value)), value);
                if (dtype == KV_DTYPE_BFLOAT16)
                    cr_assert_eq(kv_bfloat16_to_float(kv_bfloat16_from_float(value)), value);
                same += value == worker_value(&kv, 1, link + 1000, true, 1, dim);
            }
        cr_expect_lt(same, 100, "another prefix gives other floats");
    }
}

Test(worker, attention_in_place_is_checked_against_exact_arithmetic)
{
    for (int dtype = KV_DTYPE_FLOAT32; dtype <= KV_DTYPE_BFLOAT16; dtype++) {
        struct config config = tiny_config_v1(16, 20);
        struct worker_totals totals;
        struct diag diag = {0};
        config.data_plane = DATA_PLANE_VERIFY;
        config.kv.read = KV_READ_ATTEND;
        config.kv.dtype = (enum kv_dtype)dtype;
        cr_expect_eq(run(&config, UINT64_MAX, 0, &totals, &diag), SIM_OK, "%s", diag.text);
        cr_expect_gt(totals.floats_checked, 0);
        cr_expect_eq(run(&config, 3, 1, &totals, &diag), SIM_FAILED);
        cr_expect(strstr(diag.text, "step 3") && strstr(diag.text, "should be") && strstr(diag.text, "block"), "%s", diag.text);
    }
}
