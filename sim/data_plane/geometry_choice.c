/* geometry_choice.c - told, kept, measured or built in, in this order (geometry_choose). */
#include "data_plane/geometry_choice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/line.h"
#include "base/text_file.h"
#include "base/text_writer.h"

enum { KEPT_MOST = 64 };
/* Smaller pools lie in the caches, where one geometry is as good as another. */
#define WORTH_IT ((size_t)32 << 20)

/* --- which machine this is ---------------------------------------------------------------------------------------------------------- */

/* What Linux says of the first processor, in words without those that separate a key's parts. Empty elsewhere. */
static void put_processor(struct line *key)
{
    static const char *const fields[] = {"vendor_id", "cpu family", "model", "stepping", "CPU implementer", "CPU variant", "CPU part"};
    char text[256];
    FILE *file = fopen("/proc/cpuinfo", "re");
    while (file && fgets(text, sizeof text, file) && text[0] != '\n') {
        const size_t name = strcspn(text, "\t:");
        const char *value = strchr(text, ':');
        for (size_t i = 0; value && i < sizeof fields / sizeof *fields; i++)
            if (strlen(fields[i]) == name && memcmp(fields[i], text, name) == 0)
                line_put(key, " %.*s", (int)strcspn(value + 1 + (value[1] == ' '), ";\t\n"), value + 1 + (value[1] == ' '));
    }
    if (file)
        fclose(file);
}

static void make_key(const struct kv_store_shape *shape, struct line *key)
{
    const uint64_t run = (uint64_t)shape->block_size * shape->head_dim * (shape->dtype == KV_STORE_FLOAT32 ? 4 : 2);
    line_put(key, "%d.%d.%d;", PAGEDKV_VERSION_MAJOR, PAGEDKV_VERSION_MINOR, PAGEDKV_VERSION_PATCH);
    put_processor(key);
    line_put(key, ";%s;%d;%ux%llu", kv_kernels_name(), (int)shape->dtype, shape->num_kv_heads, (unsigned long long)run);
}

/* --- the file --------------------------------------------------------------------------------------------------------------------- */

/* An empty variable counts as none, as the XDG specification says. With `make` the folders are made that may be missing: the last two. */
static bool kept_path(struct line *path, bool make)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    const bool own = cache && cache[0] == '/';
    if (!own && (!home || home[0] != '/'))
        return false;
    line_put(path, "%s%s", own ? cache : home, own ? "" : "/.cache");
    if (make)
        mkdir(path->text, S_IRWXU);
    line_put(path, "/pagesim");
    if (make)
        mkdir(path->text, S_IRWXU);
    line_put(path, "/geometry");
    return path->length + 1 < sizeof path->text;
}

/* Where a line of the file ends, its newline included. */
static const char *after_line(const char *at, const char *end)
{
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    return newline ? newline + 1 : end;
}

static bool is_of(const char *at, const char *next, const struct line *key)
{
    return (size_t)(next - at) > key->length && memcmp(at, key->text, key->length) == 0 && at[key->length] == '\t';
}

static bool look_up(const struct text_file *file, const struct line *key, struct kv_geometry_plan *out)
{
    const char *end = file->text + file->length;
    char text[KV_GEOMETRY_TEXT];
    for (const char *at = file->text, *next; at < end; at = next) {
        next = after_line(at, end);
        if (!is_of(at, next, key))
            continue;
        const size_t length = strcspn(at + key->length + 1, "\n");
        snprintf(text, sizeof text, "%.*s", (int)length, at + key->length + 1);
        return length < sizeof text && kv_geometry_plan_parse(text, out);
    }
    return false;
}

/* The new line goes first; of the others as many stay as are worth keeping. */
static enum status write_kept(struct text_writer *writer, const struct text_file *file, const struct line *key,
                              const struct kv_geometry_plan *plan, struct diag *diag)
{
    const char *end = file->text + file->length;
    struct line first = *key;
    char text[KV_GEOMETRY_TEXT];
    kv_geometry_plan_text(plan, text);
    line_put(&first, "\t%s\n", text);
    enum status status = text_writer_write(writer, first.text, first.length, diag);
    uint32_t kept = 1;
    for (const char *at = file->text, *next; at && at < end && kept < KEPT_MOST && status == SIM_OK; at = next) {
        next = after_line(at, end);
        if (is_of(at, next, key) || next[-1] != '\n')
            continue;
        status = text_writer_write(writer, at, (size_t)(next - at), diag);
        kept++;
    }
    return status;
}

static void keep(const struct text_file *file, const struct line *key, const struct kv_geometry_plan *plan)
{
    struct line path = {0};
    struct text_writer *writer;
    struct diag diag = {0};
    if (!kept_path(&path, true) || text_writer_open(path.text, &writer, &diag) != SIM_OK)
        return;
    if (write_kept(writer, file, key, plan, &diag) != SIM_OK || text_writer_commit(writer, &diag) != SIM_OK)
        text_writer_discard(writer);
}

static void keep_or_measure(const struct kv_store_shape *shape, struct geometry_choice *out)
{
    struct text_file file = {0};
    struct diag diag = {0};
    struct line key = {0}, path = {0};
    make_key(shape, &key);
    const bool open = kept_path(&path, false) && text_file_open_as_it_is(path.text, &file, &diag) == SIM_OK;
    out->source = "kept";
    if (!open || !look_up(&file, &key, &out->plan)) {
        out->plan = kv_geometry_measure(shape);
        out->source = "measured";
        keep(&file, &key, &out->plan);
    }
    if (open)
        text_file_close(&file);
}

enum status geometry_choose(const struct kv_store *store, const struct geometry_wish *wish, struct geometry_choice *out, struct diag *diag)
{
    *out = (struct geometry_choice){.plan = kv_geometry_default(), .source = "built in"};
    if (wish->told && !kv_geometry_plan_parse(wish->told, &out->plan))
        return diag_set(
            diag, SIM_USAGE,
            "--kernel-geometry %s: must be runs x turn + ahead, as in 8x256+32768 or 1x1024+32768s,4x256+0p: 1 to 8 runs, turns of "
            "256 to 8192 bytes in steps of 256, up to 1048576 ahead, s or p for streaming or plain stores",
            wish->told);
    if (wish->told)
        out->source = "told";
    else if (wish->measure && kv_store_bytes(store) > WORTH_IT)
        keep_or_measure(&store->shape, out);
    return SIM_OK;
}
