/* nearest_name.c - the optimal string alignment distance, over three rows of its table. Read distance() first. Words longer than a row are
 * nobody's misspelling and have no nearest name. */
#include "base/nearest_name.h"

#include <string.h>

#include "base/integers.h"

enum { LONGEST = 64 };

/* How many letters must be inserted, deleted, replaced or swapped with their neighbour. Cell (i, j) of the table is the distance between
 * the first i letters of `a` and the first j of `b`; a swap looks two rows back, so three rows are enough. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][LONGEST + 1], width = strlen(b);
    for (size_t j = 0; j <= width; j++)
        rows[0][j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t *now = rows[i % 3], *before = rows[(i + 2) % 3], *before_that = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= width; j++) {
            now[j] = min_size(before[j - 1] + (a[i - 1] != b[j - 1]), min_size(before[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = min_size(now[j], before_that[j - 2] + 1);
        }
    }
    return rows[strlen(a) % 3][width];
}

/* Two changes are always forgiven, more in longer words: a third of the letters. */
const char *nearest_name(const char *word, const char *const *names, size_t count)
{
    size_t length = strlen(word), best = length / 3 + 2;
    const char *nearest = NULL;
    for (size_t i = 0; i < count && length <= LONGEST; i++) {
        if (strlen(names[i]) > LONGEST)
            continue;
        size_t changes = distance(word, names[i]);
        if (changes < best) {
            best = changes;
            nearest = names[i];
        }
    }
    return nearest;
}
