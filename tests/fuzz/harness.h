/* harness.h - what fuzz targets share: bytes as decisions, files that exist for one input, and the check that makes a finding of a wrong
 * result.
 *
 * A target is one file with LLVMFuzzerTestOneInput. `make fuzz` links it with libFuzzer, `make test` with replay_inputs.c, which gives it
 * the kept inputs one by one. A target frees all that it asks for, since a leak is a finding, and bounds the work that an input may ask for
 * itself: the product must not refuse long work only because it bores a fuzzer.
 */
#ifndef FUZZ_HARNESS_H
#define FUZZ_HARNESS_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/json.h"
#include "trace/trace.h"

/* The entry, whose name libFuzzer knows. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Say what is wrong and abort, which keeps the input. A status that a caller may not pass over is checked with it, too. */
#define FUZZ_CHECK(condition, ...) ((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, __VA_ARGS__))
_Noreturn void fuzz_fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* --- bytes as decisions ------------------------------------------------------------------------------------------------------------ */

/* What is left of the input. At its end every byte is 0, so decisions go on with the simplest ones. */
struct fuzz_bytes {
    const uint8_t *at;
    size_t left;
};

static inline uint32_t fuzz_byte(struct fuzz_bytes *bytes)
{
    if (bytes->left == 0)
        return 0;
    bytes->left--;
    return *bytes->at++;
}

/* 0 .. bound-1; two bytes where one does not reach. */
static inline uint32_t fuzz_below(struct fuzz_bytes *bytes, uint32_t bound)
{
    uint32_t value = fuzz_byte(bytes);
    if (bound > UINT8_MAX + 1)
        value = value << 8 | fuzz_byte(bytes);
    return value % bound;
}

/* The next line without its end, as a string; "" at the end. Cut to `size`; zeros in it end it. */
void fuzz_line(struct fuzz_bytes *bytes, char *out, size_t size);

/* --- inputs of several files ------------------------------------------------------------------------------------------------------- */

/* Text between lines "== NAME", of which the first may be missing: then what comes before belongs to parts[0]. A part that is named twice is
 * its last text; an unknown name's text is dropped. */
struct fuzz_part {
    const char *name;
    const char *text; /* NULL: not there */
    size_t length;
};
void fuzz_cut(const struct fuzz_bytes *bytes, struct fuzz_part *parts, size_t count);

/* --- files ------------------------------------------------------------------------------------------------------------------------- */

/* Path of the file NAME in a folder in memory that is this process's own and goes with it. Good until the next NULL-free call with the same
 * name; there are at most FUZZ_FILES names. */
enum { FUZZ_FILES = 16 };
const char *fuzz_path(const char *name);
/* The same, after the file got this text. NULL: it is removed. */
const char *fuzz_file(const char *name, const char *text, size_t length);
/* The whole file with a zero after it, for the caller to free; NULL: it is not there. */
char *fuzz_read(const char *path, size_t *length);

/* --- what several targets check ---------------------------------------------------------------------------------------------------- */

/* A failed call says why in one line, and a good one says nothing. With FUZZ_TELL in the environment it is shown, to see how far inputs get. */
void fuzz_check_diag(enum status status, const struct diag *diag);

/* Finished JSON text must be JSON. Ends it. */
void fuzz_check_json(struct json_text *json);

#endif
