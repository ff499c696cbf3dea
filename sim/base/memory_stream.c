/* memory_stream.c - a cookie stream whose writes grow a text. Read memory_stream.h for why. */
#include "base/memory_stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/call_stream.h"

/* After a failure everything is taken and dropped: the text is lost, and memory_stream_close says so. */
static ssize_t append(void *cookie, const char *text, size_t length)
{
    struct memory_stream *stream = cookie;
    struct diag ignored = {0};
    stream->failed |= array_reserve(&stream->text, &stream->capacity, stream->length + length + 1, 1, "the output", &ignored) != SIM_OK;
    if (!stream->failed) {
        memcpy(stream->text + stream->length, text, length);
        stream->length += length;
    }
    return (ssize_t)length;
}

enum status memory_stream_open(struct memory_stream *stream, struct diag *diag)
{
    *stream = (struct memory_stream){0};
    stream->file = call_stream_open(append, stream);
    if (!stream->file)
        return diag_no_memory(diag, MEMORY_STREAM_BUFFER, "the output");
    setvbuf(stream->file, stream->buffer, _IOFBF, sizeof stream->buffer);
    return SIM_OK;
}

/* A print that failed on its own account (a number that needs memory) has set the stream's error. An empty text has its terminator, too. */
enum status memory_stream_close(struct memory_stream *stream, char **text, size_t *length, struct diag *diag)
{
    append(stream, "", 0);
    stream->failed |= ferror(stream->file) != 0;
    stream->failed |= fclose(stream->file) != 0;
    if (stream->failed) {
        free(stream->text);
        return diag_no_memory(diag, stream->capacity, "the output");
    }
    stream->text[stream->length] = '\0';
    *text = stream->text;
    *length = stream->length;
    return SIM_OK;
}
