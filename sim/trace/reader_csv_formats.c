/* reader_csv_formats.c - CSV formats that are no more than names of columns and a unit of time, and any CSV by --columns. What they share
 * is in csv_rows.h. */
#include "trace/csv_rows.h"

#define FORMAT_FUNCTIONS(format)                                                                                                           \
    static bool recognise_##format(const struct trace_head *head)                                                                          \
    {                                                                                                                                      \
        return csv_rows_recognise(head, &format##_format);                                                                                 \
    }                                                                                                                                      \
    static enum status begin_##format(struct trace_source *source, struct diag *diag)                                                      \
    {                                                                                                                                      \
        return csv_rows_begin(source, &format##_format, diag);                                                                             \
    }

#define IN_SECONDS(mode)                                                                                                                   \
    {                                                                                                                                      \
        .times = (mode), .time_unit_ns = 1e9                                                                                               \
    }

/* Source: HPMLL/BurstGPT, data/BurstGPT_1.csv and the later files with sessions. A response of 0 tokens is a call that failed. */
#define BURSTGPT_HEADER "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type"
static const struct csv_format burstgpt_format = {
    .what = "a BurstGPT CSV",
    .header = BURSTGPT_HEADER,
    .names = {[TRACE_FIELD_ARRIVAL] = {"Timestamp"},
              [TRACE_FIELD_INPUT] = {"Request tokens", "Request_tokens"},
              [TRACE_FIELD_OUTPUT] = {"Response tokens", "Response_tokens"},
              [TRACE_FIELD_SESSION] = {"Session ID", "Session_ID"}},
    .known = {"Model", "Total tokens", "Log Type", "Elapsed time"},
    .optional = 1u << TRACE_FIELD_SESSION,
    .dates = true,
    .numbers = true,
};
FORMAT_FUNCTIONS(burstgpt)
const struct trace_reader trace_reader_burstgpt = {
    .name = "burstgpt",
    .summary = "BurstGPT, with and without session ids (CSV, seconds)",
    .sign = "a BurstGPT CSV with the header " BURSTGPT_HEADER,
    .recognises = recognise_burstgpt,
    .facts = IN_SECONDS(TRACE_TIMES_FROM_FIRST),
    .begin = begin_burstgpt,
    .read_piece = csv_rows_read,
};

/* Source: microsoft/vidur, data/processed_traces. Its files of lengths alone have no arrivals. */
#define VIDUR_HEADER "arrived_at,num_prefill_tokens,num_decode_tokens"
static const struct csv_format vidur_format = {
    .what = "a Vidur CSV",
    .header = VIDUR_HEADER,
    .names = {[TRACE_FIELD_ARRIVAL] = {"arrived_at"},
              [TRACE_FIELD_INPUT] = {"num_prefill_tokens"},
              [TRACE_FIELD_OUTPUT] = {"num_decode_tokens"}},
    .known = {"num_total_tokens", "pd_ratio"},
    .optional = 1u << TRACE_FIELD_ARRIVAL,
    .numbers = true,
};
FORMAT_FUNCTIONS(vidur)
const struct trace_reader trace_reader_vidur = {
    .name = "vidur",
    .summary = "Vidur, also without arrivals (CSV, seconds)",
    .sign = "a Vidur CSV with the header " VIDUR_HEADER,
    .recognises = recognise_vidur,
    .facts = IN_SECONDS(TRACE_TIMES_FROM_ZERO),
    .begin = begin_vidur,
    .read_piece = csv_rows_read,
};

/* Source: Mutinifni/splitwise-sim, generate_trace.py. */
#define SPLITWISE_HEADER "arrival_timestamp,prompt_size,token_size"
static const struct csv_format splitwise_format = {
    .what = "a splitwise-sim CSV",
    .header = SPLITWISE_HEADER,
    .names = {[TRACE_FIELD_ARRIVAL] = {"arrival_timestamp"}, [TRACE_FIELD_INPUT] = {"prompt_size"}, [TRACE_FIELD_OUTPUT] = {"token_size"}},
    .known = {"request_id", "request_type", "application_id", "batch_size"},
    .numbers = true,
};
FORMAT_FUNCTIONS(splitwise)
const struct trace_reader trace_reader_splitwise = {
    .name = "splitwise-sim",
    .summary = "splitwise-sim (CSV, seconds)",
    .sign = "a splitwise-sim CSV with " SPLITWISE_HEADER,
    .recognises = recognise_splitwise,
    .facts = IN_SECONDS(TRACE_TIMES_FROM_ZERO),
    .begin = begin_splitwise,
    .read_piece = csv_rows_read,
};

/* Time is the gap since the row before. */
#define GAPS_HEADER "Time,RequestTokens,ResponseTokens"
static const struct csv_format gaps_format = {
    .what = "a CSV of gaps",
    .header = GAPS_HEADER,
    .names = {[TRACE_FIELD_ARRIVAL] = {"Time"}, [TRACE_FIELD_INPUT] = {"RequestTokens"}, [TRACE_FIELD_OUTPUT] = {"ResponseTokens"}},
    .numbers = true,
};
FORMAT_FUNCTIONS(gaps)
const struct trace_reader trace_reader_gaps = {
    .name = "gaps",
    .summary = "the time since the row before, and lengths (CSV, seconds)",
    .sign = "a CSV of gaps with the header " GAPS_HEADER,
    .recognises = recognise_gaps,
    .facts = IN_SECONDS(TRACE_TIMES_GAPS),
    .begin = begin_gaps,
    .read_piece = csv_rows_read,
};

/* --- --columns ------------------------------------------------------------------------------------------------------------------- */

/* Who names columns has seen the others, so they are not listed. Fields that are not named are not there. */
static enum status begin_columns(struct trace_source *source, struct diag *diag)
{
    struct csv_format format = {
        .what = "a CSV that is read with --columns", .known = {"*"}, .gaps_in_cells = true, .dates = true, .numbers = true};
    for (size_t i = 0; i < TRACE_FIELDS; i++)
        format.names[i][0] = source->selection->columns->of[i];
    return csv_rows_begin(source, &format, diag);
}

const struct trace_reader trace_reader_columns_csv = {
    .name = "csv",
    .summary = "any CSV, by --columns",
    .facts = IN_SECONDS(TRACE_TIMES_FROM_FIRST),
    .begin = begin_columns,
    .read_piece = csv_rows_read,
};
