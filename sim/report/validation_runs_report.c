/* validation_runs_report.c - several measured runs at once: a table with a row each. Of one alone there is more to say (validation_report.c). */
#include "report/validation_report.h"

#include "time/step_time.h"

/* The figures of a row, in the order of its columns. */
static const char *const figure_names[VALIDATED_FIGURES] = {"ttft_mape",     "ttft_median_ape", "tpot_mape",
                                                            "e2el_mape",     "mean_e2el_error", "median_itl_error",
                                                            "p99_itl_error", "prefill_error",   "preemptions"};

struct validated_run validated_run_of(const char *name, struct scheduling_choice *choice)
{
    const struct scheduling_way *way = scheduling_chosen(choice);
    struct validated_run run = {.name = name,
                                .requests = way->run.trace->count,
                                .measured = way->validation.measured->known,
                                .step_times = step_time_name(way->config.step_time.model),
                                .asynchronous = way->config.scheduler == SCHEDULER_VLLM_V1 && way->config.async_scheduling,
                                .chosen = choice->told == SCHEDULING_BY_PREFILL || choice->told == SCHEDULING_BY_TTFT};
    for (int i = 0; i < VALIDATED_FIGURES; i++)
        run.figures[i] = run_figure(&way->run, figure_names[i]);
    return run;
}

struct document *validation_runs_report(const struct validated_run *runs, size_t count, const struct document_origin *origin)
{
    static const struct table_column columns[] = {{"run", "run", TABLE_TEXT, 0},
                                                  {"requests", NULL, TABLE_WHOLE, 0},
                                                  {"measured_requests", "of", TABLE_WHOLE, 0},
                                                  {"step_times", "step times", TABLE_TEXT, 0},
                                                  {"async_scheduling", NULL, TABLE_YES_NO, 0},
                                                  {"async_scheduling_chosen", NULL, TABLE_YES_NO, 0},
                                                  {"ttft_mape", "TTFT", 2, 0.01},
                                                  {"ttft_median_ape", "median", 2, 0.01},
                                                  {"tpot_mape", "TPOT", 2, 0.01},
                                                  {"e2el_mape", "E2E", 2, 0.01},
                                                  {"mean_e2el_error", NULL, 2, 0.01},
                                                  {"median_itl_error", NULL, 2, 0.01},
                                                  {"p99_itl_error", "ITL p99", 2, 0.01},
                                                  {"prefill_error", "prefill", 2, 0.01},
                                                  {"preemptions", NULL, TABLE_WHOLE, 0}};
    struct document *document = document_create(origin);
    document_heading(document, "Measured runs and their replays", " (errors in %, of single requests but for ITL and prefill)");
    struct table *table = document_table(document, "runs", columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count; i++) {
        table_text(table, runs[i].name);
        table_numbers(table, runs[i].requests, runs[i].measured);
        table_text(table, runs[i].step_times);
        table_flag(table, runs[i].asynchronous);
        table_flag(table, runs[i].chosen);
        table_numbers_of(table, runs[i].figures, VALIDATED_FIGURES);
    }
    return document;
}
