/* gnuplot_text.c - strings and colours of scripts. Read gnuplot_text.h first. */
#include "report/gnuplot_text.h"

#include <string.h>

#include "base/printable.h"
#include "report/page_files.h"

/* One character between single quotes. `category`: labels of axes are formats. XML cannot hold U+FFFE and U+FFFF, and gnuplot leaves "&#" as it
 * is, which would be any character there. */
static size_t put_character(const char *text, bool category, FILE *file)
{
    char shown[PRINTABLE_ESCAPE];
    long code;
    const size_t length = printable_next(text, &code);
    printable_show(text, shown);
    if (code >= 0 && (code & 0xfffe) == 0xfffe)
        fputc('?', file);
    else if (*text == '\'')
        fputs("\xe2\x80\x99", file); /* U+2019 */
    else if (text[0] == '&' && text[1] == '#')
        fputs("& ", file);
    else if (*text == '`')
        fputs("\xcb\x8b", file); /* U+02CB */
    else if (category && *text == '%')
        fputs("%%", file);
    else
        fputs(shown, file);
    return length;
}

void gnuplot_put_quoted(const char *text, bool category, FILE *file)
{
    fputc('\'', file);
    for (int left = category ? GNUPLOT_CATEGORY_MOST : GNUPLOT_NAME_MOST; *text && left > 0; left--)
        text += put_character(text, category, file);
    fputs(*text ? "...'" : "'", file);
}

/* The lines are joined by a line end, which single quotes cannot hold. */
int gnuplot_put_title(const char *title, size_t most, FILE *file)
{
    enum { LINES_MOST = 3 };
    int line = 0;
    for (; *title && line < LINES_MOST; line++) {
        size_t letters = 0, bytes = 0, fits = 0;
        long code;
        while (title[bytes] && letters < most) {
            bytes += printable_next(title + bytes, &code);
            letters++;
            if (title[bytes] == ' ' || !title[bytes])
                fits = bytes;
        }
        const char *end = title + (fits > 0 ? fits : bytes);
        fputs(line > 0 ? ".\"\\n\".'" : "'", file);
        while (title < end)
            title += put_character(title, false, file);
        title += *title == ' ';
        fputc('\'', file);
    }
    return line;
}

/* The first one in page.css is that of a light screen. NULL: there is none. */
static const char *find_color(char kind, size_t group)
{
    enum { COLORS = 7 };
    char name[16];
    snprintf(name, sizeof name, "--%c%zu: #", kind, group % COLORS);
    const char *found = strstr(page_css.text, name);
    return found ? found + strlen(name) : NULL;
}

const char *gnuplot_color(size_t group, char out[8])
{
    const char *found = find_color('c', group);
    snprintf(out, 8, "#%.6s", found ? found : "000000");
    return out;
}

const char *gnuplot_pale_color(size_t group, char out[8])
{
    const char *found = find_color('g', group);
    if (!found)
        return gnuplot_color(group, out);
    snprintf(out, 8, "#%.6s", found);
    return out;
}
