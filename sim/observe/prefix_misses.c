/* prefix_misses.c - a trie of all content that was ever computed, the requests in flight, and the classes of each admission's misses. Read
 * prefix_misses.h first for the classes.
 *
 * Events do not say how far a request came between its admission and its next token: it is in flight. They need not. While it runs, what it
 * has computed is held and would have been found, so content that is missing and only claimed by requests in flight is not computed yet.
 * Its next token (first token, gap or finish), or a preemption, which names the tokens lost, settles what it computed; that goes into the
 * trie.
 *
 *     admission ----> in flight ----> next token: the whole prompt goes into the trie
 *         |               \---------> preemption: the tokens lost go into the trie and are marked as given up
 *         \-> classify against the trie and the other requests in flight
 *
 * The trie only grows, and it never follows what is cached at a moment: that is the scheduler's knowledge. With caching on, a miss on whole
 * blocks that the trie has means that the scheduler once had them and gave them up.
 */
#include "observe/prefix_misses.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/integers.h"
#include "config/speculation.h"
#include "engine/prompt_contents.h"

const char *const miss_class_names[MISS_CLASSES] = {"compulsory", "granularity", "last_token", "in_flight",
                                                    "window",     "capacity",    "preemption", "caching_off"};

/* Chunks pass over what is before them, computed or not, and with no full layer to look for it nobody can say what was there once. */
static bool skips_content(const struct kv_groups *groups)
{
    bool chunks = false, full = false;
    for (uint32_t i = 0; i < groups->count; i++) {
        chunks |= groups->list[i].kind == KV_KIND_CHUNKED_LOCAL;
        full |= groups->list[i].kind == KV_KIND_FULL;
    }
    return chunks && !full;
}

/* Of every block, or nothing: a window of one token needs none, so none is kept. Where several groups each give up a block of their matches for the
 * drafter, a hit may lose any number of them, and nothing can be told of it either. */
static struct window_rules window_rules(const struct config *config, const struct kv_groups *groups)
{
    struct window_rules rules = {.interval = -1, .whole_start = UINT32_MAX};
    rules.any = !skips_content(groups) && !(speculation_drops_block(config) && groups->count > 1);
    for (uint32_t i = 0; i < groups->count; i++) {
        const struct kv_group *group = &groups->list[i];
        rules.junctions |= group->kind != KV_KIND_SLIDING_WINDOW;
        if (group->kind == KV_KIND_SLIDING_WINDOW)
            rules.whole_start = (uint32_t)min_u64(rules.whole_start, (uint64_t)kv_group_run_needed(group) * group->block_size);
    }
    rules.any &= rules.whole_start > 0;
    if (kv_groups_window(groups) && config->prefix_cache_retention_interval >= 0)
        rules.interval = config->prefix_cache_retention_interval;
    return rules;
}

enum status prefix_misses_init(struct prefix_misses *misses, const struct trace *trace, const struct config *config, struct diag *diag)
{
    const struct kv_groups groups = kv_groups_of(config);
    *misses = (struct prefix_misses){.trace = trace,
                                     .block_size = groups.alignment,
                                     .ahead = speculation_tokens_after_block(config),
                                     .dropped = speculation_drops_block(config) ? groups.alignment : 0,
                                     .windows = window_rules(config, &groups),
                                     .trace_block_size = config->trace_block_size,
                                     .caching = config->enable_prefix_caching,
                                     .answers = config->scheduler == SCHEDULER_VLLM_V1};
    const uint32_t count = trace->count;
    const struct array_request arrays[] = {ARRAY_OF(misses->of_request, count), ARRAY_OF(misses->in_flight, count),
                                           ARRAY_OF(misses->in_flight_at, count), ARRAY_OF(misses->lost_tokens, count),
                                           ARRAY_IF(misses->windows.interval >= 0, misses->junctions, count)};
    if (kv_contents_create(&misses->contents) != KV_OK)
        return diag_no_memory(diag, 1024, "a content trie");
    return array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "the classes of misses", diag);
}

void prefix_misses_deinit(struct prefix_misses *misses)
{
    free(misses->of_request);
    free(misses->in_flight);
    free(misses->in_flight_at);
    free(misses->lost_tokens);
    free(misses->nodes);
    free(misses->ends);
    free(misses->junctions);
    free(misses->chain);
    kv_contents_destroy(misses->contents);
    *misses = (struct prefix_misses){0};
}

/* --- the trie --------------------------------------------------------------------------------------------------------------------- */

/* The node of a stretch after `parent`. Asking makes it, but what nobody computed stays as if it were not there (computed 0). */
static enum status find_node(struct prefix_misses *misses, uint64_t parent, uint64_t name, uint64_t *node, struct diag *diag)
{
    const struct kv_span span = {.first = name, .count = 1};
    if (kv_contents_intern(misses->contents, parent, &span, 1, node) != KV_OK)
        return diag_no_memory(diag, 1024, "a content trie");
    enum status status = array_reserve(&misses->nodes, &misses->node_capacity, *node + 1, sizeof *misses->nodes, "a content trie", diag);
    if (status == SIM_OK && *node > misses->last_node) {
        misses->last_node = *node;
        misses->nodes[*node] = (struct content_block){0};
    }
    return status;
}

/* How many of the first `tokens` of a text anybody else can have: what no name covers is a prompt's own, unless it has samples or turns. */
static uint64_t reach(const struct prefix_misses *misses, uint32_t position, uint64_t tokens)
{
    const struct trace *trace = misses->trace;
    return trace->sample || trace->previous ? tokens : min_u64(tokens, prompt_named_tokens(trace, misses->trace_block_size, position));
}

static struct prompt_stretch stretch_at(const struct prefix_misses *misses, uint32_t position, uint64_t from, uint64_t end)
{
    return prompt_stretch_at(misses->trace, misses->trace_block_size, position, from, end);
}

/* Nodes of the prompt's stretches as far as they exist into misses->chain; *tokens: how much of the prompt somebody computed. It ends at
 * the first stretch that is not computed to its end: a hit needs everything before it. */
static enum status find_chain(struct prefix_misses *misses, uint32_t position, uint32_t *count, uint32_t *tokens, struct diag *diag)
{
    const uint64_t end = reach(misses, position, misses->trace->input_tokens[position]);
    uint64_t node = KV_CONTENT_NONE, from = 0;
    bool whole = true;
    *count = 0;
    while (whole && from < end) {
        const struct prompt_stretch stretch = stretch_at(misses, position, from, end);
        enum status status = find_node(misses, node, stretch.name, &node, diag);
        if (status == SIM_OK)
            status = array_reserve(&misses->chain, &misses->chain_capacity, (size_t)*count + 1, sizeof *misses->chain, "a chain", diag);
        if (status != SIM_OK)
            return status;
        const uint64_t computed = min_u64(misses->nodes[node].computed, stretch.length);
        if (computed > 0)
            misses->chain[(*count)++] = node;
        from += computed;
        whole = computed == stretch.length;
    }
    *tokens = (uint32_t)from;
    return SIM_OK;
}

/* The first `tokens` of the text are computed now. Requests compute a shared stretch to different ends, so each node keeps the farthest. */
static enum status note_computed(struct prefix_misses *misses, uint32_t position, uint64_t tokens, struct diag *diag)
{
    const uint64_t end = reach(misses, position, tokens);
    uint64_t node = KV_CONTENT_NONE;
    enum status status = SIM_OK;
    for (uint64_t from = 0; from < end && status == SIM_OK;) {
        const struct prompt_stretch stretch = stretch_at(misses, position, from, end);
        status = find_node(misses, node, stretch.name, &node, diag);
        if (status == SIM_OK)
            misses->nodes[node].computed = max_u32(misses->nodes[node].computed, (uint32_t)stretch.length);
        from += stretch.length;
    }
    return status;
}

/* A request gives up the first `tokens` of its prompt. Each node remembers one interval, the tokens whose last holder was preempted: a
 * preemption sets it from the block's start on, and a finish cuts it from the left, since what it cuts was last given up in peace. One
 * interval is enough because every holder has a prefix of the block. */
static enum status note_given_up(struct prefix_misses *misses, uint32_t position, uint32_t tokens, bool preempted, struct diag *diag)
{
    uint32_t count, known, from = 0;
    enum status status = find_chain(misses, position, &count, &known, diag);
    const uint32_t end = (uint32_t)reach(misses, position, min_u32(tokens, misses->trace->input_tokens[position]));
    for (uint32_t k = 0; status == SIM_OK && k < count && from < end; k++) {
        struct content_block *node = &misses->nodes[misses->chain[k]];
        const uint32_t part = (uint32_t)stretch_at(misses, position, from, end).length;
        if (preempted) {
            node->lost_to = node->lost_from < node->lost_to ? max_u32(node->lost_to, part) : part;
            node->lost_from = 0;
        } else {
            node->lost_from = max_u32(node->lost_from, part);
        }
        from += part;
    }
    return status;
}

/* --- what windows keep ------------------------------------------------------------------------------------------------------------- */

static enum status keep_end(struct prefix_misses *misses, struct content_block *node, uint32_t offset, struct diag *diag)
{
    for (uint32_t at = node->ends; at > 0; at = misses->ends[at - 1].next)
        if (misses->ends[at - 1].offset == offset)
            return SIM_OK;
    const struct kept_end end = {.offset = offset, .next = node->ends};
    enum status status = array_append(&misses->ends, &misses->end_count, &misses->end_capacity, &end, sizeof end, "ends of prefixes", diag);
    if (status == SIM_OK)
        node->ends = (uint32_t)misses->end_count;
    return status;
}

/* The first `kept` tokens of a prompt are computed, and windows keep what a hit up to there needs. What a drafter wants to be the same after them
 * is part of the path on which they are found again. */
static enum status keep(struct prefix_misses *misses, uint32_t position, uint32_t kept, struct diag *diag)
{
    uint32_t count, known;
    enum status status = find_chain(misses, position, &count, &known, diag);
    const uint32_t end = kept + misses->ahead;
    const bool start = kept <= misses->windows.whole_start;
    if (status != SIM_OK || kept == 0 || end > known)
        return status;
    uint64_t from = 0;
    for (uint32_t k = 0; k < count && from < end && status == SIM_OK; k++) {
        struct content_block *node = &misses->nodes[misses->chain[k]];
        const uint32_t part = (uint32_t)stretch_at(misses, position, from, end).length;
        if (start)
            node->whole_start = max_u32(node->whole_start, part);
        from += part;
        if (from == end)
            status = keep_end(misses, node, part, diag);
    }
    return status;
}

/* The first `tokens` tokens of a prompt are computed now: its own end, and where it was found to share. */
static enum status keep_ends(struct prefix_misses *misses, uint32_t position, uint32_t tokens, struct diag *diag)
{
    const uint32_t size = misses->block_size, last = misses->trace->input_tokens[position] - 1;
    const uint32_t ends[] = {last / size * size, misses->junctions ? misses->junctions[position] : 0};
    enum status status = SIM_OK;
    for (int i = 0; i < 2 && status == SIM_OK && misses->junctions; i++)
        if (ends[i] <= tokens)
            status = keep(misses, position, ends[i], diag);
    return status;
}

/* The longest prefix that windows keep, of the first `limit` tokens of a prompt, whose chain is known. */
static uint32_t kept_prefix(const struct prefix_misses *misses, uint32_t position, uint32_t count, uint32_t limit)
{
    const struct window_rules *rules = &misses->windows;
    const uint32_t ahead = misses->ahead, end = limit + ahead;
    uint32_t from = 0, most = 0;
    bool whole = true; /* up to here */
    if (rules->interval < 0 || !rules->any)
        return rules->any ? limit : 0;
    if (rules->interval > 0)
        most = (uint32_t)(limit / (uint64_t)rules->interval * (uint64_t)rules->interval);
    for (uint32_t k = 0; k < count && from < end; k++) {
        const struct content_block *node = &misses->nodes[misses->chain[k]];
        const uint32_t part = (uint32_t)stretch_at(misses, position, from, end).length, start = from + min_u32(node->whole_start, part);
        for (uint32_t at = node->ends; at > 0; at = misses->ends[at - 1].next)
            if (misses->ends[at - 1].offset <= part)
                most = max_u32(most, from + misses->ends[at - 1].offset - ahead);
        if (whole && start > ahead)
            most = max_u32(most, (start - ahead) / misses->block_size * misses->block_size);
        whole &= node->whole_start >= part;
        from += part;
    }
    return most;
}

/* --- requests in flight ----------------------------------------------------------------------------------------------------------- */

/* A list without order and each request's place in it: entering and leaving are O(1), and claimed_prefix walks only those in flight. */
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
    const uint32_t *input = misses->trace->input_tokens;
    const uint64_t end = min_u64(reach(misses, a, input[a]), reach(misses, b, input[b]));
    uint64_t from = 0;
    while (from < end) {
        const struct prompt_stretch of_a = stretch_at(misses, a, from, end), of_b = stretch_at(misses, b, from, end);
        if (of_a.name != of_b.name)
            break;
        from += min_u64(of_a.length, of_b.length);
    }
    return (uint32_t)from;
}

/* The longest prefix that another request in flight is about to compute. O(requests in flight x stretches of a prompt): few are in
 * flight at a time, since a decoding request is not. */
static uint32_t claimed_prefix(const struct prefix_misses *misses, uint32_t position)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < misses->in_flight_count; i++)
        if (misses->in_flight[i] != position)
            most = max_u32(most, common_prefix(misses, position, misses->in_flight[i]));
    return most;
}

/* --- classes ---------------------------------------------------------------------------------------------------------------------- */

/* Of tokens [from, to), which are all in the trie: those that were last given up by a preemption. */
static uint32_t lost_between(const struct prefix_misses *misses, uint32_t position, uint32_t count, uint32_t from, uint32_t to)
{
    const uint64_t end = reach(misses, position, misses->trace->input_tokens[position]);
    uint32_t start = 0, lost = 0;
    for (uint32_t k = 0; k < count && start < to; k++) {
        const struct content_block *node = &misses->nodes[misses->chain[k]];
        const uint32_t length = (uint32_t)stretch_at(misses, position, start, end).length;
        uint32_t low = max_u32(start + node->lost_from, from);
        uint32_t high = min_u32(min_u32(start + node->lost_to, start + length), to);
        lost += high > low ? high - low : 0;
        start += length;
    }
    return lost;
}

/* What of the first `tokens` tokens can be found: whole blocks, but for one that ends there if a drafter reads on, or for the last. */
static uint32_t whole_blocks(const struct prefix_misses *misses, uint32_t tokens)
{
    const uint32_t whole = (tokens - min_u32(tokens, misses->ahead)) / misses->block_size * misses->block_size;
    return whole - min_u32(whole, misses->dropped);
}

/* The picture of prefix_misses.h from right to left: each class takes its tokens off the end of what is left, so all of them add up to
 * known - cached by construction. vLLM finds whole blocks only, and never the whole prompt: one token must be computed to get logits, so
 * a hit ends at floor((K - 1) / B) * B at the latest. */
static enum status classify(struct prefix_misses *misses, uint32_t position, uint32_t cached, struct diag *diag)
{
    const uint32_t size = misses->block_size, known = misses->trace->input_tokens[position];
    uint32_t *tokens = misses->of_request[position], count, computed;
    enum status status = find_chain(misses, position, &count, &computed, diag);
    if (status != SIM_OK)
        return status;
    /* What is cached may be registered and never computed (case E8 of doc/vllm_v1.md); vLLM counts it as present. */
    const uint32_t claimed = claimed_prefix(misses, position);
    uint32_t seen = max_u32(max_u32(claimed, computed), cached);
    tokens[MISS_COMPULSORY] = known - seen;
    if (!misses->caching) {
        tokens[MISS_CACHING_OFF] = seen;
        return SIM_OK;
    }
    uint32_t rest = seen - cached;
    const uint32_t whole = whole_blocks(misses, seen), ends = (known - 1) / size * size;
    const uint32_t reachable = ends - min_u32(ends, misses->dropped);
    tokens[MISS_GRANULARITY] = min_u32(rest, seen - whole);
    rest -= tokens[MISS_GRANULARITY];
    tokens[MISS_LAST_TOKEN] = min_u32(rest, whole > reachable ? whole - reachable : 0);
    rest -= tokens[MISS_LAST_TOKEN];
    /* What is left is [cached, cached + rest): of it the trie holds a first part, the rest is only claimed. */
    const uint32_t end = cached + rest, held = max_u32(min_u32(whole_blocks(misses, computed), end), cached);
    const uint32_t kept = max_u32(kept_prefix(misses, position, count, held), cached);
    tokens[MISS_IN_FLIGHT] = end - held;
    tokens[MISS_WINDOW] = held - kept;
    tokens[MISS_PREEMPTION] = lost_between(misses, position, count, cached, kept);
    tokens[MISS_CAPACITY] = kept - cached - tokens[MISS_PREEMPTION];
    /* Where somebody is still computing what is shared, nobody here knows how much full layers had of it. */
    if (misses->junctions)
        misses->junctions[position] = misses->windows.junctions && claimed <= computed && held > cached ? held : 0;
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

/* A request that comes back can only find its own old blocks again, so there are fewer classes: what it had computed was found (cached),
 * evicted since, or in a block that was never full and so never registered. Tokens that it had not computed before are no loss. */
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
    /* Negative: V0, after a chunk of negative length. */
    uint32_t position = event->request, computed = event->value < 0 ? 0 : (uint32_t)event->value;
    enum status status = SIM_OK;
    misses->preemptions++;
    if (event->extra == PREEMPT_SWAP) /* nothing is lost, but what others could have found on the GPU */
        return misses->in_flight_at[position] ? SIM_OK : note_given_up(misses, position, misses->trace->input_tokens[position], true, diag);
    misses->lost_tokens[position] = computed;
    if (misses->in_flight_at[position]) {
        leave_flight(misses, position);
        status = note_computed(misses, position, computed, diag);
    }
    if (status == SIM_OK)
        status = keep_ends(misses, position, computed, diag);
    return status == SIM_OK ? note_given_up(misses, position, computed, true, diag) : status;
}

/* It got a token, so its prompt is computed. */
static enum status landed(struct prefix_misses *misses, uint32_t position, struct diag *diag)
{
    if (!misses->in_flight_at[position])
        return SIM_OK;
    leave_flight(misses, position);
    const uint32_t prompt = misses->trace->input_tokens[position];
    enum status status = note_computed(misses, position, prompt, diag);
    return status == SIM_OK ? keep_ends(misses, position, prompt, diag) : status;
}

/* Its answer is computed too, and a later turn may begin with it. */
static enum status ended(struct prefix_misses *misses, uint32_t position, struct diag *diag)
{
    const uint64_t text = prompt_text_tokens(misses->trace, misses->trace_block_size, position, misses->answers);
    enum status status = landed(misses, position, diag);
    return status == SIM_OK && text > misses->trace->input_tokens[position] ? note_computed(misses, position, text, diag) : status;
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
        status = ended(misses, event->request, diag);
        /* Without any preemption there are no intervals to cut, and a walk over each prompt is saved. */
        if (status == SIM_OK && misses->preemptions > 0)
            status = note_given_up(misses, event->request, misses->trace->input_tokens[event->request], false, diag);
        break;
    case EVENT_IGNORE:
        if (misses->in_flight_at[event->request])
            leave_flight(misses, event->request);
        break;
    case EVENT_ARRIVE:
    case EVENT_SWAP_IN:
    case EVENT_VAIN:
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

/* Positions break ties, because qsort is not stable. */
static int by_tokens(const void *a, const void *b)
{
    const struct misser *left = a, *right = b;
    if (left->tokens != right->tokens)
        return left->tokens > right->tokens ? -1 : 1;
    return left->position < right->position ? -1 : left->position > right->position;
}

enum status prefix_misses_rank(const struct prefix_misses *misses, struct misser **out, size_t *count, struct diag *diag)
{
    enum status status = array_zeroed(out, misses->trace->count, sizeof **out, "requests with misses", diag);
    if (status != SIM_OK)
        return status;
    *count = 0;
    for (uint32_t position = 0; position < misses->trace->count; position++) {
        uint64_t tokens = 0;
        /* Compulsory misses are nobody's fault: no cache could have avoided them. */
        for (int class = MISS_COMPULSORY + 1; class < MISS_CLASSES; class ++)
            tokens += misses->of_request[position][class];
        if (tokens > 0)
            (*out)[(*count)++] = (struct misser){position, tokens};
    }
    qsort(*out, *count, sizeof **out, by_tokens);
    return SIM_OK;
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
