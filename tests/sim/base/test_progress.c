/* test_progress.c - the bar, on a terminal of the test's own and on what is none. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/progress.h"

#define SECOND_NS INT64_C(1000000000)

static int screen; /* what was written is read from here */

/* Standard error becomes a terminal. */
static void open_screen(void)
{
    screen = posix_openpt(O_RDWR | O_NOCTTY);
    cr_assert(screen >= 0 && grantpt(screen) == 0 && unlockpt(screen) == 0);
    const int terminal = open(ptsname(screen), O_RDWR | O_NOCTTY);
    cr_assert(terminal >= 0 && dup2(terminal, STDERR_FILENO) >= 0);
    close(terminal);
    cr_assert_eq(fcntl(screen, F_SETFL, O_NONBLOCK), 0);
}

static const char *shown(void)
{
    static char text[1024];
    fflush(stderr);
    const ssize_t length = read(screen, text, sizeof text - 1);
    text[length > 0 ? length : 0] = '\0';
    return text;
}

/* As if it had begun so long ago, and an update were due. */
static void pass(struct progress *progress, int64_t ns)
{
    progress->start_ns -= ns;
    progress->next_ns -= ns;
}

Test(progress, a_bar_says_how_much_and_how_long)
{
    struct progress progress;
    open_screen();
    progress_start(&progress, "replay", false);
    progress_update(&progress, 1, 4);
    cr_expect_str_eq(shown(), "", "nothing in the first second");
    pass(&progress, 3 * SECOND_NS);
    progress_update(&progress, 1, 4);
    /* A quarter took 3 s: 10 of 40 signs, and 9 s for the rest. */
    static const char bar[] = "\rreplay [##########..............................]  25 %  9";
    const char *text = shown();
    cr_expect(strncmp(text, bar, sizeof bar - 1) == 0 && strstr(text, " s left \033[K"), "%s", text);
    cr_expect_geq(progress.next_ns, progress.start_ns + 3 * SECOND_NS + SECOND_NS / 10);
    pass(&progress, -SECOND_NS); /* however slow this machine is */
    progress_update(&progress, 2, 4);
    cr_expect_str_eq(shown(), "", "not at once again");
    pass(&progress, SECOND_NS + SECOND_NS / 10);
    progress_update(&progress, 4, 4);
    text = shown();
    cr_expect(strstr(text, "[########################################] 100 %  0"), "%s", text);
    progress_end(&progress);
    cr_expect_str_eq(shown(), "\r\033[K");
    progress_end(&progress);
    cr_expect_str_eq(shown(), "", "it is wiped once");
}

Test(progress, how_long_is_not_known_before_anything_is_done)
{
    struct progress progress;
    open_screen();
    progress_start(&progress, "sweep", false);
    pass(&progress, 2 * SECOND_NS);
    progress_update(&progress, 0, 0);
    cr_expect_str_eq(shown(), "", "nothing of nothing");
    progress_update(&progress, 0, 7);
    const char *text = shown();
    cr_expect(strstr(text, "[........................................]   0 %  ? left "), "%s", text);
}

Test(progress, is_for_terminals_and_those_who_want_it)
{
    struct progress progress;
    char path[] = "/tmp/progress.XXXXXX";
    open_screen();
    progress_start(&progress, "size", true);
    pass(&progress, 5 * SECOND_NS);
    progress_update(&progress, 1, 2);
    progress_end(&progress);
    cr_expect_str_eq(shown(), "");
    const int file = mkstemp(path);
    cr_assert(file >= 0 && dup2(file, STDERR_FILENO) >= 0);
    progress_start(&progress, "size", false);
    pass(&progress, 5 * SECOND_NS);
    progress_update(&progress, 1, 2);
    progress_end(&progress);
    fflush(stderr);
    cr_expect_eq(lseek(file, 0, SEEK_END), 0);
    close(file);
    unlink(path);
}

static void describe(const struct progress *progress, struct live_view *view)
{
    live_view_line(view, "more", "%s %llu", (const char *)progress->context, (unsigned long long)progress->done);
}

Test(progress, a_view_is_drawn_over_itself_and_stays)
{
    struct progress progress;
    setenv("LC_ALL", "C", 1);
    setenv("NO_COLOR", "", 1);
    open_screen();
    progress_start_view(&progress, "replay", describe, "done");
    progress_update(&progress, 1, 4);
    cr_expect_str_eq(shown(), "", "not at once");
    pass(&progress, 3 * SECOND_NS);
    progress_update(&progress, 1, 4);
    const char *text = shown();
    cr_expect(strncmp(text, "\r\033[Kreplay      25 % ##########......", 37) == 0 &&
                  strstr(text, " s left\r\n\r\033[Kmore       done 1\r\n"),
              "%s", text);
    progress_update(&progress, 2, 4);
    cr_expect_str_eq(shown(), "", "not at once again");
    progress_finish(&progress, 4, 4);
    progress_end(&progress);
    text = shown();
    cr_expect(strncmp(text, "\r\033[2A\r\033[Kreplay     100 % ##########", 36) == 0, "%s", text);
    cr_expect(strstr(text, " after 3") && strstr(text, "\r\033[Kmore       done 4\r\n"), "%s", text);
    progress_end(&progress);
    cr_expect_str_eq(shown(), "");
}

/* Without a terminal that could draw over it: a line every five seconds, and one at the end. */
Test(progress, a_view_that_cannot_be_drawn_over_is_told_in_lines)
{
    struct progress progress;
    setenv("TERM", "dumb", 1);
    open_screen();
    progress_start_view(&progress, "replay", describe, "done");
    pass(&progress, 4 * SECOND_NS);
    progress_update(&progress, 1, 4);
    cr_expect_str_eq(shown(), "");
    pass(&progress, 2 * SECOND_NS);
    progress_update(&progress, 2, 4);
    progress_update(&progress, 3, 4);
    const char *text = shown();
    cr_expect(strncmp(text, "replay  50 %, 6.0", 17) == 0 && strstr(text, " s left; more done 2\r\n"), "%s", text);
    progress_end(&progress);
    text = shown();
    cr_expect(strncmp(text, "replay  75 %, after 6.0", 23) == 0, "%s", text);
}
