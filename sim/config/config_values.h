/* config_values.h - keys whose value is JSON of a shape of its own: each has its functions here, which its row of key_table.c names.
 *
 *     kv_cache_groups      [{"kind":"sliding_window","window":128,"layers":12}, {"kind":"full","layers":12}]      config_layers.c
 *     speculative_config   {"method":"eagle3","num_speculative_tokens":3}                                         config_speculative.c
 *     replica_kinds        [{"count":2,"gpu":"H100-SXM"}, {"count":4,"gpu":"L40S"}]                               config_fleet.c
 *     autoscale            {"max":8,"utilization":0.7}, {"schedule":[[0,2],[3600,8]]}
 *     replica_failures     [{"at_s":60,"replica":0,"down_s":30}]
 *
 * null is the default of all of them, and a configuration of zeros has it.
 */
#ifndef PAGESIM_CONFIG_VALUES_H
#define PAGESIM_CONFIG_VALUES_H

#include <cjson/cJSON.h>

#include "config/config.h"

struct json_document;
struct json_text;

struct config_value {
    const char *wants; /* what it takes, in a sentence after "must be" */
    /* Errors name the place of what is wrong; *config is written only on success. */
    enum status (*read)(const struct json_document *document, const cJSON *node, struct config *config, struct diag *diag);
    void (*write)(const struct config *config, struct json_text *json);
    void (*copy)(const struct config *from, struct config *to);
    bool (*equal)(const struct config *a, const struct config *b);
};

extern const struct config_value config_layers, config_speculative, config_replica_kinds, config_autoscale, config_failures;

/* The member's number in `names`, a list with NULL at the end; -1 and an error with the nearest name if it is none of them. `key` is what it
 * is a member of. */
int config_member_at(const struct json_document *document, const cJSON *node, const char *key, const char *const *names, struct diag *diag);
/* A whole number of that range. */
SIM_NODISCARD enum status config_member_whole(const struct json_document *document, const cJSON *node, uint64_t least, uint64_t most,
                                              uint64_t *out, struct diag *diag);
/* A number of that range. */
SIM_NODISCARD enum status config_member_real(const struct json_document *document, const cJSON *node, double least, double most,
                                             double *out, struct diag *diag);
/* true or false. */
SIM_NODISCARD enum status config_member_flag(const struct json_document *document, const cJSON *node, bool *out, struct diag *diag);

#endif
