/* fleet_routes.c - the lists of what each replica was sent, and the trace of one. */
#include "fleet/fleet_routes.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

enum status fleet_routes_init(struct fleet_routes *routes, const struct trace *trace, bool followed, bool simulated, struct diag *diag)
{
    *routes = (struct fleet_routes){0};
    const struct array_request arrays[] = {ARRAY_OF(routes->member_of, trace->count), ARRAY_IF(followed, routes->asked_ns, trace->count),
                                           ARRAY_IF(simulated, routes->ended_ns, trace->count)};
    enum status status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "the fleet's requests", diag);
    if (status == SIM_OK)
        memset(routes->member_of, 0xff, trace->count * sizeof *routes->member_of); /* NO_MEMBER */
    if (status == SIM_OK && simulated)
        memset(routes->ended_ns, 0xff, trace->count * sizeof *routes->ended_ns); /* -1 */
    if (status == SIM_OK && followed)
        memcpy(routes->asked_ns, trace->arrival_ns, trace->count * sizeof *routes->asked_ns);
    return status;
}

void fleet_routes_deinit(struct fleet_routes *routes)
{
    for (size_t i = 0; i < routes->count; i++)
        free(routes->members[i].requests);
    free(routes->members);
    free(routes->member_of);
    free(routes->asked_ns);
    free(routes->ended_ns);
    *routes = (struct fleet_routes){0};
}

enum status fleet_routes_add(struct fleet_routes *routes, const struct fleet_member *from, uint32_t *member, struct diag *diag)
{
    *member = (uint32_t)routes->count;
    return array_append(&routes->members, &routes->count, &routes->capacity, from, sizeof *from, "the fleet's replicas", diag);
}

enum status fleet_routes_send(struct fleet_routes *routes, uint32_t member, uint32_t position, int64_t time_ns, struct diag *diag)
{
    struct fleet_member *to = &routes->members[member];
    const struct feed_item item = {.position = position, .time_ns = time_ns};
    routes->member_of[position] = member;
    return array_append(&to->requests, &to->count, &to->capacity, &item, sizeof item, "the fleet's requests", diag);
}

/* --- the trace of one replica ------------------------------------------------------------------------------------------------------ */

/* Hash ids are counted anew in order of first appearance: a replica has seen few of all, and what is kept by number shall not be larger. The
 * table of new numbers is a hash table of twice as many places, as most numbers of the whole trace are not here. */
struct renumbering {
    struct {
        uint32_t from, to; /* `to` counts from 1; 0: free */
    } * places;
    uint64_t mask;
    uint32_t count;
};

static uint32_t new_number(struct renumbering *numbers, uint32_t from)
{
    uint64_t at = (from * UINT64_C(0x9E3779B97F4A7C15) >> 20) & numbers->mask;
    while (numbers->places[at].to > 0 && numbers->places[at].from != from)
        at = (at + 1) & numbers->mask;
    if (numbers->places[at].to == 0) {
        numbers->places[at].from = from;
        numbers->places[at].to = ++numbers->count;
    }
    return numbers->places[at].to - 1;
}

static enum status renumber(const struct trace *trace, bool keep_ids, struct trace *part, struct diag *diag)
{
    struct renumbering numbers = {.mask = 1};
    uint64_t *in_file = NULL;
    const uint64_t ids = part->hash_start ? part->hash_start[part->count] : 0;
    if (ids == 0)
        return SIM_OK;
    while (numbers.mask < ids * 2)
        numbers.mask = numbers.mask * 2 + 1;
    /* There are no more numbers than ids. */
    const struct array_request arrays[] = {ARRAY_OF(numbers.places, numbers.mask + 1), ARRAY_IF(keep_ids, in_file, ids)};
    enum status status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "hash ids", diag);
    if (status != SIM_OK) {
        free(numbers.places);
        return status;
    }
    for (uint64_t i = 0; i < ids; i++) {
        const uint32_t from = part->hash_ids[i], to = new_number(&numbers, from);
        part->hash_ids[i] = to;
        if (keep_ids)
            in_file[to] = trace_id_in_file(trace, from);
    }
    part->id_in_file = in_file;
    part->distinct_hashes = numbers.count;
    free(numbers.places);
    return SIM_OK;
}

/* Times that are known wait for nobody. Sessions stay: they say what a prompt begins with. */
static void fix_times(const struct fleet_member *member, struct trace *part)
{
    for (size_t i = 0; i < member->count; i++)
        part->arrival_ns[i] = member->requests[i].time_ns;
    free(part->delay_ns);
    free(part->untimed);
    part->delay_ns = NULL;
    part->untimed = NULL;
}

enum status fleet_routes_trace(const struct fleet_routes *routes, uint32_t member, const struct trace *trace, bool keep_ids,
                               struct trace **out, struct diag *diag)
{
    const struct fleet_member *of = &routes->members[member];
    uint32_t *order;
    struct trace *part = NULL;
    enum status status = array_zeroed(&order, of->count, sizeof *order, "the fleet's requests", diag);
    if (status != SIM_OK)
        return status;
    for (size_t i = 0; i < of->count; i++)
        order[i] = of->requests[i].position;
    struct trace without_names = *trace; /* of ids: the part has its own */
    without_names.id_in_file = NULL;
    status = trace_copy(&without_names, order, (uint32_t)of->count, &part, diag);
    free(order);
    if (status != SIM_OK)
        return status;
    fix_times(of, part);
    status = renumber(trace, keep_ids, part, diag);
    if (status != SIM_OK) {
        trace_destroy(part);
        return status;
    }
    *out = part;
    return SIM_OK;
}
