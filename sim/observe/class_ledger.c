/* class_ledger.c - adds up what each class occupies, a step at a time. Whose a block is, block_holders.h knows; here are only the sums. */
#include "observe/class_ledger.h"

enum status class_ledger_init(struct class_ledger *ledger, const struct trace *trace, const struct config *config, enum class_key key,
                              struct diag *diag)
{
    *ledger = (struct class_ledger){0};
    return block_holders_init(&ledger->holders, trace, config, key, diag);
}

void class_ledger_deinit(struct class_ledger *ledger)
{
    block_holders_deinit(&ledger->holders);
}

/* What is held right after schedule() is held for the whole step, so a step adds its state times its duration. The
 * definitions are those of ledger_split and ledger_saved: useful and tail of charged blocks, saved of entries beyond those. */
static enum status on_scheduled(void *self, const struct step *step, struct diag *diag)
{
    struct class_ledger *ledger = self;
    enum status status = block_holders_scheduled(&ledger->holders, step, diag);
    const slot_time ns = step->tally.duration_ns, size = ledger->holders.block_size;
    for (uint32_t class = 0; class < ledger->holders.classes.count; class ++) {
        const struct class_state *now = &ledger->holders.now[class];
        struct class_sums *sums = &ledger->sums[class];
        sums->useful += (slot_time)now->useful_slots * ns;
        sums->tail += ((slot_time)now->blocks * size - (slot_time)now->useful_slots) * ns;
        sums->saved += ((slot_time)now->table_blocks - (slot_time)now->blocks) * size * ns;
        sums->tables += (slot_time)now->tables * ns;
    }
    return status;
}

/* Nothing is charged here: a step's time was added when it was scheduled. */
static enum status on_completed(void *self, const struct step *step, struct diag *diag)
{
    return block_holders_completed(&((struct class_ledger *)self)->holders, step, diag);
}

struct observer class_ledger_observer(struct class_ledger *ledger)
{
    return (struct observer){.self = ledger, .scheduled = on_scheduled, .completed = on_completed};
}
