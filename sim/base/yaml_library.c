/* yaml_library.c - finds libyaml by the names under which systems install it. Read yaml_library.h for why it is not linked. */
#include "base/yaml_library.h"

#ifdef PAGESIM_HAS_YAML
#include <pthread.h>

#include "base/loaded_library.h"

/* 2 is the version of the interface since libyaml 0.1. */
static const char *const names[] = {"libyaml-0.so.2", "libyaml.so", "libyaml-0.2.dylib", "libyaml.dylib"};

static struct yaml_library library;
static struct loaded_library loaded;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void)
{
    loaded_library_open(names, sizeof names / sizeof *names, &loaded);
#define YAML_FIND(function) loaded_library_find(&loaded, #function, &library.function);
    YAML_FUNCTIONS(YAML_FIND)
#undef YAML_FIND
}

enum status yaml_library_get(const struct yaml_library **out, struct diag *diag)
{
    pthread_once(&once, load);
    if (loaded.problem[0])
        return diag_set(diag, SIM_FAILED, "YAML files need libyaml, which cannot be loaded: %s", loaded.problem);
    *out = &library;
    return SIM_OK;
}
#endif
