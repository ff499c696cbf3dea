/* figure.h - a result by name: what reports list, and what requirements (requirement.h) speak of. Names carry their unit. */
#ifndef PAGESIM_FIGURE_H
#define PAGESIM_FIGURE_H

#include <stdbool.h>

struct figure {
    char name[64];
    double value;
    bool whole;     /* an integer */
    bool undefined; /* nothing to tell, e.g. TPOT of one-token requests */
};

#endif
