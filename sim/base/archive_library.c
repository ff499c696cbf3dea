/* archive_library.c - finds libarchive by the names under which systems install it. Read archive_library.h for why it is not linked. */
#include "base/archive_library.h"

#include <pthread.h>

#include "base/loaded_library.h"

/* 13 is the version of the interface since libarchive 3.0. */
static const char *const names[] = {"libarchive.so.13", "libarchive.so", "libarchive.13.dylib", "libarchive.dylib"};

static struct archive_library library;
static struct loaded_library loaded;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void)
{
    loaded_library_open(names, sizeof names / sizeof *names, &loaded);
#define ARCHIVE_FIND(function) loaded_library_find(&loaded, #function, &library.function);
    ARCHIVE_FUNCTIONS(ARCHIVE_FIND)
#undef ARCHIVE_FIND
}

enum status archive_library_get(const struct archive_library **out, struct diag *diag)
{
    pthread_once(&once, load);
    if (loaded.problem[0])
        return diag_set(diag, SIM_FAILED, "compressed files need libarchive, which cannot be loaded: %s", loaded.problem);
    *out = &library;
    return SIM_OK;
}
