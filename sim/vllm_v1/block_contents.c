/* block_contents.c - what a block holds, as a number: of a chain of hash ids, exact and interned, or private, made of (request, block). Equal
 * numbers mean equal prefixes. With speculation by a head a block's content covers the token after it, too (section 14): its K and V depend
 * on that. */
#include "base/array.h"
#include "vllm_v1/vllm_v1_blocks.h"

/* Whose ids name the token that ends at `end` of what `source` has. */
static uint32_t namer_of(const struct v1_blocks *blocks, uint32_t source, uint64_t end)
{
    const struct trace *trace = blocks->trace;
    return prompt_namer(trace, blocks->contents.trace_block_size, prompt_source(trace, source, end), end);
}

/* Identity of a block whose last token is named by the ids of `namer`, given the block before it in `contents`; `source` said that token
 * first. In a session its first tokens may be somebody else's: a mixed block stays private here (*content is left alone), and so does what
 * follows it in its trace block. Interning costs a hash of the spans, so it is done as rarely as the block sizes allow. If a trace block
 * holds `per` whole KV blocks, one intern a trace block names the chain, and that identity times `per` leaves the numbers between free for
 * its further blocks: block k of it is k more, and parent / per is the chain's identity again. */
static enum status named_content(struct v1_blocks *blocks, uint32_t source, uint32_t namer, uint32_t block, const uint64_t *contents,
                                 uint64_t *content, struct diag *diag)
{
    const uint32_t size = blocks->groups.hash_block_size, per = blocks->blocks_per_hash;
    const uint64_t parent = block ? contents[block - 1] : KV_CONTENT_NONE, from = (uint64_t)block * size;
    if (per == 0) /* blocks and trace blocks overlap in changing ways: every block is a key of its own */
        return prompt_contents_block(&blocks->contents, parent, source, from, from + size + blocks->tokens_after, content, diag);
    const struct trace *trace = blocks->trace;
    const bool sessions = trace->previous != NULL;
    if (sessions && namer_of(blocks, source, from + 1) != namer)
        return SIM_OK;
    if (block % per != 0) {
        if (!sessions || (parent < KV_CONTENT_PRIVATE && namer_of(blocks, source, from) == namer))
            *content = parent + 1;
        return SIM_OK;
    }
    /* Whole blocks in a trace block: only the chain of trace blocks is interned, its blocks are numbered through. */
    const struct kv_span name = {.first = trace->hash_ids[trace->hash_start[namer] + block / per], .count = 1};
    enum status status = prompt_contents_intern(&blocks->contents, parent ? parent / per : KV_CONTENT_NONE, &name, 1, content, diag);
    *content *= per;
    return status;
}

/* Extend the request's content identities to the first `needed` full blocks. Contents are a matter of tokens, which do not change while
 * a request lives, so they survive a preemption and each is worked out once. Private ones start at KV_CONTENT_PRIVATE, above all that
 * interning gives out. A block that reaches beyond the prompt holds output and belongs to this sample alone; one within the prompt, to
 * all samples of the request. In a session both may be those of the turn that said the tokens first. */
enum status v1_blocks_extend_contents(struct v1_blocks *blocks, uint32_t position, uint32_t needed, struct diag *diag)
{
    struct v1_chain *chain = &blocks->chains[position];
    if (needed <= chain->count)
        return SIM_OK;
    v1_blocks_take_spare(blocks, position);
    enum status status = array_reserve(&chain->contents, &chain->capacity, needed, sizeof *chain->contents, "block contents", diag);
    const struct trace *trace = blocks->trace;
    for (uint32_t block = chain->count; block < needed && status == SIM_OK; block++) {
        const uint64_t end = ((uint64_t)block + 1) * blocks->groups.hash_block_size + blocks->tokens_after;
        const uint32_t source = prompt_source(trace, position, end);
        const uint32_t namer = prompt_namer(trace, blocks->contents.trace_block_size, source, end);
        const uint32_t owner = end <= trace->input_tokens[source] ? prompt_owner(trace, source) : source;
        chain->contents[block] = KV_CONTENT_PRIVATE + ((uint64_t)owner << 31) + block; /* a request has fewer than 2^31 blocks */
        if (namer != UINT32_MAX)
            status = named_content(blocks, source, namer, block, chain->contents, &chain->contents[block], diag);
        chain->count += status == SIM_OK;
    }
    return status;
}
