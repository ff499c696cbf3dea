/* test_pareto.c - the front against its definition, on many small random sets with ties and missing values, and its tolerance. */
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
        cr_assert_eq(pareto_front(values, points, objectives, maximise, 0, front, &diag), SIM_OK);
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

/* Two objectives, the first to be maximised, the second minimised; the front as the string "x.x" of stars and dots. */
static const char *front_of(const double (*points)[2], size_t count, double tolerance)
{
    static char out[POINTS + 1];
    static const bool maximise[2] = {true, false};
    bool front[POINTS];
    struct diag diag = {0};
    cr_assert_eq(pareto_front(&points[0][0], count, 2, maximise, tolerance, front, &diag), SIM_OK);
    for (size_t i = 0; i < count; i++)
        out[i] = front[i] ? '*' : '.';
    out[count] = '\0';
    return out;
}

Test(pareto, a_difference_within_the_tolerance_does_not_count)
{
    /* Twice the pool for two millionths of throughput. */
    static const double pools[][2] = {{1.000000, 100}, {1.000002, 200}};
    cr_expect_str_eq(front_of(pools, 2, 0), "**");
    cr_expect_str_eq(front_of(pools, 2, 0.005), "*.");
    /* Alike in all: the better one in the first objective stays, equal ones stay together. */
    static const double alike[][2] = {{1.000000, 100.0}, {1.000002, 100.1}, {1.000002, 100.1}, {2, 300}};
    cr_expect_str_eq(front_of(alike, 4, 0.005), ".***");
    /* Each step is within the tolerance and the whole way is not: one stays every few steps. */
    double steps[20][2];
    for (int i = 0; i < 20; i++)
        steps[i][0] = 100 + 0.2 * i, steps[i][1] = 100 + 2 * i;
    cr_expect_str_eq(front_of(steps, 20, 0), "********************");
    cr_expect_str_eq(front_of(steps, 20, 0.01), "*.....*.....*.....*.");
    static const double zero[][2] = {{0, 5}, {0, 0}, {1, 0.001}};
    cr_expect_str_eq(front_of(zero, 3, 0.005), ".**");
}

/* On the front or not must not depend on the order of rows, nobody who is left out may lack a substitute, and tolerance adds nobody. */
Test(pareto, with_a_tolerance_covers_all_and_does_not_depend_on_the_order)
{
    const double tolerance = 0.1;
    uint64_t seed = 7, thinned = 0;
    for (int round = 0; round < CASES; round++) {
        double values[POINTS * OBJECTIVES], shuffled[POINTS * OBJECTIVES];
        bool maximise[OBJECTIVES], exact[POINTS], front[POINTS], other[POINTS];
        size_t points = 1 + random_below(&seed, POINTS), objectives = 1 + random_below(&seed, OBJECTIVES), place[POINTS];
        const uint32_t spread = 2 + random_below(&seed, 60);
        struct diag diag = {0};
        for (size_t o = 0; o < objectives; o++)
            maximise[o] = random_below(&seed, 2);
        for (size_t i = 0; i < points * objectives; i++)
            values[i] = 100 + random_below(&seed, spread);
        for (size_t i = 0; i < points; i++) {
            const size_t k = random_below(&seed, (uint32_t)i + 1);
            place[i] = place[k];
            place[k] = i;
        }
        for (size_t i = 0; i < points * objectives; i++)
            shuffled[place[i / objectives] * objectives + i % objectives] = values[i];
        cr_assert_eq(pareto_front(values, points, objectives, maximise, 0, exact, &diag), SIM_OK);
        cr_assert_eq(pareto_front(values, points, objectives, maximise, tolerance, front, &diag), SIM_OK);
        cr_assert_eq(pareto_front(shuffled, points, objectives, maximise, tolerance, other, &diag), SIM_OK);
        for (size_t i = 0; i < points; i++) {
            bool covered = front[i] || !exact[i];
            cr_assert_eq(front[i], other[place[i]], "case %d, point %zu", round, i);
            cr_assert(!front[i] || exact[i]);
            for (size_t k = 0; k < points && !covered; k++) {
                covered = front[k];
                for (size_t o = 0; o < objectives && covered; o++) {
                    const double a = values[k * objectives + o], b = values[i * objectives + o], worse = maximise[o] ? b - a : a - b;
                    covered = worse <= tolerance * fmax(a, b);
                }
            }
            cr_assert(covered, "case %d: point %zu has no substitute", round, i);
            thinned += exact[i] && !front[i];
        }
    }
    cr_expect(thinned > 1000, "the tolerance did something");
}
