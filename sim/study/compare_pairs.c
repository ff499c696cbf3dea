/* compare_pairs.c - differences of a latency, request by request, and what they tell. */
#include "study/compare_pairs.h"

#include <math.h>

const enum latency paired_latencies[PAIRED_LATENCIES] = {LATENCY_TTFT, LATENCY_TPOT, LATENCY_E2EL, LATENCY_QUEUE};

/* Requests next to each other meet the same queue, so their differences are alike and an interval over requests is too narrow. Means of
 * long batches are nearly independent of each other. Fewer than two requests a batch tell nothing. Batches are as equal as n allows, and
 * none of the requests is left out. */
static struct statistics batch_statistics(const double *differences, size_t n)
{
    double means[COMPARE_BATCHES];
    if (n / COMPARE_BATCHES < 2)
        return (struct statistics){0};
    for (size_t batch = 0; batch < COMPARE_BATCHES; batch++) {
        const size_t from = n * batch / COMPARE_BATCHES, to = n * (batch + 1) / COMPARE_BATCHES;
        means[batch] = statistics_of(differences + from, to - from).mean;
    }
    return statistics_of(means, COMPARE_BATCHES);
}

/* The two means are over pairs only: a request that one side never finished would otherwise count on the other side alone, and the side that
 * gave up on the slowest requests would look faster. */
struct paired paired_of(const struct outcome *firsts, const struct outcome *owns, uint32_t count, enum latency latency,
                        struct pair_choice choice, double *scratch)
{
    struct paired paired = {0};
    size_t n = 0;
    for (uint32_t position = 0; position < count; position++) {
        const double difference = pair_difference(&firsts[position], &owns[position], latency);
        if (isnan(difference) || (choice.of && choice.of[position] != choice.class))
            continue;
        scratch[n++] = difference;
        paired.mean_first += firsts[position].ms[latency];
        paired.mean += owns[position].ms[latency];
        paired.better += difference < 0;
        paired.worse += difference > 0;
        paired.equal += difference == 0;
    }
    paired.mean_first /= n ? (double)n : 1;
    paired.mean /= n ? (double)n : 1;
    paired.difference = statistics_of(scratch, n);
    paired.batches = batch_statistics(scratch, n);
    paired.sign_p = sign_test_p(paired.better, paired.worse);
    return paired;
}
