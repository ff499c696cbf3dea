/* kernels_attention.h - the text of the attention kernel, included by each kernels_<set>.c after kernels_body.h. In addition it needs
 *
 *   EVEN, ODD                 the even and the odd numbers below 2 * LANES, as lists
 *   SUMS                      vectors that are summed up at the same time, a multiple of LANES; may be undefined: LANES
 *   ANY_ABOVE(vector, float)  whether a lane is greater
 *
 * What makes it fast: all query heads of a group use a K or V vector while it is in a register (four at a time, or one); the sums of
 * LANES scores are folded together, in LANES - 1 steps instead of LANES * log2(LANES); 16-bit rows are widened as they are loaded; and
 * each line that is read asks for one of a later chunk, so that requests to memory are spread evenly over the arithmetic.
 */
#ifndef SUMS
#define SUMS LANES
#endif
enum { QUERIES = 4, VECTORS = KV_CHUNK_ROWS / LANES }; /* queries at a time; vectors that hold a chunk's scores */

/* Lane i of the result is the sum of the lanes of of[i]. */
ALWAYS vector sums_of(vector *of)
{
    UNROLL
    for (int apart = 1; apart < LANES; apart *= 2) {
        UNROLL
        for (int i = 0; i < LANES; i += 2 * apart)
            of[i] = __builtin_shufflevector(of[i], of[i + apart], EVEN) + __builtin_shufflevector(of[i], of[i + apart], ODD);
    }
    return of[0];
}

ALWAYS uint32_t lower(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* scores[g][row] = sum over d of queries[g][d] * keys[row][d] for `count` queries from `first`. Missing queries and rows repeat the last
 * one; nobody reads what they give. */
ALWAYS void dot_some(int type, int count, bool fetch, const struct kv_attend_rows *chunk, uint32_t first, float *scores)
{
    const int across = SUMS / count;
    const uint32_t dim = chunk->head_dim;
    const float *queries[QUERIES];
    for (uint32_t q = 0; q < (uint32_t)count; q++)
        queries[q] = chunk->queries + (size_t)lower(first + q, chunk->group - 1) * dim;
    for (uint32_t row = 0; row < chunk->rows; row += (uint32_t)across) {
        const unsigned char *keys[SUMS], *ahead[SUMS];
        UNROLL
        for (int i = 0; i < across; i++) {
            const uint32_t at = lower(row + (uint32_t)i, chunk->rows - 1);
            keys[i] = chunk->keys[at] + chunk->at;
            ahead[i] = chunk->keys_ahead[at] + chunk->at_ahead;
        }
        vector sums[SUMS];
        UNROLL
        for (int i = 0; i < SUMS; i++)
            sums[i] = (vector){0};
        uint32_t d = 0;
        for (; d + LANES <= dim; d += LANES) {
            UNROLL
            for (int i = 0; i < across; i++) {
                vector key = load_as(type, keys[i], d);
                if (fetch && d * type_bytes(type) % LINE == 0)
                    __builtin_prefetch(ahead[i] + d * type_bytes(type), 0, 2);
                UNROLL
                for (int q = 0; q < count; q++)
                    sums[q * across + i] += load(queries[q] + d) * key;
            }
        }
        float total[SUMS];
        UNROLL
        for (int i = 0; i < SUMS; i += LANES)
            store(total + i, sums_of(sums + i));
        for (; d < dim; d++)
            for (int q = 0; q < count; q++)
                for (int i = 0; i < across; i++)
                    total[q * across + i] += queries[q][d] * load_one(type, keys[i], d);
        UNROLL
        for (int q = 0; q < count; q++)
            memcpy(scores + (size_t)(first + (uint32_t)q) * KV_CHUNK_ROWS + row, total + (size_t)q * (size_t)across,
                   (size_t)across * sizeof *total);
    }
}

/* The scores of one query become weights relative to the greatest score so far; what was summed before is scaled to it when it grew. */
static void weigh(const struct kv_attend_rows *chunk, uint32_t g, float *scores)
{
    vector parts[VECTORS];
    for (uint32_t row = chunk->rows; row < KV_CHUNK_ROWS; row++)
        scores[row] = -INFINITY;
    for (int i = 0; i < VECTORS; i++)
        parts[i] = load(scores + at_vector(i)) * chunk->scale;
    float maximum = chunk->maximum[g];
    bool grew = false;
    for (int i = 0; i < VECTORS; i++)
        grew |= ANY_ABOVE(parts[i], maximum);
    float *sums = chunk->sums + (size_t)g * KV_CHUNK_ROWS;
    if (grew) { /* seldom, but in the first chunks */
        float lanes[KV_CHUNK_ROWS], greatest = maximum;
        memcpy(lanes, parts, sizeof lanes);
        for (int i = 0; i < KV_CHUNK_ROWS; i++)
            greatest = lanes[i] > greatest ? lanes[i] : greatest;
        const float less = expf(maximum - greatest);
        float *output = chunk->outputs + (size_t)g * chunk->head_dim;
        for (uint32_t d = 0; d < chunk->head_dim; d++)
            output[d] *= less;
        for (int i = 0; i < KV_CHUNK_ROWS; i++)
            sums[i] *= less;
        chunk->maximum[g] = maximum = greatest;
    }
    for (int i = 0; i < VECTORS; i++) {
        parts[i] = exponential(parts[i] - maximum);
        store(scores + at_vector(i), parts[i]);
        store(sums + at_vector(i), load(sums + at_vector(i)) + parts[i]);
    }
}

/* outputs[g][d..] += sum over rows of weights[g][row] * values[row][d..], for `wide` vectors from d. */
ALWAYS void add_columns(int type, int count, int wide, bool fetch, const struct kv_attend_rows *chunk, uint32_t first, const float *weights,
                        uint32_t d)
{
    float *outputs[QUERIES];
    vector sums[SUMS];
    UNROLL
    for (int q = 0; q < count; q++) {
        outputs[q] = chunk->outputs + (size_t)lower(first + (uint32_t)q, chunk->group - 1) * chunk->head_dim + d;
        UNROLL
        for (int i = 0; i < wide; i++)
            sums[q * wide + i] = load(outputs[q] + at_vector(i));
    }
    for (uint32_t at = 0; at < chunk->rows; at++) {
        const unsigned char *row = chunk->values[at] + chunk->at, *ahead = chunk->values_ahead[at] + chunk->at_ahead;
        UNROLL
        for (int i = 0; i < wide; i++) {
            vector value = load_as(type, row, d + (uint32_t)(i * LANES));
            if (fetch && at_vector(i) * type_bytes(type) % LINE == 0)
                __builtin_prefetch(ahead + (d + (uint32_t)(i * LANES)) * type_bytes(type), 0, 2);
            UNROLL
            for (int q = 0; q < count; q++)
                sums[q * wide + i] += value * weights[(first + (uint32_t)q) * KV_CHUNK_ROWS + at];
        }
    }
    UNROLL
    for (int q = 0; q < count; q++)
        if (first + (uint32_t)q < chunk->group) {
            UNROLL
            for (int i = 0; i < wide; i++)
                store(outputs[q] + at_vector(i), sums[q * wide + i]);
        }
}

ALWAYS void add_some(int type, int count, bool fetch, const struct kv_attend_rows *chunk, uint32_t first, const float *weights)
{
    enum { WIDE = SUMS / QUERIES };
    const uint32_t dim = chunk->head_dim, past = lower(first + (uint32_t)count, chunk->group);
    uint32_t d = 0;
    for (; d + WIDE * LANES <= dim; d += WIDE * LANES)
        add_columns(type, count, WIDE, fetch, chunk, first, weights, d);
    for (; d + LANES <= dim; d += LANES)
        add_columns(type, count, 1, fetch, chunk, first, weights, d);
    for (; d < dim; d++)
        for (uint32_t g = first; g < past; g++)
            for (uint32_t row = 0; row < chunk->rows; row++)
                chunk->outputs[(size_t)g * dim + d] += weights[g * KV_CHUNK_ROWS + row] * load_one(type, chunk->values[row] + chunk->at, d);
}

ALWAYS void attend_as(int type, const struct kv_attend_rows *chunk)
{
    _Alignas(LINE) float scores[KV_ATTEND_GROUP_MAX * KV_CHUNK_ROWS];
    /* The first queries ask for what is read later; the others find their rows in the cache. */
    if (chunk->group == 1)
        dot_some(type, 1, true, chunk, 0, scores);
    else
        dot_some(type, QUERIES, true, chunk, 0, scores);
    for (uint32_t g = QUERIES; g < chunk->group; g += QUERIES)
        dot_some(type, QUERIES, false, chunk, g, scores);
    for (uint32_t g = 0; g < chunk->group; g++)
        weigh(chunk, g, scores + (size_t)g * KV_CHUNK_ROWS);
    if (chunk->group == 1)
        add_some(type, 1, true, chunk, 0, scores);
    else
        add_some(type, QUERIES, true, chunk, 0, scores);
    for (uint32_t g = QUERIES; g < chunk->group; g += QUERIES)
        add_some(type, QUERIES, false, chunk, g, scores);
}

static void attend_float32(const struct kv_attend_rows *chunk)
{
    attend_as(TYPE_FLOAT32, chunk);
}

static void attend_float16(const struct kv_attend_rows *chunk)
{
    attend_as(TYPE_FLOAT16, chunk);
}

static void attend_bfloat16(const struct kv_attend_rows *chunk)
{
    attend_as(TYPE_BFLOAT16, chunk);
}
