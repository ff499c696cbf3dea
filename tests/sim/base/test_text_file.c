/* test_text_file.c - what is read is what is in the file, with zeros after it that may be touched, wherever the file ends in its page. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text_file.h"
#include "support/temp_file.h"

static void expect_text_and_slack(const char *path, const char *text, size_t length)
{
    static const char zeros[TEXT_FILE_SLACK];
    struct text_file file;
    struct diag diag = {0};
    cr_assert_eq(text_file_open(path, &file, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(file.length, length);
    cr_expect_eq(memcmp(file.text, text, length), 0);
    cr_expect_eq(memcmp(file.text + length, zeros, sizeof zeros), 0, "%zu bytes", length);
    text_file_close(&file);
}

Test(text_file, zeros_come_after_files_and_pipes_of_any_length)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t lengths[] = {
        0, 1, page - TEXT_FILE_SLACK - 1, page - TEXT_FILE_SLACK, page - TEXT_FILE_SLACK + 1, page - 1, page, page + 1, 3 * page};
    char *text = malloc(3 * page);
    cr_assert(text);
    memset(text, 'x', 3 * page);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct temp_file file = temp_file_make(text, lengths[i]);
        expect_text_and_slack(file.path, text, lengths[i]);
        temp_file_remove(&file);
        int ends[2]; /* a pipe as a file */
        char path[64];
        cr_assert_eq(pipe(ends), 0);
        cr_assert_eq(write(ends[1], text, lengths[i]), (ssize_t)lengths[i]);
        close(ends[1]);
        snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
        expect_text_and_slack(path, text, lengths[i]);
        close(ends[0]);
    }
    free(text);
}
