/* plain_criterion.c - runs all tests that are linked, or those of the suites that are named, and ends with "N passed, N failed".
 * usage: PROGRAM [SUITE...] */
#include <setjmp.h>
#include <stdarg.h>

#include "plain/criterion/criterion.h"

static struct plain_test *first;
static unsigned failures; /* of the test that runs */
static jmp_buf after_test;

/* In the order of suites and names, as constructors run in the linker's. */
void plain_add(struct plain_test *test)
{
    struct plain_test **place = &first;
    while (*place && (strcmp((*place)->suite, test->suite) < 0 ||
                      (strcmp((*place)->suite, test->suite) == 0 && strcmp((*place)->name, test->name) < 0)))
        place = &(*place)->next;
    test->next = *place;
    *place = test;
}

void plain_check(bool holds, bool fatal, const char *file, int line, const char *what, const char *format, ...)
{
    if (holds)
        return;
    failures++;
    printf("%s:%d: not so: %s;", file, line, what);
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    if (fatal)
        longjmp(after_test, 1);
}

static bool named(const struct plain_test *test, int count, char **suites)
{
    for (int i = 0; i < count; i++)
        if (strcmp(suites[i], test->suite) == 0)
            return true;
    return count == 0;
}

static bool passes(const struct plain_test *test)
{
    failures = 0;
    if (setjmp(after_test) == 0)
        test->run();
    if (failures > 0)
        printf("%s::%s failed\n", test->suite, test->name);
    return failures == 0;
}

int main(int argc, char **argv)
{
    unsigned passed = 0, failed = 0;
    for (const struct plain_test *test = first; test; test = test->next)
        if (named(test, argc - 1, argv + 1))
            *(passes(test) ? &passed : &failed) += 1;
    printf("%u passed, %u failed\n", passed, failed);
    return failed > 0 || passed == 0;
}
