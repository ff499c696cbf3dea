/* test_pareto.c - the front against its definition, on many small random sets with ties and missing values. */
#include <criterion/criterion.h>
#include <math.h>

#include "study/pareto.h"
#include "support/random.h"

enum { POINTS = 30, OBJECTIVES = 4, CASES = 3000 };

static bool beats(const double *a, const double *b, size_t objectives, const bool *maximise)
{
    bool better = false;
    for (size_t o = 0; o < objectives; o++) {
        double left = maximise[o] ? a[o] : -a[o], right = maximise[o] ? b[o] : -b[o];
        if (isnan(left) || isnan(right) || left < right)
            return false;
        better |= left > right;
    }
    return better;
}

static bool competes(const double *a, size_t objectives)
{
    for (size_t o = 0; o < objectives; o++)
        if (isnan(a[o]))
            return false;
    return true;
}

Test(pareto, is_who_nobody_beats)
{
    uint64_t seed = 1, on = 0, off = 0;
    for (int round = 0; round < CASES; round++) {
        double values[POINTS * OBJECTIVES];
        bool maximise[OBJECTIVES], front[POINTS];
        size_t points = random_below(&seed, POINTS + 1), objectives = 1 + random_below(&seed, OBJECTIVES);
        uint32_t spread = 1 + random_below(&seed, 12);
        struct diag diag = {0};
        for (size_t o = 0; o < objectives; o++)
            maximise[o] = random_below(&seed, 2);
        for (size_t i = 0; i < points * objectives; i++)
            values[i] = random_below(&seed, 40) == 0 ? NAN : (double)random_below(&seed, spread) - 3;
        cr_assert_eq(pareto_front(values, points, objectives, maximise, front, &diag), SIM_OK);
        for (size_t i = 0; i < points; i++) {
            bool want = competes(&values[i * objectives], objectives);
            for (size_t k = 0; k < points && want; k++)
                want = !beats(&values[k * objectives], &values[i * objectives], objectives, maximise);
            cr_assert_eq(front[i], want, "case %d, point %zu", round, i);
            *(want ? &on : &off) += 1;
        }
    }
    cr_expect(on > 1000 && off > 1000, "both answers were reached");
}
