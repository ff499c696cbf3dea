/* config_keys.h - the one table of configuration keys. File reader, command-line options, --help, `config show` and all error messages come
 * from it, so a new key is a member of struct config and one row.
 */
#ifndef PAGESIM_CONFIG_KEYS_H
#define PAGESIM_CONFIG_KEYS_H

#include <stddef.h>

#include "config/config_values.h"
#include "policy/policy.h"

/* KEY_JSON: a value that is neither a number nor a text; its row says who reads and writes it. */
enum key_type { KEY_BOOL, KEY_UINT32, KEY_UINT64, KEY_INT64, KEY_DOUBLE, KEY_CHOICE, KEY_NAME, KEY_PATH, KEY_TEXT, KEY_JSON };

/* Which engines know a key: the other accepts it with its default only. */
enum key_engines { KEY_BOTH, KEY_V1_ONLY, KEY_V0_ONLY };

/* Which object of the file it stands in. */
enum key_group { KEY_TOP, KEY_STEP_TIME, KEY_KV, KEY_GROUPS };

struct config_key {
    const char *name; /* in the file; nested ones without their group */
    enum key_group group;
    enum key_type type;
    enum key_engines engines;
    unsigned models; /* KEY_STEP_TIME: bit `enum step_time_kind` is set for each model that reads the key */
    size_t offset;   /* in struct config */
    size_t path;     /* KEY_BOOL: where the path is that may be given instead of true; 0: none may */
    union {          /* numbers: inclusive range */
        struct {
            uint64_t least, most;
        } whole;
        struct {
            double least, most;
        } real; /* KEY_DOUBLE */
    } range;
    const struct config_value *value; /* KEY_JSON */
    bool nullable;                    /* KEY_INT64: null is a value, too; -1 in memory */
    double defaults[2];               /* of V1 and V0: numbers, switches, values of the enum; below the range: none */
    const char *default_name;         /* of both: KEY_NAME, KEY_PATH, KEY_TEXT */
    const char *default_note;         /* what --help says of a default that depends on other keys; NULL: it says the default */
    const char *const *choices;       /* KEY_CHOICE: names in order of the enum's values, NULL at the end. KEY_NAME: the known names */
    const char *metavar;              /* for --help */
    const char *help;                 /* one line */
    const char *alias;                /* a second option spelling, or NULL */
    const char *const *readers;       /* the policies that read it, NULL at the end; NULL: everything does */
    bool (*heeded)(const struct config *config); /* has it an effect in this configuration? NULL: yes */
    enum policy_kind policies;                   /* KEY_NAME without choices: they are the names of the known policies of this kind */
};

extern const struct config_key config_keys[];
extern const size_t config_key_count;
extern const char *const config_group_names[KEY_GROUPS]; /* "", "step_time", "kv" */

/* The defaults of an engine, from the table. Those that depend on other keys (V0's max_num_batched_tokens) are 0 until config_check
 * resolves them. */
void config_defaults(enum scheduler_kind scheduler, struct config *config);

/* Resolve dependent defaults and refuse what vLLM refuses. `where` names the source for messages ("configuration" or a file). */
SIM_NODISCARD enum status config_check(struct config *config, const char *where, struct diag *diag);

/* The option's spelling: block_size -> block-size, step_time.base_ns -> step-time-base-ns. */
void config_option_name(const struct config_key *key, char *out, size_t size);

/* The key with this option spelling (or alias, or file spelling "step_time.base_ns"), or NULL. *negated: it was "no-...". */
const struct config_key *config_find_option(const char *name, bool *negated);

/* The i-th name that a KEY_CHOICE or KEY_NAME may have; NULL after the last, and for other types. */
const char *config_key_choice(const struct config_key *key, uint32_t i);

/* Read a value from text. false: it does not fit; config_key_wants says what would. */
bool config_key_parse(const struct config_key *key, const char *text, struct config *config);
/* The number that this text is as a value of the key: 2k is 2000. NaN: the key holds no numbers, or the text does not fit. */
double config_key_number(const struct config_key *key, const char *text);
/* What is wrong with a text that config_key_parse did not take: "must be WANTS", or what stands wrong in JSON. */
void config_key_wrong(const struct config_key *key, const char *text, char *out, size_t size);
/* "an integer from 1 to 4294967294", "\"fcfs\" or \"priority\"", ... */
void config_key_wants(const struct config_key *key, char *out, size_t size);
/* Does it hold what no file and no option can say, that is: was it not given and has no default? */
bool config_key_absent(const struct config_key *key, const struct config *config);
/* Did a file, an option or config_set say it, if only its default? */
bool config_key_given(const struct config_key *key, const struct config *config);
/* The same by the key's spelling in the file ("step_time.base_ns"). */
bool config_gives(const struct config *config, const char *name);
/* Did the file say it, and no option after that? */
bool config_file_gives(const struct config *config, const char *name);
/* The value of `from`, as if nobody had given it. */
void config_key_copy(const struct config_key *key, const struct config *from, struct config *to);
/* Same value in both? */
bool config_key_equal(const struct config_key *key, const struct config *a, const struct config *b);

/* Has it an effect, with this engine and this step-time model, and a value? What has not is not written. */
bool config_key_matters(const struct config_key *key, const struct config *config);
/* Is it one of those that say what servers there are, how they share requests, and what they cost (struct fleet_config)? */
bool config_key_of_fleet(const struct config_key *key);
/* The value as text that config_key_parse reads back; CONFIG_TEXT_SIZE bytes are enough for any. */
void config_key_text(const struct config_key *key, const struct config *config, char *out, size_t size);

struct json_document;
struct json_text;
/* Read a KEY_JSON from a file, whose place errors name. */
SIM_NODISCARD enum status config_key_read(const struct config_key *key, const struct json_document *document, const cJSON *node,
                                          struct config *config, struct diag *diag);
/* Write the effective configuration as a JSON object that config_load reads back to the same. */
void config_write(const struct config *config, struct json_text *json);
/* One key's value as JSON. */
void config_key_write(const struct config_key *key, const struct config *config, struct json_text *json);

#endif
