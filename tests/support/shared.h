/* shared.h - files that live beside the checkout: a test that needs one skips clearly where it is missing, and fails in CI. */
#ifndef TESTS_SHARED_H
#define TESTS_SHARED_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

/* Ends the test when `path` is not there. */
static inline void need_shared(const char *path)
{
    if (access(path, R_OK) == 0)
        return;
    if (getenv("CI"))
        cr_assert_fail("%s is missing, which is a failure in CI", path);
    cr_skip_test("%s is not there", path);
}

#endif
