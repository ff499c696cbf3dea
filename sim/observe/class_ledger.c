/* class_ledger.c - adds up what each class occupies, a step at a time. Whose a block is, block_holders.h knows; here are only the sums. */
#include "observe/class_ledger.h"

enum status class_ledger_init(struct class_ledger *ledger, const struct trace *trace, const struct config *config, enum class_key key,
                              struct diag *diag)
{
    *ledger = (struct class_ledger){0};
    return block_holders_init(&ledger->holders, trace, config, key, diag);
}

enum status class_ledger_init_groups(struct class_ledger *ledger, const struct trace *trace, const struct config *config, struct diag *diag)
{
    *ledger = (struct class_ledger){0};
    return block_holders_init_groups(&ledger->holders, trace, config, diag);
}

void class_ledger_deinit(struct class_ledger *ledger)
{
    block_holders_deinit(&ledger->holders);
}

/* What is held is held until somebody decides or completes a step: what was there since the last time is added before anything changes. The
 * definitions are those of ledger_split and ledger_saved: useful and tail of charged blocks, saved of entries beyond those. */
static void charge_until(struct class_ledger *ledger, int64_t now_ns)
{
    const slot_time ns = now_ns - ledger->charged_ns, size = ledger->holders.block_slots;
    for (uint32_t class = 0; class < ledger->holders.class_count; class ++) {
        const struct class_state *now = &ledger->holders.now[class];
        struct class_sums *sums = &ledger->sums[class];
        sums->useful += (slot_time)now->useful_slots * ns;
        sums->tail += ((slot_time)now->blocks * size - (slot_time)now->useful_slots) * ns;
        sums->saved += ((slot_time)now->table_blocks - (slot_time)now->blocks) * size * ns;
        sums->tables += (slot_time)now->tables * ns;
        sums->blocks += (slot_time)now->blocks * ns;
        sums->passed += (slot_time)now->passed * ns;
        sums->ahead += (slot_time)now->ahead_blocks * size * ns;
        sums->slack += (slot_time)now->slack_slots * ns;
    }
    ledger->charged_ns = now_ns;
}

static enum status on_scheduled(void *self, const struct step *step, struct diag *diag)
{
    struct class_ledger *ledger = self;
    if (ledger->holders.rebuilds) /* tables are taken anew now, and what was left of them is nobody's */
        ledger->charged_ns = step->tally.decided_ns;
    charge_until(ledger, step->tally.decided_ns);
    return block_holders_scheduled(&ledger->holders, step, diag);
}

static enum status on_completed(void *self, const struct step *step, struct diag *diag)
{
    struct class_ledger *ledger = self;
    charge_until(ledger, step->tally.start_ns + step->tally.duration_ns);
    return block_holders_completed(&ledger->holders, step, diag);
}

struct observer class_ledger_observer(struct class_ledger *ledger)
{
    return (struct observer){.self = ledger, .scheduled = on_scheduled, .completed = on_completed};
}
