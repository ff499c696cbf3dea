/* utf8.c - one sequence at a time, by the table of RFC 3629. cJSON copies strings unchecked, so the scanner asks here.
 */
#include "base/utf8.h"

#include <stdbool.h>

/* A byte 10xxxxxx. */
static bool continues(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* The first byte says how long the sequence is; the second excludes overlong forms, surrogates and what lies beyond U+10FFFF. */
size_t utf8_sequence(const char *text, size_t length)
{
    const unsigned char *c = (const unsigned char *)text;
    if (length == 0)
        return 0;
    if (c[0] < 0x80)
        return 1;
    size_t wanted = c[0] >= 0xc2 && c[0] < 0xe0 ? 2 : (c[0] & 0xf0) == 0xe0 ? 3 : c[0] >= 0xf0 && c[0] < 0xf5 ? 4 : 0;
    if (wanted == 0 || wanted > length)
        return 0;
    for (size_t i = 1; i < wanted; i++)
        if (!continues(c[i]))
            return 0;
    bool overlong = (c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xf0 && c[1] < 0x90);
    bool outside = (c[0] == 0xed && c[1] >= 0xa0) || (c[0] == 0xf4 && c[1] >= 0x90);
    return overlong || outside ? 0 : wanted;
}
