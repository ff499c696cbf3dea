/* test_text_writer.c - what is kept when a file is replaced: its mode, the links that lead to it, and all of it after a failure. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text_writer.h"

/* Each test runs in a process and in a folder of its own. */
static char folder[] = "/tmp/test_text_writer.XXXXXX";

static void enter(void)
{
    cr_assert(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
}

static void leave(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    cr_assert_eq(system(command), 0); /* NOLINT(cert-env33-c) */
}

TestSuite(text_writer, .init = enter, .fini = leave);

static void put(const char *path, const char *text)
{
    struct text_writer *writer = NULL;
    struct diag diag = {0};
    cr_assert_eq(text_writer_open(path, &writer, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(text_writer_write(writer, text, strlen(text), &diag), SIM_OK);
    cr_assert_eq(text_writer_commit(writer, &diag), SIM_OK, "%s", diag.text);
}

static void expect_file(const char *path, const char *text)
{
    char got[64] = "";
    FILE *file = fopen(path, "r");
    cr_assert(file, "%s", path);
    got[fread(got, 1, sizeof got - 1, file)] = '\0';
    fclose(file);
    cr_expect_str_eq(got, text, "%s", path);
}

static unsigned mode_of(const char *path)
{
    struct stat facts;
    cr_assert_eq(lstat(path, &facts), 0);
    return (unsigned)facts.st_mode & 07777;
}

Test(text_writer, a_file_keeps_its_mode_and_a_link_stays_a_link)
{
    const unsigned modes[] = {0600, 0664, 0755, 0666};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        put("real", "old");
        cr_assert_eq(chmod("real", (mode_t)modes[i]), 0);
        put("real", "new");
        cr_expect_eq(mode_of("real"), modes[i]);
    }
    cr_assert_eq(mkdir("far", 0755) | symlink("../real", "far/one") | symlink("far/one", "two"), 0);
    put("two", "through two links");
    expect_file("real", "through two links");
    struct stat facts;
    cr_expect(lstat("two", &facts) == 0 && S_ISLNK(facts.st_mode));
    cr_expect_eq(mode_of("real"), 0666);
}

Test(text_writer, a_link_to_nothing_creates_its_target)
{
    struct text_writer *writer = NULL;
    struct diag diag = {0};
    cr_assert_eq(mkdir("far", 0755) | symlink("far/made", "out") | symlink("round", "round"), 0);
    put("out", "made");
    expect_file("far/made", "made");
    cr_expect_eq(text_writer_open("round", &writer, &diag), SIM_FAILED);
    cr_expect(strstr(diag.text, "round: cannot be written"));
}

Test(text_writer, what_is_dropped_leaves_the_old_file_alone)
{
    struct text_writer *writer = NULL;
    struct diag diag = {0};
    char large[200000];
    memset(large, 'x', sizeof large);
    put("real", "old");
    cr_assert_eq(text_writer_open("real", &writer, &diag), SIM_OK);
    cr_assert_eq(text_writer_write(writer, "a", 1, &diag), SIM_OK);
    cr_assert_eq(text_writer_write(writer, large, sizeof large, &diag), SIM_OK);
    text_writer_discard(writer);
    expect_file("real", "old");
    cr_expect_neq(system("ls *.tmp 2>/dev/null"), 0); /* NOLINT(cert-env33-c) */
}

Test(text_writer, two_names_of_one_file_are_known_by_any_spelling)
{
    put("real", "x");
    cr_assert_eq(mkdir("far", 0755) | symlink("real", "soft") | link("real", "hard") | symlink("far/none", "dangling"), 0);
    static const struct {
        const char *one, *other;
        bool same;
    } pairs[] = {{"real", "./real", true},        {"real", "far/../real", true},     {"soft", "real", true}, {"hard", "soft", true},
                 {"none", "./far/../none", true}, {"dangling", "far/none", true},    {"real", "far", false}, {"none", "far/none", false},
                 {"none", "other", false},        {"/dev/null", "/dev/null", false}, {"none", "real", false}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        cr_expect_eq(text_writer_same_file(pairs[i].one, pairs[i].other), pairs[i].same, "%s %s", pairs[i].one, pairs[i].other);
        cr_expect_eq(text_writer_same_file(pairs[i].other, pairs[i].one), pairs[i].same, "%s %s", pairs[i].other, pairs[i].one);
    }
}

/* /dev has more than devices: Linux keeps files in memory there. */
Test(text_writer, a_folder_below_dev_is_a_folder)
{
    char memory[] = "/dev/shm/test_text_writer.XXXXXX", path[64];
    if (!mkdtemp(memory))
        cr_skip("/dev/shm is not there\n");
    snprintf(path, sizeof path, "%s/new", memory);
    put(path, "text");
    expect_file(path, "text");
    unlink(path);
    rmdir(memory);
}
