/* sweep_journal.c - a file of whole lines that survives a kill at any byte. Start with read_back, which says what of an old file is kept,
 * and append, which is one write a line.
 */
#include "study/sweep_journal.h"

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
enum { JOURNAL_VERSION = 3, NEW_FILE_MODE = 0666, HEX_SIZE = 24 };

static enum status failed(const struct sweep_journal *journal, const char *what, struct diag *diag)
{
    return diag_set(diag, SIM_FAILED, "%s: the journal cannot be %s: %s", journal->path, what, strerror(errno));
}

/* write() may take less than it was given (a signal, a full disk), so the rest is tried again. If that fails, the file ends with a part
 * of a line, which the next start cuts off. */
static enum status append(struct sweep_journal *journal, const char *text, size_t length, struct diag *diag)
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

/* Finish a line and append it. Ends the text. */
static enum status append_line(struct sweep_journal *journal, struct json_text *json, struct diag *diag)
{
    enum status status = json_text_status(json, diag);
    if (status == SIM_OK) {
        json->text[json->length] = '\n'; /* where the terminator stood: one write, so that a kill never leaves half of it */
        status = append(journal, json->text, json->length + 1, diag);
    }
    json_text_deinit(json);
    return status;
}

/* --- the header ------------------------------------------------------------------------------------------------------------------- */

/* Fingerprints are text in the header: a JSON number is a double for most readers and would lose the low digits. */
static void hex(uint64_t value, char out[HEX_SIZE])
{
    snprintf(out, HEX_SIZE, "%016llx", (unsigned long long)value);
}

/* Synced before the first run begins: lines without a header that says what they belong to would be worthless. */
static enum status write_header(struct sweep_journal *journal, size_t runs, struct diag *diag)
{
    struct json_text json;
    char digits[HEX_SIZE];
    json_text_init(&json, false);
    json_open_object(&json);
    json_put_int(&json, "pagesim_sweep", JOURNAL_VERSION);
    json_put_string(&json, "version", SIM_VERSION);
    json_put_uint(&json, "runs", runs);
    hex(journal->identity.trace, digits);
    json_put_string(&json, "trace", digits);
    hex(journal->identity.sweep, digits);
    json_put_string(&json, "sweep", digits);
    json_close_object(&json);
    enum status status = append_line(journal, &json, diag);
    return status == SIM_OK ? sweep_journal_sync(journal, diag) : status;
}

static bool says(const cJSON *root, const char *key, const char *text)
{
    const cJSON *node = cJSON_GetObjectItemCaseSensitive(root, key);
    return cJSON_IsString(node) && strcmp(node->valuestring, text) == 0;
}

/* Checks go from the general to the special, so that the message names the cause: a text that is no journal, another program, another
 * trace, and only then other points. The program's version must be the same, as a new version may compute a figure differently, and one
 * table would then mix both. The parser's own message is ignored: that the file is no JSON is not what the user wants to know. */
static enum status check_header(const struct sweep_journal *journal, const char *text, size_t length, size_t runs, struct diag *diag)
{
    const char *path = journal->path, *remedy = journal->part ? "leave it out" : "delete it or give another --journal";
    const struct sweep_identity *identity = &journal->identity;
    struct json_document document;
    char trace[HEX_SIZE], sweep[HEX_SIZE];
    struct diag ignored = {0};
    uint64_t version = 0, count = 0;
    hex(identity->trace, trace);
    hex(identity->sweep, sweep);
    if (json_open(path, 1, text, length, &document, &ignored) != SIM_OK)
        return diag_set(diag, SIM_BAD_INPUT, "%s: is no journal of a sweep; %s", path, remedy);
    const cJSON *root = document.root, *number = cJSON_GetObjectItemCaseSensitive(root, "pagesim_sweep"),
                *points = cJSON_GetObjectItemCaseSensitive(root, "runs");
    enum status status = SIM_OK;
    if (!number || !json_uint64(&document, number, &version))
        status = diag_set(diag, SIM_BAD_INPUT, "%s: is no journal of a sweep; %s", path, remedy);
    else if (version != JOURNAL_VERSION || !says(root, "version", SIM_VERSION))
        status = diag_set(diag, SIM_BAD_INPUT, "%s: the journal is of another version of pagesim; %s", path, remedy);
    else if (!says(root, "trace", trace))
        status = diag_set(diag, SIM_BAD_INPUT, "%s: the journal is of another trace; %s", path, remedy);
    else if (!says(root, "sweep", sweep) || !points || !json_uint64(&document, points, &count) || count != runs)
        status = diag_set(diag, SIM_BAD_INPUT, "%s: the journal is of another configuration or other points; %s", path, remedy);
    json_close(&document);
    return status;
}

/* --- checksums -------------------------------------------------------------------------------------------------------------------- */

/* The last member of a run's line; the checksum is of all bytes before it, and of the sweep, so that a line of another journal does not
 * fit either. */
static const char checksum_mark[] = ",\"checksum\":\"";
enum { MARK_LENGTH = sizeof checksum_mark - 1, CHECKSUM_DIGITS = 16, CHECKSUM_TAIL = MARK_LENGTH + CHECKSUM_DIGITS + 2 };

static void checksum(const struct sweep_identity *identity, const char *text, size_t length, char tail[CHECKSUM_TAIL + 1])
{
    char digits[HEX_SIZE];
    hex(fingerprint_bytes(fingerprint_word(fingerprint_word(FINGERPRINT_START, identity->trace), identity->sweep), text, length), digits);
    snprintf(tail, CHECKSUM_TAIL + 1, "%s%.16s\"}", checksum_mark, digits);
}

static bool is_whole(const struct sweep_identity *identity, const char *text, size_t length)
{
    char tail[CHECKSUM_TAIL + 1];
    if (length <= CHECKSUM_TAIL)
        return false;
    checksum(identity, text, length - CHECKSUM_TAIL, tail);
    return memcmp(text + length - CHECKSUM_TAIL, tail, CHECKSUM_TAIL) == 0;
}

/* --- reading it back -------------------------------------------------------------------------------------------------------------- */

/* Fill `result`; *kept: bytes up to the end of the last whole line. What follows is a line that was being written when the sweep was
 * killed, or, after the machine went down, what the file system left of it. A whole line with a wrong checksum was changed since; nothing
 * of it is used. One with the right checksum that cannot be read is an error: the file is not what we think it is. */
static enum status read_back(struct sweep_journal *journal, const char *text, size_t length, struct sweep_result *result, size_t *kept,
                             size_t *resumed, struct diag *diag)
{
    const struct sweep_identity *identity = &journal->identity;
    enum status status = SIM_OK;
    *kept = 0;
    *resumed = 0;
    for (size_t line = 1; status == SIM_OK && *kept < length; line++) {
        const char *start = text + *kept, *end = memchr(start, '\n', length - *kept);
        if (!end)
            break;
        if (line == 1)
            status = check_header(journal, start, (size_t)(end - start), result->count, diag);
        else if (is_whole(identity, start, (size_t)(end - start)))
            status = sweep_row_read(result, journal->path, line, start, (size_t)(end - start), diag);
        else if (journal->changed_lines++ == 0)
            journal->first_changed = line;
        *kept = (size_t)(end - text) + 1;
    }
    for (size_t row = 0; row < result->count; row++) /* some lines may lack figures that are wanted now */
        *resumed += result->rows[row].state != SWEEP_PENDING;
    return status;
}

/* Read, check, and only then cut: a file that is refused stays as it was. After the cut the next line begins where the torn one began. A
 * file without any whole line is new, or was killed in its first write, and gets a header. */
static enum status resume(struct sweep_journal *journal, struct sweep_result *result, size_t *resumed, struct diag *diag)
{
    struct text_file file;
    size_t kept;
    enum status status = text_file_open_as_it_is(journal->path, &file, diag);
    if (status != SIM_OK)
        return status;
    status = read_back(journal, file.text, file.length, result, &kept, resumed, diag);
    /* A file whose first line is something else and not even ended is not ours to cut. */
    static const char mark[] = "{\"pagesim_sweep\"";
    size_t compared = file.length < sizeof mark - 1 ? file.length : sizeof mark - 1;
    if (status == SIM_OK && kept == 0 && compared > 0 && memcmp(file.text, mark, compared) != 0)
        status = diag_set(diag, SIM_BAD_INPUT, "%s: is no journal of a sweep; delete it or give another --journal", journal->path);
    text_file_close(&file);
    if (status == SIM_OK && ftruncate(journal->descriptor, (off_t)kept) != 0)
        status = failed(journal, "cut to its last whole line", diag);
    if (status == SIM_OK && kept == 0)
        status = write_header(journal, result->count, diag);
    return status;
}

/* O_APPEND: a write goes to the end, wherever the cut left it. The lock keeps a second sweep with the same journal from mixing its lines
 * in; it belongs to the descriptor, so a killed process leaves none. Pipes and terminals cannot be read back or cut. */
static enum status open_file(struct sweep_journal *journal, struct diag *diag)
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

/* A file that a sweep still writes is not complete, and one that was changed is not what was computed: elsewhere its runs would be done again,
 * here nobody does them. A torn last line is a run that is missing, which the caller finds. */
static enum status read_part(struct sweep_journal *journal, const struct text_file *file, struct sweep_result *result, struct diag *diag)
{
    size_t kept, resumed;
    enum status status = read_back(journal, file->text, file->length, result, &kept, &resumed, diag);
    if (status == SIM_OK && kept == 0)
        status = diag_set(diag, SIM_BAD_INPUT, "%s: is no journal of a sweep", journal->path);
    if (status == SIM_OK && journal->changed_lines > 0)
        status =
            diag_set(diag, SIM_BAD_INPUT, "%s:%zu: the line does not match its checksum; the command that made the file does its run again",
                     journal->path, journal->first_changed);
    return status;
}

enum status sweep_journal_merge(const char *path, const struct sweep_identity *identity, struct sweep_result *result, struct diag *diag)
{
    struct sweep_journal journal = {.path = path, .descriptor = open(path, O_RDONLY | O_CLOEXEC), .identity = *identity, .part = true};
    struct text_file file;
    enum status status = SIM_OK;
    if (journal.descriptor >= 0 && flock(journal.descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        status = diag_set(diag, SIM_FAILED, "%s: the journal is in use by another process", path);
    if (status == SIM_OK)
        status = text_file_open_as_it_is(path, &file, diag);
    if (status == SIM_OK) {
        status = read_part(&journal, &file, result, diag);
        text_file_close(&file);
    }
    if (journal.descriptor >= 0)
        close(journal.descriptor);
    return status;
}

enum status sweep_journal_open(struct sweep_journal *journal, const char *path, const struct sweep_identity *identity,
                               struct sweep_result *result, size_t *resumed, struct diag *diag)
{
    *journal = (struct sweep_journal){.path = path, .descriptor = -1, .identity = *identity};
    enum status status = open_file(journal, diag);
    if (status == SIM_OK)
        status = resume(journal, result, resumed, diag);
    if (status != SIM_OK)
        sweep_journal_close(journal);
    return status;
}

/* --- lines ------------------------------------------------------------------------------------------------------------------------ */

void sweep_journal_line(const struct sweep_identity *identity, const struct sweep_result *result, size_t index, struct json_text *line)
{
    char tail[CHECKSUM_TAIL + 1];
    sweep_row_write(result, index, line);
    if (line->failed)
        return;
    line->length--; /* the bracket, which comes again after the checksum */
    checksum(identity, line->text, line->length, tail);
    json_append(line, tail, CHECKSUM_TAIL);
}

enum status sweep_journal_take(const struct sweep_identity *identity, const char *from, const char *line, size_t length,
                               struct sweep_result *result, struct diag *diag)
{
    if (!is_whole(identity, line, length))
        return diag_set(diag, SIM_BAD_INPUT, "%s: a run's line does not match its checksum", from);
    return sweep_row_read(result, from, 1, line, length, diag);
}

enum status sweep_journal_append(struct sweep_journal *journal, const struct sweep_result *result, size_t index, struct diag *diag)
{
    struct json_text json;
    json_text_init(&json, false);
    sweep_journal_line(&journal->identity, result, index, &json);
    return append_line(journal, &json, diag);
}

/* A copy, for its end: a line is one write. */
enum status sweep_journal_append_line(struct sweep_journal *journal, const char *line, size_t length, struct diag *diag)
{
    struct json_text json;
    json_text_init(&json, false);
    json_append(&json, line, length);
    return append_line(journal, &json, diag);
}

/* fdatasync is enough: it also writes the new length of the file, and nobody needs the other attributes. */
enum status sweep_journal_sync(struct sweep_journal *journal, struct diag *diag)
{
    /* Some file systems cannot sync; then there is nothing more to be had. */
    if (fdatasync(journal->descriptor) != 0 && errno != EINVAL && errno != EROFS)
        return failed(journal, "synced", diag);
    return SIM_OK;
}

void sweep_journal_close(struct sweep_journal *journal)
{
    if (journal->path && journal->descriptor >= 0)
        close(journal->descriptor);
    *journal = (struct sweep_journal){0};
}
