/* vllm_options.h - the options of `vllm serve` 0.33.0, and some of older versions that are still in use: what each means here.
 *
 * An option that is a key of ours is read and checked by that key's row in key_table.c: a key that has vLLM's name needs only its name here.
 * Options without effect on scheduling and on the size of the pool are known by name, so that a misspelt one is noticed. What has an
 * effect that is not modelled says which.
 */
#ifndef PAGESIM_VLLM_OPTIONS_H
#define PAGESIM_VLLM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config_keys.h"

enum vllm_effect { VLLM_KEY, VLLM_NO_EFFECT, VLLM_NOT_MODELLED };
enum vllm_values { VLLM_SWITCH, VLLM_ONE, VLLM_MAYBE, VLLM_MANY };

struct vllm_option {
    const char *name; /* without dashes in front, with dashes between words */
    enum vllm_effect effect;
    enum vllm_values values;
    const char
        *takes;      /* KEY: vLLM's names, where it knows fewer than the key; NOT_MODELLED: values that change nothing. "a|b"; NULL: none */
    const char *why; /* NOT_MODELLED: what it would do */
};

/* By its name with dashes; *negated: it was "no-..." of a switch. Short forms ("tp", "O3") and other spellings are found, too. NULL: vLLM
 * has no such option. */
bool vllm_option_find(const char *name, struct vllm_option *out, bool *negated);
/* The name that is nearest to a wrong one, or NULL. */
const char *vllm_option_nearest(const char *name);
/* The i-th option that may be a key of ours, in the order in which a command line has them; false after the last. */
bool vllm_option_key_at(size_t i, struct vllm_option *out);

/* The key that such an option is; NULL: this program has no such key. */
const struct config_key *vllm_option_key(const struct vllm_option *option);
/* Is the text one of "a|b|c"? */
bool vllm_option_takes(const char *names, const char *text);

#endif
