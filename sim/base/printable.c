/* printable.c - which characters a terminal would obey, and how they are shown instead. Read printable_code first: it is the list. */
#include "base/printable.h"

#include <string.h>

#include "base/utf8.h"

size_t printable_next(const char *text, long *code)
{
    /* No sequence is longer than 4 bytes, and none goes on past the terminator. */
    const size_t length = (unsigned char)*text < 0x80 ? 1 : utf8_sequence(text, strnlen(text, 4));
    if (length <= 1) {
        *code = length == 1 ? (long)(unsigned char)*text : -1;
        return 1;
    }
    long value = (unsigned char)*text & (0x7f >> length);
    for (size_t i = 1; i < length; i++)
        value = value << 6 | ((unsigned char)text[i] & 0x3f);
    *code = value;
    return length;
}

/* C0, DEL and C1; line and paragraph separators; marks, embeddings, overrides and isolates of direction, with which text can be made to read
 * as something else; the byte order mark; tags, which nobody sees. */
bool printable_code(long code)
{
    static const long refused[][2] = {{0x0, 0x1f},      {0x7f, 0x9f},     {0x61c, 0x61c},   {0x200e, 0x200f},
                                      {0x2028, 0x202e}, {0x2066, 0x2069}, {0xfeff, 0xfeff}, {0xe0000, 0xe007f}};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (code >= refused[i][0] && code <= refused[i][1])
            return false;
    return code >= 0;
}

/* Nearly all text is plain ASCII, which needs no decoding. */
bool printable(const char *text)
{
    long code;
    for (; *text; text += printable_next(text, &code))
        if ((unsigned char)(*text - ' ') >= 0x7f - ' ' && (printable_next(text, &code), !printable_code(code)))
            return false;
    return true;
}

size_t printable_show(const char *text, char out[PRINTABLE_ESCAPE])
{
    long code;
    const size_t length = printable_next(text, &code);
    if (printable_code(code))
        snprintf(out, PRINTABLE_ESCAPE, "%.*s", (int)length, text);
    else if (code == '\n' || code == '\t' || code == '\r')
        snprintf(out, PRINTABLE_ESCAPE, "\\%c", code == '\n' ? 'n' : code == '\t' ? 't' : 'r');
    else if (code < 0x80)
        snprintf(out, PRINTABLE_ESCAPE, "\\x%02x", (unsigned)(unsigned char)*text);
    else
        snprintf(out, PRINTABLE_ESCAPE, code > 0xffff ? "\\U%08lx" : "\\u%04lx", (unsigned long)code);
    return length;
}

void printable_copy(const char *text, char *out, size_t size)
{
    size_t used = 0;
    while (*text) {
        char shown[PRINTABLE_ESCAPE];
        text += printable_show(text, shown);
        const size_t length = strlen(shown);
        if (used + length >= size)
            break;
        memcpy(out + used, shown, length);
        used += length;
    }
    out[used] = '\0';
}

void printable_put(const char *text, bool lines, FILE *file)
{
    if (printable(text)) {
        fputs(text, file);
        return;
    }
    while (*text) {
        char shown[PRINTABLE_ESCAPE];
        if (lines && *text == '\n') {
            fputc(*text++, file);
            continue;
        }
        text += printable_show(text, shown);
        fputs(shown, file);
    }
}
