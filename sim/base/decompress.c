/* decompress.c - libarchive asks for packed bytes by a callback and is asked for text. Read unpacker_read first.
 *
 * libarchive could take gzip and tar in one go; here each is a layer of its own, so that the checksum of gzip is taken over all that it
 * holds (gzip_check.h) and an error tells which of them is wrong. */
#include "base/decompress.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/archive_library.h"
#include "base/array.h"
#include "base/gzip_check.h"

/* A step of packed bytes. Names of files in a message: some, not thousands. */
enum { PACKED_STEP = 1 << 16, NAMES_SIZE = 400, TAR_MAGIC_AT = 257 };

struct unpacker {
    const char *name, *kind;
    const struct archive_library *library;
    struct archive *archive;
    byte_read *from;
    void *self;
    struct diag *diag;              /* of the call that is going on: the callback has no other way to it */
    bool tar, started, ended, last; /* last: libarchive has said that no other file comes */
    struct gzip_check *gzip;        /* NULL for other kinds */
    uint32_t files;                 /* of a tar, so far */
    char names[NAMES_SIZE];
    char packed[PACKED_STEP];
};

static const struct {
    const char *kind, *magic;
    size_t length;
    int filter; /* its name at libarchive */
} kinds[] = {{"gzip", "\x1f\x8b\x08", 3, ARCHIVE_FILTER_GZIP},
             {"bzip2", "BZh", 3, ARCHIVE_FILTER_BZIP2},
             {"xz", "\xfd\x37zXZ\0", 6, ARCHIVE_FILTER_XZ},
             {"zstd", "\x28\xb5\x2f\xfd", 4, ARCHIVE_FILTER_ZSTD}};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* A tar's magic is in the middle of printable fields that are padded with zeros, which no text has. */
const char *packed_kind(const char *head, size_t length)
{
    for (size_t i = 0; i < KINDS; i++)
        if (length >= kinds[i].length && memcmp(head, kinds[i].magic, kinds[i].length) == 0)
            return kinds[i].kind;
    const bool tar = length >= PACKED_HEAD && memcmp(head + TAR_MAGIC_AT, "ustar", 5) == 0 && memchr(head, '\0', TAR_MAGIC_AT);
    return tar ? "tar" : NULL;
}

/* libarchive's wish for packed bytes. An error of the layer below is told by that layer; libarchive only stops. */
static la_ssize_t feed(struct archive *archive, void *self, const void **bytes)
{
    struct unpacker *unpacker = self;
    size_t got = 0;
    if (unpacker->from(unpacker->self, unpacker->packed, sizeof unpacker->packed, &got, unpacker->diag) != SIM_OK) {
        unpacker->library->archive_set_error(archive, EIO, "cannot be read");
        return ARCHIVE_FATAL;
    }
    if (unpacker->gzip && got > 0)
        gzip_check_compressed(unpacker->gzip, unpacker->packed, got);
    *bytes = unpacker->packed;
    return (la_ssize_t)got;
}

/* The raw format takes whatever comes out of the filter as one file. The filter is named, not looked for: libarchive, left to itself, puts
 * filters on top of each other as long as the text looks packed, and the checksum of gzip would be taken over the innermost text. */
static int choose(struct unpacker *unpacker)
{
    const struct archive_library *library = unpacker->library;
    struct archive *archive = unpacker->archive;
    if (unpacker->tar)
        return library->archive_read_support_format_tar(archive);
    const int formats = library->archive_read_support_format_raw(archive) | library->archive_read_support_format_empty(archive);
    for (size_t i = 0; i < KINDS; i++)
        if (strcmp(unpacker->kind, kinds[i].kind) == 0)
            return formats | library->archive_read_append_filter(archive, kinds[i].filter);
    return ARCHIVE_FATAL;
}

enum status unpacker_open(const char *name, const char *kind, byte_read *from, void *self, struct unpacker **out, struct diag *diag)
{
    const struct archive_library *library;
    struct unpacker *unpacker;
    enum status status = archive_library_get(&library, diag);
    if (status == SIM_OK)
        status = array_zeroed(&unpacker, 1, sizeof *unpacker, "a compressed file", diag);
    if (status != SIM_OK)
        return status;
    unpacker->name = name;
    unpacker->kind = kind;
    unpacker->library = library;
    unpacker->from = from;
    unpacker->self = self;
    unpacker->tar = strcmp(kind, "tar") == 0;
    unpacker->archive = library->archive_read_new();
    if (!unpacker->archive)
        status = diag_no_memory(diag, sizeof *unpacker, "a compressed file");
    if (status == SIM_OK && strcmp(kind, "gzip") == 0)
        status = array_zeroed(&unpacker->gzip, 1, sizeof *unpacker->gzip, "a compressed file", diag);
    if (unpacker->gzip)
        gzip_check_init(unpacker->gzip);
    /* ARCHIVE_WARN would mean that an external program is run: this libarchive was built without the format. */
    if (status == SIM_OK && choose(unpacker) != ARCHIVE_OK)
        status = diag_set(diag, SIM_FAILED, "%s: is compressed by %s, which the libarchive of this machine does not read", name, kind);
    if (status != SIM_OK) {
        unpacker_close(unpacker);
        return status;
    }
    *out = unpacker;
    return SIM_OK;
}

/* Whatever libarchive found wrong, unless the layer below has told. */
static enum status damaged(const struct unpacker *unpacker)
{
    const struct archive_library *library = unpacker->library;
    const char *what = library->archive_error_string(unpacker->archive);
    if (library->archive_errno(unpacker->archive) == ENOMEM)
        return diag_no_memory(unpacker->diag, PACKED_STEP, "a compressed file");
    return diag_set(unpacker->diag, SIM_BAD_INPUT, "%s: the %s file is damaged or cut short (%s); compress or copy it again",
                    unpacker->name, unpacker->kind, what ? what : "no reason is given");
}

/* Remember the name of a file in a tar, for the message about too many. */
static void add_name(struct unpacker *unpacker, const char *name)
{
    const size_t used = strlen(unpacker->names), left = sizeof unpacker->names - used;
    const char *comma = used ? ", " : "";
    if (++unpacker->files > 0 && strlen(comma) + strlen(name) + sizeof ", ..." < left)
        snprintf(unpacker->names + used, left, "%s%s", comma, name);
    else if (used < 4 || strcmp(unpacker->names + used - 3, "...") != 0)
        snprintf(unpacker->names + used, left, "%s...", comma);
}

/* Go to the next regular file of a tar, or to its end. macOS puts a shadow ._name of resources beside a file; nobody means that one. */
static enum status next_file(struct unpacker *unpacker, bool *found)
{
    const struct archive_library *library = unpacker->library;
    struct archive_entry *entry;
    int result;
    while ((result = library->archive_read_next_header(unpacker->archive, &entry)) == ARCHIVE_OK || result == ARCHIVE_WARN) {
        const char *path = library->archive_entry_pathname(entry);
        const char *slash = path ? strrchr(path, '/') : NULL, *base = slash ? slash + 1 : path;
        if (unpacker->tar && (library->archive_entry_filetype(entry) != AE_IFREG || (base && strncmp(base, "._", 2) == 0)))
            continue;
        add_name(unpacker, path ? path : "a file without a name");
        *found = true;
        return SIM_OK;
    }
    *found = false;
    unpacker->last = true;
    return result == ARCHIVE_EOF ? SIM_OK : damaged(unpacker);
}

/* The first file is what is read. At its end the others are listed. */
static enum status finish_tar(struct unpacker *unpacker)
{
    bool found;
    enum status status = SIM_OK;
    while (!unpacker->last && status == SIM_OK)
        status = next_file(unpacker, &found);
    if (status == SIM_OK && unpacker->files != 1)
        status = diag_set(unpacker->diag, SIM_BAD_INPUT, "%s: %u files are in the tar%s%s; there should be one", unpacker->name,
                          unpacker->files, unpacker->files ? ": " : "", unpacker->names);
    return status;
}

static enum status finish(struct unpacker *unpacker)
{
    unpacker->ended = true;
    if (unpacker->tar)
        return finish_tar(unpacker);
    if (unpacker->gzip && !gzip_check_passes(unpacker->gzip))
        return diag_set(
            unpacker->diag, SIM_BAD_INPUT,
            "%s: the gzip file is damaged (length and checksum at its end are not those of its text); compress or copy it again",
            unpacker->name);
    return SIM_OK;
}

/* Opening reads the first packed bytes, so it belongs to the first call: it can fail in the same ways. */
static enum status start(struct unpacker *unpacker)
{
    const struct archive_library *library = unpacker->library;
    bool found;
    unpacker->started = true;
    /* What a filter stumbles over in its first bytes leaves an archive that looks empty, at times with a reason. */
    if (library->archive_read_open(unpacker->archive, unpacker, NULL, feed, NULL) != ARCHIVE_OK ||
        library->archive_errno(unpacker->archive) != 0)
        return damaged(unpacker);
    enum status status = next_file(unpacker, &found);
    if (status == SIM_OK && !found && unpacker->tar)
        return finish(unpacker);
    if (status == SIM_OK && !found)
        status = diag_set(unpacker->diag, SIM_BAD_INPUT, "%s: the %s file is empty inside, damaged or cut short; compress or copy it again",
                          unpacker->name, unpacker->kind);
    return status;
}

enum status unpacker_read(void *self, char *to, size_t room, size_t *got, struct diag *diag)
{
    struct unpacker *unpacker = self;
    size_t filled = 0;
    unpacker->diag = diag;
    enum status status = unpacker->started ? SIM_OK : start(unpacker);
    while (status == SIM_OK && !unpacker->ended && filled < room) {
        const la_ssize_t part = unpacker->library->archive_read_data(unpacker->archive, to + filled, room - filled);
        if (part < 0) {
            status = damaged(unpacker);
        } else if (part == 0) {
            status = finish(unpacker);
        } else {
            if (unpacker->gzip)
                gzip_check_text(unpacker->gzip, to + filled, (size_t)part);
            filled += (size_t)part;
        }
    }
    unpacker->diag = NULL;
    *got = filled;
    return status;
}

void unpacker_close(struct unpacker *unpacker)
{
    if (!unpacker)
        return;
    if (unpacker->archive)
        unpacker->library->archive_read_free(unpacker->archive);
    free(unpacker->gzip);
    free(unpacker);
}
