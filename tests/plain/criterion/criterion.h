/* criterion.h - what the tests use of Criterion, for a plain program: Criterion starts each test as a process of its own, which a processor
 * that is emulated (make arm64) cannot. Here all tests run one after the other in one process; a failed cr_assert ends its test.
 */
#ifndef PLAIN_CRITERION_H
#define PLAIN_CRITERION_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct plain_test {
    const char *suite, *name;
    void (*run)(void);
    struct plain_test *next;
};

/* Called before main(). */
void plain_add(struct plain_test *test);
/* Count and print what does not hold; then, if fatal, end the test. */
void plain_check(bool holds, bool fatal, const char *file, int line, const char *what, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

#define Test(in, named)                                                                                                                    \
    static void in##_##named(void);                                                                                                        \
    static struct plain_test plain_##in##_##named = {#in, #named, in##_##named, NULL};                                                     \
    __attribute__((constructor)) static void plain_add_##in##_##named(void)                                                                \
    {                                                                                                                                      \
        plain_add(&plain_##in##_##named);                                                                                                  \
    }                                                                                                                                      \
    static void in##_##named(void)

/* An explanation is optional, so the format begins with a space that is always there. */
#define PLAIN_CHECK(holds, fatal, what, ...) plain_check((holds), fatal, __FILE__, __LINE__, what, " " __VA_ARGS__)

#define cr_expect(holds, ...)            PLAIN_CHECK(holds, false, #holds, __VA_ARGS__)
#define cr_expect_not(holds, ...)        PLAIN_CHECK(!(holds), false, "not " #holds, __VA_ARGS__)
#define cr_expect_eq(a, b, ...)          PLAIN_CHECK((a) == (b), false, #a " == " #b, __VA_ARGS__)
#define cr_expect_neq(a, b, ...)         PLAIN_CHECK((a) != (b), false, #a " != " #b, __VA_ARGS__)
#define cr_expect_lt(a, b, ...)          PLAIN_CHECK((a) < (b), false, #a " < " #b, __VA_ARGS__)
#define cr_expect_leq(a, b, ...)         PLAIN_CHECK((a) <= (b), false, #a " <= " #b, __VA_ARGS__)
#define cr_expect_gt(a, b, ...)          PLAIN_CHECK((a) > (b), false, #a " > " #b, __VA_ARGS__)
#define cr_expect_null(a, ...)           PLAIN_CHECK((a) == NULL, false, #a " == NULL", __VA_ARGS__)
#define cr_expect_not_null(a, ...)       PLAIN_CHECK((a) != NULL, false, #a " != NULL", __VA_ARGS__)
#define cr_expect_str_eq(a, b, ...)      PLAIN_CHECK(strcmp(a, b) == 0, false, #a " == " #b, __VA_ARGS__)
#define cr_expect_float_eq(a, b, e, ...) PLAIN_CHECK(fabs((double)(a) - (double)(b)) <= (double)(e), false, #a " == " #b, __VA_ARGS__)
#define cr_assert(holds, ...)            PLAIN_CHECK(holds, true, #holds, __VA_ARGS__)
#define cr_assert_not(holds, ...)        PLAIN_CHECK(!(holds), true, "not " #holds, __VA_ARGS__)
#define cr_assert_eq(a, b, ...)          PLAIN_CHECK((a) == (b), true, #a " == " #b, __VA_ARGS__)
#define cr_assert_lt(a, b, ...)          PLAIN_CHECK((a) < (b), true, #a " < " #b, __VA_ARGS__)
#define cr_assert_leq(a, b, ...)         PLAIN_CHECK((a) <= (b), true, #a " <= " #b, __VA_ARGS__)
#define cr_assert_gt(a, b, ...)          PLAIN_CHECK((a) > (b), true, #a " > " #b, __VA_ARGS__)
#define cr_assert_not_null(a, ...)       PLAIN_CHECK((a) != NULL, true, #a " != NULL", __VA_ARGS__)
#define cr_assert_null(a, ...)           PLAIN_CHECK((a) == NULL, true, #a " == NULL", __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...)      PLAIN_CHECK(strcmp(a, b) == 0, true, #a " == " #b, __VA_ARGS__)
#define cr_assert_float_eq(a, b, e, ...) PLAIN_CHECK(fabs((double)(a) - (double)(b)) <= (double)(e), true, #a " == " #b, __VA_ARGS__)
#define cr_assert_fail(...)              PLAIN_CHECK(false, true, "reached", __VA_ARGS__)

#endif
