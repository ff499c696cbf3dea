/* text_file.c - reading in windows of whole lines, writing by renaming. Read take_lines for what a window is, and text_writer_commit for
 * what a crash leaves: the old file, whole.
 */
#include "base/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/byte_source.h"
#include "base/huge_pages.h"

/* The first room for a text of unknown length, and 64 KiB a write(): so large that the system calls themselves cost nothing by comparison.
 * The mode is that of any new file; the umask cuts it. */
enum { READ_STEP = 1 << 20, WRITE_BUFFER = 1 << 16, NEW_FILE_MODE = 0666, MARK_LENGTH = 3 };

/* --- reading --------------------------------------------------------------------------------------------------------------------- */

/* A compressed file of a few kilobytes can hold more text than there is memory. Systems that promise more than they have would not refuse
 * the room but kill the process when it is touched, so what can never fit is refused here. */
static enum status make_room(struct text_file *file, size_t needed, struct diag *diag)
{
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    const size_t before = file->capacity;
    if (pages > 0 && page > 0 && needed / (size_t)page >= (size_t)pages)
        return diag_no_memory(diag, needed, "the input");
    enum status status = array_reserve(&file->memory, &file->capacity, needed, 1, "the input", diag);
    if (status == SIM_OK && file->capacity > before)
        huge_pages_advise(file->memory + before, file->capacity - before);
    return status;
}

/* Hold at least `wanted` bytes, or all there are. One byte more is asked for: that it does not come is how the end is known. */
static enum status fill(struct text_file *file, size_t wanted, struct diag *diag)
{
    enum status status = SIM_OK;
    while (status == SIM_OK && !file->ended && file->held < wanted) {
        size_t target = file->held + (file->held > READ_STEP ? file->held / 2 : READ_STEP), got = 0;
        if (file->size > file->held)
            target = file->size;
        if (target > wanted)
            target = wanted;
        status = make_room(file, target + 1 + TEXT_FILE_SLACK, diag);
        if (status != SIM_OK)
            break;
        const size_t room = target + 1 - file->held;
        status = byte_source_read(file->source, file->memory + file->held, room, &got, diag);
        file->held += got;
        file->ended = got < room;
    }
    if (status == SIM_OK)
        status = make_room(file, file->held + TEXT_FILE_SLACK, diag); /* an empty file, too, has a slack */
    if (status == SIM_OK)
        memset(file->memory + file->held, 0, TEXT_FILE_SLACK);
    return status;
}

/* The text ends with the last whole line that is held; a line longer than all that is held makes it grow. */
static enum status take_lines(struct text_file *file, struct diag *diag)
{
    enum status status = SIM_OK;
    const char *stop = NULL;
    while (status == SIM_OK && !file->ended && !(stop = memrchr(file->memory, '\n', file->held)))
        status = fill(file, 2 * file->held, diag);
    if (status != SIM_OK)
        return status;
    file->text = file->memory;
    file->length = file->ended ? file->held : (size_t)(stop - file->memory) + 1;
    return SIM_OK;
}

/* Windows and some editors put a byte order mark in front of UTF-8. It is no part of the text, and columns count from after it. */
static void skip_mark(struct text_file *file)
{
    if (file->length < MARK_LENGTH || memcmp(file->text, "\xef\xbb\xbf", MARK_LENGTH) != 0)
        return;
    file->text += MARK_LENGTH;
    file->length -= MARK_LENGTH;
}

static enum status open_text(const char *path, bool as_it_is, size_t window, struct text_file *out, struct diag *diag)
{
    struct text_file file = {.window = window};
    enum status status = byte_source_open(path, as_it_is, &file.source, diag);
    if (status != SIM_OK)
        return status;
    file.size = byte_source_size(file.source);
    status = fill(&file, window, diag);
    if (status == SIM_OK)
        status = take_lines(&file, diag);
    if (status != SIM_OK) {
        text_file_close(&file);
        return status;
    }
    if (!as_it_is)
        skip_mark(&file);
    *out = file;
    return SIM_OK;
}

enum status text_file_open(const char *path, struct text_file *file, struct diag *diag)
{
    return open_text(path, false, SIZE_MAX / 4, file, diag);
}

enum status text_file_open_as_it_is(const char *path, struct text_file *file, struct diag *diag)
{
    return open_text(path, true, SIZE_MAX / 4, file, diag);
}

enum status text_file_open_window(const char *path, size_t window, struct text_file *file, struct diag *diag)
{
    return open_text(path, false, window, file, diag);
}

/* The first window may have to stay where it is: then the next ones get memory of their own, and of the first all but what is to be kept
 * goes back to the system, in whole pages. */
static enum status leave_first(struct text_file *file, size_t taken, struct diag *diag)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    char *fresh = NULL;
    size_t capacity = 0;
    const size_t kept = (size_t)(file->text - file->memory) + file->keep;
    enum status status = array_reserve(&fresh, &capacity, file->held - taken + TEXT_FILE_SLACK, 1, "the input", diag);
    if (status != SIM_OK)
        return status;
    memcpy(fresh, file->memory + taken, file->held - taken);
    const uintptr_t from = ((uintptr_t)file->memory + kept + page - 1) & ~(page - 1);
    const uintptr_t to = ((uintptr_t)file->memory + file->capacity) & ~(page - 1);
    if (to > from)
        madvise((void *)from, to - from, MADV_DONTNEED); /* NOLINT(performance-no-int-to-ptr): rounding is arithmetic */
    file->first = file->memory;
    file->memory = fresh;
    file->capacity = capacity;
    return SIM_OK;
}

/* The line that was not whole comes first. */
enum status text_file_next(struct text_file *file, struct diag *diag)
{
    const size_t taken = (size_t)(file->text - file->memory) + file->length;
    enum status status = SIM_OK;
    if (file->keep > 0 && !file->first)
        status = leave_first(file, taken, diag);
    else
        memmove(file->memory, file->memory + taken, file->held - taken);
    if (status != SIM_OK)
        return status;
    file->held -= taken;
    status = fill(file, file->window, diag);
    return status == SIM_OK ? take_lines(file, diag) : status;
}

enum status text_file_rest(struct text_file *file, struct diag *diag)
{
    const size_t start = (size_t)(file->text - file->memory);
    enum status status = fill(file, SIZE_MAX / 4, diag);
    if (status == SIM_OK)
        status = take_lines(file, diag);
    if (status != SIM_OK)
        return status;
    file->text += start;
    file->length -= start;
    return SIM_OK;
}

void text_file_close(struct text_file *file)
{
    byte_source_close(file->source);
    free(file->first);
    free(file->memory);
    *file = (struct text_file){0};
}

/* --- writing --------------------------------------------------------------------------------------------------------------------- */

struct text_writer {
    FILE *file;
    bool standard_output;
    char *path, *temporary;    /* temporary == NULL: written in place (standard output, devices, pipes) */
    char buffer[WRITE_BUFFER]; /* of the file: its own would have 4 KiB */
};

/* errno is that of the call that has just failed. */
static enum status write_failed(const struct text_writer *writer, struct diag *diag)
{
    return diag_set(diag, SIM_FAILED, "%s: cannot be written: %s", writer->standard_output ? "standard output" : writer->path,
                    strerror(errno));
}

static void free_writer(struct text_writer *writer)
{
    free(writer->path);
    free(writer->temporary);
    free(writer);
}

/* A device or a pipe cannot be renamed over; it is written to as it is. */
static bool in_place(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 && !S_ISREG(facts.st_mode);
}

/* The temporary file is in the target's folder, because rename works within one file system only; the process id keeps two runs apart.
 * Standard output is duplicated, so that every writer ends by closing its file. */
static enum status open_target(struct text_writer *writer, struct diag *diag)
{
    int descriptor;
    if (writer->standard_output) {
        descriptor = dup(STDOUT_FILENO);
    } else if (in_place(writer->path)) {
        descriptor = open(writer->path, O_WRONLY | O_CLOEXEC);
    } else {
        if (asprintf(&writer->temporary, "%s.%ld.tmp", writer->path, (long)getpid()) < 0) {
            writer->temporary = NULL;
            return diag_no_memory(diag, strlen(writer->path), "a file name");
        }
        descriptor = open(writer->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, NEW_FILE_MODE);
    }
    if (descriptor < 0)
        return write_failed(writer, diag);
    writer->file = fdopen(descriptor, "w");
    if (!writer->file) {
        close(descriptor);
        return diag_no_memory(diag, WRITE_BUFFER, "an output file");
    }
    setvbuf(writer->file, writer->buffer, _IOFBF, sizeof writer->buffer);
    return SIM_OK;
}

enum status text_writer_open(const char *path, struct text_writer **out, struct diag *diag)
{
    struct text_writer *writer;
    enum status status = array_zeroed(&writer, 1, sizeof *writer, "an output file", diag);
    if (status != SIM_OK)
        return status;
    writer->standard_output = strcmp(path, "-") == 0;
    writer->path = strdup(path);
    status = writer->path ? open_target(writer, diag) : diag_no_memory(diag, strlen(path), "a file name");
    if (status != SIM_OK) {
        free_writer(writer);
        return status;
    }
    *out = writer;
    return SIM_OK;
}

/* Without the lock of stdio: a writer belongs to one thread, and logs are written in short pieces. */
enum status text_writer_write(struct text_writer *writer, const char *text, size_t length, struct diag *diag)
{
    return fwrite_unlocked(text, 1, length, writer->file) == length ? SIM_OK : write_failed(writer, diag);
}

/* fsync before rename: otherwise a power failure could leave the new name with nothing in it. */
enum status text_writer_commit(struct text_writer *writer, struct diag *diag)
{
    if (fflush(writer->file) != 0 || (writer->temporary && fsync(fileno(writer->file)) != 0)) {
        const enum status status = write_failed(writer, diag);
        text_writer_discard(writer);
        return status;
    }
    enum status status = SIM_OK;
    if (fclose(writer->file) != 0 || (writer->temporary && rename(writer->temporary, writer->path) != 0)) {
        status = write_failed(writer, diag);
        if (writer->temporary)
            unlink(writer->temporary);
    }
    free_writer(writer);
    return status;
}

/* The target is as it was before, or is not there. What is still in the buffer is dropped, as closing would write it. */
void text_writer_discard(struct text_writer *writer)
{
    if (!writer)
        return;
    __fpurge(writer->file);
    fclose(writer->file);
    if (writer->temporary)
        unlink(writer->temporary);
    free_writer(writer);
}
