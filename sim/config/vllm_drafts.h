/* vllm_drafts.h - the options of a server about speculative decoding: one object, as a whole or member by member.
 *
 *     --speculative-config '{"method": "eagle3", "num_speculative_tokens": 3}'        -sc for short
 *     --speculative-config.method eagle3 --speculative-config.num_speculative_tokens 3
 *     --spec-method eagle3 --spec-tokens 3 --spec-model some/head
 *
 * Of several whole ones the last holds, and members with dots are a whole one after them; --spec-... adds to what there is.
 */
#ifndef PAGESIM_VLLM_DRAFTS_H
#define PAGESIM_VLLM_DRAFTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_text;

enum { VLLM_DRAFT_MEMBERS = 32, VLLM_DRAFT_NAME = 64 };

struct vllm_drafts {
    const char *whole; /* the text of the object; NULL: none */
    bool dotted;
    struct {
        char name[VLLM_DRAFT_NAME];
        const char *value;
    } members[VLLM_DRAFT_MEMBERS];
    uint32_t count;
};

/* Is it one of these options? `name` has no dashes in front and no part. */
bool vllm_drafts_option(const char *name);

/* Add one. `part`: what follows the dot, of `part_bytes`; NULL: none. Texts are kept as pointers. false: no room, or no name of a member. */
bool vllm_drafts_add(struct vllm_drafts *drafts, const char *name, const char *part, size_t part_bytes, const char *value);

/* The object that vLLM makes of all of them. */
void vllm_drafts_write(const struct vllm_drafts *drafts, struct json_text *json);

#endif
