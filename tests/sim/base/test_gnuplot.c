/* test_gnuplot.c - what stands in for gnuplot is started without a shell, gets the script, and its end is looked at. The pictures of the real
 * one are in tests/sim/report/test_gnuplot_script.c. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/gnuplot.h"

static char folder[] = "/tmp/test_gnuplot.XXXXXX";

static void enter(void)
{
    char path[128];
    cr_assert(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    snprintf(path, sizeof path, "::/nowhere:%s/bin:/usr/bin:/bin", folder);
    cr_assert_eq(mkdir("bin", 0777), 0);
    setenv("PATH", path, 1);
}

static void leave(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    cr_assert_eq(system(command), 0); /* NOLINT(cert-env33-c) */
}

TestSuite(gnuplot, .init = enter, .fini = leave);

static void put_program(const char *path, const char *lines)
{
    FILE *file = fopen(path, "w");
    cr_assert(file);
    fprintf(file, "#!/bin/sh\n%s\n", lines);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(chmod(path, 0755), 0);
}

/* Draws `script` with what stands in; the status, the picture (the caller's) and the message. */
static enum status draw(const char *lines, const char *script, char **picture, size_t *length, struct diag *diag)
{
    put_program("bin/gnuplot", lines);
    *diag = (struct diag){0};
    return gnuplot_draw(script, strlen(script), picture, length, diag);
}

Test(gnuplot, is_looked_for_on_the_path_alone)
{
    struct diag diag = {0};
    setenv("PATH", "::/nowhere:.x", 1);
    put_program("gnuplot", "echo here");
    cr_expect_eq(gnuplot_check(&diag), SIM_USAGE);
    cr_expect(strstr(diag.text, "install it"), "%s", diag.text);
    unsetenv("PATH");
    cr_expect_neq(gnuplot_check(&(struct diag){0}), SIM_OK);
}

Test(gnuplot, gets_the_script_and_gives_the_picture)
{
    struct diag diag;
    char *picture;
    size_t length;
    cr_assert_eq(draw("cat", "a script\n", &picture, &length, &diag), SIM_OK, "%s", diag.text);
    cr_expect_eq(length, strlen("a script\n"));
    cr_expect(memcmp(picture, "a script\n", length) == 0);
    free(picture);
    /* More than a pipe holds, in both directions. */
    char *large = malloc((1 << 20) + 1);
    cr_assert(large);
    memset(large, 'x', 1 << 20);
    large[1 << 20] = '\0';
    cr_assert_eq(draw("cat", large, &picture, &length, &diag), SIM_OK, "%s", diag.text);
    cr_expect_eq(length, (size_t)1 << 20);
    free(picture);
    cr_assert_eq(draw("echo drawn", large, &picture, &length, &diag), SIM_OK, "a script need not be read to its end");
    free(picture);
    free(large);
}

/* Nothing in the environment may change a picture. */
Test(gnuplot, has_no_language_and_no_terminal_of_the_user)
{
    struct diag diag;
    char *picture;
    size_t length;
    setenv("LC_NUMERIC", "de_DE.UTF-8", 1);
    setenv("LANG", "de_DE.UTF-8", 1);
    setenv("GNUTERM", "dumb", 1);
    setenv("KEPT", "kept", 1);
    cr_assert_eq(draw("echo \"$1 $LC_NUMERIC$LANG$GNUTERM$LC_ALL $KEPT\"", "", &picture, &length, &diag), SIM_OK, "%s", diag.text);
    picture[length - 1] = '\0';
    cr_expect_str_eq(picture, "-d C.UTF-8 kept");
    free(picture);
}

Test(gnuplot, failures_are_told)
{
    static const struct {
        const char *lines, *message;
    } cases[] = {
        {"echo half; exit 3", "it drew nothing"},
        {"echo; echo '  ^' >&2; echo 'gnuplot> plot' >&2; echo 'line 0: warning: x' >&2; echo '  line 3: no such thing' >&2; exit 1",
         "gnuplot failed: line 3: no such thing"},
        {"exit 0", "it drew nothing"},
        {"echo half; kill -9 $$", "ended by signal 9"},
        {"printf '\\033[1m\\n' >&2; exit 1", "\\x1b[1m"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct diag diag;
        char *picture;
        size_t length;
        cr_expect_eq(draw(cases[i].lines, "script", &picture, &length, &diag), SIM_FAILED);
        cr_expect_null(picture);
        cr_expect(strstr(diag.text, cases[i].message), "%s: %s", cases[i].lines, diag.text);
    }
}
