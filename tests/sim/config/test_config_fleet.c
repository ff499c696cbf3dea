/* test_config_fleet.c - the keys of a fleet that are JSON: what comes back, and what is refused where. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "config/config_keys.h"
#include "support/config_text.h"

static void expect_refused(const char *text, const char *place_and_reason)
{
    struct config config;
    struct diag diag = {0};
    cr_expect_eq(config_text_load(text, NULL, 0, &config, &diag), SIM_BAD_INPUT, "%s", text);
    cr_expect(strstr(diag.text, place_and_reason), "%s: %s", text, diag.text);
}

Test(config_fleet, kinds_are_objects_of_plain_values)
{
    struct config config;
    struct diag diag = {0};
    cr_assert_eq(config_text_load("{\"replica_kinds\":[{\"count\":2,\"gpu\":\"h100\"},{\"step_time.base_ns\":5,\"contiguity\":true}]}",
                                  NULL, 0, &config, &diag),
                 SIM_OK, "%s", diag.text);
    cr_expect_eq(config.fleet.kind_count, 2);
    cr_expect_eq(config.fleet.kinds[0].count, 2);
    cr_expect_str_eq(config.fleet.kinds[0].settings, "{\"gpu\":\"h100\"}");
    cr_expect_eq(config.fleet.kinds[1].count, 1);
    cr_expect_str_eq(config.fleet.kinds[1].settings, "{\"step_time.base_ns\":5,\"contiguity\":true}");
    cr_expect(config_has_fleet(&config));
    expect_refused("{\"replica_kinds\":{}}", ":1:18: replica_kinds must be null");
    expect_refused("{\"replica_kinds\":[3]}", ":1:19: replica_kinds: a kind is an object");
    expect_refused("{\"replica_kinds\":[{\"count\":0}]}", ":1:28: count must be an integer from 1 to 10000");
    expect_refused("{\"replica_kinds\":[{\"step_time\":{\"base_ns\":5}}]}", "write nested keys as");
    expect_refused("{\"replica_kinds\":[{},{},{},{},{},{},{}]}", "takes 6 kinds");
}

Test(config_fleet, replicas_come_and_go_by_a_rule_or_a_schedule)
{
    struct config config;
    struct diag diag = {0};
    cr_assert_eq(config_text_load("{\"autoscale\":{\"max\":8,\"utilization\":0.7}}", NULL, 0, &config, &diag), SIM_OK, "%s", diag.text);
    const struct autoscale_config *scale = &config.fleet.autoscale;
    cr_expect(scale->least == 1 && scale->most == 8 && scale->utilization == 0.7 && scale->interval_s == 15 && scale->down_after_s == 300);
    cr_assert_eq(config_text_load("{\"autoscale\":{\"schedule\":[[0,2],[3600,8]],\"startup_s\":60}}", NULL, 0, &config, &diag), SIM_OK);
    cr_expect(scale->schedule_count == 2 && scale->schedule[1].at_s == 3600 && scale->schedule[1].replicas == 8 && scale->startup_s == 60);
    expect_refused("{\"autoscale\":{\"max\":8}}", "needs one target");
    expect_refused("{\"autoscale\":{\"max\":8,\"utilization\":0.7,\"unanswered\":3}}", "needs one target");
    expect_refused("{\"autoscale\":{\"utilization\":0.7}}", "needs \"max\"");
    expect_refused("{\"autoscale\":{\"min\":9,\"max\":8,\"utilization\":0.7}}", "below \"min\"");
    expect_refused("{\"autoscale\":{\"schedule\":[[10,2],[5,8]]}}", "in the order of time");
    expect_refused("{\"autoscale\":{\"maxx\":8}}", "did you mean \"max\"");
}

Test(config_fleet, a_failure_has_a_time_and_says_what_becomes_of_requests)
{
    struct config config;
    struct diag diag = {0};
    cr_assert_eq(config_text_load("{\"replica_failures\":[{\"at_s\":1},{\"at_s\":2,\"replica\":3,\"down_s\":4,\"requests\":\"lost\"}]}",
                                  NULL, 0, &config, &diag),
                 SIM_OK, "%s", diag.text);
    const struct replica_failure *failures = config.fleet.failures;
    cr_expect_eq(config.fleet.failure_count, 2);
    cr_expect(failures[0].at_s == 1 && failures[0].replica == 0 && isinf(failures[0].down_s) && !failures[0].lost);
    cr_expect(failures[1].at_s == 2 && failures[1].replica == 3 && failures[1].down_s == 4 && failures[1].lost);
    expect_refused("{\"replica_failures\":[{\"replica\":1}]}", "no \"at_s\"");
    expect_refused("{\"replica_failures\":[{\"at_s\":2},{\"at_s\":1}]}", "in the order of time");
    expect_refused("{\"replica_failures\":[{\"at_s\":2,\"requests\":\"gone\"}]}", "\"retry\"");
}

/* What is written reads back as the same. */
Test(config_fleet, comes_back_from_what_is_written)
{
    static const char *const texts[] = {
        "{\"replica_kinds\":[{\"count\":2,\"num_gpu_blocks\":9},{\"count\":1,\"max_num_seqs\":4}],\"router\":\"least-requests\"}",
        "{\"autoscale\":{\"min\":2,\"max\":8,\"unanswered\":7.5,\"interval_s\":1,\"down_after_s\":0,\"startup_s\":3}}",
        "{\"autoscale\":{\"schedule\":[[0,2],[10,4]]}}",
        "{\"replicas\":3,\"replica_failures\":[{\"at_s\":1,\"replica\":2,\"down_s\":0.5,\"requests\":\"lost\"},{\"at_s\":2}]}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct config config, again;
        struct diag diag = {0};
        struct json_text written;
        cr_assert_eq(config_text_load(texts[i], NULL, 0, &config, &diag), SIM_OK, "%s", diag.text);
        json_text_init(&written, false);
        config_write(&config, &written);
        cr_assert_eq(json_text_status(&written, &diag), SIM_OK);
        cr_assert_eq(config_text_load(written.text, NULL, 0, &again, &diag), SIM_OK, "%s: %s", written.text, diag.text);
        for (size_t key = 0; key < config_key_count; key++)
            cr_expect(config_key_equal(&config_keys[key], &config, &again), "%s: %s", texts[i], config_keys[key].name);
        json_text_deinit(&written);
    }
}
