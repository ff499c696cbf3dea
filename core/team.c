/* team.c - one or all: libgomp ends threads that a smaller team leaves over. */
#include "team.h"

/* A processor moves as many bytes in some 40 us, waking and awaiting other threads takes a few; but where another program has one of the
 * processors, each wait may last until its turn is over, which made small steps twenty times as slow. */
enum { SHARE_FROM = 1 << 20 };

static size_t share_from = SHARE_FROM;

uint32_t kv_team_for(uint32_t threads, size_t bytes)
{
    return bytes < share_from ? 1 : kv_team(threads);
}

void kv_team_share_from(size_t bytes)
{
    share_from = bytes ? bytes : SHARE_FROM;
}
