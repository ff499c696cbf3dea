/* prompt_blocks.h - prompts block by block, as the definitions of hit curves speak of them, and random traces whose prompts share beginnings. */
#ifndef PROMPT_BLOCKS_H
#define PROMPT_BLOCKS_H

#include "trace/trace.h"

enum { PROMPT_BLOCKS_MOST = 4096 };

/* Identities of the full blocks of the prompt and of the answer that a later turn begins with: of all tokens up to each block's end. */
struct prompt_blocks {
    uint64_t full[PROMPT_BLOCKS_MOST], partial; /* partial: the prompt's last block; 0: it is full, or partial ones do not count */
    size_t of_prompt, count;
};

/* `width`: tokens of a hash id. `partial`: the partial last block counts. */
void prompt_blocks_of(const struct trace *trace, uint32_t width, uint32_t position, uint32_t block_size, bool partial,
                      struct prompt_blocks *out);

enum { RANDOM_PROMPTS_MOST = 32 };
/* Few ids, so that prompts share beginnings. At most RANDOM_PROMPTS_MOST requests. */
struct trace *random_hash_prompts(uint64_t *seed, uint32_t width, uint32_t count);
/* Such ones, or sessions. */
struct trace *random_prompts(uint64_t *seed, uint32_t width, uint32_t count);

#endif
