/* text_file.c - reading by mapping. Read map_file for the trick with the slack.
 */
#include "base/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/integers.h"

/* 1 MiB a read(): pieces so large that the system calls themselves cost nothing by comparison. */
enum { READ_STEP = 1 << 20 };

/* Pipes, terminals and files without a size, such as those of /proc: read until the end, with room for the slack. */
static enum status read_stream(const char *path, int descriptor, struct text_file *file, struct diag *diag)
{
    char *text = NULL;
    size_t length = 0, capacity = 0;
    enum status status;
    for (;;) {
        status = array_reserve(&text, &capacity, length + READ_STEP + TEXT_FILE_SLACK, 1, "the input", diag);
        if (status != SIM_OK)
            break;
        ssize_t got = read(descriptor, text + length, capacity - length - TEXT_FILE_SLACK);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            status = diag_set(diag, SIM_BAD_INPUT, "%s: cannot be read: %s", path, strerror(errno));
        /* 0 is the end; after an error the status says so. */
        if (got <= 0)
            break;
        length += (size_t)got;
    }
    if (status != SIM_OK) {
        free(text);
        return status;
    }
    memset(text + length, 0, TEXT_FILE_SLACK);
    *file = (struct text_file){.text = text, .length = length};
    return SIM_OK;
}

/* Map `length` bytes of a file with slack after them.
 *
 *     [ file ............ | rest of its last page: zeros ] [ a page of zeros, if that rest is shorter than the slack ]
 *
 * Where the extra page is needed, room for all is mapped first and the file over its beginning. Pages come in as they are touched: the
 * kernel brings sixteen at a time, which costs half of what MAP_POPULATE does. */
static const char *map_file(int descriptor, size_t length, size_t *mapped_bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t pages = ceil_div_u64(length + TEXT_FILE_SLACK, page);
    void *room = NULL;
    int fixed = 0;
    if (ceil_div_u64(length, page) != pages) {
        room = mmap(NULL, pages * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (room == MAP_FAILED)
            return NULL;
        fixed = MAP_FIXED;
    }
    void *map = mmap(room, length, PROT_READ, MAP_PRIVATE | fixed, descriptor, 0);
    if (map == MAP_FAILED) {
        if (room)
            munmap(room, pages * page);
        return NULL;
    }
    *mapped_bytes = pages * page;
    return map;
}

/* A file that cannot be mapped, for whatever reason, is read instead. */
static enum status open_descriptor(const char *path, int descriptor, struct text_file *file, struct diag *diag)
{
    struct stat facts;
    if (fstat(descriptor, &facts) != 0)
        return diag_set(diag, SIM_BAD_INPUT, "%s: cannot be read: %s", path, strerror(errno));
    if (S_ISDIR(facts.st_mode))
        return diag_set(diag, SIM_BAD_INPUT, "%s: is a directory; give a file, or - for standard input", path);
    if (!S_ISREG(facts.st_mode) || facts.st_size == 0)
        return read_stream(path, descriptor, file, diag);
    size_t mapped_bytes = 0;
    const char *map = map_file(descriptor, (size_t)facts.st_size, &mapped_bytes);
    if (!map)
        return read_stream(path, descriptor, file, diag);
    *file = (struct text_file){.text = map, .length = (size_t)facts.st_size, .mapped_bytes = mapped_bytes};
    return SIM_OK;
}

enum status text_file_open(const char *path, struct text_file *file, struct diag *diag)
{
    if (strcmp(path, "-") == 0)
        return open_descriptor("standard input", STDIN_FILENO, file, diag);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return diag_set(diag, SIM_BAD_INPUT, "%s: cannot be opened: %s", path, strerror(errno));
    enum status status = open_descriptor(path, descriptor, file, diag);
    close(descriptor);
    return status;
}

/* Mapped or read: only a mapping knows its bytes. Both were const to the reader, so the cast is here alone. */
void text_file_close(struct text_file *file)
{
    if (file->mapped_bytes)
        munmap((void *)(size_t)file->text, file->mapped_bytes);
    else
        free((void *)(size_t)file->text);
    *file = (struct text_file){0};
}
