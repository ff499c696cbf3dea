/* utf8.h - is this UTF-8? */
#ifndef PAGESIM_UTF8_H
#define PAGESIM_UTF8_H

#include <stddef.h>

/* Length of the well-formed UTF-8 sequence at the start of the text (RFC 3629: no overlong forms, no surrogates), 0 if there is none. */
size_t utf8_sequence(const char *text, size_t length);

#endif
