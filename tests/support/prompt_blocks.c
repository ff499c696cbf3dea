/* prompt_blocks.c - a block is named by all tokens up to its end, walked token by token: slow, and plain enough to be the definition. Read
 * prompt_blocks.h first. */
#include "support/prompt_blocks.h"

#include <string.h>

#include "engine/content.h"
#include "engine/prompt_contents.h"
#include "support/random.h"
#include "support/text_trace.h"
#include "support/tiny_trace.h"

static bool is_continued(const struct trace *trace, uint32_t position)
{
    return trace->next && trace->next[position] > 0 && prompt_said_before(trace, trace->next[position] - 1) > 0;
}

void prompt_blocks_of(const struct trace *trace, uint32_t width, uint32_t position, uint32_t block_size, bool partial,
                      struct prompt_blocks *out)
{
    const uint32_t input = trace->input_tokens[position];
    const uint32_t text = input + (is_continued(trace, position) ? trace->output_tokens[position] - 1 : 0);
    uint64_t link = 0;
    out->partial = 0;
    out->count = 0;
    for (uint32_t j = 0; j < text; j++) {
        link = content_link(link, content_token(trace, width, position, 0, NULL, j));
        if ((j + 1) % block_size == 0)
            out->full[out->count++] = link;
        else if (partial && j + 1 == input)
            out->partial = link;
    }
    out->of_prompt = input / block_size;
}

/* Few ids, so that prompts share beginnings, ids stand behind several parents, and prompts end inside trace blocks and beyond their ids. */
struct trace *random_hash_prompts(uint64_t *seed, uint32_t width, uint32_t count)
{
    struct tiny_request requests[RANDOM_PROMPTS_MOST];
    memset(requests, 0, sizeof requests);
    for (uint32_t i = 0; i < count; i++) {
        struct tiny_request *request = &requests[i];
        request->arrival_ns = i;
        request->hash_count = random_below(seed, 7);
        for (uint32_t k = 0; k < request->hash_count; k++)
            request->hash_ids[k] = random_below(seed, 10) < 7 ? k : random_below(seed, 4);
        uint32_t named = request->hash_count * width;
        request->input =
            random_below(seed, 3) == 0 ? named + random_below(seed, 2 * width) : named - random_below(seed, named < width ? 1 : width);
        request->input += request->input == 0;
        request->output = 1 + random_below(seed, 20);
        if (i > 0 && random_below(seed, 5) == 0)
            *request = requests[random_below(seed, i)]; /* the same prompt again, at the same length */
        request->arrival_ns = i;
    }
    return tiny_trace(requests, count);
}

struct trace *random_prompts(uint64_t *seed, uint32_t width, uint32_t count)
{
    return random_below(seed, 2) ? random_sessions(seed, count, 2 * width, true) : random_hash_prompts(seed, width, count);
}
