/* fleet_part.c - what a replica, and files about it, are called. */
#include <stdio.h>

#include "fleet/fleet.h"

const char *fleet_part_role(const struct fleet_part *part)
{
    static const char *const names[] = {[METRICS_ALL] = "both", [METRICS_PREFILL] = "prefill", [METRICS_DECODE] = "decode"};
    return names[part->does];
}

uint32_t fleet_part_turn(const struct fleet *fleet, const struct fleet_part *part)
{
    uint32_t turn = 1;
    for (const struct fleet_part *other = fleet->parts; other < part; other++)
        turn += other->member->number == part->member->number;
    return turn;
}

void fleet_part_file(const struct fleet *fleet, const struct fleet_part *part, const char *folder, char *out, size_t size)
{
    const uint32_t turn = fleet_part_turn(fleet, part);
    const int used = snprintf(out, size, "%s/replica-%u", folder, part->member->number);
    const size_t length = used < 0 ? 0 : (size_t)used;
    if (length < size && turn > 1)
        snprintf(out + length, size - length, ".%u.jsonl", turn);
    else if (length < size)
        snprintf(out + length, size - length, ".jsonl");
}

void fleet_kind_file(const struct fleet *fleet, const struct fleet_kind *kind, const char *folder, char *out, size_t size)
{
    if (fleet->plan.kind_count == 1)
        snprintf(out, size, "%s/config.json", folder);
    else
        snprintf(out, size, "%s/config-%u.json", folder, (unsigned)(kind - fleet->plan.kinds));
}
