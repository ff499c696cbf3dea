/* pages.h - memory in pages of 2 MiB: a gather jumps from block to block, and with pages of 4 KiB most jumps would miss the TLB. Internal. */
#ifndef KV_PAGES_H
#define KV_PAGES_H

#include <stddef.h>

#include "pagedkv.h"

/* Zeroed memory of at least *bytes, aligned to 2 MiB; *bytes becomes what is mapped. NULL: the system gives none. Nothing is touched, so
 * a large mapping that is used a little costs little. */
unsigned char *kv_pages_map(size_t *bytes, enum kv_pages *kind);
/* NULL is fine. */
void kv_pages_unmap(unsigned char *memory, size_t bytes);
/* How much of the mapping lies in large pages now; 0 where the system does not tell. */
size_t kv_pages_large(const unsigned char *memory, size_t bytes);

#endif
