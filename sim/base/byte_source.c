/* byte_source.c - a descriptor, or a text in memory, with unpackers on top of it. Read byte_source_open first. */
#include "base/byte_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/host.h"

/* tar in gzip needs two; more than that is a file that unpacks into itself. */
enum { MOST_LAYERS = 4 };

/* Whoever gives bytes, and those that have been looked at and not yet been taken. */
struct layer {
    byte_read *read;
    void *self;
    char head[PACKED_HEAD];
    size_t head_length, head_taken;
};

struct byte_source {
    const char *name;
    int descriptor;
    bool own;         /* the descriptor is ours to close */
    off_t size;       /* of a regular file when it was opened, of a text; 0: not known */
    const char *text; /* what is to be read of a text in memory */
    size_t left;
    uint32_t layers; /* in use; layer 0 reads the descriptor or the text, the others are unpackers */
    struct layer layer[MOST_LAYERS];
};

/* The end came; was it where it should be? Files of /sys say a page and give less, but do not change their mind. */
static enum status check_size(const struct byte_source *source, struct diag *diag)
{
    struct stat facts;
    if (source->size > 0 && fstat(source->descriptor, &facts) == 0 && facts.st_size < source->size)
        return diag_set(diag, SIM_BAD_INPUT,
                        "%s: became shorter while it was read, %lld bytes of %lld are left; read it when it is complete", source->name,
                        (long long)facts.st_size, (long long)source->size);
    return SIM_OK;
}

/* Until the room is full or the end has come: pipes give what they have, which may be little. */
static enum status read_descriptor(void *self, char *to, size_t room, size_t *got, struct diag *diag)
{
    const struct byte_source *source = self;
    size_t filled = 0;
    while (filled < room) {
        const ssize_t part = read(source->descriptor, to + filled, room - filled);
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return diag_at(diag, source->name, 0, 0, "cannot be read: %s", strerror(errno));
        if (part == 0)
            break;
        filled += (size_t)part;
    }
    *got = filled;
    return filled < room ? check_size(source, diag) : SIM_OK;
}

static enum status read_text(void *self, char *to, size_t room, size_t *got, struct diag *diag)
{
    struct byte_source *source = self;
    (void)diag;
    *got = room < source->left ? room : source->left;
    memcpy(to, source->text, *got);
    source->text += *got;
    source->left -= *got;
    return SIM_OK;
}

/* What was looked at comes first. */
static enum status read_layer(void *self, char *to, size_t room, size_t *got, struct diag *diag)
{
    struct layer *layer = self;
    const size_t left = layer->head_length - layer->head_taken, first = left < room ? left : room;
    size_t rest = 0;
    memcpy(to, layer->head + layer->head_taken, first);
    layer->head_taken += first;
    /* A head shorter than its room was the whole. */
    const bool more = first < room && layer->head_length == sizeof layer->head;
    enum status status = more ? layer->read(layer->self, to + first, room - first, &rest, diag) : SIM_OK;
    *got = first + rest;
    return status;
}

/* Look at the first bytes of the top layer, and as long as they are packed put an unpacker on top. */
static enum status add_layers(struct byte_source *source, bool as_it_is, struct diag *diag)
{
    for (;;) {
        struct layer *top = &source->layer[source->layers - 1];
        enum status status = top->read(top->self, top->head, sizeof top->head, &top->head_length, diag);
        const char *kind = status == SIM_OK && !as_it_is ? packed_kind(top->head, top->head_length) : NULL;
        if (!kind)
            return status;
        if (source->layers == MOST_LAYERS)
            return diag_set(diag, SIM_BAD_INPUT, "%s: is compressed more than %d times; unpack it first", source->name, MOST_LAYERS - 1);
        struct unpacker *unpacker;
        status = unpacker_open(source->name, kind, read_layer, top, &unpacker, diag);
        if (status != SIM_OK)
            return status;
        source->layer[source->layers++] = (struct layer){.read = unpacker_read, .self = unpacker};
    }
}

static enum status open_descriptor(struct byte_source *source, const char *path, struct diag *diag)
{
    struct stat facts;
    source->descriptor = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    source->own = source->descriptor >= 0 && strcmp(path, "-") != 0;
    if (source->descriptor < 0)
        return diag_at(diag, source->name, 0, 0, "cannot be opened: %s", strerror(errno));
    if (fstat(source->descriptor, &facts) != 0)
        return diag_at(diag, source->name, 0, 0, "cannot be read: %s", strerror(errno));
    if (S_ISDIR(facts.st_mode))
        return diag_set(diag, SIM_BAD_INPUT, "%s: is a directory; give a file, or - for standard input", source->name);
    source->size = S_ISREG(facts.st_mode) ? facts.st_size : 0;
    return SIM_OK;
}

/* `file`: a text in place of the file; NULL: none. */
static enum status open_source(const char *path, const struct host_file *file, bool as_it_is, struct byte_source **out, struct diag *diag)
{
    struct byte_source *source;
    enum status status = array_zeroed(&source, 1, sizeof *source, "a file", diag);
    if (status != SIM_OK)
        return status;
    source->name = strcmp(path, "-") == 0 ? "standard input" : path;
    source->layer[0] = (struct layer){.read = file ? read_text : read_descriptor, .self = source};
    source->layers = 1;
    if (file) {
        source->text = file->text;
        source->left = file->length;
        source->size = (off_t)file->length;
    } else {
        status = open_descriptor(source, path, diag);
    }
    if (status == SIM_OK)
        status = add_layers(source, as_it_is, diag);
    if (status != SIM_OK) {
        byte_source_close(source);
        return status;
    }
    *out = source;
    return SIM_OK;
}

enum status byte_source_open(const char *path, bool as_it_is, struct byte_source **out, struct diag *diag)
{
    return open_source(path, host_file_find(path), as_it_is, out, diag);
}

enum status byte_source_open_text(const char *name, const char *text, size_t length, struct byte_source **out, struct diag *diag)
{
    return open_source(name, &(struct host_file){.name = name, .text = text, .length = length}, false, out, diag);
}

enum status byte_source_read(void *self, char *to, size_t room, size_t *got, struct diag *diag)
{
    struct byte_source *source = self;
    return read_layer(&source->layer[source->layers - 1], to, room, got, diag);
}

size_t byte_source_size(const struct byte_source *source)
{
    return source->layers == 1 ? (size_t)source->size : 0;
}

void byte_source_close(struct byte_source *source)
{
    if (!source)
        return;
    while (source->layers > 1)
        unpacker_close(source->layer[--source->layers].self);
    if (source->own)
        close(source->descriptor);
    free(source);
}
