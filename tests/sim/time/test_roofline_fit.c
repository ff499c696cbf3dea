/* test_roofline_fit.c - constants come back from steps that a roofline with them priced, and those that the steps do not tell stay. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "support/random.h"
#include "support/tiny_trace.h"
#include "time/roofline_fit.h"

enum { SAMPLES = 600 };
static struct step_sample samples[SAMPLES];

static struct config four_h100(void)
{
    struct config config = tiny_config_v1(16, 2000);
    config.step_time.model = STEP_TIME_ROOFLINE;
    config.step_time.compute_efficiency = 0.7;
    config.step_time.bandwidth_efficiency = 0.85;
    config.tensor_parallel_size = 4;
    snprintf(config.model, sizeof config.model, "configs/models/llama-2-70b.json");
    snprintf(config.gpu, sizeof config.gpu, "configs/gpus/h100.json");
    return config;
}

/* Steps of decodes; with prompts in a third of them if `prompts`. */
static void price_steps(const struct config *config, bool prompts)
{
    struct step_time_model *model;
    struct diag diag = {0};
    uint64_t random = 5;
    cr_assert_eq(step_time_create(config, &model, &diag), SIM_OK, "%s", diag.text);
    for (int i = 0; i < SAMPLES; i++) {
        const uint32_t decodes = 1 + random_below(&random, 200);
        struct step_shape shape = step_shape_of_decodes(decodes, (uint64_t)decodes * (1 + random_below(&random, 4000)));
        if (prompts && i % 3 == 0)
            step_shape_add(&shape, random_below(&random, 1000), 1 + random_below(&random, 2000), false);
        samples[i] = (struct step_sample){shape, (double)step_time_price(model, &shape) / 1000};
    }
    step_time_destroy(model);
}

Test(roofline_fit, constants_come_back_from_steps_that_they_priced)
{
    static const double truth[ROOFLINE_CONSTANTS] = {0.55, 0.78, 42};
    struct config config = four_h100();
    struct roofline_fit fit;
    struct diag diag = {0};
    config.step_time.compute_efficiency = truth[ROOFLINE_COMPUTE];
    config.step_time.bandwidth_efficiency = truth[ROOFLINE_BANDWIDTH];
    config.step_time.layer_us = truth[ROOFLINE_LAYER];
    price_steps(&config, true);
    /* Drawn to other values, they come near; drawn to themselves, they are met. */
    const struct config start = four_h100();
    cr_assert_eq(roofline_fit(&start, samples, SAMPLES, &fit, &diag), SIM_OK, "%s", diag.text);
    for (int i = 0; i < ROOFLINE_CONSTANTS; i++)
        cr_expect(fit.told[i] && fabs(fit.values[i] / truth[i] - 1) < 0.2, "%s: %g", roofline_names[i], fit.values[i]);
    cr_expect_lt(fit.error.median, 0.015);
    cr_expect_eq(fit.error.held_out, SAMPLES / 5);
    cr_assert_eq(roofline_fit(&config, samples, SAMPLES, &fit, &diag), SIM_OK, "%s", diag.text);
    for (int i = 0; i < ROOFLINE_CONSTANTS; i++)
        cr_expect_float_eq(fit.values[i] / truth[i], 1, 1e-3, "%s: %g", roofline_names[i], fit.values[i]);
}

/* Every fifth step is held out: whatever it took, the constants are the same. */
Test(roofline_fit, steps_that_are_held_out_change_nothing_but_the_error)
{
    struct config config = four_h100();
    struct roofline_fit before, after;
    struct diag diag = {0};
    config.step_time.layer_us = 30;
    price_steps(&config, true);
    cr_assert_eq(roofline_fit(&config, samples, SAMPLES, &before, &diag), SIM_OK, "%s", diag.text);
    for (int i = 4; i < SAMPLES; i += 5)
        samples[i].us *= 2;
    cr_assert_eq(roofline_fit(&config, samples, SAMPLES, &after, &diag), SIM_OK, "%s", diag.text);
    for (int i = 0; i < ROOFLINE_CONSTANTS; i++)
        cr_expect_eq(before.values[i], after.values[i]);
    cr_expect_lt(before.error.max, 1e-3);
    cr_expect_float_eq(after.error.median, 0.5, 1e-3);
}

Test(roofline_fit, what_decodes_do_not_tell_stays_as_it_was)
{
    struct config config = four_h100();
    struct roofline_fit fit;
    struct diag diag = {0};
    config.step_time.layer_us = 30;
    price_steps(&config, false);
    config.step_time.compute_efficiency = 0.61;
    cr_assert_eq(roofline_fit(&config, samples, SAMPLES, &fit, &diag), SIM_OK, "%s", diag.text);
    cr_expect_not(fit.told[ROOFLINE_COMPUTE]);
    cr_expect_eq(fit.values[ROOFLINE_COMPUTE], 0.61);
    cr_expect(fit.told[ROOFLINE_BANDWIDTH] && fit.told[ROOFLINE_LAYER]);
    cr_expect_eq(roofline_fit(&config, samples, 19, &fit, &diag), SIM_BAD_INPUT);
    cr_expect_str_eq(diag.text, "19 steps are too few to fit 3 constants; 20 are needed");
}
