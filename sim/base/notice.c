/* notice.c - one line to standard error, or to the host, in buffers of fixed size: it also tells that memory has run out. Read notice.h first. */
#include "base/notice.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/host.h"
#include "base/printable.h"

enum { NOTICE_SIZE = 4096 };

static bool muted;

void notice_mute(bool mute)
{
    muted = mute;
}

bool notice_is_muted(void)
{
    return muted;
}

void notice(const char *format, ...)
{
    char text[NOTICE_SIZE], shown[2 * NOTICE_SIZE];
    va_list arguments;
    if (muted)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    printable_copy(text, shown, sizeof shown);
    const struct host *host = host_now();
    if (!host)
        fprintf(stderr, "pagesim: %s\n", shown);
    else if (host->notice)
        host->notice(host->context, shown);
}
