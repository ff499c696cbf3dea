/* archive_library.c - finds libarchive by the names under which systems install it. Read archive_library.h for why it is not linked. */
#include "base/archive_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* 13 is the version of the interface since libarchive 3.0. */
static const char *const names[] = {"libarchive.so.13", "libarchive.so", "libarchive.13.dylib", "libarchive.dylib"};

static struct archive_library library;
static char problem[256]; /* "": there is none */
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The first name's problem is told; it is the usual one. Never closed: that would only make the next file slower. Lazily, as a fifth of the time
 * would go into functions of its own libraries that are never called. */
static void load(void)
{
    void *handle = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !handle; i++) {
        handle = dlopen(names[i], RTLD_LAZY | RTLD_LOCAL);
        if (!handle && i == 0)
            snprintf(problem, sizeof problem, "%s", dlerror());
    }
    if (!handle)
        return;
    problem[0] = '\0';
    /* POSIX promises that a function's address fits a void pointer, C does not: hence the copy of its bytes. */
#define ARCHIVE_FIND(function)                                                                                                             \
    {                                                                                                                                      \
        void *address = dlsym(handle, #function);                                                                                          \
        if (!address)                                                                                                                      \
            snprintf(problem, sizeof problem, "it has no %s", #function);                                                                  \
        memcpy(&library.function, &address, sizeof address);                                                                               \
    }
    ARCHIVE_FUNCTIONS(ARCHIVE_FIND)
#undef ARCHIVE_FIND
}

enum status archive_library_get(const struct archive_library **out, struct diag *diag)
{
    pthread_once(&once, load);
    if (problem[0])
        return diag_set(diag, SIM_FAILED, "compressed files need libarchive, which cannot be loaded: %s", problem);
    *out = &library;
    return SIM_OK;
}
