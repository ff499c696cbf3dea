/* pauses_seen.c - long gaps that are paid back at once, and what they say. Read pauses_seen.h first. */
#include "study/pauses_seen.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/compare.h"

enum { BEFORE = 8, PAUSES_LEAST = 5, UNPAID_FOR_ONE_PAID = 10 };
#define LONG  0.5 /* above the longest gap before it, as a share of the usual one */
#define SHORT 0.5 /* of the shortest one */

void pauses_seen_deinit(struct pauses_seen *seen)
{
    free(seen->delays_ms);
    *seen = (struct pauses_seen){0};
}

/* Gaps come again and again, and pauses do not: the ones before tell what is usual. The last gap of a request says nothing, as it is not known
 * what would have come after it. */
enum status pauses_seen_add(struct pauses_seen *seen, const double *gaps_ms, size_t count, struct diag *diag)
{
    enum status status = SIM_OK;
    for (size_t i = BEFORE; i + 1 < count && status == SIM_OK; i++) {
        double before[BEFORE];
        memcpy(before, gaps_ms + i - BEFORE, sizeof before);
        qsort(before, BEFORE, sizeof *before, compare_double_items);
        const double usual_ms = (before[BEFORE / 2 - 1] + before[BEFORE / 2]) / 2, excess_ms = gaps_ms[i] - usual_ms;
        seen->gaps++;
        if (usual_ms <= 0 || gaps_ms[i] <= before[BEFORE - 1] + LONG * usual_ms)
            continue;
        if (gaps_ms[i + 1] >= SHORT * before[0])
            seen->unpaid++;
        else
            status = array_append(&seen->delays_ms, &seen->count, &seen->capacity, &excess_ms, sizeof excess_ms, "measured gaps", diag);
    }
    return status;
}

static double deviation(const struct pauses_seen *seen)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < seen->count; i++)
        sum += seen->delays_ms[i];
    const double mean = sum / (double)seen->count;
    for (size_t i = 0; i < seen->count; i++)
        squares += (seen->delays_ms[i] - mean) * (seen->delays_ms[i] - mean);
    return sqrt(squares / (double)seen->count);
}

void pauses_seen_sort(struct pauses_seen *seen)
{
    if (seen->count > 0)
        qsort(seen->delays_ms, seen->count, sizeof *seen->delays_ms, compare_double_items);
}

/* Pauses are seen where many tokens go out at once: hence `at_once`. */
struct pauses_found pauses_seen_judge(const struct pauses_seen *seen, const struct step_tokens *tokens)
{
    struct pauses_found found = {0};
    const double *sums = tokens->sums, at_once = sums[1] > 0 ? sums[2] / sums[1] : INFINITY;
    if (seen->count == 0 || (double)seen->count < PAUSES_LEAST * at_once || seen->unpaid > UNPAID_FOR_ONE_PAID * (uint64_t)seen->count)
        return found;
    found.found = true;
    found.pauses = (double)seen->count / at_once;
    found.pause_ms = seen->delays_ms[seen->count / 2];
    found.pause_error = deviation(seen) / found.pause_ms / sqrt(found.pauses);
    found.every_pairs = sums[2] / sums[0] * (double)seen->gaps / (double)seen->count;
    found.every_error = 1 / sqrt(found.pauses);
    return found;
}
