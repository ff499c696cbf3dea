/* host.h - who runs a command: the program, or somebody who called the library (pagesim_command) and wants to have what the program would
 * print. Results for standard output, notices and progress then go to the caller, and names in angle brackets are texts that the caller has.
 *
 * There is one host at a time and it belongs to the whole process, since a command's threads must find it too. Only commands look at it:
 * they alone write to standard output or tell notices. Files are opened by others as well, while a command runs in another thread; so that
 * they never look, a name that is not in angle brackets is no file of a host.
 */
#ifndef PAGESIM_HOST_H
#define PAGESIM_HOST_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

/* A text that stands for a file. */
struct host_file {
    const char *name; /* "<requests>" */
    const char *text;
    size_t length;
};

struct host {
    const struct host_file *files;
    size_t file_count;
    void (*notice)(void *context, const char *line);                /* NULL: nobody wants them */
    void (*progress)(void *context, uint64_t done, uint64_t total); /* NULL likewise; called by one thread at a time */
    void *context;
    char *output; /* what the command has written to standard output so far; the host's owner frees it */
    size_t output_length, output_capacity;
};

/* NULL: the program itself. */
struct host *host_now(void);
/* Make `host` the process's; false: there is one already. It stays the caller's; NULL ends it. */
bool host_set(struct host *host);

/* The text of that name, or NULL. */
const struct host_file *host_file_find(const char *name);

/* Append to the output. */
SIM_NODISCARD enum status host_write(struct host *host, const char *text, size_t length, struct diag *diag);

#endif
