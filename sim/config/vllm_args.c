/* vllm_args.c - from the words of a server's command line to keys of ours. Read vllm_args_read() at the end first, then take_option().
 *
 *     text or file  ->  words  ->  where the server's options begin  ->  each option: a key, nothing, or refused
 *                                  --config: words of YAML, taken first, so that those of the line win */
#include "config/vllm_args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/json.h"
#include "base/text_file.h"
#include "config/vllm_drafts.h"
#include "config/vllm_options.h"
#include "config/vllm_transfer.h"

static const char line_name[] = "--vllm-args";

/* The walk over one list of words. */
struct walk {
    const struct command_words *words;
    size_t at;        /* the next word */
    bool has_command; /* what comes before the options says that this is a server */
    bool has_model;   /* a word without dashes */
    struct vllm_drafts drafts;
    struct command_word of_drafts; /* the first option about them */
    struct vllm_transfer transfer;
    struct command_word of_transfer; /* the option that said it last */
    struct vllm_args *args;
};

static bool is_dashed(const char *text)
{
    return text[0] == '-' && text[1] != '\0';
}

/* --- where the server's options begin ------------------------------------------------------------------------------------------------ */

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* NAME=value, as a shell takes it in front of a command. */
static bool is_assignment(const char *text)
{
    const size_t name = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");
    return name > 0 && text[name] == '=';
}

static bool is_word(const struct command_words *words, size_t i, const char *text)
{
    return i < words->count && !words->list[i].ends && strcmp(words->list[i].text, text) == 0;
}

/* "vllm serve", a module of vLLM's, or its image (whose own command is the server). 0: the word at i begins none of them. */
static size_t launcher_words(const struct command_words *words, size_t i)
{
    const char *text = words->list[i].text;
    if (words->list[i].ends)
        return 0;
    if ((strcmp(last_part(text), "vllm") == 0 || strcmp(text, "vllm.entrypoints.cli.main") == 0) && is_word(words, i + 1, "serve"))
        return 2;
    if (strcmp(text, "vllm.entrypoints.openai.api_server") == 0 || strcmp(text, "vllm.entrypoints.api_server") == 0 ||
        strcmp(last_part(text), "api_server.py") == 0)
        return 1;
    if (!is_dashed(text) && (strstr(text, "/vllm-openai") || strcmp(text, "vllm-openai") == 0))
        return 1;
    return 0;
}

/* After an image the command may be said once more. */
static void find_options(struct walk *walk)
{
    const struct command_words *words = walk->words;
    size_t length = 0, i = 0;
    while (i < words->count && (length = launcher_words(words, i)) == 0)
        i++;
    walk->has_command = length > 0;
    if (length > 0) {
        for (i += length; i < words->count && (length = launcher_words(words, i)) > 0; i += length)
            continue;
    } else {
        for (i = 0; i < words->count && is_assignment(words->list[i].text); i++)
            continue;
    }
    walk->has_command |= is_word(words, i, "serve");
    walk->at = i + is_word(words, i, "serve");
}

/* What stands there may say that the server is another one. */
static enum status check_before(const struct walk *walk, struct diag *diag)
{
    static const char old_engine[] = "VLLM_USE_V1=0";
    for (size_t i = 0; i < walk->at; i++) {
        const struct command_word *word = &walk->words->list[i];
        const size_t length = strlen(word->text), tail = sizeof old_engine - 1;
        if (length >= tail && strcmp(word->text + length - tail, old_engine) == 0)
            return diag_at(diag, word->file, word->line, word->column,
                           "VLLM_USE_V1=0: version 0.33.0 has no other engine; for that of 0.6.2 leave it out and say --scheduler vllm-v0");
    }
    return SIM_OK;
}

/* --- one option ---------------------------------------------------------------------------------------------------------------------- */

enum { NAME_SIZE = 96 };

struct taken {
    const struct command_word *word;
    const char *shown; /* as it was typed, of `shown_bytes` */
    size_t shown_bytes;
    char name[NAME_SIZE]; /* with dashes between words, without those in front, a part after a dot, and a value */
    const char *value;    /* NULL: none */
    bool dotted;          /* --compilation-config.mode 3 */
    bool variable;        /* the value is one that a shell would put in */
    bool negated;
    struct vllm_option option;
};

static enum status refuse(const struct taken *taken, struct diag *diag, const char *what)
{
    return diag_at(diag, taken->word->file, taken->word->line, taken->word->column, "%.*s%s%s%s", (int)taken->shown_bytes, taken->shown,
                   taken->value ? " " : "", taken->value ? taken->value : "", what);
}

/* The name without its dashes, up to the first '=' or dot. vLLM takes underscores for dashes. */
static enum status take_name(const struct command_word *word, struct taken *out, struct diag *diag)
{
    const char *text = word->text + (word->text[1] == '-' ? 2 : 1);
    const size_t length = strcspn(text, "=."), whole = strcspn(text, "=");
    *out = (struct taken){.word = word,
                          .shown = word->text,
                          .shown_bytes = strcspn(word->text, "="),
                          .dotted = length < whole,
                          .value = text[whole] == '=' ? text + whole + 1 : NULL};
    out->variable = word->variable && out->value;
    snprintf(out->name, sizeof out->name, "%.*s", (int)(length < sizeof out->name ? length : sizeof out->name - 1), text);
    for (char *c = out->name; *c; c++)
        *c = *c == '_' ? '-' : *c;
    if (vllm_option_find(out->name, &out->option, &out->negated))
        return SIM_OK;
    const char *near = vllm_option_nearest(out->name);
    return diag_at(diag, word->file, word->line, word->column, "vllm serve has no option %.200s%s%s%s", word->text,
                   near ? "; did you mean --" : "", near ? near : "", near ? "?" : "");
}

/* The words that belong to it. A value may begin with a dash if it is a number. */
static enum status take_value(struct walk *walk, struct taken *taken, struct diag *diag)
{
    const struct command_words *words = walk->words;
    const struct command_word *next = walk->at < words->count ? &words->list[walk->at] : NULL;
    const bool there = next && !next->ends && (!is_dashed(next->text) || (next->text[1] >= '0' && next->text[1] <= '9'));
    const enum vllm_values values = taken->dotted ? VLLM_MAYBE : taken->option.values;
    if (taken->value || values == VLLM_SWITCH)
        return SIM_OK;
    if (!there)
        return values == VLLM_MAYBE ? SIM_OK : refuse(taken, diag, " needs a value");
    taken->value = next->text;
    taken->variable = next->variable;
    walk->at++;
    while (values == VLLM_MANY && walk->at < words->count && !words->list[walk->at].ends && !words->list[walk->at].first &&
           !is_dashed(words->list[walk->at].text))
        walk->at++;
    return SIM_OK;
}

/* Each option once, in a list that people read. */
static void put_name(struct line *line, const char *name)
{
    const size_t length = strlen(name);
    for (const char *at = line->text; (at = strstr(at, name)) != NULL; at += length)
        if ((at == line->text || at[-1] == ' ') && (at[length] == '\0' || at[length] == ','))
            return;
    line_put(line, "%s%s", line->length ? ", " : "", name);
}

static enum status not_modelled(const struct taken *taken, struct diag *diag)
{
    char what[256];
    snprintf(what, sizeof what, " is not modelled here%s%s", taken->option.why ? ": " : " yet", taken->option.why ? taken->option.why : "");
    return refuse(taken, diag, what);
}

/* The value is read by the key's own row, here, where its place is known. */
static enum status take_key(struct vllm_args *args, struct taken *taken, struct diag *diag)
{
    const struct config_key *key = vllm_option_key(&taken->option);
    struct config probe = {0};
    char wrong[512], what[544];
    if (!key)
        return not_modelled(taken, diag);
    if (taken->dotted)
        return refuse(taken, diag, ": this option has no parts");
    if (taken->variable)
        return refuse(taken, diag, ": a shell would put a value here; write the value itself");
    if (strcmp(key->name, "max_model_len") == 0 && (strcmp(taken->value, "auto") == 0 || strcmp(taken->value, "-1") == 0))
        return refuse(taken, diag, ": the longest that fits is not worked out here; the report tells the pool's room in tokens");
    if (key->type == KEY_BOOL && !taken->value)
        taken->value = taken->negated ? "false" : "true";
    if (taken->option.takes && !vllm_option_takes(taken->option.takes, taken->value)) {
        snprintf(what, sizeof what, ": vLLM knows %s", taken->option.takes);
        return refuse(taken, diag, what);
    }
    if (!config_key_parse(key, taken->value, &probe)) {
        config_key_wrong(key, taken->value, wrong, sizeof wrong);
        snprintf(what, sizeof what, ": %s", wrong);
        return refuse(taken, diag, what);
    }
    const struct config_option option = {.name = key->name, .value = taken->value, .of_vllm = true};
    return array_append(&args->options, &args->count, &args->capacity, &option, sizeof option, "a command line", diag);
}

/* Kept until all of them are there. */
static enum status take_drafts(struct walk *walk, const struct taken *taken, struct diag *diag)
{
    const char *dot = taken->dotted ? strchr(taken->shown, '.') + 1 : NULL;
    const size_t part_bytes = dot ? (size_t)(taken->shown + taken->shown_bytes - dot) : 0;
    if (!taken->value)
        return refuse(taken, diag, " needs a value");
    if (taken->variable)
        return refuse(taken, diag, ": a shell would put a value here; write the value itself");
    if (!walk->of_drafts.text)
        walk->of_drafts = *taken->word;
    if (!vllm_drafts_add(&walk->drafts, taken->option.name, dot, part_bytes, taken->value))
        return refuse(taken, diag, ": this option has no such part");
    return SIM_OK;
}

/* The object is one more word, and it is told at the place of the first that speaks of it. */
static enum status end_drafts(struct walk *walk, struct command_words *words, struct diag *diag)
{
    static const char name[] = "speculative-config";
    struct taken taken = {.word = &walk->of_drafts, .shown = "--speculative-config", .shown_bytes = 2 + sizeof name - 1};
    struct command_word word = walk->of_drafts;
    struct json_text json;
    if (!word.text)
        return SIM_OK;
    json_text_init(&json, false);
    vllm_drafts_write(&walk->drafts, &json);
    word.text = json.text;
    enum status status = json_text_status(&json, diag);
    if (status == SIM_OK)
        status = command_words_add(words, &word, json.length, diag);
    json_text_deinit(&json);
    if (status != SIM_OK)
        return status;
    taken.value = words->list[words->count - 1].text;
    (void)vllm_option_find(name, &taken.option, &taken.negated);
    return take_key(walk->args, &taken, diag);
}

/* An object of which one key is made; the last one holds. */
static enum status take_transfer(struct walk *walk, const struct taken *taken, struct diag *diag)
{
    char why[512];
    if (taken->variable)
        return refuse(taken, diag, ": a shell would put a value here; write the value itself");
    if (!vllm_transfer_read(taken->value, &walk->transfer, why, sizeof why))
        return refuse(taken, diag, why);
    walk->of_transfer = *taken->word;
    return SIM_OK;
}

/* The value is one more word, as others are that stand in the line. */
static enum status end_transfer(struct walk *walk, struct command_words *words, struct diag *diag)
{
    struct command_word word = walk->of_transfer;
    if (!walk->transfer.key)
        return SIM_OK;
    word.text = walk->transfer.value;
    enum status status = command_words_add(words, &word, strlen(word.text), diag);
    if (status != SIM_OK)
        return status;
    const struct config_option option = {.name = walk->transfer.key, .value = words->list[words->count - 1].text, .of_vllm = true};
    return array_append(&walk->args->options, &walk->args->count, &walk->args->capacity, &option, sizeof option, "a command line", diag);
}

/* The word at walk->at begins an option. */
static enum status take_option(struct walk *walk, struct diag *diag)
{
    struct taken taken;
    enum status status = take_name(&walk->words->list[walk->at], &taken, diag);
    if (status != SIM_OK)
        return status;
    walk->at++;
    if (taken.word->skipped) {
        put_name(&walk->args->unread, taken.name);
        return SIM_OK;
    }
    status = take_value(walk, &taken, diag);
    if (status != SIM_OK)
        return status;
    if (vllm_drafts_option(taken.option.name))
        return take_drafts(walk, &taken, diag);
    if (taken.option.effect == VLLM_KEY)
        return take_key(walk->args, &taken, diag);
    const bool changes_nothing = taken.negated || (taken.value && vllm_option_takes(taken.option.takes, taken.value));
    if (strcmp(taken.option.name, "kv-transfer-config") == 0 && !taken.dotted && !changes_nothing)
        return take_transfer(walk, &taken, diag);
    if (taken.option.effect == VLLM_NOT_MODELLED && !changes_nothing)
        return not_modelled(&taken, diag);
    put_name(&walk->args->idle, taken.option.name);
    return SIM_OK;
}

/* --- all of them --------------------------------------------------------------------------------------------------------------------- */

/* `vllm serve MODEL`. */
static enum status take_model(struct walk *walk, struct diag *diag)
{
    static const struct vllm_option model = {.name = "model", .values = VLLM_ONE};
    const struct command_word *word = &walk->words->list[walk->at++];
    if (walk->has_model)
        return diag_at(diag, word->file, word->line, word->column, "\"%.200s\" is neither an option nor the value of one", word->text);
    struct taken taken = {.word = word,
                          .shown = "model",
                          .shown_bytes = 5,
                          .name = "model",
                          .value = word->text,
                          .variable = word->variable,
                          .option = model};
    walk->has_model = true;
    return take_key(walk->args, &taken, diag);
}

/* "--config FILE" or "--config=FILE": how many words it is, 0: another option. */
static size_t config_words(const struct command_words *words, size_t i, const char **path)
{
    const char *text = words->list[i].text;
    if (strncmp(text, "--config=", 9) == 0)
        return *path = text + 9, 1;
    if (strcmp(text, "--config") != 0 || i + 1 == words->count || words->list[i + 1].ends)
        return 0;
    return *path = words->list[i + 1].text, 2;
}

/* A command ends at a sign of the shell's or, where it is known to be one, before a line that is not of options. */
static bool is_over(const struct walk *walk, size_t first)
{
    const struct command_word *word = &walk->words->list[walk->at];
    return word->ends || (walk->has_command && walk->at > first && word->first && !is_dashed(word->text));
}

static enum status take_words(struct walk *walk, struct command_words *words, struct diag *diag)
{
    enum status status = SIM_OK;
    for (const size_t first = walk->at; status == SIM_OK && walk->at < words->count && !is_over(walk, first);) {
        const char *path, *text = walk->words->list[walk->at].text;
        const size_t config = config_words(walk->words, walk->at, &path);
        if (config > 0)
            walk->at += config;
        else if (strcmp(text, "--") == 0)
            walk->at++;
        else
            status = is_dashed(text) ? take_option(walk, diag) : take_model(walk, diag);
    }
    if (status == SIM_OK)
        status = end_drafts(walk, words, diag);
    return status == SIM_OK ? end_transfer(walk, words, diag) : status;
}

/* --- files --------------------------------------------------------------------------------------------------------------------------- */

static bool ends_in(const char *text, const char *tail)
{
    const size_t length = strlen(text), wanted = strlen(tail);
    return length > wanted && strcmp(text + length - wanted, tail) == 0;
}

static bool is_yaml(const char *path)
{
    return ends_in(path, ".yaml") || ends_in(path, ".yml");
}

static bool is_there(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 && !S_ISDIR(facts.st_mode);
}

/* A line has blanks or begins with dashes; a name that ends like a file's is one, and if it is missing that is told. */
static bool names_file(const char *text)
{
    const bool one_word = text[strcspn(text, " \t\n")] == '\0' && text[0] != '-' && text[0] != '\0';
    return one_word && (is_there(text) || is_yaml(text) || ends_in(text, ".sh") || ends_in(text, ".txt"));
}

static enum status read_words(const char *path, struct command_words *out, struct diag *diag)
{
    struct text_file file = {0};
    enum status status = text_file_open(path, &file, diag);
    if (status != SIM_OK)
        return status;
    status = (is_yaml(path) ? command_words_yaml : command_words_split)(path, file.text, file.length, out, diag);
    text_file_close(&file);
    return status;
}

/* Next to the file that names it, or where the command is typed, which is where the server would look. */
static void resolve(const char *source, const char *path, char *out, size_t size)
{
    const char *slash = strrchr(source, '/');
    snprintf(out, size, "%.*s%s", slash && path[0] != '/' ? (int)(slash - source + 1) : 0, source, path);
    if (!is_there(out))
        snprintf(out, size, "%s", path);
}

/* Of several the last one counts, as for vLLM. */
static enum status take_yaml(const struct walk *line, struct vllm_args *args, struct diag *diag)
{
    const char *path = NULL;
    char resolved[2 * CONFIG_PATH_SIZE];
    for (size_t i = line->at; i < line->words->count; i++)
        config_words(line->words, i, &path);
    if (!path)
        return SIM_OK;
    if (!is_yaml(path))
        return diag_set(diag, SIM_BAD_INPUT, "%s: --config %s: vLLM reads YAML alone; the name must end in .yaml or .yml",
                        line->words->names[0], path);
    resolve(line->words->names[0], path, resolved, sizeof resolved);
    struct walk walk = {.words = &args->words[0], .args = args};
    enum status status = read_words(resolved, &args->words[0], diag);
    return status == SIM_OK ? take_words(&walk, &args->words[0], diag) : status;
}

enum status vllm_args_read(const char *text, struct vllm_args *out, struct diag *diag)
{
    *out = (struct vllm_args){0};
    if (strcmp(text, "-") == 0)
        return diag_set(diag, SIM_USAGE, "--vllm-args cannot be read from standard input; give the line or a file");
    struct walk walk = {.words = &out->words[1], .args = out};
    enum status status = names_file(text) ? read_words(text, &out->words[1], diag)
                                          : command_words_split(line_name, text, strlen(text), &out->words[1], diag);
    if (status != SIM_OK)
        return status;
    find_options(&walk);
    status = check_before(&walk, diag);
    if (status == SIM_OK)
        status = take_yaml(&walk, out, diag);
    return status == SIM_OK ? take_words(&walk, &out->words[1], diag) : status;
}

void vllm_args_close(struct vllm_args *args)
{
    for (size_t i = 0; i < sizeof args->words / sizeof *args->words; i++)
        command_words_deinit(&args->words[i]);
    free(args->options);
    *args = (struct vllm_args){0};
}
