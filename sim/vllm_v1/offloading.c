/* offloading.c - which blocks go to the host's memory and come back. Read offloading.h first. */
#include "vllm_v1/offloading.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/integers.h"
#include "config/kv_offloading.h"
#include "config/sizing.h"

enum status offloading_init(struct offloading *offloading, const struct config *config, struct v1_blocks *blocks, struct diag *diag)
{
    *offloading = (struct offloading){.on = config_offloads(config), .blocks = blocks};
    if (!offloading->on)
        return SIM_OK;
    const uint32_t capacity = sizing_host_blocks(config), requests = blocks->trace->count;
    const int64_t latency_ns = (int64_t)(config->kv_offloading_latency_us * 1000);
    const double block_ns = sizing_host_block_ns(config);
    if (capacity == 0)
        return diag_set(diag, SIM_BAD_INPUT, "kv_offloading_size: %g GiB do not hold one block of all GPUs; give more, or 0",
                        config->kv_offloading_size);
    const struct array_request arrays[] = {ARRAY_OF(offloading->requests, requests), ARRAY_OF(offloading->stored, capacity)};
    enum status status = host_blocks_init(&offloading->host, capacity, diag);
    if (status == SIM_OK) /* who loads has a block of the pool */
        status = transfer_queue_init(&offloading->loads, min_u32(requests, config->num_gpu_blocks), latency_ns, block_ns, diag);
    if (status == SIM_OK) /* who stores has a block of the host */
        status = transfer_queue_init(&offloading->stores, capacity, latency_ns, block_ns, diag);
    return status == SIM_OK ? array_zeroed_all(arrays, 2, "offloading", diag) : status;
}

void offloading_deinit(struct offloading *offloading)
{
    host_blocks_deinit(&offloading->host);
    transfer_queue_deinit(&offloading->loads);
    transfer_queue_deinit(&offloading->stores);
    free(offloading->stored);
    free(offloading->requests);
    *offloading = (struct offloading){0};
}

/* Contents of the first `count` blocks. */
static enum status contents_of(struct offloading *offloading, uint32_t position, uint32_t count, const uint64_t **out, struct diag *diag)
{
    enum status status = v1_blocks_extend_contents(offloading->blocks, position, count, diag);
    *out = offloading->blocks->chains[position].contents;
    return status;
}

/* A block that is being stored will be there soon, and one that is being loaded will be a hit on the GPU: in both cases it is better to look
 * again than to compute. */
enum status offloading_match(struct offloading *offloading, uint32_t position, uint32_t known, uint32_t cached, struct offload_match *out,
                             struct diag *diag)
{
    const uint32_t size = offloading->blocks->groups.hash_block_size, full = known / size, from = cached / size;
    const uint64_t *contents;
    bool loading = false;
    *out = (struct offload_match){0};
    enum status status = contents_of(offloading, position, full, &contents, diag);
    if (status != SIM_OK)
        return status;
    host_blocks_touch(&offloading->host, contents, full);
    for (uint32_t k = from; k < full && !out->later; k++) {
        const uint32_t block = host_blocks_find(&offloading->host, contents[k]);
        if (block == HOST_BLOCK_NONE)
            break;
        out->later = !offloading->host.blocks[block].ready;
        loading |= offloading->host.blocks[block].loads > 0;
        out->tokens += size;
    }
    out->later |= loading;
    return SIM_OK;
}

/* Blocks of a load, which are in the host's memory as long as it runs. */
static void hold(struct offloading *offloading, const struct transfer *load, int32_t change)
{
    const uint64_t *contents = offloading->blocks->chains[load->position].contents;
    for (uint32_t k = load->first; k < load->first + load->blocks; k++)
        offloading->host.blocks[host_blocks_find(&offloading->host, contents[k])].loads += (uint32_t)change;
}

/* What is loaded need not be stored again. */
void offloading_ask(struct offloading *offloading, uint32_t position, uint32_t cached, uint32_t tokens, int64_t now_ns)
{
    const uint32_t size = offloading->blocks->groups.hash_block_size;
    struct offloaded_request *request = &offloading->requests[position];
    const struct transfer load = {.position = position, .first = cached / size, .blocks = tokens / size};
    transfer_queue_ask(&offloading->loads, position, load.first, load.blocks);
    hold(offloading, &load, 1);
    request->load = LOAD_RUNS;
    request->asked_ns = now_ns;
    request->offered = load.first + load.blocks;
    offloading->sums.loads++;
    offloading->sums.loaded_blocks += load.blocks;
}

void offloading_begin(struct offloading *offloading, int64_t start_ns)
{
    transfer_queue_begin(&offloading->loads, start_ns);
}

/* Blocks that find no room are offered again at the request's next turn. What is stored makes all of the prompt's blocks new. */
enum status offloading_store(struct offloading *offloading, uint32_t position, uint32_t tokens, int64_t start_ns, struct diag *diag)
{
    struct offloaded_request *request = &offloading->requests[position];
    struct host_blocks *host = &offloading->host;
    const uint32_t full = tokens / offloading->blocks->groups.hash_block_size, from = request->offered;
    const uint64_t *contents;
    uint32_t added = 0;
    if (full <= from)
        return SIM_OK;
    enum status status = contents_of(offloading, position, full, &contents, diag);
    if (status != SIM_OK)
        return status;
    if (!host_blocks_make_room(host, contents + from, full - from)) {
        offloading->sums.refused_stores++;
        return SIM_OK;
    }
    request->offered = full;
    for (uint32_t k = from; k < full; k++) {
        if (host_blocks_find(host, contents[k]) != HOST_BLOCK_NONE)
            continue;
        offloading->stored[(offloading->stored_first + offloading->stored_count++) % host->capacity] = host_blocks_add(host, contents[k]);
        added++;
    }
    if (added == 0)
        return SIM_OK;
    host_blocks_touch(host, contents, full);
    transfer_queue_ask(&offloading->stores, position, 0, added);
    transfer_queue_begin(&offloading->stores, start_ns);
    request->storing++;
    offloading->sums.stored_blocks += added;
    return SIM_OK;
}

static void end_load(struct offloading *offloading, const struct transfer *load)
{
    struct offloaded_request *request = &offloading->requests[load->position];
    hold(offloading, load, -1);
    request->load = LOAD_DONE;
    offloading->sums.load_ns += (uint64_t)(load->end_ns - request->asked_ns);
}

static void end_store(struct offloading *offloading, const struct transfer *store)
{
    for (uint32_t i = 0; i < store->blocks; i++) {
        offloading->host.blocks[offloading->stored[offloading->stored_first]].ready = true;
        offloading->stored_first = (offloading->stored_first + 1) % offloading->host.capacity;
        offloading->stored_count--;
    }
    offloading->requests[store->position].storing--;
}

bool offloading_next(struct offloading *offloading, int64_t now_ns, uint32_t *position)
{
    struct transfer over;
    while (transfer_queue_pop(&offloading->loads, now_ns, &over))
        end_load(offloading, &over);
    while (transfer_queue_pop(&offloading->stores, now_ns, &over)) {
        end_store(offloading, &over);
        *position = over.position;
        if (offloading->requests[over.position].leaves && offloading->requests[over.position].storing == 0)
            return true;
    }
    return false;
}

int64_t offloading_next_ns(const struct offloading *offloading)
{
    const int64_t load_ns = transfer_queue_next_ns(&offloading->loads), store_ns = transfer_queue_next_ns(&offloading->stores);
    return load_ns < store_ns ? load_ns : store_ns;
}

bool offloading_leaves(struct offloading *offloading, uint32_t position)
{
    if (!offloading->on || offloading->requests[position].storing == 0)
        return false;
    offloading->requests[position].leaves = true;
    return true;
}

/* --- invariants ----------------------------------------------------------------------------------------------------------------------- */

/* Of the blocks that are not ready, each belongs to one store that is not over. */
static bool stores_agree(const struct offloading *offloading)
{
    const struct host_blocks *host = &offloading->host;
    uint64_t storing = 0, blocks = 0, stores = 0;
    for (size_t i = 0; i < offloading->stored_count; i++)
        if (host->blocks[offloading->stored[(offloading->stored_first + i) % host->capacity]].ready)
            return false;
    for (size_t i = 0; i < offloading->stores.count; i++)
        blocks += transfer_queue_at(&offloading->stores, i)->blocks;
    for (uint32_t position = 0; position < offloading->blocks->trace->count; position++)
        stores += offloading->requests[position].storing;
    for (uint32_t block = host->oldest; block != HOST_BLOCK_NONE; block = host->blocks[block].newer)
        storing += !host->blocks[block].ready;
    return storing == offloading->stored_count && blocks == storing && stores == offloading->stores.count;
}

/* What is loaded is held as often as loads read it. */
static bool loads_agree(const struct offloading *offloading)
{
    const struct host_blocks *host = &offloading->host;
    uint64_t held = 0, read = 0, loads = 0;
    for (uint32_t block = host->oldest; block != HOST_BLOCK_NONE; block = host->blocks[block].newer)
        held += host->blocks[block].loads;
    for (size_t i = 0; i < offloading->loads.count; i++)
        read += transfer_queue_at(&offloading->loads, i)->blocks;
    for (uint32_t position = 0; position < offloading->blocks->trace->count; position++)
        loads += offloading->requests[position].load == LOAD_RUNS;
    return held == read && loads == offloading->loads.count;
}

bool offloading_check_state(const struct offloading *offloading)
{
    return !offloading->on || (host_blocks_check(&offloading->host) && stores_agree(offloading) && loads_agree(offloading));
}
