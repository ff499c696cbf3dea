/* loaded_library.h - a library that is loaded when it is first needed, and not linked: no start of the program pays for it, and a machine
 * without it runs everything else. Its header is needed to build. */
#ifndef PAGESIM_LOADED_LIBRARY_H
#define PAGESIM_LOADED_LIBRARY_H

#include <stddef.h>

struct loaded_library {
    void *handle;
    char problem[256]; /* "": there is none */
};

/* Load it under the first of the names that there is. It is never closed: that would only make the next use slower. */
void loaded_library_open(const char *const *names, size_t count, struct loaded_library *out);
/* Put the address of a function where `out`, the address of a pointer to such a function, points. Does nothing after a problem. */
void loaded_library_find(struct loaded_library *library, const char *function, void *out);

#endif
