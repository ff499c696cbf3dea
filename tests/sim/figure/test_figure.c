/* test_figure.c - the table of figures: names are unique and well formed, percentiles are found, sets keep what was put in. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "figure/figure.h"

Test(figure, names_are_unique_words_and_every_row_says_what_it_is)
{
    for (size_t i = 0; i < figure_kind_count; i++) {
        const struct figure_kind *kind = &figure_kinds[i];
        struct figure_kind made;
        cr_expect_eq(figure_kind_find(kind->name, &made), kind, "%s stands twice", kind->name);
        cr_expect_lt(strlen(kind->name), FIGURE_NAME_SIZE);
        for (const char *c = kind->name; *c; c++)
            cr_expect(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_', "%s", kind->name);
        cr_expect(*kind->heading && *kind->meaning && kind->meaning[strlen(kind->meaning) - 1] != '.', "%s", kind->name);
    }
}

/* One spelling: the unit at the end says what the figure's unit is. */
Test(figure, units_in_names_are_the_units_of_the_rows)
{
    for (size_t i = 0; i < figure_kind_count; i++) {
        const struct figure_kind *kind = &figure_kinds[i];
        const size_t length = strlen(kind->name);
        const bool ms = length > 3 && strcmp(kind->name + length - 3, "_ms") == 0;
        const bool bytes = length > 6 && strcmp(kind->name + length - 6, "_bytes") == 0;
        cr_expect_eq(ms, kind->unit == FIGURE_MS, "%s", kind->name);
        cr_expect_eq(bytes, kind->unit == FIGURE_BYTES, "%s", kind->name);
    }
}

Test(figure, any_percentile_of_a_latency_is_a_figure)
{
    static const struct {
        const char *name;
        enum latency latency;
        double percentile; /* negative: no figure */
    } cases[] = {{"p99.9_queue_ms", LATENCY_QUEUE, 99.9},
                 {"p0_ttft_ms", LATENCY_TTFT, 0},
                 {"p100_itl_ms", LATENCY_ITL, 100},
                 {"p101_ttft_ms", LATENCIES, -1},
                 {"p99_ttft", LATENCIES, -1},
                 {"p99_e2e_ms", LATENCIES, -1},
                 {"p_ttft_ms", LATENCIES, -1},
                 {"p-1_ttft_ms", LATENCIES, -1},
                 {"px9_ttft_ms", LATENCIES, -1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum latency latency = LATENCIES;
        double percentile = -1;
        struct figure_kind made;
        cr_expect_eq(figure_parse_percentile(cases[i].name, &latency, &percentile), cases[i].percentile >= 0, "%s", cases[i].name);
        cr_expect_eq(figure_kind_find(cases[i].name, &made) != NULL, cases[i].percentile >= 0, "%s", cases[i].name);
        if (cases[i].percentile >= 0)
            cr_expect(latency == cases[i].latency && percentile == cases[i].percentile, "%s", cases[i].name);
    }
}

Test(figure, wishes_are_kept_once_and_only_for_what_no_row_lists)
{
    struct figure_wishes wishes = {.count = 0};
    struct diag diag = {0};
    static const char *const names[] = {"p99_ttft_ms", "p99.9_ttft_ms", "p99.9_ttft_ms", "preemptions", "p50_queue_ms"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cr_expect_eq(figure_wish(&wishes, names[i], &diag), SIM_OK);
    cr_assert_eq(wishes.count, 2);
    cr_expect_str_eq(wishes.names[0], "p99.9_ttft_ms");
    cr_expect_str_eq(wishes.names[1], "p50_queue_ms");
}

Test(figure, sets_keep_values_and_say_what_is_undefined)
{
    struct figure_set set = {.count = 0};
    char text[32];
    figure_set_put(&set, "preemptions", 12);
    figure_set_put(&set, "mean_ttft_ms", NAN);
    figure_set_put(&set, "prefix_hit_rate", 0.5);
    figure_set_put(&set, "no_such_figure", 1);
    cr_assert_eq(set.count, 3);
    cr_expect_str_eq(figure_text(&set.list[0], text), "12");
    cr_expect_str_eq(figure_text(&set.list[1], text), "");
    cr_expect_str_eq(figure_text(&set.list[2], text), "0.5");
    cr_expect(isnan(figure_set_value(&set, "mean_ttft_ms")) && isnan(figure_set_value(&set, "steps")));
    cr_expect_eq(figure_set_value(&set, "prefix_hit_rate"), 0.5);
}

Test(figure, a_wrong_name_is_refused_with_the_nearest_and_a_right_one_that_the_run_lacks_is_too)
{
    struct diag diag = {0};
    const unsigned always = FIGURE_SCOPE(FIGURE_ALWAYS);
    cr_expect_eq(figure_check_name("--figures", "p99_ttft_ms", always, &diag), SIM_OK);
    cr_expect_eq(figure_check_name("--figures", "p99_tfft_ms", always, &diag), SIM_USAGE);
    cr_expect(strstr(diag.text, "did you mean \"p99_ttft_ms\""), "%s", diag.text);
    diag_clear(&diag);
    cr_expect_eq(figure_check_name("--figures", "forks", always, &diag), SIM_USAGE);
    cr_expect(strstr(diag.text, "such a run has no figure \"forks\""), "%s", diag.text);
}
