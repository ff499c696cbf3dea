/* time_unit.h - the units that plain numbers of a trace's times may count in. */
#ifndef PAGESIM_TIME_UNIT_H
#define PAGESIM_TIME_UNIT_H

struct time_unit {
    const char *name;   /* of --time-unit */
    const char *plural; /* in sentences */
    const char *most;   /* the latest time, TRACE_MAX_NS, in this unit */
    double ns;
};

/* The unit of this name, or of so many nanoseconds; NULL: there is none. */
const struct time_unit *time_unit_find(const char *name);
const struct time_unit *time_unit_of(double ns);

#endif
