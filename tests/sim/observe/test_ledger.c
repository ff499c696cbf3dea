/* test_ledger.c - the memory ledger adds up, over all time and while a request waits, is the same for both engines, and says what a naive
 * count over all tables says.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "observe/class_ledger.h"
#include "observe/ledger.h"
#include "replay/replay.h"
#include "support/random_case.h"
#include "support/tiny_trace.h"

enum { COLUMNS = 72, BLOCKS_MOST = 256, TABLES_MOST = 512, TABLE_MOST = 256, CASES = 1200 };

/* A naive watcher: keeps all tables, and at every decision and output counts each block of the pool afresh. */
struct naive {
    bool v0;
    struct kv_groups groups;
    uint32_t size, table_count; /* size: slots of a block */
    struct naive_table {
        uint32_t position, group, tokens, count, passed, blocks[TABLE_MOST];
    } tables[TABLES_MOST];
    slot_time useful, tail, used, useful_while_waiting;
    slot_time ahead, slack, passed, of_group[KV_GROUPS_MOST]; /* of_group: used blocks */
    uint64_t waiting_ns, peak_useful, peak_tail;
    int64_t counted_ns; /* the sums hold all before */
    uint32_t waiting;
    uint64_t steps, shared_steps, partly_shared_steps, ahead_steps, slack_steps, passed_steps, unequal_steps, rejections;
};

static void forget(struct naive *naive, uint32_t position)
{
    for (uint32_t i = 0; i < naive->table_count; i++)
        if (naive->tables[i].position == position)
            naive->tables[i--] = naive->tables[--naive->table_count];
}

static void remember(struct naive *naive, const struct step_sequence *sequence)
{
    struct naive_table *table = &naive->tables[naive->table_count];
    for (uint32_t i = 0; i < naive->table_count && !naive->v0; i++)
        if (naive->tables[i].position == sequence->request && naive->tables[i].group == sequence->group)
            table = &naive->tables[i];
    naive->table_count += table == &naive->tables[naive->table_count];
    *table = (struct naive_table){.position = sequence->request,
                                  .group = sequence->group,
                                  .tokens = sequence->start + sequence->tokens,
                                  .count = sequence->num_blocks,
                                  .passed = sequence->passed};
    memcpy(table->blocks, sequence->blocks, table->count * sizeof *table->blocks);
}

struct counted {
    uint64_t used, useful, ahead, slack, passed, of_group[KV_GROUPS_MOST];
    bool partly; /* a block is shared that is not full */
};

/* Does a token at `from` or later look at the one at `at`? The one at `from` reaches as far as any. */
static bool looked_at(const struct kv_group *group, uint32_t at, uint32_t from)
{
    if (group->kind == KV_KIND_SLIDING_WINDOW)
        return from - at < group->reach;
    return group->kind == KV_KIND_FULL || at / group->reach == from / group->reach;
}

static void count_table(const struct naive *naive, const struct naive_table *table, uint32_t *filled, uint8_t *group_of,
                        struct counted *counted)
{
    const struct kv_group *group = &naive->groups.list[table->group];
    const uint32_t each = naive->size / group->block_size;
    counted->passed += table->passed;
    for (uint32_t i = 0; i < table->passed; i++)
        cr_assert_eq(table->blocks[i], 0);
    for (uint32_t i = table->passed; i < table->count; i++) {
        const uint32_t block = table->blocks[i];
        uint32_t tokens = 0;
        for (uint32_t at = i * group->block_size; at < (i + 1) * group->block_size && at < table->tokens; at++, tokens++)
            counted->slack += looked_at(group, at, table->tokens) ? 0 : each;
        counted->ahead += tokens == 0 ? naive->size : 0;
        counted->partly |= group_of[block] && tokens < group->block_size;
        cr_assert(group_of[block] == 0 || group_of[block] == table->group + 1, "a block is of one group");
        group_of[block] = (uint8_t)(table->group + 1);
        filled[block] = tokens * each > filled[block] ? tokens * each : filled[block];
    }
}

static struct counted count_blocks(const struct naive *naive)
{
    uint32_t filled[BLOCKS_MOST] = {0};
    uint8_t group_of[BLOCKS_MOST] = {0}; /* + 1; 0: in no table */
    struct counted counted = {0};
    for (uint32_t t = 0; t < naive->table_count; t++)
        count_table(naive, &naive->tables[t], filled, group_of, &counted);
    for (uint32_t block = 0; block < BLOCKS_MOST; block++) {
        counted.used += group_of[block] > 0;
        counted.useful += filled[block];
        if (group_of[block] > 0)
            counted.of_group[group_of[block] - 1]++;
    }
    return counted;
}

static void note_peaks(struct naive *naive, const struct counted *counted)
{
    const uint64_t tail = counted->used * naive->size - counted->useful;
    naive->peak_useful = counted->useful > naive->peak_useful ? counted->useful : naive->peak_useful;
    naive->peak_tail = tail > naive->peak_tail ? tail : naive->peak_tail;
}

/* What has been there until now. */
static void charge(struct naive *naive, int64_t now_ns)
{
    const struct counted counted = count_blocks(naive);
    const slot_time ns = now_ns - naive->counted_ns;
    if (ns > 0)
        note_peaks(naive, &counted);
    naive->useful += (slot_time)counted.useful * ns;
    naive->used += (slot_time)counted.used * ns;
    naive->tail += ((slot_time)counted.used * naive->size - (slot_time)counted.useful) * ns;
    naive->ahead += (slot_time)counted.ahead * ns;
    naive->slack += (slot_time)counted.slack * ns;
    naive->passed += (slot_time)counted.passed * ns;
    for (uint32_t group = 0; group < naive->groups.count; group++)
        naive->of_group[group] += (slot_time)counted.of_group[group] * ns;
    if (naive->waiting > 0) {
        naive->waiting_ns += (uint64_t)ns;
        naive->useful_while_waiting += (slot_time)counted.useful * ns;
    }
    naive->counted_ns = now_ns;
}

static enum status naive_scheduled(void *self, const struct step *step, struct diag *diag)
{
    (void)diag;
    struct naive *naive = self;
    charge(naive, step->tally.decided_ns);
    for (uint32_t i = 0; i < step->preempted_count; i++)
        forget(naive, step->preempted[i].request);
    if (naive->v0)
        naive->table_count = 0;
    for (uint32_t i = 0; i < step->sequence_count; i++)
        remember(naive, &step->sequences[i]);
    for (uint32_t i = 0; i < step->resident_count; i++)
        remember(naive, &step->residents[i]);
    const struct counted counted = count_blocks(naive);
    cr_assert_eq(counted.used, step->tally.used_blocks);
    naive->waiting = step->tally.waiting + step->tally.swapped;
    naive->steps++;
    naive->shared_steps += step->tally.table_blocks > counted.used;
    naive->partly_shared_steps += counted.partly;
    naive->ahead_steps += counted.ahead > 0;
    naive->slack_steps += counted.slack > 0;
    naive->passed_steps += counted.passed > 0;
    naive->unequal_steps += naive->groups.hash_block_size != naive->size;
    note_peaks(naive, &counted);
    return SIM_OK;
}

/* An answer says how far its request is known: all of these tokens but the last are there, and what was computed for others is not. Tokens of
 * before a preemption change no table. */
static void take_back(struct naive *naive, const struct scheduled *scheduled, uint32_t got)
{
    for (uint32_t i = 0; i < naive->table_count; i++)
        if (naive->tables[i].position == scheduled->request) {
            naive->tables[i].tokens -= 1u + scheduled->drafts - got;
            naive->rejections += 1u + scheduled->drafts > got;
        }
}

/* Who finishes without a table has waited: it was preempted when its last token was on its way. */
static enum status naive_completed(void *self, const struct step *step, struct diag *diag)
{
    (void)diag;
    struct naive *naive = self;
    charge(naive, step->tally.start_ns + step->tally.duration_ns);
    for (uint32_t i = 0; i < step->scheduled_count && !naive->v0; i++)
        for (uint32_t j = 0; j < step->sampled_count && step->scheduled[i].samples && !step->scheduled[i].vain; j++)
            if (step->sampled[j].request == step->scheduled[i].request)
                take_back(naive, &step->scheduled[i], (uint32_t)step->sampled[j].tokens);
    for (uint32_t i = 0; i < step->finished_count; i++) {
        const uint32_t before = naive->table_count;
        forget(naive, step->finished[i]);
        naive->waiting -= naive->table_count == before && !naive->v0;
    }
    return SIM_OK;
}

/* Checks a class ledger after every step. */
static enum status check_holders(void *self, const struct step *step, struct diag *diag)
{
    (void)diag;
    const struct class_ledger *ledger = self;
    cr_assert(block_holders_check(&ledger->holders));
    uint64_t charged = 0;
    for (uint32_t class = 0; class < HOLDER_CLASSES_MOST; class ++)
        charged += ledger->holders.now[class].blocks;
    cr_assert_eq(charged, step->tally.used_blocks);
    return SIM_OK;
}

static void replay(const struct trace *trace, const struct config *config, const struct observer *observers, size_t count,
                   const struct replay_options *options)
{
    struct diag diag = {0};
    struct step_time_model *model;
    struct replay_facts facts;
    cr_assert_eq(step_time_create(config, &model, &diag), SIM_OK);
    cr_assert_eq(replay_run(trace, config, model, observers, count, options, &facts, &diag), SIM_OK, "%s", diag.text);
    step_time_destroy(model);
}

static slot_time account(const struct ledger *ledger, enum ledger_span span, enum ledger_account account)
{
    slot_time accounts[LEDGER_ACCOUNTS];
    const struct ledger_sums sums = ledger_span_sums(ledger, span);
    ledger_split(ledger, &sums, accounts);
    return accounts[account];
}

static slot_time saved(const struct ledger *ledger)
{
    const struct ledger_sums sums = ledger_span_sums(ledger, SPAN_ALL);
    return ledger_saved(ledger, &sums);
}

static bool same_sums(struct ledger_sums a, struct ledger_sums b)
{
    return a.time_ns == b.time_ns && a.used == b.used && a.cached == b.cached && a.free_uncached == b.free_uncached &&
           a.held_tokens == b.held_tokens && a.table_blocks == b.table_blocks && a.running == b.running && a.waiting == b.waiting &&
           a.shared_empty_slots == b.shared_empty_slots;
}

/* Sums, peaks and what other allocators reserve. */
static bool same_books(const struct ledger *a, const struct ledger *b)
{
    bool same = memcmp(a->reserved, b->reserved, sizeof a->reserved) == 0;
    for (int span = 0; span < LEDGER_SPANS; span++)
        same &= same_sums(ledger_span_sums(a, (enum ledger_span)span), ledger_span_sums(b, (enum ledger_span)span));
    return same && a->peaks.saved_blocks == b->peaks.saved_blocks && a->peaks.cached_blocks == b->peaks.cached_blocks &&
           a->peaks.used_blocks == b->peaks.used_blocks && a->peaks.held_tokens == b->peaks.held_tokens &&
           a->peaks.empty_slots == b->peaks.empty_slots;
}

/* What was drawn over time is what the books say in all. */
static bool timeline_agrees(const struct ledger *ledger)
{
    for (int i = 0; i < LEDGER_ACCOUNTS; i++) {
        slot_time drawn = 0;
        for (int bucket = 0; bucket < TIMELINE_BUCKETS; bucket++)
            drawn += ledger->history->timeline.sums[bucket][i];
        if (drawn != account(ledger, SPAN_ALL, (enum ledger_account)i))
            return false;
    }
    return true;
}

static void zero_sums(struct naive *naive)
{
    naive->table_count = 0;
    naive->useful = naive->tail = naive->used = naive->useful_while_waiting = 0;
    naive->ahead = naive->slack = naive->passed = 0;
    memset(naive->of_group, 0, sizeof naive->of_group);
    naive->waiting_ns = naive->peak_useful = naive->peak_tail = 0;
    naive->counted_ns = 0;
    naive->waiting = 0;
}

/* `layers`: of several kinds, or drafts. Then every second case is sorted by groups. */
static void compare_case(uint64_t number, bool v0, bool layers, struct naive *naive, struct ledger_history histories[2])
{
    uint64_t seed = number;
    struct config config = random_case_config(&seed, v0);
    if (layers)
        random_case_layers(&seed, &config);
    const bool by_group = layers && number % 2 == 0;
    struct trace *trace = random_case_trace(&seed, &config);
    struct ledger fast, plain;
    struct class_ledger classes;
    struct diag diag = {0};
    const struct replay_options no_options = {0}, reference = {.reference = true};
    naive->v0 = v0;
    naive->groups = kv_groups_of(&config);
    naive->size = kv_groups_block_slots(&naive->groups);
    zero_sums(naive);
    ledger_init(&fast, trace, &config);
    ledger_init(&plain, trace, &config);
    ledger_keep_history(&plain, &histories[0]);
    ledger_keep_history(&fast, &histories[1]);
    if (by_group)
        cr_assert_eq(class_ledger_init_groups(&classes, trace, &config, &diag), SIM_OK);
    else
        cr_assert_eq(class_ledger_init(&classes, trace, &config, (enum class_key)(number % CLASS_BY_RULES), &diag), SIM_OK);
    const struct observer alone[] = {ledger_observer(&fast)};
    const struct observer all[] = {ledger_observer(&plain),
                                   class_ledger_observer(&classes),
                                   {.self = &classes, .scheduled = check_holders},
                                   {.self = naive, .scheduled = naive_scheduled, .completed = naive_completed}};
    replay(trace, &config, alone, 1, &no_options);
    replay(trace, &config, all, 4, &reference);
    cr_expect(ledger_check(&fast), "case %llu", (unsigned long long)number);
    cr_expect(same_books(&fast, &plain), "case %llu: the engines differ", (unsigned long long)number);
    cr_expect(timeline_agrees(&plain) && timeline_agrees(&fast), "case %llu: timeline", (unsigned long long)number);
    cr_expect_eq(memcmp(histories[0].peak_slots, histories[1].peak_slots, sizeof histories[0].peak_slots), 0, "case %llu: peaks",
                 (unsigned long long)number);
    cr_expect(naive->useful == account(&plain, SPAN_ALL, ACCOUNT_USEFUL), "case %llu: useful", (unsigned long long)number);
    cr_expect(naive->tail == account(&plain, SPAN_ALL, ACCOUNT_TAIL), "case %llu: tail", (unsigned long long)number);
    /* Who arrives while nothing can be decided, because all who run are over, is in no step that the naive watcher sees. */
    const slot_time late_ns = ledger_span_sums(&plain, SPAN_WAITING).time_ns - naive->waiting_ns;
    cr_expect(late_ns == 0 || (config.async_scheduling && late_ns < 200000000), "case %llu: waiting time", (unsigned long long)number);
    cr_expect(late_ns > 0 || naive->useful_while_waiting == account(&plain, SPAN_WAITING, ACCOUNT_USEFUL),
              "case %llu: useful while waiting", (unsigned long long)number);
    cr_expect_eq(naive->peak_useful, histories[0].peak_slots[ACCOUNT_USEFUL], "case %llu: peak useful", (unsigned long long)number);
    cr_expect_eq(naive->peak_tail, histories[0].peak_slots[ACCOUNT_TAIL], "case %llu: peak tail", (unsigned long long)number);
    struct class_sums sums = {0};
    for (uint32_t class = 0; class < classes.holders.class_count; class ++) {
        sums.useful += classes.sums[class].useful;
        sums.tail += classes.sums[class].tail;
        sums.saved += classes.sums[class].saved;
        sums.ahead += classes.sums[class].ahead;
        sums.slack += classes.sums[class].slack;
        sums.passed += classes.sums[class].passed;
        cr_expect(!by_group || classes.sums[class].blocks == naive->of_group[class], "case %llu: group %u", (unsigned long long)number,
                  class);
    }
    cr_expect(v0 || (sums.ahead == naive->ahead && sums.slack == naive->slack && sums.passed == naive->passed),
              "case %llu: windows, drafts", (unsigned long long)number);
    cr_expect(sums.useful == naive->useful && sums.tail == naive->tail && sums.saved == saved(&plain), "case %llu: classes",
              (unsigned long long)number);
    class_ledger_deinit(&classes);
    trace_destroy(trace);
}

Test(ledger, add_up_in_both_engines_and_agree_with_a_naive_count_of_every_block)
{
    struct naive *naive = calloc(1, sizeof *naive);
    struct ledger_history *histories = calloc(2, sizeof *histories);
    cr_assert(naive && histories);
    for (uint64_t number = 1; number <= CASES; number++)
        compare_case(number, false, false, naive, histories);
    cr_expect_gt(naive->steps, 20L * CASES);
    cr_expect_gt(naive->shared_steps, CASES);
    uint64_t v1_partly = naive->partly_shared_steps;
    for (uint64_t number = 1; number <= CASES; number++)
        compare_case(number, true, false, naive, histories);
    cr_expect_eq(v1_partly, 0, "V1 shares full blocks only");
    cr_expect_gt(naive->partly_shared_steps, CASES / 10, "V0 shares blocks that are not full");
    free(histories);
    free(naive);
}

Test(ledger, agree_with_a_naive_count_where_layers_remember_unlike_and_tokens_are_drafted)
{
    struct naive *naive = calloc(1, sizeof *naive);
    struct ledger_history *histories = calloc(2, sizeof *histories);
    cr_assert(naive && histories);
    for (uint64_t number = 1; number <= CASES; number++)
        compare_case(number, false, true, naive, histories);
    cr_expect_gt(naive->steps, 20L * CASES);
    cr_expect_gt(naive->shared_steps, CASES / 2);
    cr_expect_gt(naive->ahead_steps, CASES);
    cr_expect_gt(naive->slack_steps, CASES);
    cr_expect_gt(naive->passed_steps, CASES);
    cr_expect_gt(naive->unequal_steps, CASES);
    cr_expect_gt(naive->rejections, CASES);
    cr_expect_eq(naive->partly_shared_steps, 0, "V1 shares full blocks only");
    free(histories);
    free(naive);
}

Test(ledger, charge_one_request_as_by_hand)
{
    /* 20 prompt tokens and 2 outputs in blocks of 16: step 0 computes 20 tokens (8 % full tail), step 1 one more. */
    const struct tiny_request requests[] = {{.input = 20, .output = 2}};
    struct trace *trace = tiny_trace(requests, 1);
    struct config config = tiny_config_v1(16, 10);
    struct ledger ledger;
    struct ledger_history *history = malloc(sizeof *history);
    const struct replay_options options = {0};
    config.step_time = (struct step_time_config){.model = STEP_TIME_LINEAR, .base_ns = 10};
    ledger_init(&ledger, trace, &config);
    ledger_keep_history(&ledger, history);
    const struct observer observers[] = {ledger_observer(&ledger)};
    replay(trace, &config, observers, 1, &options);
    cr_expect(account(&ledger, SPAN_ALL, ACCOUNT_USEFUL) == (step_sum)10 * (20 + 21));
    cr_expect(account(&ledger, SPAN_ALL, ACCOUNT_TAIL) == (step_sum)10 * (12 + 11));
    cr_expect(account(&ledger, SPAN_ALL, ACCOUNT_FREE) == (step_sum)10 * 2 * 7 * 16);
    cr_expect(account(&ledger, SPAN_ALL, ACCOUNT_NULL) == (step_sum)10 * 2 * 16);
    cr_expect_eq(ledger_span_sums(&ledger, SPAN_WAITING).time_ns, 0);
    cr_expect(ledger_check(&ledger));
    cr_expect_eq(history->peak_slots[ACCOUNT_USEFUL], 21);
    cr_expect_eq(history->peak_slots[ACCOUNT_TAIL], 12);
    cr_expect_eq(history->peak_slots[ACCOUNT_FREE], 112, "7 blocks");
    const struct ledger_sums all = ledger_span_sums(&ledger, SPAN_ALL);
    cr_expect_float_eq(ledger_mean(&all, all.free_uncached), 7, 1e-12);
    cr_expect_float_eq(ledger_mean_blocks(&ledger, &all, account(&ledger, SPAN_ALL, ACCOUNT_FREE)), 7, 1e-12);
    ledger.by_waiting[false].free_uncached++;
    cr_expect_not(ledger_check(&ledger), "one block-nanosecond too many is found");
    free(history);
    trace_destroy(trace);
}

Test(ledger, time_in_buckets_is_exact_however_often_they_are_joined)
{
    struct usage_timeline *timeline = malloc(sizeof *timeline);
    int64_t at = 1000;
    slot_time all = 0, kept = 0;
    usage_timeline_init(timeline);
    for (int64_t i = 1; i <= 4000; i++) {
        const int64_t ns = i * 997;
        const slot_time sums[TIMELINE_SERIES] = {(slot_time)(i % 7) * ns, 0, 0, ns, 0};
        usage_timeline_add(timeline, at, ns, sums);
        all += (slot_time)(i % 7) * ns;
        at += ns;
    }
    for (int bucket = 0; bucket < TIMELINE_BUCKETS; bucket++)
        kept += timeline->sums[bucket][0];
    cr_expect(all == kept);
    cr_expect_leq(timeline->end_ns - timeline->origin_ns, timeline->width_ns * TIMELINE_BUCKETS);
    cr_expect_gt(2 * (timeline->end_ns - timeline->origin_ns), timeline->width_ns * TIMELINE_BUCKETS);
    for (int column = 0; column < COLUMNS; column++) {
        double means[TIMELINE_SERIES];
        usage_timeline_means(timeline, (double)column / COLUMNS, (double)(column + 1) / COLUMNS, means);
        cr_expect_float_eq(means[3], 1, 1e-9, "a constant stays what it is in column %d", column);
        cr_expect(means[0] > 2.5 && means[0] < 3.5);
    }
    free(timeline);
}
