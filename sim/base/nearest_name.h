/* nearest_name.h - the name that a misspelt word means: "did you mean ...?" */
#ifndef PAGESIM_NEAREST_NAME_H
#define PAGESIM_NEAREST_NAME_H

#include <stddef.h>

/* The name closest to `word` by edit distance (insert, delete, replace, swap of neighbours), or NULL when none is near enough to be
 * meant: more than a third of the word would have to change. Ties go to the first. */
const char *nearest_name(const char *word, const char *const *names, size_t count);

#endif
