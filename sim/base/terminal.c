/* terminal.c - asks the system and the environment. Read terminal.h first. */
#include "base/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { USUAL_WIDTH = 80 };

bool terminal_redraws(int descriptor)
{
    const char *kind = getenv("TERM");
    return isatty(descriptor) == 1 && !(kind && strcmp(kind, "dumb") == 0);
}

size_t terminal_width(int descriptor)
{
    struct winsize size;
    const char *text = getenv("COLUMNS");
    const long said = text ? strtol(text, NULL, 10) : 0;
    const size_t window = ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
    if (said > 0 && (window == 0 || (size_t)said < window))
        return (size_t)said;
    return window > 0 ? window : USUAL_WIDTH;
}

/* The order in which POSIX looks for the character set: LC_ALL, LC_CTYPE, LANG; an empty variable counts as not set. */
bool terminal_utf8(void)
{
    const char *locale = getenv("LC_ALL");
    if (!locale || !*locale)
        locale = getenv("LC_CTYPE");
    if (!locale || !*locale)
        locale = getenv("LANG");
    for (; locale && *locale; locale++)
        if (strncasecmp(locale, "utf-8", 5) == 0 || strncasecmp(locale, "utf8", 4) == 0)
            return true;
    return false;
}

bool terminal_color(void)
{
    return !getenv("NO_COLOR");
}
