/* diag.h - how a module of sim/ says that something went wrong.
 *
 * A fallible function returns a status, which is also the exit code of the program, and puts one finished sentence into the caller's
 * `struct diag`: "file:line:column: what is wrong; what would be right". The first message wins: a later failure on the way out does
 * not hide the cause. Nothing here prints; main does, once. A diag belongs to one thread.
 */
#ifndef PAGESIM_DIAG_H
#define PAGESIM_DIAG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum status {
    SIM_OK = 0,
    SIM_FAILED = 1,        /* runtime or I/O failure, out of memory, a stall, an abort */
    SIM_USAGE = 2,         /* wrong command line */
    SIM_BAD_INPUT = 3,     /* bad trace or configuration */
    SIM_REQUIREMENT = 4,   /* a requirement of the user is not met */
    SIM_INTERRUPTED = 130, /* SIGINT or SIGTERM */
};

#define SIM_NODISCARD __attribute__((warn_unused_result))

struct diag {
    enum status status;
    char text[1024]; /* UTF-8, no newline at the end; "" while status is SIM_OK */
    /* Of diag_at: the text begins with a file's name of so many bytes; 0: there is no place. */
    size_t file_bytes, line, column;
};

/* Record `status` with a printf-like message unless the diag holds one already. Returns the status that the diag now holds, so that
 * `return diag_set(...)` reads well. Longer text is cut. */
enum status diag_set(struct diag *diag, enum status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The text whose line the message names begins so many lines further down in its file. */
void diag_move_down(struct diag *diag, size_t lines);

/* As diag_set, SIM_BAD_INPUT, with "file:line:column: " in front. line and column count from 1; 0 leaves the part out. */
enum status diag_at(struct diag *diag, const char *file, size_t line, size_t column, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* As diag_set with SIM_FAILED and a text that names the bytes that could not be had and what for. */
enum status diag_no_memory(struct diag *diag, size_t bytes, const char *what);

/* Forget the message. */
void diag_clear(struct diag *diag);

#endif
