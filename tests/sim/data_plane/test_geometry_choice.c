/* test_geometry_choice.c - told, kept, measured, built in. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data_plane/geometry_choice.h"

static const struct kv_store_shape large = {1, 8, 128, 16, 4096, KV_STORE_FLOAT32}, small = {1, 8, 128, 16, 16, KV_STORE_FLOAT32};
static char folder[64], path[128];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "%s/pagesim-cache-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/cache/pagesim/geometry", folder);
    char cache[96];
    snprintf(cache, sizeof cache, "%s/cache", folder);
    setenv("XDG_CACHE_HOME", cache, 1);
}

static void remove_folder(void)
{
    unlink(path);
    for (int i = 0; i < 2; i++) {
        *strrchr(path, '/') = '\0';
        rmdir(path);
    }
    rmdir(folder);
}

static enum status try_to_choose(const struct kv_store_shape *shape, const char *told, bool measure, struct geometry_choice *out,
                                 struct diag *diag)
{
    struct kv_store *store;
    cr_assert_eq(kv_store_create(shape, &store), KV_OK);
    enum status status = geometry_choose(store, &(struct geometry_wish){told, measure}, out, diag);
    kv_store_destroy(store);
    return status;
}

static struct geometry_choice choose(const struct kv_store_shape *shape, const char *told, bool measure)
{
    struct geometry_choice choice;
    struct diag diag = {0};
    cr_assert_eq(try_to_choose(shape, told, measure, &choice, &diag), SIM_OK, "%s", diag.text);
    return choice;
}

static size_t file_lines(void)
{
    FILE *file = fopen(path, "r");
    size_t lines = 0;
    for (int c; file && (c = fgetc(file)) != EOF;)
        lines += c == '\n';
    if (file)
        fclose(file);
    return lines;
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");
    cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

Test(geometry_choice, what_was_measured_is_kept)
{
    make_folder();
    cr_expect_str_eq(choose(&large, NULL, false).source, "built in");
    cr_expect_str_eq(choose(&small, NULL, true).source, "built in", "it lies in the caches");
    cr_expect_eq(access(path, F_OK), -1, "nothing was measured, nothing is kept");
    const struct geometry_choice measured = choose(&large, NULL, true), kept = choose(&large, NULL, true);
    cr_expect_str_eq(measured.source, "measured");
    cr_expect_str_eq(kept.source, "kept");
    char texts[2][KV_GEOMETRY_TEXT];
    kv_geometry_plan_text(&measured.plan, texts[0]);
    kv_geometry_plan_text(&kept.plan, texts[1]);
    cr_expect_str_eq(texts[0], texts[1]);
    struct kv_store_shape other = large;
    other.head_dim = 64;
    cr_expect_str_eq(choose(&other, NULL, true).source, "measured", "another shape");
    cr_expect_eq(file_lines(), 2u);
    cr_expect_str_eq(choose(&large, NULL, true).source, "kept", "both are kept");
    cr_expect_str_eq(choose(&large, NULL, false).source, "built in", "no calibration means none of earlier, either");
    remove_folder();
}

Test(geometry_choice, what_is_told_holds)
{
    make_folder();
    struct geometry_choice choice = choose(&large, "8x256+32768", true);
    struct diag diag = {0};
    cr_expect_str_eq(choice.source, "told");
    cr_expect(choice.plan.memory.runs == 8 && choice.plan.shared.runs == 8);
    cr_expect_eq(try_to_choose(&large, "8x100+0", true, &choice, &diag), SIM_USAGE);
    cr_expect(strstr(diag.text, "8x100+0") && strstr(diag.text, "steps of 256"), "%s", diag.text);
    remove_folder();
}

/* A file that was changed by hand, cut, or is something else. */
Test(geometry_choice, a_wrong_file_is_as_good_as_none)
{
    make_folder();
    char line[512];
    choose(&large, NULL, true);
    FILE *file = fopen(path, "r");
    cr_assert(file && fgets(line, sizeof line, file));
    fclose(file);
    char *plan = strchr(line, '\t');
    cr_assert(plan);
    plan[0] = '\0';
    char other[600];
    snprintf(other, sizeof other, "%s\t9x256+0s,9x256+0s\n", line);
    write_file(other);
    cr_expect_str_eq(choose(&large, NULL, true).source, "measured", "a plan out of bounds");
    cr_expect_eq(file_lines(), 1u, "the new line takes the place of the wrong one");
    write_file("\n\n\tnothing\n");
    cr_expect_str_eq(choose(&large, NULL, true).source, "measured");
    write_file(line);
    cr_expect_str_eq(choose(&large, NULL, true).source, "measured", "a cut line");
    unlink(path);
    cr_assert_eq(mkdir(path, 0700), 0);
    cr_expect_str_eq(choose(&large, NULL, true).source, "measured", "a folder in its place is no error");
    rmdir(path);
    setenv("XDG_CACHE_HOME", "", 1);
    unsetenv("HOME");
    cr_expect_str_eq(choose(&large, NULL, true).source, "measured", "nowhere to keep anything");
    remove_folder();
}
