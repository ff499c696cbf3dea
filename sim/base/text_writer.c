/* text_writer.c - writing by renaming. Read text_writer.h first, then find_target for what a name leads to, and text_writer_commit for what
 * a crash leaves: the old file, whole.
 *
 * The buffer is our own and not stdio's: every byte that could not be written is an error of the call that wrote it.
 */
#include "base/text_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/host.h"

/* 64 KiB a write(): so much that the system calls themselves cost nothing by comparison. The mode is that of any new file; the umask cuts
 * it. As many links as Linux follows. */
enum { WRITE_BUFFER = 1 << 16, NEW_FILE_MODE = 0666, KEPT_MODE = 07777, LINKS_MOST = 40 };

struct text_writer {
    int descriptor;
    bool standard_output;
    struct host *host; /* takes standard output; NULL: the descriptor does */
    char *path;        /* as the user wrote it, for messages */
    char *temporary;   /* NULL: written in place */
    int place;         /* in `places`, from 1; 0: none */
    size_t used;
    char target[PATH_MAX]; /* what the path leads to */
    char buffer[WRITE_BUFFER];
};

/* --- what a name leads to ----------------------------------------------------------------------------------------------------------- */

/* Follow symbolic links at the end of `path`, whether there is a file at the end of them or not (realpath would want one). A relative link
 * counts from its own folder. false: errno says why. */
static bool find_target(const char *path, char target[PATH_MAX])
{
    if ((size_t)snprintf(target, PATH_MAX, "%s", path) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    for (int links = 0; links < LINKS_MOST; links++) {
        char link[PATH_MAX];
        const ssize_t length = readlink(target, link, sizeof link - 1);
        if (length < 0) /* no link, or nothing there */
            return true;
        link[length] = '\0';
        char *slash = strrchr(target, '/');
        const size_t folder = link[0] != '/' && slash ? (size_t)(slash - target) + 1 : 0;
        if (folder + (size_t)length >= PATH_MAX) {
            errno = ENAMETOOLONG;
            return false;
        }
        memcpy(target + folder, link, (size_t)length + 1);
    }
    errno = ELOOP;
    return false;
}

/* Device and number of the folder that `target` is in; *name: what is left of it. */
static bool folder_of(const char *target, struct stat *folder, const char **name)
{
    char text[PATH_MAX];
    const char *slash = strrchr(target, '/');
    *name = slash ? slash + 1 : target;
    snprintf(text, sizeof text, "%.*s", slash ? (int)(slash - target) + 1 : 1, slash ? target : ".");
    return stat(text, folder) == 0;
}

static bool same_place(const struct stat *one, const struct stat *other)
{
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

/* Files that are there are compared by their numbers, so that hard links are found, too. Devices and pipes can take more than one stream:
 * /dev/null twice is no mistake. */
bool text_writer_same_file(const char *one, const char *other)
{
    char target[2][PATH_MAX];
    const char *name[2];
    struct stat facts[2];
    const bool there[2] = {stat(one, &facts[0]) == 0, stat(other, &facts[1]) == 0};
    if (there[0] || there[1])
        return there[0] && there[1] && S_ISREG(facts[0].st_mode) && same_place(&facts[0], &facts[1]);
    if (!find_target(one, target[0]) || !find_target(other, target[1]))
        return false;
    return folder_of(target[0], &facts[0], &name[0]) && folder_of(target[1], &facts[1], &name[1]) && same_place(&facts[0], &facts[1]) &&
           strcmp(name[0], name[1]) == 0;
}

/* --- opening ------------------------------------------------------------------------------------------------------------------------ */

/* errno is that of the call that has just failed. Whoever reads a pipe may have seen enough, as `| head` has: the end comes without a
 * word. */
static enum status write_failed(const struct text_writer *writer, struct diag *diag)
{
    if (errno == EPIPE)
        return diag_set(diag, SIM_FAILED, "%s", "");
    return diag_set(diag, SIM_FAILED, "%s: cannot be written: %s", writer->standard_output ? "standard output" : writer->path,
                    strerror(errno));
}

/* Names of temporary files for a handler of signals, which cannot use what may just be freed. A writer that finds no place, which takes more
 * files than any command has, leaves its file there if the process is ended. */
enum { PLACES = 16 };
static struct {
    atomic_int taken, ready;
    char path[PATH_MAX];
} places[PLACES];

static void remember(struct text_writer *writer)
{
    for (int i = 0; i < PLACES; i++) {
        int untaken = 0;
        if (!atomic_compare_exchange_strong(&places[i].taken, &untaken, 1))
            continue;
        snprintf(places[i].path, sizeof places[i].path, "%s", writer->temporary);
        atomic_store(&places[i].ready, 1);
        writer->place = i + 1;
        return;
    }
}

static void forget(struct text_writer *writer)
{
    if (writer->place == 0)
        return;
    atomic_store(&places[writer->place - 1].ready, 0);
    atomic_store(&places[writer->place - 1].taken, 0);
    writer->place = 0;
}

void text_writer_abandon_all(void)
{
    for (int i = 0; i < PLACES; i++)
        if (atomic_load(&places[i].ready))
            unlink(places[i].path);
}

static void free_writer(struct text_writer *writer)
{
    forget(writer);
    free(writer->path);
    free(writer->temporary);
    free(writer);
}

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* The temporary file is in the target's folder, because rename works within one file system only; the process id keeps two runs apart. The
 * old file's owner is kept where we may (root can), before the mode, as a change of owner clears bits of the mode. */
static enum status open_temporary(struct text_writer *writer, const struct stat *old, struct diag *diag)
{
    if (old && access(writer->target, W_OK) != 0)
        return write_failed(writer, diag);
    const size_t room = strlen(writer->target) + sizeof ".-9223372036854775808.tmp";
    writer->temporary = malloc(room);
    if (!writer->temporary)
        return diag_no_memory(diag, room, "a file name");
    snprintf(writer->temporary, room, "%s.%ld.tmp", writer->target, (long)getpid());
    remember(writer);
    writer->descriptor = open(writer->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, NEW_FILE_MODE);
    if (writer->descriptor < 0)
        return write_failed(writer, diag);
    if (!old)
        return SIM_OK;
    const bool others = old->st_uid != geteuid() || old->st_gid != getegid();
    if ((others && fchown(writer->descriptor, old->st_uid, old->st_gid) != 0 && errno != EPERM) ||
        fchmod(writer->descriptor, old->st_mode & KEPT_MODE) != 0) {
        const enum status status = write_failed(writer, diag);
        close(writer->descriptor);
        unlink(writer->temporary);
        return status;
    }
    return SIM_OK;
}

/* /dev/stdout and /dev/fd/3 are links to files that are open already, whatever these are. Other files below /dev, as in /dev/shm, are files. */
static bool names_descriptor(const char *path)
{
    return begins_with(path, "/dev/std") || begins_with(path, "/dev/fd/");
}

/* A device or a pipe cannot be renamed over, and links below /proc lead to files that are open already: those are appended to. Standard
 * output is duplicated, so that every writer ends by closing its file. */
static enum status open_target(struct text_writer *writer, struct diag *diag)
{
    struct stat facts;
    writer->descriptor = -1;
    writer->host = writer->standard_output ? host_now() : NULL;
    if (writer->host)
        return SIM_OK;
    if (!writer->standard_output) {
        const bool there = stat(writer->path, &facts) == 0;
        bool in_place = (there && !S_ISREG(facts.st_mode)) || names_descriptor(writer->path);
        if (!in_place && !find_target(writer->path, writer->target))
            return write_failed(writer, diag);
        in_place |= begins_with(writer->target, "/proc/");
        if (!in_place)
            return open_temporary(writer, there ? &facts : NULL, diag);
    }
    writer->descriptor = writer->standard_output ? dup(STDOUT_FILENO) : open(writer->path, O_WRONLY | O_APPEND | O_CLOEXEC);
    return writer->descriptor < 0 ? write_failed(writer, diag) : SIM_OK;
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

/* --- writing ------------------------------------------------------------------------------------------------------------------------ */

/* write() may take less than it was given; the rest is tried again. */
static enum status write_all(const struct text_writer *writer, const char *text, size_t length, struct diag *diag)
{
    if (writer->host)
        return host_write(writer->host, text, length, diag);
    while (length > 0) {
        const ssize_t wrote = write(writer->descriptor, text, length);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return write_failed(writer, diag);
        text += wrote;
        length -= (size_t)wrote;
    }
    return SIM_OK;
}

static enum status flush(struct text_writer *writer, struct diag *diag)
{
    const size_t length = writer->used;
    writer->used = 0;
    return write_all(writer, writer->buffer, length, diag);
}

/* Logs are written in short pieces. What is larger than the buffer goes past it. */
enum status text_writer_write(struct text_writer *writer, const char *text, size_t length, struct diag *diag)
{
    if (length > sizeof writer->buffer - writer->used) {
        enum status status = flush(writer, diag);
        if (status != SIM_OK || length > sizeof writer->buffer)
            return status == SIM_OK ? write_all(writer, text, length, diag) : status;
    }
    memcpy(writer->buffer + writer->used, text, length);
    writer->used += length;
    return SIM_OK;
}

/* fsync before rename: otherwise a power failure could leave the new name with nothing in it. */
enum status text_writer_commit(struct text_writer *writer, struct diag *diag)
{
    enum status status = flush(writer, diag);
    if (status == SIM_OK && writer->temporary && fsync(writer->descriptor) != 0)
        status = write_failed(writer, diag);
    if (status != SIM_OK) {
        text_writer_discard(writer);
        return status;
    }
    if ((!writer->host && close(writer->descriptor) != 0) || (writer->temporary && rename(writer->temporary, writer->target) != 0)) {
        status = write_failed(writer, diag);
        if (writer->temporary)
            unlink(writer->temporary);
    }
    free_writer(writer);
    return status;
}

/* The target is as it was before, or is not there. */
void text_writer_discard(struct text_writer *writer)
{
    if (!writer)
        return;
    if (!writer->host)
        close(writer->descriptor);
    if (writer->temporary)
        unlink(writer->temporary);
    free_writer(writer);
}

/* It is renamed at commit; on a failure the target keeps its old content. */
enum status text_writer_write_file(const char *path, const char *text, size_t length, struct diag *diag)
{
    struct text_writer *writer = NULL;
    enum status status = text_writer_open(path, &writer, diag);
    if (status == SIM_OK && (status = text_writer_write(writer, text, length, diag)) == SIM_OK)
        return text_writer_commit(writer, diag);
    text_writer_discard(writer);
    return status;
}
