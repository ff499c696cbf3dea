/* harness.c - files in memory and checks for fuzz targets. The folder is made at the first use and removed by atexit, also of a process that
 * libFuzzer ends; after a crash it stays, with the last files in it. */
#include "fuzz/harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The descriptor and not stderr: a target may have sent that elsewhere. */
void fuzz_fail(const char *file, int line, const char *format, ...)
{
    va_list arguments;
    dprintf(STDERR_FILENO, "%s:%d: ", file, line);
    va_start(arguments, format);
    vdprintf(STDERR_FILENO, format, arguments);
    va_end(arguments);
    dprintf(STDERR_FILENO, "\n");
    abort();
}

/* --- bytes ------------------------------------------------------------------------------------------------------------------------- */

void fuzz_line(struct fuzz_bytes *bytes, char *out, size_t size)
{
    const uint8_t *stop = bytes->left > 0 ? memchr(bytes->at, '\n', bytes->left) : NULL;
    const size_t length = stop ? (size_t)(stop - bytes->at) : bytes->left, kept = length < size - 1 ? length : size - 1;
    if (kept > 0)
        memcpy(out, bytes->at, kept);
    out[kept] = '\0';
    bytes->at += length + (stop != NULL);
    bytes->left -= length + (stop != NULL);
}

static struct fuzz_part *find_part(struct fuzz_part *parts, size_t count, const char *name, size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(parts[i].name) == length && memcmp(parts[i].name, name, length) == 0)
            return &parts[i];
    return NULL;
}

void fuzz_cut(const struct fuzz_bytes *bytes, struct fuzz_part *parts, size_t count)
{
    static const char mark[] = "== ";
    enum { MARK = sizeof mark - 1 };
    const char *at = (const char *)bytes->at, *end = at + bytes->left;
    struct fuzz_part *part = &parts[0];
    for (size_t i = 0; i < count; i++)
        parts[i].text = NULL;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at)), *next = stop ? stop + 1 : end;
        const size_t length = (size_t)((stop ? stop : end) - at);
        if (length >= MARK && memcmp(at, mark, MARK) == 0) {
            part = find_part(parts, count, at + MARK, length - MARK);
            if (part)
                *part = (struct fuzz_part){part->name, next, 0};
        } else if (part) {
            part->text = part->text ? part->text : at;
            part->length = (size_t)(next - part->text);
        }
        at = next;
    }
}

/* --- files ------------------------------------------------------------------------------------------------------------------------- */

enum { FOLDER_SIZE = 64, NAME_SIZE = 192 };
static char folder[FOLDER_SIZE];

static void remove_folder(void)
{
    DIR *entries = opendir(folder);
    for (const struct dirent *entry; entries && (entry = readdir(entries)) != NULL;)
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(entries), entry->d_name, 0);
    if (entries)
        closedir(entries);
    rmdir(folder);
}

static void make_folder(void)
{
    if (folder[0])
        return;
    snprintf(folder, sizeof folder, "%s/pagesim-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    FUZZ_CHECK(mkdtemp(folder), "no folder for files: %s", strerror(errno));
    atexit(remove_folder);
}

/* Names are literals of the targets, each with a place of its own. "." is the folder. */
const char *fuzz_path(const char *name)
{
    static char paths[FUZZ_FILES][FOLDER_SIZE + NAME_SIZE];
    static const char *names[FUZZ_FILES];
    make_folder();
    for (size_t i = 0; i < FUZZ_FILES; i++) {
        if (!names[i]) {
            names[i] = name;
            snprintf(paths[i], sizeof paths[i], "%s/%s", folder, name);
        }
        if (strcmp(names[i], name) == 0)
            return paths[i];
    }
    fuzz_fail(__FILE__, __LINE__, "more than %d names of files", FUZZ_FILES);
}

const char *fuzz_file(const char *name, const char *text, size_t length)
{
    const char *path = fuzz_path(name);
    if (!text) {
        unlink(path);
        return path;
    }
    const int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
    FUZZ_CHECK(descriptor >= 0 && write(descriptor, text, length) == (ssize_t)length, "%s: %s", path, strerror(errno));
    close(descriptor);
    return path;
}

char *fuzz_read(const char *path, size_t *length)
{
    struct stat facts;
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return NULL;
    FUZZ_CHECK(fstat(descriptor, &facts) == 0, "%s: %s", path, strerror(errno));
    *length = (size_t)facts.st_size;
    char *text = malloc(*length + 1);
    FUZZ_CHECK(text && read(descriptor, text, *length) == (ssize_t)*length, "%s: cannot be read back", path);
    text[*length] = '\0';
    close(descriptor);
    return text;
}

/* --- checks ------------------------------------------------------------------------------------------------------------------------- */

void fuzz_check_diag(enum status status, const struct diag *diag)
{
    if (getenv("FUZZ_TELL") && status != SIM_OK)
        dprintf(STDERR_FILENO, "%s\n", diag->text);
    FUZZ_CHECK(status == diag->status, "the status is %d and the diag says %d: %s", (int)status, (int)diag->status, diag->text);
    FUZZ_CHECK((status == SIM_OK) == (diag->text[0] == '\0'), "status %d with the message \"%s\"", (int)status, diag->text);
    FUZZ_CHECK(strncmp(diag->text, "internal error", strlen("internal error")) != 0, "%s", diag->text);
}

void fuzz_check_json(struct json_text *json)
{
    struct json_document document;
    struct diag diag = {0};
    FUZZ_CHECK(json_text_status(json, &diag) == SIM_OK, "%s", diag.text);
    FUZZ_CHECK(json_open("output", 1, json->text, json->length, &document, &diag) == SIM_OK, "%s\n%s", diag.text, json->text);
    json_close(&document);
    json_text_deinit(json);
}
