/* prefix_misses.c - a trie of all content that was ever computed, the requests in flight, and the classes of each admission's misses. Read
 * prefix_misses.h first for the classes.
 *
 * Events do not say how far a request came between its admission and its next token: it is in flight. They need not. While it runs, what it
 * has computed is held and would have been found, so content that is missing and only claimed by requests in flight is not computed yet.
 * Its next token (first token, gap or finish), or a preemption, which names the tokens lost, settles what it computed; that goes into the
 * trie.
 */
#include "observe/prefix_misses.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/integers.h"

const char *const miss_class_names[MISS_CLASSES] = {"compulsory", "granularity", "last_token", "in_flight",
                                                    "capacity",   "preemption",  "caching_off"};

enum status prefix_misses_init(struct prefix_misses *misses, const struct trace *trace, const struct config *config, struct diag *diag)
{
    *misses = (struct prefix_misses){.trace = trace,
                                     .block_size = config->block_size,
                                     .trace_block_size = config->trace_block_size,
                                     .caching = config->enable_prefix_caching,
                                     .node_count = 1,
                                     .index_mask = 1023};
    const char *what = "the classes of misses";
    enum status status = array_zeroed(&misses->of_request, trace->count, sizeof *misses->of_request, what, diag);
    if (status == SIM_OK)
        status = array_zeroed(&misses->in_flight, trace->count, sizeof *misses->in_flight, what, diag);
    if (status == SIM_OK)
        status = array_zeroed(&misses->in_flight_at, trace->count, sizeof *misses->in_flight_at, what, diag);
    if (status == SIM_OK)
        status = array_zeroed(&misses->lost_tokens, trace->count, sizeof *misses->lost_tokens, what, diag);
    if (status == SIM_OK)
        status = array_zeroed(&misses->index, (size_t)misses->index_mask + 1, sizeof *misses->index, what, diag);
    return status;
}

void prefix_misses_deinit(struct prefix_misses *misses)
{
    free(misses->of_request);
    free(misses->in_flight);
    free(misses->in_flight_at);
    free(misses->lost_tokens);
    free(misses->index);
    free(misses->nodes);
    free(misses->chain);
    *misses = (struct prefix_misses){0};
}

/* --- the trie --------------------------------------------------------------------------------------------------------------------- */

static uint32_t slot_of(const struct prefix_misses *misses, uint32_t parent, uint32_t name)
{
    uint64_t key = ((uint64_t)parent << 32 | name) * UINT64_C(0x9E3779B97F4A7C15);
    uint32_t slot = (uint32_t)(key >> 32) & misses->index_mask;
    while (misses->index[slot] && (misses->nodes[misses->index[slot]].parent != parent || misses->nodes[misses->index[slot]].name != name))
        slot = (slot + 1) & misses->index_mask;
    return slot;
}

static enum status grow_index(struct prefix_misses *misses, struct diag *diag)
{
    uint32_t *bigger;
    enum status status = array_zeroed(&bigger, 2 * ((size_t)misses->index_mask + 1), sizeof *bigger, "a content trie", diag);
    if (status != SIM_OK)
        return status;
    free(misses->index);
    misses->index = bigger;
    misses->index_mask = 2 * misses->index_mask + 1;
    for (uint32_t node = 1; node < misses->node_count; node++)
        misses->index[slot_of(misses, misses->nodes[node].parent, misses->nodes[node].name)] = node;
    return SIM_OK;
}

/* The k-th block of a prompt: how many tokens of it the prompt has (0: there is none) and what names it. After the hash ids only samples
 * of one request share content: it is one long block, named after sample 0. */
static uint32_t prompt_block(const struct prefix_misses *misses, uint32_t position, uint32_t k, uint32_t *name)
{
    const struct trace *trace = misses->trace;
    const uint64_t hashes = trace_hash_count(trace, position), width = misses->trace_block_size, input = trace->input_tokens[position];
    uint64_t start = k * width;
    if (k < hashes) {
        *name = trace->hash_ids[trace->hash_start[position] + k];
        return start >= input ? 0 : input - start < width ? (uint32_t)(input - start) : (uint32_t)width;
    }
    if (k > hashes || start >= input || !trace->sample)
        return 0;
    *name = trace->distinct_hashes + position - trace->sample[position];
    return (uint32_t)(input - start);
}

/* Nodes of the prompt's blocks as far as they exist into misses->chain; *tokens: how much of the prompt somebody computed. */
static enum status find_chain(struct prefix_misses *misses, uint32_t position, uint32_t *count, uint32_t *tokens, struct diag *diag)
{
    uint32_t parent = 0, name, length;
    *tokens = 0;
    for (*count = 0; (length = prompt_block(misses, position, *count, &name)) > 0; ++*count) {
        uint32_t node = misses->node_count > 1 ? misses->index[slot_of(misses, parent, name)] : 0;
        if (node == 0)
            break;
        enum status status =
            array_reserve(&misses->chain, &misses->chain_capacity, (size_t)*count + 1, sizeof *misses->chain, "a chain", diag);
        if (status != SIM_OK)
            return status;
        misses->chain[*count] = parent = node;
        uint32_t computed = min_u32(misses->nodes[node].computed, length);
        *tokens += computed;
        if (computed < length) {
            ++*count;
            break;
        }
    }
    return SIM_OK;
}

/* The first `tokens` of the prompt are computed now. */
static enum status note_computed(struct prefix_misses *misses, uint32_t position, uint32_t tokens, struct diag *diag)
{
    uint32_t parent = 0, name, length;
    for (uint32_t k = 0; tokens > 0 && (length = prompt_block(misses, position, k, &name)) > 0; k++) {
        enum status status = SIM_OK;
        if (2 * misses->node_count > misses->index_mask)
            status = grow_index(misses, diag);
        if (status == SIM_OK)
            status = array_reserve(&misses->nodes, &misses->node_capacity, (size_t)misses->node_count + 1, sizeof *misses->nodes,
                                   "a content trie", diag);
        if (status != SIM_OK)
            return status;
        uint32_t *entry = &misses->index[slot_of(misses, parent, name)], part = min_u32(length, tokens);
        if (*entry == 0) {
            *entry = misses->node_count;
            misses->nodes[misses->node_count++] = (struct content_block){.parent = parent, .name = name};
        }
        struct content_block *node = &misses->nodes[*entry];
        if (node->computed < part)
            node->computed = part;
        parent = *entry;
        tokens -= part;
    }
    return SIM_OK;
}

/* A request gives up the first `tokens` of its prompt. */
static enum status note_given_up(struct prefix_misses *misses, uint32_t position, uint32_t tokens, bool preempted, struct diag *diag)
{
    uint32_t count, known, name;
    enum status status = find_chain(misses, position, &count, &known, diag);
    for (uint32_t k = 0; status == SIM_OK && k < count && tokens > 0; k++) {
        struct content_block *node = &misses->nodes[misses->chain[k]];
        uint32_t part = min_u32(prompt_block(misses, position, k, &name), tokens);
        if (preempted) {
            node->lost_to = node->lost_from < node->lost_to && node->lost_to > part ? node->lost_to : part;
            node->lost_from = 0;
        } else if (node->lost_from < part) {
            node->lost_from = part;
        }
        tokens -= part;
    }
    return status;
}

/* --- requests in flight ----------------------------------------------------------------------------------------------------------- */

static void enter_flight(struct prefix_misses *misses, uint32_t position)
{
    if (misses->in_flight_at[position])
        return;
    misses->in_flight[misses->in_flight_count++] = position;
    misses->in_flight_at[position] = misses->in_flight_count;
}

static void leave_flight(struct prefix_misses *misses, uint32_t position)
{
    uint32_t at = misses->in_flight_at[position] - 1, last = misses->in_flight[--misses->in_flight_count];
    misses->in_flight[at] = last;
    misses->in_flight_at[last] = at + 1;
    misses->in_flight_at[position] = 0;
}

/* Leading tokens that two prompts share. */
static uint32_t common_prefix(const struct prefix_misses *misses, uint32_t a, uint32_t b)
{
    uint32_t tokens = 0, name_a = 0, name_b = 0;
    for (uint32_t k = 0;; k++) {
        uint32_t length_a = prompt_block(misses, a, k, &name_a), length_b = prompt_block(misses, b, k, &name_b);
        if (length_a == 0 || length_b == 0 || name_a != name_b)
            return tokens;
        tokens += min_u32(length_a, length_b);
        if (length_a != length_b)
            return tokens;
    }
}

static uint32_t claimed_prefix(const struct prefix_misses *misses, uint32_t position)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < misses->in_flight_count; i++) {
        uint32_t tokens = misses->in_flight[i] == position ? 0 : common_prefix(misses, position, misses->in_flight[i]);
        most = tokens > most ? tokens : most;
    }
    return most;
}

/* --- classes ---------------------------------------------------------------------------------------------------------------------- */

/* Of tokens [from, to), which are all in the trie: those that were last given up by a preemption. */
static uint32_t lost_between(const struct prefix_misses *misses, uint32_t position, uint32_t count, uint32_t from, uint32_t to)
{
    uint32_t start = 0, lost = 0, name;
    for (uint32_t k = 0; k < count && start < to; k++) {
        const struct content_block *node = &misses->nodes[misses->chain[k]];
        uint32_t length = prompt_block(misses, position, k, &name);
        uint32_t low = start + node->lost_from > from ? start + node->lost_from : from;
        uint32_t high = min_u32(min_u32(start + node->lost_to, start + length), to);
        lost += high > low ? high - low : 0;
        start += length;
    }
    return lost;
}

static enum status classify(struct prefix_misses *misses, uint32_t position, uint32_t cached, struct diag *diag)
{
    const uint32_t size = misses->block_size, known = misses->trace->input_tokens[position];
    uint32_t *tokens = misses->of_request[position], count, computed;
    enum status status = find_chain(misses, position, &count, &computed, diag);
    if (status != SIM_OK)
        return status;
    uint32_t claimed = claimed_prefix(misses, position), seen = claimed > computed ? claimed : computed;
    if (seen < cached) /* registered and never computed (case E8 of doc/vllm_v1.md): vLLM counts it as present */
        seen = cached;
    tokens[MISS_COMPULSORY] = known - seen;
    if (!misses->caching) {
        tokens[MISS_CACHING_OFF] = seen;
        return SIM_OK;
    }
    uint32_t rest = seen - cached;
    tokens[MISS_GRANULARITY] = min_u32(rest, seen % size);
    rest -= tokens[MISS_GRANULARITY];
    uint32_t whole = seen - seen % size, reachable = (known - 1) / size * size;
    tokens[MISS_LAST_TOKEN] = min_u32(rest, whole > reachable ? whole - reachable : 0);
    rest -= tokens[MISS_LAST_TOKEN];
    /* What is left is [cached, cached + rest): of it the trie holds a first part, the rest is only claimed. */
    uint32_t end = cached + rest, held = min_u32(computed - computed % size, end);
    if (held < cached)
        held = cached;
    tokens[MISS_IN_FLIGHT] = end - held;
    tokens[MISS_PREEMPTION] = lost_between(misses, position, count, cached, held);
    tokens[MISS_CAPACITY] = held - cached - tokens[MISS_PREEMPTION];
    return SIM_OK;
}

static enum status first_admission(struct prefix_misses *misses, const struct event *event, struct diag *diag)
{
    uint32_t position = event->request;
    enum status status = classify(misses, position, (uint32_t)event->value, diag);
    if (status != SIM_OK)
        return status;
    misses->admissions++;
    misses->prompt_tokens += misses->trace->input_tokens[position];
    misses->cached_tokens += (uint64_t)event->value;
    for (int class = 0; class < MISS_CLASSES; class ++)
        misses->tokens[class] += misses->of_request[position][class];
    return SIM_OK;
}

static void readmission(struct prefix_misses *misses, const struct event *event)
{
    struct readmission_sums *again = &misses->again;
    uint32_t known = event->other, cached = (uint32_t)event->value, lost = min_u32(misses->lost_tokens[event->request], known);
    uint32_t missed = lost > cached ? lost - cached : 0, partial = min_u32(missed, lost % misses->block_size);
    again->count++;
    again->known_tokens += known;
    again->cached_tokens += cached;
    again->partial += partial;
    again->evicted += missed - partial;
    again->unfinished += known - cached - missed;
}

static enum status preemption(struct prefix_misses *misses, const struct event *event, struct diag *diag)
{
    uint32_t position = event->request, computed = (uint32_t)event->value;
    enum status status = SIM_OK;
    misses->preemptions++;
    if (event->extra == PREEMPT_SWAP) /* nothing is lost, but what others could have found on the GPU */
        return misses->in_flight_at[position] ? SIM_OK : note_given_up(misses, position, misses->trace->input_tokens[position], true, diag);
    if (event->value < 0) /* V0, after a chunk of negative length */
        computed = 0;
    misses->lost_tokens[position] = computed;
    if (misses->in_flight_at[position]) {
        leave_flight(misses, position);
        status = note_computed(misses, position, computed, diag);
    }
    return status == SIM_OK ? note_given_up(misses, position, computed, true, diag) : status;
}

/* It got a token, so its prompt is computed. */
static enum status landed(struct prefix_misses *misses, uint32_t position, struct diag *diag)
{
    if (!misses->in_flight_at[position])
        return SIM_OK;
    leave_flight(misses, position);
    return note_computed(misses, position, misses->trace->input_tokens[position], diag);
}

static enum status note_event(struct prefix_misses *misses, const struct event *event, struct diag *diag)
{
    enum status status = SIM_OK;
    switch ((enum event_kind)event->kind) {
    case EVENT_ADMIT:
        status = first_admission(misses, event, diag);
        enter_flight(misses, event->request);
        break;
    case EVENT_READMIT:
        readmission(misses, event);
        enter_flight(misses, event->request);
        break;
    case EVENT_PREEMPT:
        return preemption(misses, event, diag);
    case EVENT_FIRST_TOKEN:
    case EVENT_GAP:
        return landed(misses, event->request, diag);
    case EVENT_FINISH:
        status = landed(misses, event->request, diag);
        if (status == SIM_OK && misses->preemptions > 0)
            status = note_given_up(misses, event->request, misses->trace->input_tokens[event->request], false, diag);
        break;
    case EVENT_IGNORE:
        if (misses->in_flight_at[event->request])
            leave_flight(misses, event->request);
        break;
    case EVENT_ARRIVE:
    case EVENT_SWAP_IN:
    case EVENT_DROP:
        break;
    }
    return status;
}

static enum status on_events(void *self, const struct event *events, size_t count, struct diag *diag)
{
    enum status status = SIM_OK;
    for (size_t i = 0; i < count && status == SIM_OK; i++)
        status = note_event(self, &events[i], diag);
    return status;
}

struct observer prefix_misses_observer(struct prefix_misses *misses)
{
    return (struct observer){.self = misses, .events = on_events};
}

/* --- ranking ---------------------------------------------------------------------------------------------------------------------- */

struct avoidable {
    uint32_t position;
    uint64_t tokens;
};

static int by_tokens(const void *a, const void *b)
{
    const struct avoidable *left = a, *right = b;
    if (left->tokens != right->tokens)
        return left->tokens > right->tokens ? -1 : 1;
    return left->position < right->position ? -1 : left->position > right->position;
}

enum status prefix_misses_rank(const struct prefix_misses *misses, uint32_t **out, size_t *count, struct diag *diag)
{
    struct avoidable *all;
    size_t used = 0;
    enum status status = array_zeroed(&all, misses->trace->count, sizeof *all, "requests with misses", diag);
    if (status != SIM_OK)
        return status;
    for (uint32_t position = 0; position < misses->trace->count; position++) {
        uint64_t tokens = 0;
        for (int class = MISS_COMPULSORY + 1; class < MISS_CLASSES; class ++)
            tokens += misses->of_request[position][class];
        if (tokens > 0)
            all[used++] = (struct avoidable){position, tokens};
    }
    qsort(all, used, sizeof *all, by_tokens);
    status = array_zeroed(out, used, sizeof **out, "requests with misses", diag);
    for (size_t i = 0; i < used && status == SIM_OK; i++)
        (*out)[i] = all[i].position;
    *count = status == SIM_OK ? used : 0;
    free(all);
    return status;
}

bool prefix_misses_check(const struct prefix_misses *misses)
{
    const struct readmission_sums *again = &misses->again;
    uint64_t all = misses->cached_tokens, requests = 0;
    for (int class = 0; class < MISS_CLASSES; class ++)
        all += misses->tokens[class];
    for (uint32_t position = 0; position < misses->trace->count; position++)
        for (int class = 0; class < MISS_CLASSES; class ++)
            requests += misses->of_request[position][class];
    return all == misses->prompt_tokens && requests == all - misses->cached_tokens &&
           again->known_tokens == again->cached_tokens + again->evicted + again->partial + again->unfinished;
}
