/* prefix_index.c - see prefix_index.h, which draws the tree and says why no sets are joined.
 *
 * One table of entries with one hash over it. An entry is a run of pieces, found by the run before it and its first name; or a copy: that a
 * replica has a run, or its first pieces, found by the run and the replica. The copies of a run are a list, in which holders are looked up;
 * those of a replica are another one, by the time of their last touch, whose oldest one loses its last pieces. A run ends with its last copy. */
#include "policy/prefix_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/integers.h"

#define NONE UINT32_MAX
#define COPY (UINT32_C(1) << 31) /* in `of`: the entry is a copy of that run */
#define ROOT (COPY - 1)          /* what the first run of a prompt comes after; so there are fewer entries than that */

struct entry {
    uint32_t of, label; /* a run: the one before it, its first name. A copy: COPY | run, its replica */
    uint32_t chained;   /* the next one with the same hash; of a free entry, the next free one */
    uint32_t holder;    /* a run: its first copy. A copy: the next one of the same run */
    uint32_t length;    /* a run: its pieces. A copy: how many of them the replica has, from the first on */
    union {
        uint32_t names[PREFIX_RUN - 1]; /* a run: after the first one */
        struct {
            uint32_t holder_before;
            uint32_t newer, older; /* of the same replica */
        } links;                   /* a copy */
    } is;
};

struct holdings {
    uint32_t newest, oldest; /* copies */
    uint64_t pieces;
};

struct prefix_index {
    uint64_t pieces_most;
    uint32_t replica_most;
    struct holdings *replicas;
    struct entry *entries;
    size_t capacity;
    uint32_t used, free, free_count; /* entries that were ever taken; the list of those that were given back */
    uint32_t *buckets;
    uint32_t bucket_bits;
};

enum { FIRST_BUCKET_BITS = 10 };

/* --- the table -------------------------------------------------------------------------------------------------------------------- */

/* Two multiplications by odd numbers without a pattern; the upper bits depend on all lower ones. */
static uint32_t bucket_of(const struct prefix_index *index, uint32_t of, uint32_t label)
{
    uint64_t key = ((uint64_t)of << 32 | label) * UINT64_C(0x9E3779B97F4A7C15);
    key = (key ^ (key >> 32)) * UINT64_C(0xD1B54A32D192ED03);
    return (uint32_t)(key >> (64 - index->bucket_bits));
}

static uint32_t look_up(const struct prefix_index *index, uint32_t of, uint32_t label)
{
    uint32_t at = index->buckets[bucket_of(index, of, label)];
    while (at != NONE && (index->entries[at].of != of || index->entries[at].label != label))
        at = index->entries[at].chained;
    return at;
}

static void chain(struct prefix_index *index, uint32_t at)
{
    uint32_t *bucket = &index->buckets[bucket_of(index, index->entries[at].of, index->entries[at].label)];
    index->entries[at].chained = *bucket;
    *bucket = at;
}

/* There is room: reserve. */
static uint32_t take(struct prefix_index *index, uint32_t of, uint32_t label)
{
    uint32_t at = index->free;
    if (at != NONE) {
        index->free = index->entries[at].chained;
        index->free_count--;
    } else {
        at = index->used++;
    }
    index->entries[at] = (struct entry){.of = of, .label = label, .holder = NONE};
    chain(index, at);
    return at;
}

static void unchain(struct prefix_index *index, uint32_t at)
{
    uint32_t *link = &index->buckets[bucket_of(index, index->entries[at].of, index->entries[at].label)];
    while (*link != at)
        link = &index->entries[*link].chained;
    *link = index->entries[at].chained;
}

/* The entry is found under another key from now on. */
static void rename(struct prefix_index *index, uint32_t at, uint32_t of, uint32_t label)
{
    unchain(index, at);
    index->entries[at].of = of;
    index->entries[at].label = label;
    chain(index, at);
}

static void give_back(struct prefix_index *index, uint32_t at)
{
    struct entry *entry = &index->entries[at];
    unchain(index, at);
    entry->of = NONE;
    entry->chained = index->free;
    index->free = at;
    index->free_count++;
}

static bool make_buckets(struct prefix_index *index, uint32_t bits)
{
    const size_t count = (size_t)1 << bits;
    uint32_t *buckets = malloc(count * sizeof *buckets);
    if (!buckets)
        return false;
    for (size_t i = 0; i < count; i++)
        buckets[i] = NONE;
    free(index->buckets);
    index->buckets = buckets;
    index->bucket_bits = bits;
    return true;
}

/* At most one entry a bucket. Free entries are in no chain but their own. */
static bool spread(struct prefix_index *index, uint64_t entries)
{
    uint32_t bits = index->bucket_bits;
    while (bits < 31 && (UINT64_C(1) << bits) < entries)
        bits++;
    if (bits == index->bucket_bits)
        return true;
    if (!make_buckets(index, bits))
        return false;
    for (uint32_t at = 0; at < index->used; at++)
        if (index->entries[at].of != NONE)
            chain(index, at);
    return true;
}

/* Room for so many more entries, so that none of what follows can fail. */
static bool reserve(struct prefix_index *index, uint64_t more)
{
    const uint64_t needed = index->used + (more > index->free_count ? more - index->free_count : 0);
    struct diag diag = {0};
    return needed < ROOT &&
           array_reserve(&index->entries, &index->capacity, (size_t)needed, sizeof *index->entries, "the router's index", &diag) ==
               SIM_OK &&
           spread(index, needed);
}

/* --- copies ------------------------------------------------------------------------------------------------------------------------- */

static void unlink_age(struct prefix_index *index, uint32_t at)
{
    const struct entry *copy = &index->entries[at];
    const uint32_t newer = copy->is.links.newer, older = copy->is.links.older;
    struct holdings *holdings = &index->replicas[copy->label];
    *(newer == NONE ? &holdings->newest : &index->entries[newer].is.links.older) = older;
    *(older == NONE ? &holdings->oldest : &index->entries[older].is.links.newer) = newer;
}

/* Newer than `older`, a copy of the same replica, or the oldest of all where that is NONE. */
static void link_age(struct prefix_index *index, uint32_t at, uint32_t older)
{
    struct entry *copy = &index->entries[at];
    struct holdings *holdings = &index->replicas[copy->label];
    uint32_t *link = older == NONE ? &holdings->oldest : &index->entries[older].is.links.newer;
    copy->is.links.newer = *link;
    copy->is.links.older = older;
    *(*link == NONE ? &holdings->newest : &index->entries[*link].is.links.older) = at;
    *link = at;
}

static void link_holder(struct prefix_index *index, uint32_t at, uint32_t run)
{
    const uint32_t first = index->entries[run].holder;
    index->entries[at].holder = first;
    index->entries[at].is.links.holder_before = NONE;
    if (first != NONE)
        index->entries[first].is.links.holder_before = at;
    index->entries[run].holder = at;
}

static void unlink_holder(struct prefix_index *index, uint32_t at, uint32_t run)
{
    const uint32_t next = index->entries[at].holder, before = index->entries[at].is.links.holder_before;
    *(before == NONE ? &index->entries[run].holder : &index->entries[before].holder) = next;
    if (next != NONE)
        index->entries[next].is.links.holder_before = before;
}

/* A copy without pieces, linked among the holders. */
static uint32_t new_copy(struct prefix_index *index, uint32_t run, uint32_t replica)
{
    const uint32_t at = take(index, COPY | run, replica);
    link_holder(index, at, run);
    return at;
}

/* All of the run was sent to the replica just now. */
static void touch(struct prefix_index *index, uint32_t run, uint32_t replica)
{
    struct holdings *holdings = &index->replicas[replica];
    uint32_t at = look_up(index, COPY | run, replica);
    if (at != NONE)
        unlink_age(index, at);
    else
        at = new_copy(index, run, replica);
    holdings->pieces += index->entries[run].length - index->entries[at].length;
    index->entries[at].length = index->entries[run].length;
    link_age(index, at, holdings->newest);
}

/* And its run, if nobody else has some of it: nobody has one after it, as those went before. */
static void drop(struct prefix_index *index, uint32_t at)
{
    const uint32_t run = index->entries[at].of & ~COPY;
    unlink_holder(index, at, run);
    unlink_age(index, at);
    index->replicas[index->entries[at].label].pieces -= index->entries[at].length;
    give_back(index, at);
    if (index->entries[run].holder == NONE)
        give_back(index, run);
}

/* --- runs --------------------------------------------------------------------------------------------------------------------------- */

static uint32_t new_run(struct prefix_index *index, uint32_t of, const uint32_t *names, uint32_t length)
{
    const uint32_t at = take(index, of, names[0]);
    index->entries[at].length = length;
    memcpy(index->entries[at].is.names, names + 1, (length - 1) * sizeof *names);
    return at;
}

/* How many names of the run come first in `names`. */
static uint32_t common(const struct entry *run, const uint32_t *names, uint64_t length)
{
    const uint32_t most = (uint32_t)min_u64(run->length, length);
    uint32_t pieces = 1;
    while (pieces < most && run->is.names[pieces - 1] == names[pieces])
        pieces++;
    return pieces;
}

/* A holder of the run that is cut into `head` and `tail`: what it has of the head is a copy of that, next in age to what it has of the tail. */
static void cut_copy(struct prefix_index *index, uint32_t at, uint32_t head, uint32_t tail)
{
    const uint32_t pieces = index->entries[head].length, replica = index->entries[at].label;
    if (index->entries[at].length <= pieces) {
        unlink_holder(index, at, tail);
        rename(index, at, COPY | head, replica);
        link_holder(index, at, head);
        return;
    }
    index->entries[at].length -= pieces;
    const uint32_t first = new_copy(index, head, replica);
    index->entries[first].length = pieces;
    link_age(index, first, at);
}

/* Cut a run after its first pieces, fewer than it has. The new run is the first part, so that runs which come after it need no change. */
static uint32_t cut(struct prefix_index *index, uint32_t run, uint32_t pieces)
{
    uint32_t names[PREFIX_RUN];
    struct entry *tail = &index->entries[run];
    names[0] = tail->label;
    memcpy(names + 1, tail->is.names, sizeof tail->is.names);
    const uint32_t of = tail->of, length = tail->length;
    rename(index, run, ROOT, NONE); /* out of the way: the new run has its key */
    const uint32_t head = new_run(index, of, names, pieces);
    rename(index, run, head, names[pieces]);
    tail->length = length - pieces;
    memcpy(tail->is.names, names + pieces + 1, (length - pieces - 1) * sizeof *names);
    for (uint32_t at = tail->holder, next; at != NONE; at = next) {
        next = index->entries[at].holder;
        cut_copy(index, at, head, run);
    }
    if (tail->holder == NONE)
        give_back(index, run);
    return head;
}

/* --- what others call --------------------------------------------------------------------------------------------------------------- */

bool prefix_index_create(uint32_t replica_most, uint64_t pieces_most, struct prefix_index **out)
{
    struct prefix_index *index = calloc(1, sizeof *index);
    if (!index)
        return false;
    index->replica_most = replica_most;
    index->pieces_most = pieces_most;
    index->free = NONE;
    index->replicas = calloc(replica_most > 0 ? replica_most : 1, sizeof *index->replicas);
    if (!index->replicas || !make_buckets(index, FIRST_BUCKET_BITS)) {
        prefix_index_destroy(index);
        return false;
    }
    for (uint32_t i = 0; i < replica_most; i++)
        index->replicas[i].newest = index->replicas[i].oldest = NONE;
    *out = index;
    return true;
}

void prefix_index_destroy(struct prefix_index *index)
{
    if (!index)
        return;
    free(index->replicas);
    free(index->entries);
    free(index->buckets);
    free(index);
}

struct prefix_match prefix_index_find(const struct prefix_index *index, const uint32_t *names, uint64_t length)
{
    struct prefix_match match = {.run = ROOT};
    while (match.pieces < length && (match.run == ROOT || match.within == index->entries[match.run].length)) {
        const uint32_t next = look_up(index, match.run, names[match.pieces]);
        if (next == NONE)
            break;
        match.run = next;
        match.within = common(&index->entries[next], names + match.pieces, length - match.pieces);
        match.pieces += match.within;
    }
    return match;
}

struct prefix_match prefix_index_shorter(const struct prefix_index *index, struct prefix_match match)
{
    const uint32_t before = index->entries[match.run].of;
    return (struct prefix_match){
        .pieces = match.pieces - match.within, .run = before, .within = before == ROOT ? 0 : index->entries[before].length};
}

uint32_t prefix_index_holders(const struct prefix_index *index, struct prefix_match match)
{
    return index->entries[match.run].holder;
}

uint32_t prefix_index_next_holder(const struct prefix_index *index, uint32_t at)
{
    return index->entries[at].holder;
}

uint32_t prefix_index_holder(const struct prefix_index *index, uint32_t at)
{
    return index->entries[at].label;
}

uint64_t prefix_index_held(const struct prefix_index *index, struct prefix_match match, uint32_t at)
{
    return match.pieces - match.within + min_u32(match.within, index->entries[at].length);
}

/* Does the match end before its last run does? */
static bool cuts(const struct prefix_index *index, struct prefix_match match)
{
    return match.pieces > 0 && match.within < index->entries[match.run].length;
}

/* A copy for each run on the way to the match and of what comes after it; and for a cut, another run and a copy for each that has it. */
static uint64_t entries_needed(const struct prefix_index *index, struct prefix_match match, uint64_t rest)
{
    uint64_t needed = 2 * ceil_div_u64(rest, PREFIX_RUN);
    for (uint32_t run = match.run; run != ROOT; run = index->entries[run].of)
        needed++;
    if (!cuts(index, match))
        return needed;
    needed++;
    for (uint32_t at = index->entries[match.run].holder; at != NONE; at = index->entries[at].holder)
        needed++;
    return needed;
}

static void trim(struct prefix_index *index, uint32_t replica, uint64_t pieces_most)
{
    struct holdings *holdings = &index->replicas[replica];
    while (holdings->pieces > pieces_most) {
        const uint64_t excess = holdings->pieces - pieces_most;
        struct entry *copy = &index->entries[holdings->oldest];
        if (copy->length <= excess) {
            drop(index, holdings->oldest);
        } else {
            copy->length -= (uint32_t)excess;
            holdings->pieces -= excess;
        }
    }
}

bool prefix_index_add(struct prefix_index *index, const uint32_t *names, uint64_t length, uint32_t replica)
{
    const uint64_t most = min_u64(length, index->pieces_most);
    const struct prefix_match match = prefix_index_find(index, names, most);
    uint32_t last = match.run;
    if (!reserve(index, entries_needed(index, match, most - match.pieces)))
        return false;
    if (cuts(index, match))
        last = cut(index, last, match.within);
    for (uint64_t i = match.pieces; i < most; i += PREFIX_RUN)
        last = new_run(index, last, names + i, (uint32_t)min_u64(PREFIX_RUN, most - i));
    for (uint32_t run = last; run != ROOT; run = index->entries[run].of)
        touch(index, run, replica);
    trim(index, replica, index->pieces_most);
    return true;
}

void prefix_index_forget(struct prefix_index *index, uint32_t replica)
{
    trim(index, replica, 0);
}

uint64_t prefix_index_pieces(const struct prefix_index *index, uint32_t replica)
{
    return index->replicas[replica].pieces;
}

/* --- check -------------------------------------------------------------------------------------------------------------------------- */

static bool check_run(const struct prefix_index *index, uint32_t run)
{
    const struct entry *entry = &index->entries[run];
    uint32_t before = NONE;
    if (entry->holder == NONE || entry->length < 1 || entry->length > PREFIX_RUN || look_up(index, entry->of, entry->label) != run)
        return false;
    for (uint32_t at = entry->holder; at != NONE; before = at, at = index->entries[at].holder) {
        const struct entry *copy = &index->entries[at];
        if (copy->of != (COPY | run) || copy->is.links.holder_before != before || copy->length < 1 || copy->length > entry->length ||
            look_up(index, COPY | run, copy->label) != at)
            return false;
    }
    return true;
}

/* Has the replica all of the run, in a copy that was seen before? */
static bool seen_whole(const struct prefix_index *index, const bool *seen, uint32_t run, uint32_t replica)
{
    const uint32_t at = look_up(index, COPY | run, replica);
    return at != NONE && seen[at] && index->entries[at].length == index->entries[run].length;
}

/* From the newest copy to the oldest: that of the run before each was seen already. */
static bool check_replica(const struct prefix_index *index, uint32_t replica, bool *seen, uint64_t *copies)
{
    const struct holdings *holdings = &index->replicas[replica];
    uint64_t pieces = 0;
    uint32_t newer = NONE;
    for (uint32_t at = holdings->newest; at != NONE; newer = at, at = index->entries[at].is.links.older) {
        const struct entry *copy = &index->entries[at];
        const uint32_t before = index->entries[copy->of & ~COPY].of;
        if (copy->label != replica || copy->is.links.newer != newer || (before != ROOT && !seen_whole(index, seen, before, replica)))
            return false;
        seen[at] = true;
        pieces += copy->length;
        ++*copies;
    }
    return newer == holdings->oldest && pieces == holdings->pieces && pieces <= index->pieces_most;
}

bool prefix_index_check(const struct prefix_index *index)
{
    bool *seen = calloc((size_t)index->used + 1, sizeof *seen), right = seen != NULL;
    uint64_t runs = 0, copies = 0, listed = 0;
    for (uint32_t at = 0; right && at < index->used; at++) {
        const uint32_t of = index->entries[at].of;
        runs += of < COPY;
        copies += of >= COPY && of != NONE;
        right = of >= COPY || check_run(index, at);
    }
    for (uint32_t replica = 0; right && replica < index->replica_most; replica++)
        right = check_replica(index, replica, seen, &listed);
    free(seen);
    return right && listed == copies && runs + copies + index->free_count == index->used;
}
