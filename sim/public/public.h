/* public.h - what the files that implement pagesim.h share: the insides of its handles, and errors on their way out. */
#ifndef PAGESIM_PUBLIC_H
#define PAGESIM_PUBLIC_H

#include <stdatomic.h>

#include "base/diag.h"
#include "config/config.h"
#include "pagesim.h"
#include "trace/trace.h"

/* Results go on using the trace that they replayed, so it lives until its last holder lets go of it. */
struct pagesim_trace {
    struct trace *trace;
    _Atomic uint32_t holders;
};

/* A configuration is what was said, in order; what follows from it is worked out when it is used. */
struct pagesim_config {
    char *name, *text; /* of the JSON; NULL: none */
    size_t length;
    struct config_option *settings; /* both strings of each are owned */
    size_t count, capacity;
};

/* Let go of a trace; NULL is fine. */
void public_trace_drop(struct pagesim_trace *trace);

/* The effective configuration. */
SIM_NODISCARD enum status public_config_make(const struct pagesim_config *config, struct config *out, struct diag *diag);

/* Tell the caller's error, which may be NULL, and translate the status. */
enum pagesim_status public_tell(enum status status, const struct diag *diag, struct pagesim_error *error);

#endif
