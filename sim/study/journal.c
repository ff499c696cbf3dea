/* journal.c - a file of whole lines that survives a kill at any byte. Start with read_back, which says what of an old file is kept,
 * and append, which is one write a line.
 */
#include "study/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fingerprint.h"
#include "base/text_file.h"
#include "sim_version.h"

/* HEX_SIZE: 16 digits of a fingerprint and the terminator, rounded up. The mode is that of any new file; umask applies. */
enum { NEW_FILE_MODE = 0666, HEX_SIZE = 24, MARK_SIZE = 32 };

static enum status failed(const struct journal *journal, const char *what, struct diag *diag)
{
    return diag_set(diag, SIM_FAILED, "%s: the journal cannot be %s: %s", journal->path, what, strerror(errno));
}

/* write() may take less than it was given (a signal, a full disk), so the rest is tried again. If that fails, the file ends with a part
 * of a line, which the next start cuts off. */
static enum status append(struct journal *journal, const char *text, size_t length, struct diag *diag)
{
    while (length > 0) {
        ssize_t wrote = write(journal->descriptor, text, length);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return failed(journal, "written", diag);
        text += wrote;
        length -= (size_t)wrote;
    }
    return SIM_OK;
}

/* --- the header ------------------------------------------------------------------------------------------------------------------- */

/* Fingerprints are text in the header: a JSON number is a double for most readers and would lose the low digits. */
static void hex(uint64_t value, char out[HEX_SIZE])
{
    snprintf(out, HEX_SIZE, "%016llx", (unsigned long long)value);
}

/* The key of the first member, which tells journals from other files and from each other. */
static void mark_of(const struct journal_identity *identity, char out[MARK_SIZE])
{
    snprintf(out, MARK_SIZE, "pagesim_%s", identity->study);
}

/* Synced before the first result is there: lines without a header that says what they belong to would be worthless. */
static enum status write_header(struct journal *journal, struct diag *diag)
{
    const struct journal_identity *identity = &journal->identity;
    struct json_text json;
    char digits[HEX_SIZE], mark[MARK_SIZE];
    mark_of(identity, mark);
    json_text_init(&json, false);
    json_open_object(&json);
    json_put_int(&json, mark, identity->version);
    json_put_string(&json, "version", SIM_VERSION);
    json_put_uint(&json, identity->counted, identity->count);
    hex(identity->trace, digits);
    json_put_string(&json, "trace", digits);
    hex(identity->plan, digits);
    json_put_string(&json, identity->study, digits);
    json_close_object(&json);
    enum status status = journal_append(journal, &json, diag);
    return status == SIM_OK ? journal_sync(journal, diag) : status;
}

static bool says(const cJSON *root, const char *key, const char *text)
{
    const cJSON *node = cJSON_GetObjectItemCaseSensitive(root, key);
    return cJSON_IsString(node) && strcmp(node->valuestring, text) == 0;
}

/* Checks go from the general to the special, so that the message names the cause: a text that is no journal, another program, another
 * trace, and only then other points. The program's version must be the same, as a new version may compute a figure differently, and one
 * table would then mix both. The parser's own message is ignored: that the file is no JSON is not what the user wants to know. */
static enum status check_header(const struct journal *journal, const char *text, size_t length, struct diag *diag)
{
    const char *path = journal->path, *remedy = journal->part ? "leave it out" : "delete it or give another --journal";
    const struct journal_identity *identity = &journal->identity;
    struct json_document document;
    char trace[HEX_SIZE], plan[HEX_SIZE], mark[MARK_SIZE];
    struct diag ignored = {0};
    uint64_t version = 0, count = 0;
    hex(identity->trace, trace);
    hex(identity->plan, plan);
    mark_of(identity, mark);
    if (json_open(path, 1, text, length, &document, &ignored) != SIM_OK)
        return diag_set(diag, SIM_BAD_INPUT, "%s: is no journal of %s; %s", path, identity->name, remedy);
    const cJSON *root = document.root, *number = cJSON_GetObjectItemCaseSensitive(root, mark),
                *counted = cJSON_GetObjectItemCaseSensitive(root, identity->counted);
    enum status status = SIM_OK;
    if (!number || !json_uint64(&document, number, &version))
        status = diag_set(diag, SIM_BAD_INPUT, "%s: is no journal of %s; %s", path, identity->name, remedy);
    else if (version != identity->version || !says(root, "version", SIM_VERSION))
        status = diag_set(diag, SIM_BAD_INPUT, "%s: the journal is of another version of pagesim; %s", path, remedy);
    else if (!says(root, "trace", trace))
        status = diag_set(diag, SIM_BAD_INPUT, "%s: the journal is of another trace; %s", path, remedy);
    else if (!says(root, identity->study, plan) || !counted || !json_uint64(&document, counted, &count) || count != identity->count)
        status =
            diag_set(diag, SIM_BAD_INPUT, "%s: the journal is of another configuration or other %s; %s", path, identity->plans, remedy);
    json_close(&document);
    return status;
}

/* --- checksums -------------------------------------------------------------------------------------------------------------------- */

/* The last member of a line; the checksum is of all bytes before it, and of the study, so that a line of another journal does not fit
 * either. */
static const char checksum_mark[] = ",\"checksum\":\"";
enum { MARK_LENGTH = sizeof checksum_mark - 1, CHECKSUM_DIGITS = 16, CHECKSUM_TAIL = MARK_LENGTH + CHECKSUM_DIGITS + 2 };

static void checksum(const struct journal_identity *identity, const char *text, size_t length, char tail[CHECKSUM_TAIL + 1])
{
    char digits[HEX_SIZE];
    hex(fingerprint_bytes(fingerprint_word(fingerprint_word(FINGERPRINT_START, identity->trace), identity->plan), text, length), digits);
    snprintf(tail, CHECKSUM_TAIL + 1, "%s%.16s\"}", checksum_mark, digits);
}

bool journal_is_whole(const struct journal_identity *identity, const char *text, size_t length)
{
    char tail[CHECKSUM_TAIL + 1];
    if (length <= CHECKSUM_TAIL)
        return false;
    checksum(identity, text, length - CHECKSUM_TAIL, tail);
    return memcmp(text + length - CHECKSUM_TAIL, tail, CHECKSUM_TAIL) == 0;
}

void journal_seal(const struct journal_identity *identity, struct json_text *line)
{
    char tail[CHECKSUM_TAIL + 1];
    if (line->failed)
        return;
    line->length--; /* the bracket, which comes again after the checksum */
    checksum(identity, line->text, line->length, tail);
    json_append(line, tail, CHECKSUM_TAIL);
}

/* --- reading it back -------------------------------------------------------------------------------------------------------------- */

/* Take all lines; *kept: bytes up to the end of the last whole one. What follows is a line that was being written when the study was
 * killed, or, after the machine went down, what the file system left of it. A whole line with a wrong checksum was changed since; nothing
 * of it is used. One with the right checksum that cannot be read is an error: the file is not what we think it is. */
static enum status read_back(struct journal *journal, const char *text, size_t length, journal_take *take, void *context, size_t *kept,
                             struct diag *diag)
{
    enum status status = SIM_OK;
    *kept = 0;
    for (size_t line = 1; status == SIM_OK && *kept < length; line++) {
        const char *start = text + *kept, *end = memchr(start, '\n', length - *kept);
        if (!end)
            break;
        if (line == 1)
            status = check_header(journal, start, (size_t)(end - start), diag);
        else if (journal_is_whole(&journal->identity, start, (size_t)(end - start)))
            status = take(context, journal->path, line, start, (size_t)(end - start), diag);
        else if (journal->changed_lines++ == 0)
            journal->first_changed = line;
        *kept = (size_t)(end - text) + 1;
    }
    return status;
}

/* Read, check, and only then cut: a file that is refused stays as it was. After the cut the next line begins where the torn one began. A
 * file without any whole line is new, or was killed in its first write, and gets a header. */
static enum status resume(struct journal *journal, journal_take *take, void *context, struct diag *diag)
{
    struct text_file file;
    char name[MARK_SIZE], mark[MARK_SIZE + 4];
    size_t kept;
    enum status status = text_file_open_as_it_is(journal->path, &file, diag);
    if (status != SIM_OK)
        return status;
    status = read_back(journal, file.text, file.length, take, context, &kept, diag);
    /* A file whose first line is something else and not even ended is not ours to cut. */
    mark_of(&journal->identity, name);
    const size_t whole = (size_t)snprintf(mark, sizeof mark, "{\"%s\"", name), compared = file.length < whole ? file.length : whole;
    if (status == SIM_OK && kept == 0 && compared > 0 && memcmp(file.text, mark, compared) != 0)
        status = diag_set(diag, SIM_BAD_INPUT, "%s: is no journal of %s; delete it or give another --journal", journal->path,
                          journal->identity.name);
    text_file_close(&file);
    if (status == SIM_OK && ftruncate(journal->descriptor, (off_t)kept) != 0)
        status = failed(journal, "cut to its last whole line", diag);
    if (status == SIM_OK && kept == 0)
        status = write_header(journal, diag);
    return status;
}

/* O_APPEND: a write goes to the end, wherever the cut left it. The lock keeps a second process with the same journal from mixing its lines
 * in; it belongs to the descriptor, so a killed process leaves none. Pipes and terminals cannot be read back or cut. */
static enum status open_file(struct journal *journal, struct diag *diag)
{
    struct stat facts;
    if (strcmp(journal->path, "-") == 0)
        return diag_set(diag, SIM_USAGE, "--journal -: must be a file that can be read back");
    journal->descriptor = open(journal->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, NEW_FILE_MODE);
    if (journal->descriptor < 0)
        return failed(journal, "opened", diag);
    if (fstat(journal->descriptor, &facts) != 0 || !S_ISREG(facts.st_mode))
        return diag_set(diag, SIM_USAGE, "--journal %s: must be a file that can be read back", journal->path);
    if (flock(journal->descriptor, LOCK_EX | LOCK_NB) != 0)
        return diag_set(diag, SIM_FAILED, "%s: the journal is in use by another process", journal->path);
    return SIM_OK;
}

/* A file that is still written is not complete, and one that was changed is not what was computed: elsewhere its results would be made
 * again, here nobody makes them. A torn last line is a result that is missing, which the caller finds. */
static enum status read_part(struct journal *journal, const struct text_file *file, journal_take *take, void *context, struct diag *diag)
{
    size_t kept;
    enum status status = read_back(journal, file->text, file->length, take, context, &kept, diag);
    if (status == SIM_OK && kept == 0)
        status = diag_set(diag, SIM_BAD_INPUT, "%s: is no journal of %s", journal->path, journal->identity.name);
    if (status == SIM_OK && journal->changed_lines > 0)
        status =
            diag_set(diag, SIM_BAD_INPUT, "%s:%zu: the line does not match its checksum; the command that made the file does its run again",
                     journal->path, journal->first_changed);
    return status;
}

enum status journal_read(const char *path, const struct journal_identity *identity, journal_take *take, void *context, struct diag *diag)
{
    struct journal journal = {.path = path, .descriptor = open(path, O_RDONLY | O_CLOEXEC), .identity = *identity, .part = true};
    struct text_file file;
    enum status status = SIM_OK;
    if (journal.descriptor >= 0 && flock(journal.descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        status = diag_set(diag, SIM_FAILED, "%s: the journal is in use by another process", path);
    if (status == SIM_OK)
        status = text_file_open_as_it_is(path, &file, diag);
    if (status == SIM_OK) {
        status = read_part(&journal, &file, take, context, diag);
        text_file_close(&file);
    }
    if (journal.descriptor >= 0)
        close(journal.descriptor);
    return status;
}

enum status journal_open(struct journal *journal, const char *path, const struct journal_identity *identity, journal_take *take,
                         void *context, struct diag *diag)
{
    *journal = (struct journal){.path = path, .descriptor = -1, .identity = *identity};
    enum status status = open_file(journal, diag);
    if (status == SIM_OK)
        status = resume(journal, take, context, diag);
    if (status != SIM_OK)
        journal_close(journal);
    return status;
}

/* --- lines ------------------------------------------------------------------------------------------------------------------------ */

enum status journal_append(struct journal *journal, struct json_text *line, struct diag *diag)
{
    enum status status = json_text_status(line, diag);
    if (status == SIM_OK) {
        line->text[line->length] = '\n'; /* where the terminator stood: one write, so that a kill never leaves half of it */
        status = append(journal, line->text, line->length + 1, diag);
    }
    json_text_deinit(line);
    return status;
}

/* fdatasync is enough: it also writes the new length of the file, and nobody needs the other attributes. */
enum status journal_sync(struct journal *journal, struct diag *diag)
{
    /* Some file systems cannot sync; then there is nothing more to be had. */
    if (fdatasync(journal->descriptor) != 0 && errno != EINVAL && errno != EROFS)
        return failed(journal, "synced", diag);
    return SIM_OK;
}

void journal_close(struct journal *journal)
{
    if (journal->path && journal->descriptor >= 0)
        close(journal->descriptor);
    *journal = (struct journal){0};
}

struct line journal_warning(const struct journal *journal, const char *done_again)
{
    struct line line = {0};
    if (journal->changed_lines > 0)
        line_put(&line,
                 "warning: %s: line %zu of the journal%s does not match its checksum; nothing of it is used and the %s is done again",
                 journal->path, journal->first_changed, journal->changed_lines > 1 ? " (and more lines)" : "", done_again);
    return line;
}
