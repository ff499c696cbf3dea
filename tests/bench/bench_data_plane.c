/* bench_data_plane.c - how fast K/V bytes move here, as shares of what the machine can do, all measured in one run and in turn:
 *
 *   limit   the best sequential copy of as many bytes by as many threads: memcpy, wide regular and streaming stores, with and without
 *           prefetch
 *   seed    the way of the text this project grew from: row by row into fresh zeroed memory
 *   ours    the library
 *
 * GB/s are payload, K and V counted once, over the CPU time of the slowest thread, so that other users of the machine disturb less; each
 * figure is the median of several rounds, all ways in turn.
 *
 * usage: bench_data_plane [--machine] [--quick] [--geometry PLAN] [--kernels NAME]
 */
#include <malloc.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#ifdef _OPENMP
#include <omp.h>
#else
static int omp_get_thread_num(void)
{
    return 0;
}
static int omp_get_max_threads(void)
{
    return 1;
}
#endif

#include "bench/bench_median.h"
#include "kernels.h"
#include "pagedkv.h"

enum { HEADS = 8, CONTEXT = 4096, SEQUENCES = 16, GROUP = 4, MOST_THREADS = 64, MOST_ROUNDS = 15, MOST_WAYS = 12 };
#define POOL_BYTES      ((size_t)2 << 30)
#define ATTENTION_SCALE 0.088F
#define HUGE_PAGE       ((size_t)2 << 20)

static int rounds = 7;
static bool machine;
static const char *told_geometry; /* NULL: each setting's is measured, as a replay does */

/* Memory aligned to 2 MiB with large pages, touched. */
static float *buffer(size_t bytes)
{
    void *memory = NULL;
    if (posix_memalign(&memory, HUGE_PAGE, (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE) != 0)
        exit(1);
    madvise(memory, bytes, MADV_HUGEPAGE);
    memset(memory, 1, bytes);
    return memory;
}

static double thread_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Work for one thread of a team. */
typedef void work_function(void *context, int thread, int threads);

/* CPU seconds of the slowest thread, for once. */
/* What is done again and again is done once before, so that it finds in the caches what it itself leaves there. */
static double run(work_function *work, void *context, int threads, int times)
{
    double slowest = 0;
#pragma omp parallel num_threads(threads) reduction(max : slowest)
    {
        if (times > 1)
            work(context, omp_get_thread_num(), threads);
        double start = thread_seconds();
        for (int time = 0; time < times; time++)
            work(context, omp_get_thread_num(), threads);
        slowest = (thread_seconds() - start) / times;
    }
    return slowest;
}

/* --- one setting ------------------------------------------------------------------------------------------------------------------ */

struct setting {
    uint32_t block_size, head_dim, sequences, context;
    enum kv_store_dtype dtype;
    struct kv_store *store, *host; /* host: where blocks are swapped to */
    uint32_t *tables;              /* [sequence][entries] */
    uint32_t entries;
    float *k, *v;  /* destinations: [sequence][head][token][dim] */
    float *source; /* what a sequential copy reads */
    float *queries, *outputs;
    size_t sequence_floats;
    int times; /* what is short is done several times, so that the clock can see it */
};

static size_t payload(const struct setting *setting)
{
    return 2 * (size_t)setting->sequences * setting->sequence_floats * sizeof(float);
}

static void open_setting(struct setting *setting, bool whole_pool)
{
    struct kv_store_shape shape = {
        .num_layers = 1, .num_kv_heads = HEADS, .head_dim = setting->head_dim, .block_size = setting->block_size, .dtype = setting->dtype};
    size_t element = setting->dtype == KV_STORE_FLOAT32 ? 4 : 2,
           block = 2 * (size_t)HEADS * setting->block_size * setting->head_dim * element;
    setting->entries = (setting->context + setting->block_size - 1) / setting->block_size;
    shape.num_blocks = whole_pool ? (uint32_t)(POOL_BYTES / block) : setting->entries * setting->sequences;
    if (shape.num_blocks < setting->entries * setting->sequences)
        shape.num_blocks = setting->entries * setting->sequences;
    if (kv_store_create(&shape, &setting->store) != KV_OK)
        exit(1);
    struct kv_geometry_plan plan;
    if (!told_geometry)
        plan = kv_geometry_measure(&shape);
    else if (!kv_geometry_plan_parse(told_geometry, &plan))
        exit(2);
    kv_store_set_geometry(setting->store, &plan);
    memset(setting->store->memory, 0, setting->store->mapped_bytes);
    uint32_t *all = malloc(shape.num_blocks * sizeof *all);
    uint64_t random = 1;
    for (uint32_t i = 0; i < shape.num_blocks; i++)
        all[i] = i;
    for (uint32_t i = shape.num_blocks; i-- > 1;) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        uint32_t j = (uint32_t)((random >> 33) % (i + 1)), swap = all[i];
        all[i] = all[j];
        all[j] = swap;
    }
    setting->tables = all;
    setting->sequence_floats = (size_t)HEADS * setting->context * setting->head_dim;
    size_t bytes = setting->sequences * setting->sequence_floats * sizeof(float);
    setting->k = buffer(bytes);
    setting->v = buffer(bytes);
    setting->source = buffer(2 * bytes);
    size_t heads = (size_t)setting->sequences * HEADS * GROUP * setting->head_dim * sizeof(float);
    setting->queries = buffer(heads);
    setting->outputs = buffer(heads);
    for (size_t i = 0; i < heads / sizeof(float); i++)
        setting->queries[i] = (float)(i % 17) / 100;
}

static void close_setting(struct setting *setting)
{
    kv_store_destroy(setting->store);
    kv_store_destroy(setting->host);
    free(setting->tables);
    free(setting->k);
    free(setting->v);
    free(setting->source);
    free(setting->queries);
    free(setting->outputs);
}

/* Jobs are (sequence, head); a thread takes an even run of them. */
static void share(uint32_t jobs, int thread, int threads, uint32_t *from, uint32_t *to)
{
    *from = (uint32_t)((uint64_t)jobs * (uint64_t)thread / (uint64_t)threads);
    *to = (uint32_t)((uint64_t)jobs * (uint64_t)(thread + 1) / (uint64_t)threads);
}

static const uint32_t *table_of(const struct setting *setting, uint32_t sequence)
{
    return setting->tables + (size_t)sequence * setting->entries;
}

static void gather(void *context, int thread, int threads)
{
    const struct setting *setting = context;
    const size_t head_floats = (size_t)setting->context * setting->head_dim;
    uint32_t from, to;
    share(setting->sequences * HEADS, thread, threads, &from, &to);
    for (uint32_t job = from, heads; job < to; job += heads) {
        heads = HEADS - job % HEADS < to - job ? HEADS - job % HEADS : to - job;
        if (kv_gather_heads(setting->store, 0, job % HEADS, heads, table_of(setting, job / HEADS), setting->context,
                            setting->k + job * head_floats, setting->v + job * head_floats) != KV_OK)
            exit(1);
    }
}

/* One head of each sequence, another one each time: 1 / HEADS of the bytes, in runs of a head. */
static void gather_one(void *context, int thread, int threads)
{
    const struct setting *setting = context;
    const size_t sequence_floats = HEADS * (size_t)setting->context * setting->head_dim;
    uint32_t from, to;
    share(setting->sequences, thread, threads, &from, &to);
    for (uint32_t i = from; i < to; i++)
        if (kv_gather_head(setting->store, 0, i % HEADS, table_of(setting, i), setting->context, setting->k + i * sequence_floats,
                           setting->v + i * sequence_floats) != KV_OK)
            exit(1);
}

/* Fresh zeroed memory (main keeps the C library from handing out used pages), row by row, with each row's place looked up. */
static void seed_gather(void *context, int thread, int threads)
{
    const struct setting *setting = context;
    const uint32_t dim = setting->head_dim, size = setting->block_size;
    uint32_t from, to;
    share(setting->sequences * HEADS, thread, threads, &from, &to);
    for (uint32_t job = from; job < to; job++) {
        float *halves[2] = {calloc((size_t)setting->context * dim, sizeof(float)), calloc((size_t)setting->context * dim, sizeof(float))};
        for (uint32_t token = 0; token < setting->context; token++)
            for (int value = 0; value < 2; value++) {
                const unsigned char *block = kv_store_at(setting->store, 0, value, table_of(setting, job / HEADS)[token / size]);
                memcpy(halves[value] + (size_t)token * dim, block + (((size_t)(job % HEADS) * size + token % size) * dim) * sizeof(float),
                       dim * sizeof(float));
            }
        __asm__ volatile("" ::"r"(halves[0]), "r"(halves[1]) : "memory");
        free(halves[0]);
        free(halves[1]);
    }
}

/* The ways to copy in order: memcpy; regular and streaming stores; the same with prefetch at two distances. */
enum { COPY_VARIANTS = 7 };

static void sequential_copy(struct setting *setting, int variant, int thread, int threads)
{
    const struct kv_kernels *kernels = kv_kernels();
    const size_t floats = setting->sequences * setting->sequence_floats, job = floats / ((size_t)setting->sequences * HEADS);
    const size_t ahead = variant > 4 ? 8192 : 2048;
    uint32_t from, to;
    share(setting->sequences * HEADS, thread, threads, &from, &to);
    for (int value = 0; value < 2; value++) {
        float *out = (value ? setting->v : setting->k) + job * from;
        const float *in = setting->source + (size_t)value * floats + job * from;
        size_t bytes = (to - from) * job * sizeof(float);
        if (variant == 0)
            memcpy(out, in, bytes);
        else
            (variant % 2 ? kernels->copy : kernels->stream)(out, in, bytes, variant > 2 ? (const char *)in + ahead : NULL);
    }
    kv_kernels_fence();
}

#define COPY(variant)                                                                                                                      \
    static void copy_##variant(void *context, int thread, int threads)                                                                     \
    {                                                                                                                                      \
        sequential_copy(context, variant, thread, threads);                                                                                \
    }
COPY(0)
COPY(1)
COPY(2)
COPY(3)
COPY(4)
COPY(5)
COPY(6)

static work_function *const copies[COPY_VARIANTS] = {copy_0, copy_1, copy_2, copy_3, copy_4, copy_5, copy_6};

static void attend(void *context, int thread, int threads)
{
    const struct setting *setting = context;
    const size_t width = (size_t)HEADS * GROUP * setting->head_dim;
    uint32_t from, to;
    share(setting->sequences, thread, threads, &from, &to);
    for (uint32_t i = from; i < to; i++) {
        struct kv_attend_sequence one = {.blocks = table_of(setting, i),
                                         .num_tokens = setting->context,
                                         .queries = setting->queries + i * width,
                                         .outputs = setting->outputs + i * width};
        if (kv_attend_batch(setting->store, 0, GROUP, ATTENTION_SCALE, &one, 1, 1) != KV_OK)
            exit(1);
    }
}

/* The same attention over gathered buffers, chunk after chunk. */
static void gather_then_attend(void *context, int thread, int threads)
{
    struct setting *setting = context;
    gather(setting, thread, threads);
    const size_t head_floats = (size_t)setting->context * setting->head_dim;
    const struct kv_kernels *kernels = kv_kernels();
    uint32_t from, to;
    share(setting->sequences * HEADS, thread, threads, &from, &to);
    for (uint32_t job = from; job < to; job++) {
        const size_t width = (size_t)GROUP * setting->head_dim, chunk_floats = (size_t)KV_CHUNK_ROWS * setting->head_dim;
        const float *k = setting->k + job * head_floats, *v = setting->v + job * head_floats;
        float maximum[GROUP] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY}, sums[GROUP * KV_CHUNK_ROWS] = {0};
        struct kv_attend_rows rows = {.queries = setting->queries + job * width,
                                      .group = GROUP,
                                      .rows = KV_CHUNK_ROWS,
                                      .head_dim = setting->head_dim,
                                      .scale = ATTENTION_SCALE,
                                      .maximum = maximum,
                                      .sums = sums,
                                      .outputs = setting->outputs + job * width};
        memset(rows.outputs, 0, width * sizeof(float));
        const unsigned char *keys[KV_CHUNK_ROWS], *values[KV_CHUNK_ROWS];
        for (uint32_t i = 0; i < KV_CHUNK_ROWS; i++) {
            keys[i] = (const unsigned char *)(k + (size_t)i * setting->head_dim);
            values[i] = (const unsigned char *)(v + (size_t)i * setting->head_dim);
        }
        rows.keys = rows.keys_ahead = keys;
        rows.values = rows.values_ahead = values;
        for (uint32_t chunk = 0; chunk < setting->context / KV_CHUNK_ROWS; chunk++) {
            rows.at = chunk * chunk_floats * sizeof(float);
            rows.at_ahead = rows.at + chunk_floats * sizeof(float);
            kernels->attend[KV_STORE_FLOAT32](&rows);
        }
    }
}

/* Read everything once, sum it: what attention cannot beat. */
static void read_all(void *context, int thread, int threads)
{
    const struct setting *setting = context;
    const size_t floats = 2 * (size_t)setting->sequences * setting->sequence_floats / (size_t)threads;
    float sum = kv_kernels()->sum(setting->source + floats * (size_t)thread, floats * sizeof(float));
    __asm__ volatile("" ::"m"(sum));
}

static void copy_blocks(void *context, int thread, int threads)
{
    const struct setting *setting = context;
    const struct kv_block_copy *pairs = (const struct kv_block_copy *)setting->tables;
    uint32_t from, to;
    share(setting->entries * setting->sequences / 2, thread, threads, &from, &to);
    if (kv_store_copy_blocks(setting->store, setting->store, pairs + from, to - from, 1) != KV_OK)
        exit(1);
}

/* Blocks in any order of the pool to neighbouring ones of the host's store, and back. */
static void swap(struct setting *setting, int thread, int threads, bool out)
{
    enum { AT_ONCE = 256 };
    struct kv_block_copy pairs[AT_ONCE];
    uint32_t from, to;
    share(setting->host->shape.num_blocks, thread, threads, &from, &to);
    for (uint32_t count; from < to; from += count) {
        count = to - from < AT_ONCE ? to - from : AT_ONCE;
        for (uint32_t i = 0; i < count; i++)
            pairs[i] = out ? (struct kv_block_copy){setting->tables[from + i], from + i}
                           : (struct kv_block_copy){from + i, setting->tables[from + i]};
        if (kv_store_copy_blocks(out ? setting->host : setting->store, out ? setting->store : setting->host, pairs, count, 1) != KV_OK)
            exit(1);
    }
}

static void swap_out(void *context, int thread, int threads)
{
    swap(context, thread, threads, true);
}

static void swap_in(void *context, int thread, int threads)
{
    swap(context, thread, threads, false);
}

static void append_tokens(void *context, int thread, int threads)
{
    const struct setting *setting = context;
    const size_t row = (size_t)HEADS * setting->head_dim;
    uint32_t from, to;
    share(setting->sequences, thread, threads, &from, &to);
    for (uint32_t token = 0; token < setting->context; token++)
        for (uint32_t i = from; i < to; i++)
            if (kv_store_write_tokens(setting->store, 0, table_of(setting, i), token, 1, setting->queries + i * row,
                                      setting->queries + i * row) != KV_OK)
                exit(1);
}

static void prefill(void *context, int thread, int threads)
{
    const struct setting *setting = context;
    uint32_t from, to;
    share(setting->sequences, thread, threads, &from, &to);
    for (uint32_t i = from; i < to; i++)
        if (kv_store_write_tokens(setting->store, 0, table_of(setting, i), 0, setting->context,
                                  setting->source + i * setting->sequence_floats,
                                  setting->source + (setting->sequences + i) * setting->sequence_floats) != KV_OK)
            exit(1);
}

/* Streaming stores of one row over and over: what appending cannot beat. */
static void fill(void *context, int thread, int threads)
{
    const struct setting *setting = context;
    const struct kv_kernels *kernels = kv_kernels();
    const size_t floats = setting->sequences * setting->sequence_floats, from = floats / (size_t)threads * (size_t)thread;
    const size_t row = (size_t)setting->head_dim * sizeof(float);
    for (int value = 0; value < 2; value++)
        for (size_t at = 0; at < floats / (size_t)threads * sizeof(float); at += row)
            kernels->stream((char *)((value ? setting->v : setting->k) + from) + at, setting->queries, row, NULL);
    kv_kernels_fence();
}

/* --- measuring -------------------------------------------------------------------------------------------------------------------- */

/* GB/s of `count` ways, then the limit: the best of the sequential copies. All are measured in turn, so that a change of the machine's mood
 * meets all of them, and of each the median counts. */
static double measure(struct setting *setting, work_function *const *given, const double *bytes, int count, int threads, double *gb_per_s)
{
    static double seconds[MOST_WAYS + COPY_VARIANTS][MOST_ROUNDS];
    work_function *ways[MOST_WAYS + COPY_VARIANTS];
    memcpy(ways, given, (size_t)count * sizeof *ways);
    memcpy(ways + count, copies, sizeof copies);
    for (int round = -1; round < rounds; round++)
        for (int way = 0; way < count + COPY_VARIANTS; way++) {
            double took = run(ways[way], setting, threads, setting->times);
            if (round >= 0)
                seconds[way][round] = took;
        }
    for (int way = 0; way < count; way++)
        gb_per_s[way] = bytes[way] / median(seconds[way], rounds) / 1e9;
    double fastest = INFINITY;
    for (int way = count; way < count + COPY_VARIANTS; way++)
        fastest = fmin(fastest, median(seconds[way], rounds));
    return (double)payload(setting) / fastest / 1e9;
}

static void result(const char *what, int threads, double gb_per_s)
{
    if (machine)
        printf("RESULT %s %d %.2f\n", what, threads, gb_per_s);
}

/* `where`: "gather" out of the caches, else one sequence of `context` tokens whose blocks and buffers are used again and again. */
static void gather_row(const char *where, uint32_t block_size, uint32_t head_dim, uint32_t context, int threads, const char *name)
{
    enum { AT_LEAST = 64 << 20 };
    const bool whole_pool = strcmp(where, "gather") == 0;
    struct setting setting = {.block_size = block_size, .head_dim = head_dim, .sequences = whole_pool ? SEQUENCES : 1, .context = context};
    open_setting(&setting, whole_pool);
    double speeds[2], bytes[2] = {(double)payload(&setting), (double)payload(&setting)};
    setting.times = payload(&setting) < AT_LEAST ? (int)(AT_LEAST / payload(&setting)) : 1;
    work_function *const ways[] = {gather, seed_gather};
    const double limit = measure(&setting, ways, bytes, 2, threads, speeds);
    if (!machine)
        printf("%-9s %6.1f %5u %4u %7d %8.1f %8.1f %8.1f %8.2f %7.1f\n", where, bytes[0] / (1 << 20), block_size, head_dim, threads, limit,
               speeds[1], speeds[0], speeds[0] / limit, speeds[0] / speeds[1]);
    if (name)
        result(name, threads, speeds[0]);
    close_setting(&setting);
}

static void line(const char *what, int threads, double gb_per_s, double share, const char *of)
{
    if (!machine)
        printf("%-28s %d thread%s %6.1f GB/s, %.2f of %s\n", what, threads, threads > 1 ? "s:" : ": ", gb_per_s, share, of);
}

static void other_rows(int threads)
{
    enum { COPY_BLOCKS, APPEND, FILL, PREFILL, ATTEND, READ, GATHER_FIRST, SWAP_OUT, SWAP_IN, ONE_HEAD, WAYS };
    struct setting setting = {.block_size = 16, .head_dim = 128, .sequences = SEQUENCES, .context = CONTEXT, .times = 1};
    open_setting(&setting, true);
    double all = (double)payload(&setting), speeds[WAYS];
    struct kv_store_shape host = setting.store->shape;
    host.num_blocks = setting.entries * setting.sequences / 2;
    if (kv_store_create(&host, &setting.host) != KV_OK)
        exit(1);
    memset(setting.host->memory, 0, setting.host->mapped_bytes);
    work_function *const ways[] = {copy_blocks, append_tokens,      fill,     prefill, attend,
                                   read_all,    gather_then_attend, swap_out, swap_in, gather_one};
    const double bytes[] = {all / 2, all, all, all, all, all, all, all / 2, all / 2, all / HEADS};
    const double limit = measure(&setting, ways, bytes, WAYS, threads, speeds);
    line("gather of one head", threads, speeds[ONE_HEAD], speeds[ONE_HEAD] / limit, "the copy limit");
    line("copy of a block", threads, speeds[COPY_BLOCKS], speeds[COPY_BLOCKS] / limit, "the copy limit");
    line("swap of a block out", threads, speeds[SWAP_OUT], speeds[SWAP_OUT] / limit, "the copy limit");
    line("swap of a block in", threads, speeds[SWAP_IN], speeds[SWAP_IN] / limit, "the copy limit");
    line("append, a token at a time", threads, speeds[APPEND], speeds[APPEND] / speeds[FILL], "a streaming fill");
    line("prefill write", threads, speeds[PREFILL], speeds[PREFILL] / limit, "the copy limit");
    line("attention, 4 queries a head", threads, speeds[ATTEND], speeds[ATTEND] / speeds[READ], "the read limit");
    line("", threads, speeds[GATHER_FIRST], speeds[GATHER_FIRST] / speeds[ATTEND], "it when gathered first");
    result("copyblock", threads, speeds[COPY_BLOCKS]);
    result("append", threads, speeds[APPEND]);
    result("prefill", threads, speeds[PREFILL]);
    result("attn", threads, speeds[ATTEND]);
    close_setting(&setting);
}

/* Gather and attention of one type against float32, in tokens: what counts is the work done, not the bytes stored. The three stores are
 * opened together and measured in turn. */
static void type_rows(int threads)
{
    static const char *const names[] = {"float32", "float16", "bfloat16"};
    struct setting settings[3];
    double seconds[3][2][MOST_ROUNDS], base[2] = {0, 0};
    for (int dtype = 0; dtype < 3; dtype++) {
        settings[dtype] = (struct setting){
            .block_size = 16, .head_dim = 128, .sequences = SEQUENCES, .context = CONTEXT, .dtype = (enum kv_store_dtype)dtype};
        open_setting(&settings[dtype], true);
    }
    for (int round = -1; round < rounds; round++)
        for (int dtype = 0; dtype < 3; dtype++) {
            const double gathered = run(gather, &settings[dtype], threads, 1), attended = run(attend, &settings[dtype], threads, 1);
            if (round >= 0) {
                seconds[dtype][0][round] = gathered;
                seconds[dtype][1][round] = attended;
            }
        }
    for (int dtype = 0; dtype < 3; dtype++) {
        const double gathered = median(seconds[dtype][0], rounds), attended = median(seconds[dtype][1], rounds);
        if (dtype == 0) {
            base[0] = gathered;
            base[1] = attended;
        }
        printf("%-28s %d thread%s gather %.2f x, attention %.2f x float32\n", names[dtype], threads, threads > 1 ? "s:" : ": ",
               base[0] / gathered, base[1] / attended);
        close_setting(&settings[dtype]);
    }
}

/* Taking and freeing a block of a pool whose queue is in any order: one owner's plain counts, and counts that threads may share. */
static void allocation_row(void)
{
    enum { BLOCKS = 4096, AT_ONCE = 64, TIMES = 20000 };
    struct kv_block_pool pool;
    struct kv_shared_refs shared;
    uint32_t blocks[AT_ONCE], left;
    double ns[2][MOST_ROUNDS];
    if (kv_block_pool_init(&pool, BLOCKS, KV_ASCENDING) != KV_OK || kv_shared_refs_init(&shared, BLOCKS) != KV_OK)
        exit(1);
    for (int round = 0; round < 2 * rounds; round++) {
        const bool atomic = round % 2;
        enum kv_status status = KV_OK;
        double start = thread_seconds();
        for (uint32_t time = 0; time < TIMES; time++) {
            for (uint32_t i = 0; i < AT_ONCE; i++) {
                status |= kv_block_pool_take(&pool, &blocks[i]);
                if (atomic)
                    status |= kv_shared_refs_take(&shared, blocks[i]);
            }
            for (uint32_t i = 0; i < AT_ONCE; i++) {
                uint32_t block = blocks[(i * 29 + time) % AT_ONCE];
                if (atomic)
                    status |= kv_shared_refs_unref(&shared, block, &left);
                status |= kv_block_pool_free(&pool, block);
            }
        }
        ns[atomic][round / 2] = (thread_seconds() - start) / ((double)TIMES * AT_ONCE) * 1e9;
        if (status != KV_OK)
            exit(1);
    }
    printf("%-34s %.1f ns, with counts that threads share %.1f ns\n", "take and free a block", median(ns[0], rounds),
           median(ns[1], rounds));
    kv_block_pool_deinit(&pool);
    kv_shared_refs_deinit(&shared);
}

int main(int argc, char **argv)
{
    static const uint32_t block_sizes[] = {8, 16, 32, 64, 128}, head_dims[] = {128, 64};
    bool quick = false;
    mallopt(M_MMAP_THRESHOLD, 1 << 20); /* else calloc reuses memory after the first time, and the seed's way looks fast */
    for (int i = 1; i < argc; i++) {
        machine = machine || strcmp(argv[i], "--machine") == 0;
        if (strcmp(argv[i], "--kernels") == 0 && i + 1 < argc && kv_kernels_select(argv[i + 1])) {
            i++;
            continue;
        }
        if (strcmp(argv[i], "--geometry") == 0 && i + 1 < argc) {
            told_geometry = argv[++i];
            continue;
        }
        quick = quick || strcmp(argv[i], "--quick") == 0;
        if (strcmp(argv[i], "--machine") != 0 && strcmp(argv[i], "--quick") != 0) {
            puts("usage: bench_data_plane [--machine] [--quick] [--geometry PLAN] [--kernels NAME]\n\nGather, copy, append, prefill and "
                 "attention against "
                 "the machine's "
                 "limits.");
            return strcmp(argv[i], "--help") == 0 ? 0 : 2;
        }
    }
    int most = omp_get_max_threads() < MOST_THREADS ? omp_get_max_threads() : MOST_THREADS;
    rounds = quick ? 3 : rounds;
    if (!machine)
        printf("kernels: %s; GB/s of payload, median of %d rounds\n\n%-9s %6s %5s %4s %7s %8s %8s %8s %8s %7s\n", kv_kernels()->name,
               rounds, "", "MiB", "block", "dim", "threads", "limit", "seed", "ours", "/limit", "/seed");
    for (int threads = 1; threads <= most; threads *= 2) {
        for (size_t dim = 0; dim < (machine ? 1 : 2); dim++)
            for (size_t size = 0; size < 5; size++) {
                const bool base = block_sizes[size] == 16 && head_dims[dim] == 128;
                if (!base && (machine || (quick && block_sizes[size] != 16)))
                    continue;
                gather_row("gather", block_sizes[size], head_dims[dim], CONTEXT, threads, base ? "gather" : NULL);
                gather_row("in L3", block_sizes[size], head_dims[dim], CONTEXT, threads, base ? "gather_l3" : NULL);
            }
        if (!machine)
            for (uint32_t context = 128; context < CONTEXT; context *= 4)
                gather_row("reused", 16, 128, context * (context == 128 ? (uint32_t)threads : 1), threads, NULL);
    }
    if (!machine)
        putchar('\n');
    for (int threads = 1; threads <= most; threads *= 2)
        other_rows(threads);
    for (int threads = 1; threads <= most && !machine; threads *= 2)
        type_rows(threads);
    if (!machine)
        allocation_row();
    return 0;
}
