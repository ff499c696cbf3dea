/* per_request.h - one row a request: what became of it, as JSON lines or CSV (doc/formats.md section 5).
 *
 * Rows are in the file's order (request_order.h). V1 runs n > 1 as n requests, so each sample has a row; a group of V0 (samples or beams
 * that advance together) is one row whose `n` says how many. Times are milliseconds, exact to the nanosecond, from the start of the trace.
 * What a request never reached is null, or empty in CSV. Fields:
 *
 *     request, sample, n          number in the file, which sample of it, sequences in the row
 *     status, reason              completed | dropped (max_model_len, pool) | ignored (V0: too long at run time) | unfinished
 *     arrival_ms, first_scheduled_ms, first_token_ms, finish_ms
 *     input_tokens, output_tokens lengths that the trace asks for
 *     generated_tokens            output tokens of a completed request, over all its sequences
 *     cached_tokens, preemptions  prefix hits at the first admission
 *     queue_ms, ttft_ms, tpot_ms, e2el_ms
 *
 * and with several servers
 *
 *     replica, prefill_replica    the number of the one that answered, or had it last; of the one that computed its prompt
 *     routing_wait_ms             how long it waited while another replica that took requests had nobody waiting
 */
#ifndef PAGESIM_PER_REQUEST_H
#define PAGESIM_PER_REQUEST_H

#include "base/text_writer.h"
#include "observe/metrics.h"

enum request_status { REQUEST_COMPLETED, REQUEST_DROPPED, REQUEST_IGNORED, REQUEST_UNFINISHED };
extern const char *const request_status_names[];
/* After the replay. Each request is in exactly one of the four. */
enum request_status request_status(const struct request_story *story);
/* Why a dropped request was dropped. */
const char *request_drop_reason(const struct request_story *story);

enum per_request_format { PER_REQUEST_JSONL, PER_REQUEST_CSV };

/* Of several servers, by position. */
struct request_servers {
    const uint32_t *answered_by, *prefilled_by; /* numbers; UINT32_MAX: nobody. prefilled_by NULL: nobody of all */
    const int64_t *routing_wait_ns;             /* -1: it came to none */
};

/* Write all rows (CSV: with a header) from metrics after the replay. servers: NULL, or there are several. */
SIM_NODISCARD enum status per_request_write(const struct metrics *metrics, const struct request_servers *servers,
                                            enum per_request_format format, struct text_writer *writer, struct diag *diag);

#endif
