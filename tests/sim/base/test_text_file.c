/* test_text_file.c - what is read is what is in the file, with zeros after it that may be touched, wherever the file ends in its page; in
 * windows of any size the same lines come; a file that is cut short meanwhile is an error. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/byte_source.h"
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

/* Lines of 0 to 9 bytes, then one of 1000, then short ones again. */
static size_t make_lines(char *text)
{
    size_t length = 0;
    for (size_t line = 0; line < 300; line++) {
        const size_t width = line == 150 ? 1000 : line % 10;
        memset(text + length, (int)('a' + line % 26), width);
        length += width;
        text[length++] = '\n';
    }
    return length - 1; /* the last line does not end */
}

Test(text_file, windows_of_any_size_hold_the_same_lines)
{
    static char text[8192];
    const size_t length = make_lines(text);
    struct temp_file made = temp_file_make(text, length);
    for (size_t window = 1; window < 3000; window = window * 2 + 1)
        for (size_t keep = 0; keep < 12; keep += 11) {
            struct text_file file;
            struct diag diag = {0};
            size_t at = 0;
            cr_assert_eq(text_file_open_window(made.path, window, &file, &diag), SIM_OK, "%s", diag.text);
            const char *first = file.text;
            file.keep = keep < file.length ? keep : file.length;
            for (;;) {
                cr_assert(at + file.length <= length && memcmp(file.text, text + at, file.length) == 0, "window %zu at %zu", window, at);
                at += file.length;
                if (file.ended)
                    break;
                cr_expect(file.length > 0 && file.text[file.length - 1] == '\n', "window %zu at %zu", window, at);
                cr_assert_eq(text_file_next(&file, &diag), SIM_OK, "%s", diag.text);
            }
            cr_expect_eq(at, length, "window %zu", window);
            cr_expect(keep == 0 || memcmp(first, text, file.keep) == 0, "window %zu", window);
            text_file_close(&file);
        }
    temp_file_remove(&made);
}

Test(text_file, a_window_can_go_on_to_the_end)
{
    static char text[8192];
    const size_t length = make_lines(text);
    struct temp_file made = temp_file_make(text, length);
    struct text_file file;
    struct diag diag = {0};
    cr_assert_eq(text_file_open_window(made.path, 7, &file, &diag), SIM_OK);
    cr_assert_eq(text_file_rest(&file, &diag), SIM_OK);
    cr_expect(file.ended && file.length == length && memcmp(file.text, text, length) == 0);
    text_file_close(&file);
    temp_file_remove(&made);
}

Test(text_file, a_byte_order_mark_is_no_part_of_the_text)
{
    static const struct {
        const char *bytes;
        size_t length, skipped;
    } cases[] = {
        {"\xef\xbb\xbf", 3, 3}, {"\xef\xbb\xbfx\n", 5, 3}, {"\xef\xbb", 2, 0}, {"\xef\xbb\xbf\xef\xbb\xbf", 6, 3}, {"x\xef\xbb\xbf", 4, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct temp_file made = temp_file_make(cases[i].bytes, cases[i].length);
        struct text_file file;
        struct diag diag = {0};
        expect_text_and_slack(made.path, cases[i].bytes + cases[i].skipped, cases[i].length - cases[i].skipped);
        cr_assert_eq(text_file_open_as_it_is(made.path, &file, &diag), SIM_OK);
        cr_expect(file.length == cases[i].length && memcmp(file.text, cases[i].bytes, file.length) == 0);
        text_file_close(&file);
        temp_file_remove(&made);
    }
}

/* Reading in two steps, with the file cut between them: before what was read, after it, and to nothing. */
Test(text_file, a_file_that_becomes_shorter_while_it_is_read_is_an_error)
{
    enum { LENGTH = 10000, FIRST = 4000 };
    static char text[LENGTH], got[LENGTH];
    memset(text, 'x', sizeof text);
    for (int left = 0; left < LENGTH + 1; left += 2500) {
        struct temp_file made = temp_file_make(text, sizeof text);
        struct byte_source *source;
        struct diag diag = {0};
        size_t length;
        cr_assert_eq(byte_source_open(made.path, false, &source, &diag), SIM_OK);
        cr_assert_eq(byte_source_read(source, got, FIRST, &length, &diag), SIM_OK);
        cr_assert_eq(truncate(made.path, left), 0);
        const enum status status = byte_source_read(source, got, LENGTH, &length, &diag);
        cr_expect_eq(status, left < LENGTH ? SIM_BAD_INPUT : SIM_OK, "%d left", left);
        cr_expect(status == SIM_OK || strstr(diag.text, "became shorter while it was read"), "%s", diag.text);
        byte_source_close(source);
        temp_file_remove(&made);
    }
}

/* Files of /proc have no size, and memory with a name is a file like any other. */
Test(text_file, files_of_proc_and_memory_are_read)
{
    struct text_file file;
    struct diag diag = {0};
    char path[64];
    cr_assert_eq(text_file_open("/proc/self/maps", &file, &diag), SIM_OK, "%s", diag.text);
    cr_expect_gt(file.length, 0);
    text_file_close(&file);
    int descriptor = memfd_create("test", MFD_CLOEXEC);
    cr_assert_eq(write(descriptor, "a line\n", 7), 7);
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    expect_text_and_slack(path, "a line\n", 7);
    close(descriptor);
}
