/* text_file.c - reading in windows of whole lines. Read take_lines for what a window is.
 */
#include "base/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/byte_source.h"
#include "base/huge_pages.h"

/* The first room for a text of unknown length: system calls themselves cost nothing by comparison. */
enum { READ_STEP = 1 << 20, MARK_LENGTH = 3 };

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

/* After the last line break; NULL: there is none. */
static const char *last_line(const char *text, size_t length)
{
    while (length > 0 && text[length - 1] != '\n')
        length--;
    return length > 0 ? text + length : NULL;
}

/* The text ends with the last whole line that is held; a line longer than all that is held makes it grow. */
static enum status take_lines(struct text_file *file, struct diag *diag)
{
    enum status status = SIM_OK;
    const char *stop = NULL;
    while (status == SIM_OK && !file->ended && !(stop = last_line(file->memory, file->held)))
        status = fill(file, 2 * file->held, diag);
    if (status != SIM_OK)
        return status;
    file->text = file->memory;
    file->length = file->ended ? file->held : (size_t)(stop - file->memory);
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

/* The source becomes the file's, also on a failure. */
static enum status open_text(struct byte_source *source, bool as_it_is, size_t window, struct text_file *out, struct diag *diag)
{
    struct text_file file = {.window = window, .source = source};
    file.size = byte_source_size(file.source);
    enum status status = fill(&file, window, diag);
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

static enum status open_path(const char *path, bool as_it_is, size_t window, struct text_file *file, struct diag *diag)
{
    struct byte_source *source;
    enum status status = byte_source_open(path, as_it_is, &source, diag);
    return status == SIM_OK ? open_text(source, as_it_is, window, file, diag) : status;
}

enum status text_file_open(const char *path, struct text_file *file, struct diag *diag)
{
    return open_path(path, false, SIZE_MAX / 4, file, diag);
}

enum status text_file_open_memory(const char *name, const char *text, size_t length, struct text_file *file, struct diag *diag)
{
    struct byte_source *source;
    enum status status = byte_source_open_text(name, text, length, &source, diag);
    return status == SIM_OK ? open_text(source, false, SIZE_MAX / 4, file, diag) : status;
}

enum status text_file_open_as_it_is(const char *path, struct text_file *file, struct diag *diag)
{
    return open_path(path, true, SIZE_MAX / 4, file, diag);
}

enum status text_file_open_window(const char *path, size_t window, struct text_file *file, struct diag *diag)
{
    return open_path(path, false, window, file, diag);
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
#ifdef MADV_DONTNEED
    if (to > from)
        madvise((void *)from, to - from, MADV_DONTNEED); /* NOLINT(performance-no-int-to-ptr): rounding is arithmetic */
#else
    (void)from; /* more memory than need be */
    (void)to;
#endif
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
