/* numpy_random.h - the numbers that numpy's legacy generator draws after numpy.random.seed(seed): what scripts draw that call
 * numpy.random.exponential, gamma and so on, as the client of `vllm bench serve` does.
 *
 * Bits come from MT19937 (Matsumoto and Nishimura, ACM TOMACS 8(1), 1998), distributions by the methods of numpy's legacy-distributions.c, which
 * numpy promises never to change. Logarithms are those of portable_math.h: a number can differ from numpy's in its last bit.
 *
 * Thread rule: a generator belongs to one thread.
 */
#ifndef PAGESIM_NUMPY_RANDOM_H
#define PAGESIM_NUMPY_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

enum { NUMPY_WORDS = 624 };

struct numpy_random {
    uint32_t words[NUMPY_WORDS];
    uint32_t at;   /* the next word; NUMPY_WORDS: all are used */
    double normal; /* the second of a pair, for the next call */
    bool has_normal;
};

void numpy_seed(struct numpy_random *random, uint32_t seed);
/* numpy.random.random_sample(): from 0 to below 1, 53 bits. */
double numpy_unit(struct numpy_random *random);
/* numpy.random.standard_exponential(), standard_normal() and standard_gamma(shape), shape above 0. */
double numpy_exponential(struct numpy_random *random);
double numpy_normal(struct numpy_random *random);
double numpy_gamma(struct numpy_random *random, double shape);

#endif
