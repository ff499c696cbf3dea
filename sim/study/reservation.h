/* reservation.h - the same requests in the same memory without paging: every request reserves one contiguous piece when it is admitted and
 * keeps it to its end, as servers did before PagedAttention. What becomes of each slot tells what paging is worth.
 *
 *     a reservation   [ prompt and output so far | its future tokens | never used ]       plus memory that nobody can use:
 *                       tokens               future              internal                 external
 *
 * The model (a scheduler of its own, kept simple): continuous batching. Requests wait first come, first served; the head is admitted when
 * fewer than max_num_seqs run and a piece is free that holds its reservation (contiguous_allocator.h); its whole prompt is computed
 * in that step, several prompts share a step as far as max_num_batched_tokens goes. Everyone else computes one token a step. Nobody is
 * ever preempted, as all that can be needed is reserved. No prefixes are shared. n samples (or beams) reserve n times as much, in one piece.
 * The same step-time model prices the steps; tokens computed in a step count as held in it.
 *
 * Reserved slots: `maximum` max_model_len; `power of two` the prompt and the output's length rounded up to a power of two, at most
 * max_model_len; `exact` prompt and output, as if lengths were known. Free slots are `external` while the head waits for memory, else
 * `free`; the part of external that would be enough, were it in one piece, is counted again as `scattered`.
 *
 * Source: PagedAttention (SOSP'23), section 6.1 (Orca Max, Pow2, Oracle) and figure 2; Orca (OSDI'22).
 */
#ifndef PAGESIM_RESERVATION_H
#define PAGESIM_RESERVATION_H

#include <stdbool.h>

#include "config/config.h"
#include "observe/ledger.h"
#include "observe/usage_timeline.h"
#include "study/contiguous_allocator.h"
#include "time/step_time.h"
#include "trace/trace.h"

enum reservation_kind { RESERVE_MAXIMUM, RESERVE_POWER_OF_TWO, RESERVE_EXACT, RESERVATION_KINDS };
enum reserved_account { RESERVED_TOKENS, RESERVED_FUTURE, RESERVED_INTERNAL, RESERVED_EXTERNAL, RESERVED_FREE, RESERVED_ACCOUNTS };

_Static_assert((int)RESERVED_ACCOUNTS == (int)TIMELINE_SERIES, "an account is a series");

extern const char *const reservation_names[RESERVATION_KINDS]; /* "maximum", "power of 2", "exact" */

struct reservation_result {
    uint64_t memory_slots;
    uint64_t completed;
    uint64_t too_large;            /* requests whose reservation no empty memory holds: they never run */
    int64_t end_ns;                /* when the last request ended */
    int64_t time_ns[LEDGER_SPANS]; /* all; while somebody waits */
    slot_time sums[LEDGER_SPANS][RESERVED_ACCOUNTS], scattered[LEDGER_SPANS];
    slot_time running[LEDGER_SPANS]; /* requests x nanoseconds */
    uint32_t peak_running;
    struct usage_timeline timeline; /* series: enum reserved_account */
};

/* Requests longer than max_model_len are left out, as vLLM does. The accounts add up to memory x time exactly. */
SIM_NODISCARD enum status reservation_run(const struct trace *trace, const struct config *config, const struct step_time_model *model,
                                          enum contiguous_kind allocator, enum reservation_kind kind, struct reservation_result *out,
                                          struct diag *diag);

/* All of them, each in a thread; results by enum reservation_kind. */
SIM_NODISCARD enum status reservation_run_all(const struct trace *trace, const struct config *config, const struct step_time_model *model,
                                              enum contiguous_kind allocator, struct reservation_result results[RESERVATION_KINDS],
                                              struct diag *diag);

/* Do they, and does the timeline to the same sums? */
bool reservation_check(const struct reservation_result *result);

/* Share of the memory over a span; 0 when it is empty. */
double reservation_share(const struct reservation_result *result, enum ledger_span span, slot_time sum);

#endif
