/* yaml_library.h - libyaml, loaded when the first YAML file is met (loaded_library.h). yaml.h describes the functions. A program that was built
 * where there is no yaml.h says so then, and does everything else. */
#ifndef PAGESIM_YAML_LIBRARY_H
#define PAGESIM_YAML_LIBRARY_H

#if defined(__has_include)
#if __has_include(<yaml.h>)
#define PAGESIM_HAS_YAML 1
#endif
#endif

#ifdef PAGESIM_HAS_YAML
#include <yaml.h>

#include "base/diag.h"

/* The functions in use. */
#define YAML_FUNCTIONS(X)                                                                                                                  \
    X(yaml_parser_initialize)                                                                                                              \
    X(yaml_parser_delete)                                                                                                                  \
    X(yaml_parser_set_input_string)                                                                                                        \
    X(yaml_parser_parse)                                                                                                                   \
    X(yaml_event_delete)

struct yaml_library {
#define YAML_MEMBER(function) __typeof__(function) *(function);
    YAML_FUNCTIONS(YAML_MEMBER)
#undef YAML_MEMBER
};

/* The library, the same for all threads, for the rest of the process. SIM_FAILED: it is not installed, or lacks a function. */
SIM_NODISCARD enum status yaml_library_get(const struct yaml_library **out, struct diag *diag);
#endif

#endif
