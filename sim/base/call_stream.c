/* call_stream.c - fopencookie and funopen, two names of one thing. Read call_stream.h first. */
#include "base/call_stream.h"

#if defined(_GNU_SOURCE) && defined(__linux__)
FILE *call_stream_open(call_stream_write *write, void *context)
{
    return fopencookie(context, "w", (cookie_io_functions_t){.write = write});
}
#elif defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__)
#include <stdlib.h>

/* funopen counts in int, and its cookie has no place for a second pointer: this is that place. */
struct call {
    call_stream_write *write;
    void *context;
};

static int write_call(void *cookie, const char *text, int length)
{
    const struct call *call = cookie;
    return (int)call->write(call->context, text, (size_t)length);
}

static int close_call(void *cookie)
{
    free(cookie);
    return 0;
}

FILE *call_stream_open(call_stream_write *write, void *context)
{
    struct call *call = malloc(sizeof *call);
    if (!call)
        return NULL;
    *call = (struct call){write, context};
    FILE *file = funopen(call, NULL, write_call, NULL, close_call);
    if (!file)
        free(call);
    return file;
}
#else
FILE *call_stream_open(call_stream_write *write, void *context)
{
    (void)write;
    (void)context;
    return NULL;
}
#endif
