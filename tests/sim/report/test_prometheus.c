/* test_prometheus.c - the page's histograms count everything, however much there is; its lines are held by the command line's cases. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/prometheus.h"
#include "support/temp_file.h"
#include "support/tiny_trace.h"

static double number_after(const char *text, const char *name)
{
    const char *line = strstr(text, name);
    cr_assert_not_null(line, "no %s", name);
    return strtod(strchr(line, ' '), NULL);
}

/* More gaps of more sizes than are kept unpacked. */
Test(prometheus, a_long_replay_has_all_its_gaps_in_the_histogram)
{
    enum { MANY = 200000 };
    struct trace *trace = tiny_trace(&(struct tiny_request){.input = 4, .output = 4}, 1);
    struct config config = tiny_config_v1(4, 100);
    struct metrics metrics;
    struct prometheus prometheus = {0};
    struct text_writer *writer;
    const struct temp_file file = temp_file_make("", 0);
    struct diag diag = {0};
    static char text[1 << 16];
    double sum_ns = 0;
    cr_assert_eq(metrics_init(&metrics, trace, &diag), SIM_OK);
    for (int64_t i = 0; i < MANY; i++) {
        const int64_t gap_ns = 1000000 + i * 7919 % 1000000;
        cr_assert_eq(gap_distribution_add(&metrics.gaps, gap_ns, 0, 1, 3, &diag), SIM_OK);
        sum_ns += 3 * (double)gap_ns;
    }
    cr_expect_not_null(metrics.gaps.packed.first);
    cr_assert_eq(text_writer_open(file.path, &writer, &diag), SIM_OK);
    cr_assert_eq(prometheus_write(&prometheus, &metrics, &config, writer, &diag), SIM_OK);
    cr_assert_eq(text_writer_commit(writer, &diag), SIM_OK);
    FILE *in = fopen(file.path, "r");
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    fclose(in);
    cr_expect_eq(number_after(text, "\nvllm:inter_token_latency_seconds_count"), 3.0 * MANY);
    cr_expect_float_eq(number_after(text, "\nvllm:inter_token_latency_seconds_sum"), sum_ns / 1e9, 1e-9);
    metrics_deinit(&metrics);
    trace_destroy(trace);
    temp_file_remove(&file);
}
