/* sweep_keys.h - the configuration keys that a sweep varies, and the values that they are given.
 *
 * Values are kept as text and applied as options after the command's own, so that a point means what the same options would mean.
 */
#ifndef PAGESIM_SWEEP_KEYS_H
#define PAGESIM_SWEEP_KEYS_H

#include <stdint.h>

#include "config/config.h"
#include "config/config_keys.h"

enum { SWEEP_POINTS_MOST = 1000000, SWEEP_KEYS_MOST = 128, SWEEP_KEY_NAME_SIZE = 96 };

#define SWEEP_NO_VALUE      UINT32_MAX /* in place of a value's index: nothing is said of that key */
#define SWEEP_LARGEST_WHOLE 0x1p53     /* ranges count in doubles */

struct sweep_keys {
    const struct config_key *list[SWEEP_KEYS_MOST]; /* in order of appearance */
    uint32_t count;
    char **values; /* all texts, owned; of which key each is, the plan's cells know */
    size_t value_count, value_capacity;
};

void sweep_keys_deinit(struct sweep_keys *keys);

/* The key's spelling in files: "step_time.base_ns". `size` >= SWEEP_KEY_NAME_SIZE. */
void sweep_key_name(const struct config_key *key, char *out, size_t size);

/* `what` names the option, or the line of a file, in messages. All are SIM_USAGE when they refuse. */

/* The key of that name; the nearest is named when there is none. */
SIM_NODISCARD enum status sweep_key_find(const char *name, const char *what, const struct config_key **out, struct diag *diag);
/* Which of the varied keys it is; keys->count: none. */
uint32_t sweep_keys_index(const struct sweep_keys *keys, const struct config_key *key);
/* The same of the seed. */
uint32_t sweep_keys_seed(const struct sweep_keys *keys);
/* One more varied key; none twice. */
SIM_NODISCARD enum status sweep_keys_add(struct sweep_keys *keys, const struct config_key *key, const char *what, uint32_t *index,
                                         struct diag *diag);
/* One more value, which must fit the key. */
SIM_NODISCARD enum status sweep_keys_add_value(struct sweep_keys *keys, const struct config_key *key, const char *text, size_t length,
                                               const char *what, struct diag *diag);
/* The values of "a,b,c" or "from:to:step" (inclusive; step 1 when left out; "*k" multiplies). */
SIM_NODISCARD enum status sweep_keys_parse_values(struct sweep_keys *keys, const struct config_key *key, const char *text, const char *what,
                                                  struct diag *diag);

#endif
