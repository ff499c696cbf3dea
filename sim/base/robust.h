/* robust.h - a loss that a few wild errors do not rule. */
#ifndef PAGESIM_ROBUST_H
#define PAGESIM_ROBUST_H

#include <math.h>

/* Half the square of a residual that is small against `knee`, a straight line far above it (pseudo-Huber). */
static inline double pseudo_huber(double residual, double knee)
{
    const double share = residual / knee;
    return knee * knee * (sqrt(1 + share * share) - 1);
}

#endif
