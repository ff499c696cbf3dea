/* test_step_time.c - step-time models: tables by hand, the rules between and beyond their points, and the measured card's own. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/random.h"
#include "support/shared.h"
#include "support/tiny_trace.h"
#include "time/attention_table.h"
#include "time/compact.h"
#include "time/skew_table.h"
#include "time/step_time.h"

#define PROFILE "../shared/groundtruth/rtx4090_llama31_8b/profile"

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    cr_assert(file);
    fputs(text, file);
    cr_assert_eq(fclose(file), 0);
}

/* A folder of small tables; every dense operator takes 1 us a token but act_fn, which has a knee. */
static void make_profile(char folder[64], const char *attention)
{
    snprintf(folder, 64, "/tmp/pagesim-profile-XXXXXX");
    cr_assert(mkdtemp(folder));
    write_file(folder, "dense.csv",
               "layer,tokens,time_us\n"
               "embedding,1,1\nembedding,11,11\nlayernorm,1,1\nlayernorm,11,11\nqkv_proj,1,1\nqkv_proj,11,11\nrotary_emb,1,1\n"
               "rotary_emb,11,11\no_proj,1,1\no_proj,11,11\ngate_up_proj,1,1\ngate_up_proj,11,11\nact_fn,1,5\nact_fn,4,5\nact_fn,6,9\n"
               "down_proj,1,1\ndown_proj,11,11\nfinal_layernorm,1,1\nfinal_layernorm,11,11\n");
    write_file(folder, "per_sequence.csv", "layer,sequences,time_us\nlm_head,1,100\nlm_head,3,300\nsampler,1,7\n");
    write_file(folder, "attention.csv", attention);
}

static void remove_profile(const char *folder)
{
    static const char *const names[] = {"dense.csv", "per_sequence.csv", "attention.csv"};
    char path[128];
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

static const char small_attention[] = "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n"
                                      "0,0,1,16,10\n0,0,1,32,20\n0,0,2,16,12\n0,0,2,32,24\n"
                                      "16,0,0,0,50\n16,64,0,0,60\n32,0,0,0,90\n32,64,0,0,110\n"
                                      "16,0,1,16,100\n16,64,1,16,120\n32,0,1,16,140\n32,64,1,16,160\n"
                                      "16,0,1,32,200\n16,64,1,32,220\n32,0,1,32,240\n32,64,1,32,260\n"
                                      "16,0,2,16,110\n16,64,2,16,130\n32,0,2,16,150\n32,64,2,16,170\n"
                                      "16,0,2,32,210\n16,64,2,32,230\n32,0,2,32,250\n";

static int64_t price_of(const char *folder, const struct step_shape *shape, struct diag *diag)
{
    struct config config = tiny_config_v1(16, 20);
    struct step_time_model *model;
    config.step_time.model = STEP_TIME_PROFILE;
    config.step_time.num_layers = 10;
    snprintf(config.step_time.path, sizeof config.step_time.path, "%s", folder);
    if (step_time_create(&config, &model, diag) != SIM_OK)
        return -1;
    int64_t price = step_time_price(model, shape);
    step_time_destroy(model);
    return price;
}

Test(step_time_profile, sums_operators_between_and_beyond_their_points)
{
    char folder[64];
    struct diag diag = {0};
    make_profile(folder, small_attention);
    /* 5 decodes of 24 tokens: dense 1 us a token (7 a layer, two of them layernorm, two outside), act_fn 7 at 5 tokens. */
    struct step_shape shape = {.scheduled_tokens = 5, .decodes = 5, .sequences = 5, .decode_context = UINT64_C(5) * 24};
    /* attention at n = 5: the line through n = 1 (15) and n = 2 (18) goes on to 27; lm_head goes on to 500 */
    double us = 2 * 5 + 10 * (7 * 5 + 7 + 27) + 500 + 7;
    cr_expect_eq(price_of(folder, &shape, &diag), (int64_t)lrint(us * 1000), "%s", diag.text);
    /* Below the first points their values stand. */
    shape = (struct step_shape){.scheduled_tokens = 1, .decodes = 1, .sequences = 1, .decode_context = 3};
    us = 2 + 10 * (7 + 5 + 10) + 100 + 7;
    cr_expect_eq(price_of(folder, &shape, &diag), (int64_t)lrint(us * 1000), "%s", diag.text);
    remove_profile(folder);
}

/* A model of these tables for steps of so many tokens and sequences. */
static struct step_time_model *profile_with_budget(const char *folder, uint32_t tokens, uint32_t sequences)
{
    struct config config = tiny_config_v1(16, 20);
    struct step_time_model *model;
    struct diag diag = {0};
    config.max_num_batched_tokens = tokens;
    config.max_num_seqs = sequences;
    config.step_time.model = STEP_TIME_PROFILE;
    config.step_time.num_layers = 10;
    snprintf(config.step_time.path, sizeof config.step_time.path, "%s", folder);
    cr_assert_eq(step_time_create(&config, &model, &diag), SIM_OK, "%s", diag.text);
    return model;
}

/* Operators are summed in advance for 0 to 16384 tokens, or up to the budget; what lies beyond is computed, and must go on as the line
 * does. Budgets are passed by groups of V0, and the whole of a step with --reference is one shape. */
Test(step_time_profile, goes_on_beyond_what_is_summed_in_advance)
{
    static const uint32_t budgets[] = {1, 7, 16383, 16384, 16385, 30000};
    static const uint32_t counts[] = {6, 7, 8, 1000, 16383, 16384, 16385, 16386, 20000};
    char folder[64];
    make_profile(folder, small_attention);
    for (size_t b = 0; b < sizeof budgets / sizeof *budgets; b++) {
        struct step_time_model *model = profile_with_budget(folder, budgets[b], budgets[b]);
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            const int64_t n = counts[i];
            /* Dense: 1 us a token, 2 operators outside of the layers and 7 inside (layernorm twice); act_fn has its knee at 4 and passes
             * 9 at 6 with 2 us a token. One sequence: lm_head 100, sampler 7. A chunk without context: 50 at 16, 90 at 32; less than 16
             * take as long as 16. */
            const int64_t attention_us10 = n < 16 ? 500 : 500 + 25 * (n - 16);
            const int64_t dense_us10 = 20 * n + 10 * (70 * n + 10 * (9 + 2 * (n - 6)));
            const struct step_shape prompt = {.scheduled_tokens = (uint64_t)n,
                                              .context_tokens = (uint64_t)n,
                                              .prefill_tokens = (uint64_t)n,
                                              .prefill_chunks = 1,
                                              .sequences = 1,
                                              .sampled = 1};
            cr_expect_eq(step_time_price(model, &prompt), 100 * (dense_us10 + 10 * attention_us10 + 1070), "budget %u, %lld tokens: %lld",
                         budgets[b], (long long)n, (long long)step_time_price(model, &prompt));
            /* That many decodes of 16 tokens: attention 10 and 2 us more each; lm_head 100 each. */
            const struct step_shape decodes = step_shape_of_decodes((uint32_t)n, (uint64_t)n * 16);
            const int64_t decode_us10 = 100 + 20 * (n - 1);
            cr_expect_eq(step_time_price(model, &decodes), 100 * (dense_us10 + 10 * decode_us10 + 1000 * n + 70),
                         "budget %u, %lld decodes: %lld", budgets[b], (long long)n, (long long)step_time_price(model, &decodes));
        }
        step_time_destroy(model);
    }
    remove_profile(folder);
}

Test(step_time_profile, keeps_pure_decode_and_mixed_steps_apart)
{
    char folder[64], path[96];
    struct attention_table table;
    struct diag diag = {0};
    make_profile(folder, small_attention);
    snprintf(path, sizeof path, "%s/attention.csv", folder);
    cr_assert_eq(attention_table_open(path, &table, &diag), SIM_OK, "%s", diag.text);
    const struct {
        struct attention_step step;
        double us;
    } cases[] = {
        {{0, 0, 1, 24}, 15},    {{0, 0, 2, 64}, 48},    {{8, 0, 1, 16}, 100},   {{24, 0, 1, 16}, 120},
        {{24, 32, 0, 0}, 77.5}, {{16, 32, 2, 24}, 170}, {{48, 0, 1, 16}, 180},  {{16, 0, 3, 16}, 120},
        {{0, 0, 0, 0}, 0},      {{32, 64, 2, 16}, 170}, {{32, 64, 1, 32}, 260},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_float_eq(attention_table_us(&table, &cases[i].step), cases[i].us, 1e-9, "case %zu: %g", i,
                           attention_table_us(&table, &cases[i].step));

    attention_table_close(&table);
    remove_profile(folder);
}

Test(step_time_profile, says_what_is_wrong_with_a_table)
{
    char folder[64];
    struct diag diag = {0};
    const struct step_shape shape = {.decodes = 1};
    make_profile(folder, small_attention);
    write_file(folder, "per_sequence.csv", "layer,sequences,time_us\nlm_head,1,100\nlm_head,x,300\n");
    cr_expect_eq(price_of(folder, &shape, &diag), -1);
    cr_expect(strstr(diag.text, "per_sequence.csv:3:9") && strstr(diag.text, "whole number"), "%s", diag.text);
    write_file(folder, "per_sequence.csv", "layer,sequences,time_us\nlm_head,1,100\n");
    diag = (struct diag){0};
    cr_expect_eq(price_of(folder, &shape, &diag), -1);
    cr_expect(strstr(diag.text, "sampler"), "%s", diag.text);
    write_file(folder, "per_sequence.csv", "layer,sequences\nlm_head,1\n");
    diag = (struct diag){0};
    cr_expect_eq(price_of(folder, &shape, &diag), -1);
    cr_expect(strstr(diag.text, "time_us"), "%s", diag.text);
    remove_profile(folder);
}

Test(step_time_profile, an_alpha_of_one_prices_all_decodes_like_the_longest)
{
    char folder[64];
    struct diag diag = {0};
    struct config config = tiny_config_v1(16, 20);
    struct step_time_model *model;
    make_profile(folder, small_attention);
    config.step_time.model = STEP_TIME_PROFILE;
    config.step_time.num_layers = 10;
    config.step_time.skew_default_alpha = 1;
    snprintf(config.step_time.path, sizeof config.step_time.path, "%s", folder);
    cr_assert_eq(step_time_create(&config, &model, &diag), SIM_OK, "%s", diag.text);
    struct step_shape skewed = {.scheduled_tokens = 2,
                                .decodes = 2,
                                .sequences = 2,
                                .decode_context = 48,
                                .min_decode_context = 16,
                                .max_decode_context = 32},
                      even = {.scheduled_tokens = 2,
                              .decodes = 2,
                              .sequences = 2,
                              .decode_context = 64,
                              .min_decode_context = 32,
                              .max_decode_context = 32};
    cr_expect(model->wants_extremes);
    cr_expect_eq(step_time_price(model, &skewed), step_time_price(model, &even));
    step_time_destroy(model);
    remove_profile(folder);
}

Test(step_time_profile, the_measured_cards_tables_are_hit_at_their_points)
{
    need_shared(PROFILE);
    struct attention_table table;
    struct skew_table skew;
    struct diag diag = {0};
    cr_assert_eq(attention_table_open(PROFILE "/attention.csv", &table, &diag), SIM_OK, "%s", diag.text);
    FILE *file = fopen(PROFILE "/attention.csv", "r");
    char line[256];
    cr_assert(file && fgets(line, sizeof line, file));
    while (fgets(line, sizeof line, file)) {
        double numbers[5];
        char *at = line;
        for (int i = 0; i < 5; i++)
            numbers[i] = strtod(at + (i > 0), &at);
        const struct attention_step step = {numbers[0], numbers[1], numbers[2], numbers[3]};
        const double us = numbers[4];
        cr_assert_float_eq(attention_table_us(&table, &step), us, 1e-6, "%s", line);
    }
    fclose(file);
    /* n = 256 together with a prefill was not measured: the line through 64 and 128 goes on. */
    struct attention_step at[3] = {{64, 16, 64, 512}, {64, 16, 128, 512}, {64, 16, 256, 512}};
    double us[3];
    for (int i = 0; i < 3; i++)
        us[i] = attention_table_us(&table, &at[i]);
    cr_expect_float_eq(us[2], us[1] + 2 * (us[1] - us[0]), 1e-6);
    attention_table_close(&table);
    cr_assert_eq(skew_table_open(PROFILE "/skew_fit.csv", &skew, &diag), SIM_OK, "%s", diag.text);
    /* Rows of the file: 0,n<=128,sr<=15%,kvB<=16k,kp=0,0.0317 and ...,kvB<=1k,kp=0,0.0271 */
    cr_expect_float_eq(skew_table_alpha(&skew, 0, 128, 0.15, 16384, 0), 0.0317, 1e-9);
    cr_expect_float_eq(skew_table_alpha(&skew, 0, 65, 0.051, 1024, 0), 0.0271, 1e-9);
    cr_expect(isnan(skew_table_alpha(&skew, 3, 65, 0.1, 1024, 0)), "no row for three prefill tokens");
    skew_table_close(&skew);
}

/* GPU/MODEL/DTYPE with a folder for each size of tensor parallelism; the skew table can be anywhere. */
Test(step_time_profile, a_folder_of_sizes_gives_the_tables_of_its_own)
{
    char folder[64], inner[80], outer[64];
    const struct step_shape shape = {
        .scheduled_tokens = 2, .decodes = 2, .sequences = 2, .decode_context = 48, .min_decode_context = 16, .max_decode_context = 32};
    struct config config = tiny_config_v1(16, 20);
    struct step_time_model *model;
    struct diag diag = {0};
    make_profile(folder, small_attention);
    const int64_t plain_ns = price_of(folder, &shape, &diag);
    snprintf(outer, sizeof outer, "/tmp/pagesim-outer-XXXXXX");
    cr_assert(mkdtemp(outer));
    snprintf(inner, sizeof inner, "%s/tp2", outer);
    cr_assert_eq(rename(folder, inner), 0);
    cr_expect_eq(price_of(outer, &shape, &diag), -1);
    cr_expect(strstr(diag.text, outer) && strstr(diag.text, "dense.csv") && !strstr(diag.text, "tp"), "%s", diag.text);
    config.tensor_parallel_size = 2;
    config.step_time.model = STEP_TIME_PROFILE;
    config.step_time.num_layers = 10;
    config.step_time.skew_table = true;
    snprintf(config.step_time.path, sizeof config.step_time.path, "%s", outer);
    diag = (struct diag){0};
    cr_expect_eq(step_time_create(&config, &model, &diag), SIM_BAD_INPUT);
    cr_expect(strstr(diag.text, "tp2/skew_fit.csv"), "%s", diag.text);
    write_file(outer, "mine.csv", "pc,n_label,skew_rate_label,kv_big_label,kp_label,alpha\n0,n<=2,sr<=70%,kvB<=1k,kp=0,0.5\n");
    snprintf(config.step_time.skew_path, sizeof config.step_time.skew_path, "%s/mine.csv", outer);
    diag = (struct diag){0};
    cr_assert_eq(step_time_create(&config, &model, &diag), SIM_OK, "%s", diag.text);
    /* Two decodes of 24 in the mean take 18 us a layer, of 32 as the longest 24: half-way lie 3 more, in each of ten layers. */
    cr_expect_eq(step_time_price(model, &shape), plain_ns + 30000);
    step_time_destroy(model);
    unlink(config.step_time.skew_path);
    remove_profile(inner);
    rmdir(outer);
}

/* "n<=128" -> 128, "kvB<=16k" -> 16384, "sr<=5%" -> 0.05, "sr>70%" -> something above, "kp=0" -> 0: the largest value of a class. */
static double class_value(const char *label)
{
    char *unit;
    const char *number = label + strcspn(label, "0123456789");
    double value = strtod(number, &unit);
    if (*unit == 'k')
        value *= 1024;
    if (*unit == '%')
        value /= 100;
    return strchr(label, '>') ? value * 1.2 : value;
}

/* A step with these properties: two contexts make the mean, the rest lies on it. */
static struct step_shape skewed_step(uint64_t prefill, uint32_t decodes, double rate, uint32_t longest, uint32_t kv_prefill)
{
    const double least = longest / 4.0, mean = least + rate * (longest - least);
    return (struct step_shape){.scheduled_tokens = prefill + decodes,
                               .prefill_tokens = prefill,
                               .prefill_context_product = prefill * kv_prefill,
                               .prefill_chunks = prefill > 0,
                               .decodes = decodes,
                               .sequences = decodes + (prefill > 0),
                               .decode_context = (uint64_t)(mean * decodes),
                               .max_decode_context = longest,
                               .min_decode_context = (uint32_t)least};
}

/* Prices with the table, without it, and with all decodes as long as the longest: the first lies between by the row's alpha. */
static void expect_alpha(const struct step_time_model *with, const struct step_time_model *without, const struct step_shape *shape,
                         double alpha, const char *line)
{
    struct step_shape longest = *shape;
    longest.decode_context = (uint64_t)shape->max_decode_context * shape->decodes;
    const double mean_ns = (double)step_time_price(without, shape), most_ns = (double)step_time_price(without, &longest);
    const double want_ns = most_ns > mean_ns ? mean_ns + alpha * (most_ns - mean_ns) : mean_ns;
    cr_assert_float_eq((double)step_time_price(with, shape), want_ns, 2 + 2 * fabs(alpha), "%s", line); /* all are rounded */
}

Test(step_time_profile, every_row_of_the_skew_table_moves_a_price_by_its_alpha)
{
    need_shared(PROFILE);
    struct config config = tiny_config_v1(16, 20);
    struct step_time_model *with, *without;
    struct diag diag = {0};
    config.max_num_batched_tokens = 4096;
    config.step_time.model = STEP_TIME_PROFILE;
    config.step_time.num_layers = 32;
    snprintf(config.step_time.path, sizeof config.step_time.path, "%s", PROFILE);
    cr_assert_eq(step_time_create(&config, &without, &diag), SIM_OK, "%s", diag.text);
    config.step_time.skew_table = true;
    config.step_time.skew_default_alpha = 0.0543;
    cr_assert_eq(step_time_create(&config, &with, &diag), SIM_OK, "%s", diag.text);
    FILE *file = fopen(PROFILE "/skew_fit.csv", "r");
    enum { COLUMNS = 6 }; /* pc,n_label,skew_rate_label,kv_big_label,kp_label,alpha */
    char line[256], copy[256], *fields[COLUMNS];
    int rows = 0;
    cr_assert(file && fgets(line, sizeof line, file));
    while (fgets(line, sizeof line, file)) {
        char *rest = memcpy(copy, line, sizeof copy);
        for (int i = 0; i < COLUMNS; i++)
            cr_assert(fields[i] = strsep(&rest, ","), "%s", line);
        /* Contexts are whole numbers, so that a rate is only nearly met: stay inside of its class. */
        const struct step_shape shape =
            skewed_step(strtoul(fields[0], NULL, 10), (uint32_t)class_value(fields[1]), class_value(fields[2]) * 0.98,
                        (uint32_t)class_value(fields[3]), (uint32_t)class_value(fields[4]));
        expect_alpha(with, without, &shape, strtod(fields[5], NULL), line);
        rows++;
    }
    fclose(file);
    cr_expect_eq(rows, 3982);
    /* No row: not these prefill tokens, or not this class. One decode, or equal ones, have nothing to correct. */
    struct step_shape shape = skewed_step(3, 64, 0.3, 4096, 0);
    expect_alpha(with, without, &shape, 0.0543, "three prefill tokens");
    shape = skewed_step(0, 300, 0.3, 4096, 0);
    expect_alpha(with, without, &shape, 0.0543, "300 decodes");
    shape = skewed_step(0, 1, 0.3, 4096, 0);
    expect_alpha(with, without, &shape, 0, "one decode");
    shape = skewed_step(0, 64, 1, 4096, 0);
    expect_alpha(with, without, &shape, 0, "equal decodes");
    step_time_destroy(with);
    step_time_destroy(without);
}

Test(step_time_compact, constants_come_back_from_steps_that_they_priced)
{
    const struct compact truth = {{17000, 8, 20, 90, 0.2, 500, 25, 0.3, 0.003, 0.004, 0.7, 128}};
    struct compact found;
    struct fit_error error;
    struct diag diag = {0};
    struct step_sample samples[2000];
    uint64_t random = 11;
    for (int i = 0; i < 2000; i++) {
        struct step_shape *shape = &samples[i].shape;
        *shape = (struct step_shape){.decodes = random_below(&random, 200), .prefill_tokens = i % 3 ? 0 : 1 + random_below(&random, 1500)};
        shape->prefill_context_product = shape->prefill_tokens * random_below(&random, 3000);
        shape->decode_context = (uint64_t)shape->decodes * random_below(&random, 2000);
        shape->scheduled_tokens = shape->decodes + shape->prefill_tokens;
        shape->sequences = shape->decodes + random_below(&random, 4);
        samples[i].us = compact_us(&truth, shape);
    }
    cr_assert_eq(compact_fit(samples, 2000, &found, &error, &diag), SIM_OK, "%s", diag.text);
    cr_expect_eq(error.held_out, 400);
    cr_expect_lt(error.max, 1e-6);
    for (int i = 0; i < COMPACT_CONSTANTS; i++)
        cr_expect_float_eq(found.constants[i] / truth.constants[i], 1, 1e-4, "%s: %g", compact_names[i], found.constants[i]);
    /* Every fifth step is held out and changes no constant. Where it took half as long as the fit says, the error is 1: of 400 errors in order the
     * 380th is at 95 %. */
    for (int spoiled = 1; spoiled <= 21; spoiled++) {
        samples[5 * spoiled - 1].us /= 2;
        if (spoiled < 20)
            continue;
        cr_assert_eq(compact_fit(samples, 2000, &found, &error, &diag), SIM_OK, "%s", diag.text);
        cr_expect_float_eq(error.mean, spoiled / 400.0, 1e-6);
        cr_expect_float_eq(error.p95, spoiled > 20, 1e-6);
        cr_expect_float_eq(error.max, 1, 1e-6);
    }
    cr_expect_eq(compact_fit(samples, 60, &found, &error, &diag), SIM_OK, "%s", diag.text);
    cr_expect_eq(error.fitted + error.held_out, 60);
    cr_expect_eq(compact_fit(samples, 59, &found, &error, &diag), SIM_BAD_INPUT);
}

Test(step_time_roofline, the_longer_of_computing_and_reading_counts)
{
    struct config config = tiny_config_v1(16, 2000);
    struct step_time_model *model;
    struct diag diag = {0};
    config.step_time.model = STEP_TIME_ROOFLINE;
    snprintf(config.model, sizeof config.model, "configs/models/llama-3.1-8b.json");
    snprintf(config.gpu, sizeof config.gpu, "configs/gpus/h100.json");
    config.step_time.compute_efficiency = config.step_time.bandwidth_efficiency = 0.5;
    cr_assert_eq(step_time_create(&config, &model, &diag), SIM_OK, "%s", diag.text);
    const double layers = 32 * (2.0 * 4096 * 4096 + 2.0 * 4096 * 1024 + 3.0 * 4096 * 14336 + 2 * 4096), output = 128256.0 * 4096;
    /* One decode without context reads all weights; 2048 tokens of prefill compute. */
    const struct step_shape one = {.scheduled_tokens = 1, .decodes = 1, .sequences = 1},
                            many = {.scheduled_tokens = 2048, .prefill_tokens = 2048, .prefill_chunks = 1, .sequences = 1};
    const double reading = (layers + output) * 2 / (3350 * 0.5);
    const double computing = (2 * layers * 2048 + 2 * output) / (989e3 * 0.5),
                 attending = 4.0 * 32 * 32 * 128 * 2048 * 1024 / (989e3 * 0.5);
    cr_expect_float_eq((double)step_time_price(model, &one), reading, 1);
    cr_expect_float_eq((double)step_time_price(model, &many), computing + attending, 1);
    step_time_destroy(model);
}

/* On four H100 each sends 2 * 3/4 of every token's 16-bit vector of 4096 twice a layer, at half of 450 GB/s, and 32 layers take 7 us each. */
Test(step_time_roofline, layers_and_links_of_several_gpus_cost_what_they_are_said_to)
{
    struct config config = tiny_config_v1(16, 2000);
    struct step_time_model *with, *without;
    struct diag diag = {0};
    config.step_time.model = STEP_TIME_ROOFLINE;
    config.tensor_parallel_size = 4;
    snprintf(config.model, sizeof config.model, "configs/models/llama-3.1-8b.json");
    snprintf(config.gpu, sizeof config.gpu, "configs/gpus/h100.json");
    config.step_time.compute_efficiency = config.step_time.bandwidth_efficiency = 0.5;
    cr_assert_eq(step_time_create(&config, &without, &diag), SIM_OK, "%s", diag.text);
    config.step_time.layer_us = 7;
    cr_assert_eq(step_time_create(&config, &with, &diag), SIM_OK, "%s", diag.text);
    const struct step_shape one = {.scheduled_tokens = 1, .decodes = 1, .sequences = 1},
                            two = {.scheduled_tokens = 2, .decodes = 2, .sequences = 2};
    const double sent = 2 * 0.75 * 4096 * 2 * 2 * 32;
    cr_expect_eq(step_time_price(with, &one) - step_time_price(without, &one), 224000); /* 32 x 7 us */
    cr_expect_float_eq((double)(step_time_price(with, &two) - step_time_price(with, &one)), sent / (450 * 0.5), 1);
    step_time_destroy(with);
    step_time_destroy(without);
}

/* A step in which 3 requests get a token: the base, and for each of k passes 1,000 ns; 10 ns for each of 3 x k drafts. n-gram lookup and blocks
 * of drafts take one pass. A step that only computes a part of a prompt drafts nothing. */
Test(step_time, the_drafter_takes_its_passes_and_its_tokens_where_somebody_gets_a_token)
{
    static const struct {
        enum speculative_method method;
        int64_t passes;
    } cases[] = {
        {SPECULATIVE_NONE, 0}, {SPECULATIVE_NGRAM, 1}, {SPECULATIVE_EAGLE3, 4}, {SPECULATIVE_DRAFT_MODEL, 4}, {SPECULATIVE_DFLASH, 1}};
    const struct step_shape decodes = {.sequences = 3, .sampled = 3, .decodes = 3}, chunk = {.sequences = 1, .prefill_chunks = 1};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config config = {.step_time = {.base_ns = 7, .draft_ns = 1000, .draft_ns_per_token = 10}};
        config.speculative = (struct speculative_config){.method = cases[i].method, .num_speculative_tokens = 4};
        struct step_time_model *model;
        struct diag diag = {0};
        cr_assert_eq(step_time_create(&config, &model, &diag), SIM_OK, "%s", diag.text);
        const int64_t drafting = cases[i].passes ? cases[i].passes * 1000 + INT64_C(3) * 4 * 10 : 0;
        cr_expect_eq(step_time_price(model, &decodes), 7 + drafting, "case %zu", i);
        cr_expect_eq(step_time_price(model, &chunk), 7, "case %zu", i);
        step_time_destroy(model);
    }
}

Test(step_time, a_price_beyond_the_clock_is_refused_with_the_setting_that_it_comes_from)
{
    static const struct {
        const char *key;
        int64_t base_ns, token_ns, kv_ns, swap_ns, copy_ns;
    } cases[] = {
        {"step_time.base_ns", 1000000000000000, 0, 0, 0, 0},
        {"step_time.token_ns", 0, 1000000000000000, 1, 0, 0},
        {"step_time.kv_ns", 0, 0, 1000000000000000, 0, 1},
        {"step_time.swap_ns_per_block", 5, 5, 5, 1000000000000000, 0},
        {"step_time.copy_ns_per_block", 0, 0, 0, 1, 1000000000000000},
    };
    const struct step_shape large = {
        .step = 7, .scheduled_tokens = 100000, .context_tokens = 200000, .copies = 100000, .swapped_blocks = 100000};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config config = tiny_config_v1(16, 20);
        struct step_time_model *model;
        struct diag diag = {0};
        config.step_time.base_ns = cases[i].base_ns;
        config.step_time.token_ns = cases[i].token_ns;
        config.step_time.kv_ns = cases[i].kv_ns;
        config.step_time.swap_ns_per_block = cases[i].swap_ns;
        config.step_time.copy_ns_per_block = cases[i].copy_ns;
        cr_assert_eq(step_time_create(&config, &model, &diag), SIM_OK, "%s", diag.text);
        const int64_t ns = step_time_price(model, &large);
        cr_expect(i == 0 ? ns == cases[i].base_ns : ns == INT64_MAX, "%s: %lld", cases[i].key, (long long)ns);
        cr_expect_eq(step_time_fits(0, ns), i == 0);
        cr_expect_not(step_time_fits(CLOCK_LAST_NS - 1000, ns));
        cr_expect_eq(step_time_refuse(model, &large, CLOCK_LAST_NS - 1000, &diag), SIM_BAD_INPUT);
        cr_expect(strstr(diag.text, cases[i].key) && strstr(diag.text, "step 7"), "%s", diag.text);
        step_time_destroy(model);
    }
}

Test(step_time, the_clocks_last_moment_can_be_reached_and_not_passed)
{
    cr_expect(step_time_fits(CLOCK_LAST_NS, 0));
    cr_expect(step_time_fits(0, CLOCK_LAST_NS));
    cr_expect(step_time_fits(CLOCK_LAST_NS - 5, 5));
    cr_expect_not(step_time_fits(CLOCK_LAST_NS - 5, 6));
    cr_expect_not(step_time_fits(0, INT64_MAX));
}
