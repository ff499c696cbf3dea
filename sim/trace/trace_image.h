/* trace_image.h - a trace as one piece of memory, which several processes can map: what is read once is there once, whoever replays it.
 *
 *     +--------------+------------+--------------+-----+----------------+
 *     | struct trace | arrival_ns | input_tokens | ... | name of format |     each array at a multiple of 64 bytes
 *     +--------------+------------+--------------+-----+----------------+
 *
 * Pointers mean nothing in another process, so the image has offsets in their place (0: NULL). Both sides must be the same program.
 */
#ifndef PAGESIM_TRACE_IMAGE_H
#define PAGESIM_TRACE_IMAGE_H

#include "trace/trace.h"

/* Bytes that the image of a trace takes. */
size_t trace_image_size(const struct trace *trace);
/* Write it to `image`, which has so many bytes and begins at a multiple of 64. */
void trace_image_write(const struct trace *trace, char *image);
/* A trace whose arrays are those of the image, which must outlive it and is never written. trace_destroy ends it. */
SIM_NODISCARD enum status trace_image_open(const char *image, struct trace **out, struct diag *diag);

#endif
