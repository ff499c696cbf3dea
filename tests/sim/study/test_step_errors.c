/* test_step_errors.c - which steps a class counts, and what is said of their errors. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "study/step_errors.h"
#include "support/tiny_trace.h"

/* 1 ms a token; measured: a tenth more for every step, and twice as much for the last. */
Test(step_errors, each_step_counts_once_in_all_and_once_in_its_class)
{
    static const struct {
        uint32_t decodes, prompt;
        const char *class;
    } cases[] = {
        {1, 0, "decodes alone, up to 16"},
        {16, 0, "decodes alone, up to 16"},
        {17, 0, "decodes alone, up to 64"},
        {257, 0, "decodes alone, above 256"},
        {3, 64, "prompts and decodes, up to 64 tokens of prompts"},
        {3, 65, "prompts and decodes, up to 512 tokens of prompts"},
        {3, 513, "prompts and decodes, above 512 tokens of prompts"},
        {0, 2048, "prompts alone"},
    };
    enum { CASES = sizeof cases / sizeof *cases };
    struct config config = tiny_config_v1(16, 20);
    struct step_time_model *model;
    struct step_sample samples[CASES];
    struct step_class classes[STEP_CLASSES];
    struct diag diag = {0};
    config.step_time.base_ns = config.step_time.kv_ns = 0;
    config.step_time.token_ns = 1000000;
    cr_assert_eq(step_time_create(&config, &model, &diag), SIM_OK, "%s", diag.text);
    for (size_t i = 0; i < CASES; i++) {
        struct step_shape shape = step_shape_of_decodes(cases[i].decodes, 100);
        if (cases[i].prompt > 0)
            step_shape_add(&shape, 0, cases[i].prompt, false);
        samples[i] = (struct step_sample){shape, 1000.0 * (double)shape.scheduled_tokens / (i + 1 < CASES ? 1.1 : 0.5)};
    }
    cr_assert_eq(step_errors_make(model, samples, CASES, classes, &diag), SIM_OK, "%s", diag.text);
    cr_expect_eq(classes[0].steps, CASES);
    cr_expect_float_eq(classes[0].median_error, 0.1, 1e-9);
    cr_expect_float_eq(classes[0].median_ape, 0.1, 1e-9);
    /* In order 0.1 seven times and 0.5: nine tenths of the way from the first to the eighth. */
    cr_expect_float_eq(classes[0].p90_ape, 0.1 + 0.3 * 0.4, 1e-9);
    for (size_t c = 1; c < STEP_CLASSES; c++) {
        size_t expected = 0;
        for (size_t i = 0; i < CASES; i++)
            expected += strcmp(cases[i].class, classes[c].label) == 0;
        cr_expect_eq(classes[c].steps, expected, "%s", classes[c].label);
        cr_expect_eq(isnan(classes[c].median_ape), expected == 0);
    }
    cr_expect_float_eq(classes[8].priced_ms, 2048, 1e-9);
    cr_expect_float_eq(classes[8].measured_ms, 4096, 1e-9);
    cr_expect_float_eq(classes[8].median_error, -0.5, 1e-9);
    step_time_destroy(model);
}
