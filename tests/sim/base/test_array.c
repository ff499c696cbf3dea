/* test_array.c - several arrays at once: zeroed, as wanted, and an allocation that fails is told. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

Test(array, several_are_made_as_wanted)
{
    uint32_t *narrow = NULL, *unwanted = NULL, *empty = NULL;
    uint64_t *wide = NULL;
    struct diag diag = {0};
    const struct array_request requests[] = {ARRAY_OF(narrow, 5), ARRAY_IF(false, unwanted, 5), ARRAY_IF(true, wide, 3),
                                             ARRAY_OF(empty, 0)};
    cr_assert_eq(array_zeroed_all(requests, 4, "a test", &diag), SIM_OK);
    cr_assert(narrow && wide && empty);
    cr_expect_null(unwanted);
    cr_expect(narrow[0] == 0 && narrow[4] == 0 && wide[2] == 0);
    free(narrow);
    free(wide);
    free(empty);
}

#ifndef __SANITIZE_ADDRESS__ /* which reports an allocation of this size even where it is meant to fail */
Test(array, one_that_is_too_large_is_told_and_the_rest_is_left_alone)
{
    uint32_t *first = NULL, *last = NULL;
    uint64_t *impossible = NULL;
    struct diag diag = {0};
    volatile size_t count = SIZE_MAX / 16; /* more than an address space; volatile, so that no compiler warns of it */
    const struct array_request requests[] = {ARRAY_OF(first, 1), ARRAY_OF(impossible, count), ARRAY_OF(last, 1)};
    cr_assert_eq(array_zeroed_all(requests, 3, "a test", &diag), SIM_FAILED);
    cr_expect(strstr(diag.text, "a test"), "%s", diag.text);
    cr_expect(first && !impossible && !last);
    free(first);
}
#endif
