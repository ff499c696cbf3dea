/* text_parts.h - taking texts apart and finding one in another, as strsep and memmem do, which not every system has. */
#ifndef PAGESIM_TEXT_PARTS_H
#define PAGESIM_TEXT_PARTS_H

#include <stdbool.h>
#include <string.h>

/* The next part of *rest, up to the separator, which becomes its end; NULL after the last. Parts may be empty. */
static inline char *next_part(char **rest, char separator)
{
    char *part = *rest, *end = part ? strchr(part, separator) : NULL;
    if (end)
        *end++ = '\0';
    *rest = end;
    return part;
}

/* Does a text, which need not be terminated, hold the word? For short texts: O(length * length of the word). */
static inline bool text_holds(const char *text, size_t length, const char *word)
{
    const size_t needed = strlen(word);
    for (size_t at = 0; at + needed <= length; at++)
        if (memcmp(text + at, word, needed) == 0)
            return true;
    return false;
}

#endif
