/* content.c - the hash chain over tokens that content.h describes. Two links are equal by chance only among some 2^32 tokens, so equal
 * links are taken for equal prefixes. */
#include "engine/content.h"

#include "engine/prompt_contents.h"

/* The finaliser of splitmix64 (Steele, Lea, Flood 2014): a bijection of 64 bits that scatters neighbours. */
static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Tokens from different sources must not meet by chance. Without a tag, token 3 of hash id 5 would be token 3 of the unnamed prompt of
 * request 5. */
enum { TAG_NAMED = 1, TAG_PROMPT = 2, TAG_OUTPUT = 3 };

/* Three rounds instead of one over a combination: any packing of tag, a and b into 64 bits would lose some, and a sum is the same for
 * (a, b) and (b, a). */
static uint64_t identity(uint64_t tag, uint64_t a, uint64_t b)
{
    return mix(mix(mix(tag) + a) + b);
}

uint64_t content_output_token(uint32_t position, uint32_t sample, uint32_t o)
{
    return identity(TAG_OUTPUT, position, (uint64_t)sample << 32 | o);
}

/* Prompt tokens without a hash id go by the owner of the prompt: the samples of one request have one prompt and share its blocks, so
 * their links have to agree. Output tokens are the sample's own unless a lineage says which sample made them first: a forked beam has
 * its parent's past. What an earlier turn said first is that turn's. */
uint64_t content_token(const struct trace *trace, uint32_t trace_block_tokens, uint32_t position, uint32_t sample, const uint64_t *lineage,
                       uint32_t j)
{
    const uint32_t source = prompt_source(trace, position, (uint64_t)j + 1);
    const uint32_t namer = prompt_namer(trace, trace_block_tokens, source, (uint64_t)j + 1);
    if (namer != UINT32_MAX)
        return identity(TAG_NAMED, trace->hash_ids[trace->hash_start[namer] + j / trace_block_tokens], j % trace_block_tokens);
    if (j < trace->input_tokens[source])
        return identity(TAG_PROMPT, prompt_owner(trace, source), j);
    const uint32_t o = j - trace->input_tokens[source];
    if (source != position)
        return content_output_token(source, 0, o);
    return lineage ? lineage[o] : content_output_token(position, sample, o);
}

/* The multiplier is odd (2^64 over the golden ratio), so it loses nothing; with it link and token play different parts in the sum. `| 1`
 * keeps every link apart from 0, which stands for the empty prefix. */
uint64_t content_link(uint64_t previous, uint64_t token)
{
    return mix(previous * UINT64_C(0x9E3779B97F4A7C15) + token) | 1;
}
