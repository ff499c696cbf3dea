/* class_ledger.h - the memory ledger by class of requests: what of the useful slots, of the tail waste and of the savings is whose.
 *
 * Sums are slots x nanoseconds; over all classes they are exactly those of the ledger (useful, tail, saved), whichever way requests
 * are sorted. Shared blocks are charged to one class by the rule of block_holders.h. Needs every single step.
 */
#ifndef PAGESIM_CLASS_LEDGER_H
#define PAGESIM_CLASS_LEDGER_H

#include "observe/block_holders.h"
#include "observe/usage_timeline.h"

struct class_sums {
    slot_time useful, tail, saved;
    slot_time ahead;  /* part of tail: blocks of tables beyond their last token (speculation) */
    slot_time slack;  /* slots of tables that no later token looks at (windows, chunks); shared ones once a table */
    slot_time tables; /* tables (V1: requests) x nanoseconds */
    slot_time blocks; /* charged blocks x nanoseconds */
    slot_time passed; /* null blocks of tables x nanoseconds */
};

struct class_ledger {
    struct block_holders holders;
    int64_t charged_ns; /* all before is in the sums */
    struct class_sums sums[HOLDER_CLASSES_MOST];
};

/* End it with class_ledger_deinit in any case. */
SIM_NODISCARD enum status class_ledger_init(struct class_ledger *ledger, const struct trace *trace, const struct config *config,
                                            enum class_key key, struct diag *diag);
/* By group of layers. */
SIM_NODISCARD enum status class_ledger_init_groups(struct class_ledger *ledger, const struct trace *trace, const struct config *config,
                                                   struct diag *diag);
void class_ledger_deinit(struct class_ledger *ledger);
/* The ledger must stay where it is. */
struct observer class_ledger_observer(struct class_ledger *ledger);

#endif
