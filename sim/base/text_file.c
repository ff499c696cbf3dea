/* text_file.c - reading by mapping, writing by renaming. Read map_file for the trick with the slack, and text_writer_commit for what a
 * crash leaves: the old file, whole.
 */
#include "base/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/integers.h"

/* 1 MiB a read() and 64 KiB a write(): pieces so large that the system calls themselves cost nothing by comparison. The mode is that of any
 * new file; the umask cuts it. */
enum { READ_STEP = 1 << 20, WRITE_BUFFER = 1 << 16, NEW_FILE_MODE = 0666 };

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
