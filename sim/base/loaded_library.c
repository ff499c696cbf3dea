/* loaded_library.c - dlopen and dlsym with their problems kept as text. Lazily, as much of the time would go into functions of the library's
 * own libraries that are never called. */
#include "base/loaded_library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* The first name's problem is told; it is the usual one. */
void loaded_library_open(const char *const *names, size_t count, struct loaded_library *out)
{
    *out = (struct loaded_library){0};
    for (size_t i = 0; i < count && !out->handle; i++) {
        out->handle = dlopen(names[i], RTLD_LAZY | RTLD_LOCAL);
        if (!out->handle && i == 0)
            snprintf(out->problem, sizeof out->problem, "%s", dlerror());
    }
    if (out->handle)
        out->problem[0] = '\0';
}

/* POSIX promises that a function's address fits a void pointer, C does not: hence the copy of its bytes. */
void loaded_library_find(struct loaded_library *library, const char *function, void *out)
{
    if (library->problem[0])
        return;
    void *address = dlsym(library->handle, function);
    if (!address)
        snprintf(library->problem, sizeof library->problem, "it has no %s", function);
    memcpy(out, &address, sizeof address);
}
