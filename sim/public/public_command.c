/* public_command.c - pagesim_command(): a command line of the program, run in the caller's process. Read base/host.h first: it is how a
 * command finds its caller. Nothing about single commands is known here.
 *
 * What the program's main does around a command is the process's business and not done here: signals, huge pages. Instead of a signal it is
 * the progress callback that sets the flag at which commands look. */
#include <stdlib.h>

#include "base/array.h"
#include "base/host.h"
#include "command/command.h"
#include "command/interrupt.h"
#include "public/public.h"

#ifdef _OPENMP
#include <omp.h>
#endif

static void on_notice(void *context, const char *line)
{
    const struct pagesim_command_options *options = context;
#pragma omp critical(public_callbacks)
    options->notice(options->context, line);
}

static void on_progress(void *context, uint64_t done, uint64_t total)
{
    const struct pagesim_command_options *options = context;
    bool more;
#pragma omp critical(public_callbacks)
    more = options->progress(options->context, done, total);
    if (!more)
        interrupted = 1;
}

/* --threads sets how many threads OpenMP takes from the calling thread on. The program ends with its command; the caller goes on. */
static enum status run_line(const char *const *words, uint32_t count, struct diag *diag)
{
    char **line = calloc((size_t)count + 2, sizeof *line);
    if (!line)
        return diag_no_memory(diag, ((size_t)count + 2) * sizeof *line, "a command line");
    line[0] = (char *)"pagesim";
    for (uint32_t i = 0; i < count; i++)
        line[i + 1] = (char *)words[i]; /* read only, as those of main are in fact */
#ifdef _OPENMP
    const int threads = omp_get_max_threads();
#endif
    enum status status = command_line_run((int)count + 1, line, diag);
#ifdef _OPENMP
    omp_set_num_threads(threads);
#endif
    free(line);
    return status;
}

static enum status check_files(const struct pagesim_command_options *options, struct diag *diag)
{
    for (uint32_t i = 0; i < options->file_count; i++)
        if (options->files[i].name[0] != '<')
            return diag_set(diag, SIM_USAGE, "file %u is called \"%s\"; names of texts stand in angle brackets, as in <requests>", i,
                            options->files[i].name);
    return SIM_OK;
}

/* The public struct of a file and the host's have the same members; a copy keeps the rooms apart. */
static enum status take_files(const struct pagesim_command_options *options, struct host *host, struct diag *diag)
{
    enum status status = check_files(options, diag);
    struct host_file *files = NULL;
    if (status == SIM_OK && options->file_count > 0)
        status = array_zeroed(&files, options->file_count, sizeof *files, "names of files", diag);
    for (uint32_t i = 0; i < options->file_count && status == SIM_OK; i++)
        files[i] = (struct host_file){.name = options->files[i].name, .text = options->files[i].text, .length = options->files[i].length};
    host->files = files;
    host->file_count = options->file_count;
    return status;
}

static enum status run_hosted(const char *const *words, uint32_t count, struct host *host, struct diag *diag)
{
    if (count == 0)
        return diag_set(diag, SIM_USAGE, "a command is needed");
    if (!host_set(host))
        return diag_set(diag, SIM_FAILED, "another command runs in this process; one at a time");
    interrupted = 0;
    enum status status = host_write(host, "", 0, diag); /* what prints nothing has an empty text */
    if (status == SIM_OK)
        status = run_line(words, count, diag);
    host_set(NULL);
    return status;
}

enum pagesim_status pagesim_command(const char *const *words, uint32_t count, const struct pagesim_command_options *options, char **out,
                                    struct pagesim_error *error)
{
    const struct pagesim_command_options defaults = {0};
    struct diag diag = {0};
    struct host host = {0};
    options = options ? options : &defaults;
    host.context = (void *)options;
    host.notice = options->notice ? on_notice : NULL;
    host.progress = options->progress ? on_progress : NULL;
    enum status status = take_files(options, &host, &diag);
    if (status == SIM_OK)
        status = run_hosted(words, count, &host, &diag);
    *out = host.output;
    free((void *)host.files);
    return public_tell(status, &diag, error);
}
