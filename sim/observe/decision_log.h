/* decision_log.h - every decision, as one JSON line a step in the format of the golden logs (doc/formats.md section 4).
 *
 * An observer of single steps. It hashes every scheduled block table in every step, which costs far more than deciding does. Text goes to
 * a sink in large pieces. In V1 the further samples of a request with n > 1 appear as "i.s".
 */
#ifndef PAGESIM_DECISION_LOG_H
#define PAGESIM_DECISION_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"
#include "engine/observer.h"
#include "observe/metrics.h"

/* Where the text goes. `write` takes all of it or fails. */
struct log_sink {
    void *self;
    enum status (*write)(void *self, const char *text, size_t length, struct diag *diag);
};

struct decision_log_options {
    bool tables;         /* --tables: add the block tables themselves */
    bool groups;         /* the V0 form: mode, swaps, copies, kinds of preemption; tables name samples */
    bool several_tables; /* a request has one for each group of layers */
    bool windows;        /* tables do not only grow */
    bool speculation;    /* drafts and how many of them were right */
    bool own_numbers;    /* requests are named as a file of just these, in the order of arrival, would number them */
};

/* What fits the configuration. SIM_BAD_INPUT: its groups of layers do not go. */
SIM_NODISCARD enum status decision_log_options_for(const struct config *config, bool tables, struct decision_log_options *out,
                                                   struct diag *diag);

struct decision_log;

/* Borrows metrics and sink. `metrics` must watch the same replay: the summary is made of them. The caller frees it with decision_log_destroy. The log is complete after the observer's finish. */
SIM_NODISCARD enum status decision_log_create(const struct metrics *metrics, const struct decision_log_options *options,
                                              const struct log_sink *sink, struct decision_log **out, struct diag *diag);
struct observer decision_log_observer(struct decision_log *log);
void decision_log_destroy(struct decision_log *log);

#endif
