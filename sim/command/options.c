/* options.c - parses command lines, writes them out again for reports, and prints help pages. Read options.h first, then parse_long().
 *
 * Options of the configuration are not interpreted here: they are kept as text, and config_load() reads them after the file, with the same
 * checks and messages as keys of the file.
 *
 * Three kinds of words end up in three lists: the command's own options, options that are keys of the configuration, and positional
 * arguments. Each list keeps the order of the command line, since of repeated keys the last one wins and of other options that may be repeated all count, and since the report
 * writes the command line out again. */
#include "command/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/command_words.h"
#include "base/json.h"
#include "base/line.h"
#include "base/memory_stream.h"
#include "base/nearest_name.h"
#include "config/config_keys.h"

/* 80 columns, as everything that the program prints; texts of options start in column 36, after which most names fit. */
enum { HELP_COLUMN = 36, HELP_WIDTH = 80 };

static const struct option_spec *find_own(const struct command *command, const char *name)
{
    for (size_t i = 0; i < command->option_count; i++)
        if (strcmp(command->options[i].name, name) == 0)
            return &command->options[i];
    return NULL;
}

/* Proposes the nearest name, of the command's own options and of the configuration's keys alike. Spellings of keys are made here, with
 * dashes for underscores. They may be static: the program reads one command line and ends after this message. */
static enum status unknown_option(const struct command *command, const char *name, struct diag *diag)
{
    static char spellings[128][96];
    const char *names[256];
    size_t count = 0;
    for (size_t i = 0; i < command->option_count; i++)
        names[count++] = command->options[i].name;
    for (size_t i = 0; command->takes_config && i < config_key_count; i++) {
        config_option_name(&config_keys[i], spellings[i], sizeof spellings[i]);
        names[count++] = spellings[i];
    }
    const char *near = nearest_name(name, names, count);
    if (near)
        return diag_set(diag, SIM_USAGE, "unknown option --%s; did you mean --%s?", name, near);
    return diag_set(diag, SIM_USAGE, "unknown option --%s; --help lists the options", name);
}

/* Finds out what an option is and whether it takes a value. *mine is NULL for a key of the configuration. A command's own option wins over
 * a key of the same name. A switch is an own option without a metavar, or a key of type bool. Bool keys have a --no- form, which
 * config_find_option() knows. */
static enum status classify(const struct command *command, const char *name, const struct option_spec **mine, bool *wants_value,
                            struct diag *diag)
{
    bool negated;
    *mine = find_own(command, name);
    const struct config_key *key = !*mine && command->takes_config ? config_find_option(name, &negated) : NULL;
    if (!*mine && !key)
        return unknown_option(command, name, diag);
    *wants_value = *mine ? (*mine)->metavar != NULL : key->type != KEY_BOOL;
    return SIM_OK;
}

/* Strings are borrowed from argv and never copied; argv lives as long as the program. */
static enum status keep(struct config_option *list, uint32_t *count, const char *name, const char *value, struct diag *diag)
{
    if (*count == OPTIONS_MOST)
        return diag_set(diag, SIM_USAGE, "more than %d options; put settings into a configuration file", OPTIONS_MOST);
    list[(*count)++] = (struct config_option){.name = name, .value = value};
    return SIM_OK;
}

/* "jsonl or azure" */
static struct line joined_names(const struct option_spec *spec)
{
    struct line line = {0};
    const char *name, *meaning;
    for (uint32_t i = 0; spec->name_at && (name = spec->name_at(i, &meaning)) != NULL; i++)
        line_put(&line, "%s%s", i == 0 ? "" : spec->name_at(i + 1, &meaning) ? ", " : " or ", name);
    return line;
}

/* Names come from the part that knows them (readers of traces, for instance), so a new reader needs no change here. */
static enum status check_name(const struct option_spec *spec, const char *value, struct diag *diag)
{
    const char *name, *meaning;
    for (uint32_t i = 0; (name = spec->name_at(i, &meaning)) != NULL; i++)
        if (strcmp(name, value) == 0)
            return SIM_OK;
    return diag_set(diag, SIM_USAGE, "--%s %s: must be %s", spec->name, value, joined_names(spec).text);
}

/* "-" alone is a value, standard input or output; anything longer that starts with a dash is an option. */
static bool is_option(const char *text)
{
    return text[0] == '-' && text[1] != '\0';
}

/* An option of the command says one thing, and of two the first would be dropped without a word. Keys of the configuration are another matter:
 * there the last one wins, over the file and over options before it (command.c tells of it). */
static enum status refuse_twice(const struct options *options, const struct option_spec *spec, const char *value, struct diag *diag)
{
    const bool one = spec->metavar && (spec->values == OPTION_ONE || spec->values == OPTION_OPTIONAL);
    for (uint32_t i = 0; one && i < options->own_count; i++) {
        const struct config_option *before = &options->own[i];
        if (strcmp(before->name, spec->name) != 0 || (value && before->value && strcmp(before->value, value) == 0))
            continue;
        return diag_set(diag, SIM_USAGE, "--%s is given twice: %s and %s; give one of them", spec->name, before->value ? before->value : "",
                        value ? value : "");
    }
    return SIM_OK;
}

/* An own option whose name is one letter may have one dash: -n 10. */
static bool is_short(const struct command *command, const char *text)
{
    return is_option(text) && text[2] == '\0' && find_own(command, text + 1) != NULL;
}

/* argv[0] is the option with its dashes, `left` arguments follow it, and *used_following counts those that were its values. A value that is
 * required may start with a dash, as a negative number does; an optional one or one of many may not, or it would swallow the next option.
 * `--name=value` is cut in place, which leaves the name as a string of its own in argv. An OPTION_OPTIONAL without a value keeps NULL, and
 * options_has() still finds it. */
static enum status parse_long(const struct command *command, char **argv, int left, int *used_following, struct options *out,
                              struct diag *diag)
{
    char *text = argv[0] + (argv[0][1] == '-' ? 2 : 1), *equals = strchr(text, '=');
    const struct option_spec *mine = NULL;
    bool wants_value = false;
    if (equals)
        *equals = '\0';
    enum status status = classify(command, text, &mine, &wants_value, diag);
    if (status != SIM_OK)
        return status;
    const char *value = equals ? equals + 1 : NULL;
    /* A switch of the configuration may have one: config_load() takes --enable-prefix-caching=false. */
    if (!wants_value && value && mine)
        return diag_set(diag, SIM_USAGE, "--%s takes no value", text);
    const bool may_do_without = mine && mine->values == OPTION_OPTIONAL && (left == 0 || is_option(argv[1]));
    if (wants_value && !value && !may_do_without) {
        if (left == 0)
            return diag_set(diag, SIM_USAGE, "--%s needs a value", text);
        value = argv[++*used_following];
    }
    if (!mine)
        return keep(out->config, &out->config_count, text, value, diag);
    status = mine->name_at && value ? check_name(mine, value, diag) : SIM_OK;
    if (status == SIM_OK)
        status = refuse_twice(out, mine, value, diag);
    if (status == SIM_OK)
        status = keep(out->own, &out->own_count, text, value, diag);
    const bool words = mine->values == OPTION_WORDS;
    while (status == SIM_OK && (words || mine->values == OPTION_MANY) && *used_following < left && !is_option(argv[*used_following + 1])) {
        status = keep(out->own, &out->own_count, text, argv[++*used_following], diag);
        out->own[out->own_count - 1].further = words;
    }
    return status;
}

/* --help ends the parsing at once, so that it also works on a command line that has an error after it. A single dash is positional: some
 * commands take "-" as a file. */
enum status options_parse(const struct command *command, int argc, char **argv, struct options *out, struct diag *diag)
{
    *out = (struct options){.command = command};
    bool options_ended = false;
    for (int i = 1; i < argc; i++) {
        int used_following = 0;
        enum status status = SIM_OK;
        if (!options_ended && strcmp(argv[i], "--") == 0) {
            options_ended = true;
        } else if (!options_ended && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
            out->help = true;
            return SIM_OK;
        } else if (!options_ended && (strncmp(argv[i], "--", 2) == 0 || is_short(command, argv[i]))) {
            status = parse_long(command, argv + i, argc - 1 - i, &used_following, out, diag);
        } else if (!options_ended && is_option(argv[i])) {
            status = diag_set(diag, SIM_USAGE, "unknown option %s; options start with two dashes", argv[i]);
        } else if (out->positional_count == OPTIONS_MOST) {
            status = diag_set(diag, SIM_USAGE, "more than %d arguments", OPTIONS_MOST);
        } else {
            out->positional[out->positional_count++] = argv[i];
        }
        if (status != SIM_OK)
            return status;
        i += used_following;
    }
    return SIM_OK;
}

static const struct config_option *last_own(const struct options *options, const char *name)
{
    for (uint32_t i = options->own_count; i-- > 0;)
        if (strcmp(options->own[i].name, name) == 0)
            return &options->own[i];
    return NULL;
}

const char *options_value(const struct options *options, const char *name)
{
    const struct config_option *option = last_own(options, name);
    return option ? option->value : NULL;
}

bool options_has(const struct options *options, const char *name)
{
    return last_own(options, name) != NULL;
}

/* `next` is an index into the list of all own options, not into those of one name, which makes each walk O(n) in all. */
const char *options_next(const struct options *options, const char *name, uint32_t *next)
{
    while (*next < options->own_count) {
        const struct config_option *option = &options->own[(*next)++];
        if (strcmp(option->name, name) == 0 && !option->further)
            return option->value;
    }
    return NULL;
}

/* They stand directly behind the value. */
const char *options_next_word(const struct options *options, uint32_t *next)
{
    return *next < options->own_count && options->own[*next].further ? options->own[(*next)++].value : NULL;
}

/* `otherwise` is returned on an error as well, so a caller always goes on with a number in range. */
uint64_t options_uint(const struct options *options, const char *name, uint64_t least, uint64_t most, uint64_t otherwise, struct diag *diag)
{
    const char *text = options_value(options, name);
    char *end;
    if (!text)
        return otherwise;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    /* strtoull takes signs and leading spaces, and turns -1 into the largest number. */
    if (*text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && value >= least && value <= most)
        return value;
    diag_set(diag, SIM_USAGE, "--%s %s: must be an integer from %llu to %llu", name, text, (unsigned long long)least,
             (unsigned long long)most);
    return otherwise;
}

/* NaN fails both comparisons and is refused with them; infinity is refused by `most`. */
double options_double(const struct options *options, const char *name, double least, double most, double otherwise, struct diag *diag)
{
    const char *text = options_value(options, name);
    char *end;
    if (!text)
        return otherwise;
    double value = strtod(text, &end);
    if (end != text && *end == '\0' && value >= least && value <= most)
        return value;
    diag_set(diag, SIM_USAGE, "--%s %s: must be a number from %g to %g", name, text, least, most);
    return otherwise;
}

double options_percent(const struct options *options, const char *name, double least, double most, const char *wants, double otherwise,
                       struct diag *diag)
{
    enum { PERCENT = 100 };
    const char *text = options_value(options, name);
    char *end;
    if (!text)
        return otherwise;
    const double percent = strtod(text, &end);
    if (end != text && percent >= least && percent <= most && (strcmp(end, "%") == 0 || (*end == '\0' && percent == 0)))
        return percent / PERCENT;
    diag_set(diag, SIM_USAGE, "--%s %s: must be a percentage %s", name, text, wants);
    return otherwise;
}

/* --- the command line that reproduces a result -------------------------------------------------------------------------------------- */

/* Options that cannot change a result. Reports then are byte for byte the same whatever the number of threads or the engine's kind, which
 * the tests compare. --journal is among them because a sweep that goes on from a journal gives the rows of one that ran in one go, and so does one
 * whose parts were done elsewhere. */
static bool changes_nothing(const char *option)
{
    static const char *const known[] = {"threads", "reference", "check",  "quiet", "no-calibration", "kernels", "kernel-geometry",
                                        "format",  "table",     "output", "html",  "journal",        "svg",     "png",
                                        "gnuplot", "watch",     "charts", "shard", "merge",          "mpi"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(option, known[i]) == 0)
            return true;
    return false;
}

static void put_argument(const char *word, FILE *file)
{
    fputc(' ', file);
    command_word_print(word, file);
}

/* A switch of the configuration may have a value, and an option may do without one: theirs is read back only where it stands in one word with
 * the name. */
static void put_option(const struct config_option *option, bool joined, FILE *file)
{
    fprintf(file, " --%s", option->name);
    if (!option->value)
        return;
    fputc(joined ? '=' : ' ', file);
    command_word_print(option->value, file);
}

static void put_own_options(const struct options *options, const struct command *of, FILE *file)
{
    for (uint32_t i = 0; i < options->own_count; i++) {
        const struct option_spec *mine = find_own(of, options->own[i].name);
        if (options->own[i].further)
            put_argument(options->own[i].value, file);
        else if (mine && !changes_nothing(mine->name))
            put_option(&options->own[i], mine->values == OPTION_OPTIONAL, file);
    }
}

/* What --vllm-args says is not said again. */
static void put_config_options(const struct options *options, bool (*without)(const void *context, const struct config_key *key),
                               const void *context, FILE *file)
{
    for (uint32_t i = 0; i < options->config_count; i++) {
        bool negated;
        const struct config_key *key = config_find_option(options->config[i].name, &negated);
        if (!options->config[i].of_vllm && !(without && without(context, key)))
            put_option(&options->config[i], key->type == KEY_BOOL, file);
    }
}

/* Some argument looks like an option, which only "--" before it allows. */
static bool needs_end_of_options(const struct options *options)
{
    for (uint32_t i = 0; i < options->positional_count; i++)
        if (is_option(options->positional[i]))
            return true;
    return false;
}

/* Positional arguments come first, unless they must come last, then the command's own options, then the configuration's. The order within each
 * kind is kept, because the last of two equal options wins. The line starts with the command's name as in its help ("trace gen"), and a report
 * can be made again by pasting it. */
char *options_command_line(const struct options *options)
{
    char *text = NULL;
    size_t length = 0;
    const bool last = needs_end_of_options(options);
    struct memory_stream stream;
    struct diag ignored = {0};
    if (memory_stream_open(&stream, &ignored) != SIM_OK)
        return NULL;
    FILE *file = stream.file;
    fprintf(file, "pagesim %s", options->command->name);
    for (uint32_t i = 0; i < options->positional_count && !last; i++)
        put_argument(options->positional[i], file);
    put_own_options(options, options->command, file);
    put_config_options(options, NULL, NULL, file);
    fputs(last ? " --" : "", file);
    for (uint32_t i = 0; i < options->positional_count && last; i++)
        put_argument(options->positional[i], file);
    return memory_stream_close(&stream, &text, &length, &ignored) == SIM_OK ? text : NULL;
}

char *options_command_line_of(const struct options *options, const struct command *other,
                              bool (*without)(const void *context, const struct config_key *key), const void *context)
{
    char *text = NULL;
    size_t length = 0;
    struct memory_stream stream;
    struct diag ignored = {0};
    if (memory_stream_open(&stream, &ignored) != SIM_OK)
        return NULL;
    fprintf(stream.file, "pagesim %s", other->name);
    put_own_options(options, other, stream.file);
    put_config_options(options, without, context, stream.file);
    return memory_stream_close(&stream, &text, &length, &ignored) == SIM_OK ? text : NULL;
}

/* --- the help page ------------------------------------------------------------------------------------------------------------------ */

/* "  --name METAVAR      text", with the text broken at spaces and continued in its column. `width` counts what has been printed on the
 * line; a head that is too long for the column has a line to itself. A word that is longer than the column is not cut. */
static void print_described(FILE *file, const char *head, const char *text)
{
    int width = fprintf(file, "  %s", head);
    if (width >= HELP_COLUMN) {
        fputc('\n', file);
        width = 0;
    }
    int column = fprintf(file, "%*s", HELP_COLUMN - width, "") + width;
    while (*text) {
        int word = (int)strcspn(text, " ");
        if (column > HELP_COLUMN && column + word > HELP_WIDTH) {
            fprintf(file, "\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        }
        column += fprintf(file, "%.*s", word, text);
        text += word;
        if (*text == ' ') {
            text++;
            if (column < HELP_WIDTH)
                column += fprintf(file, " ");
        }
    }
    fputc('\n', file);
}

static void print_option(FILE *file, const char *name, const char *metavar, const char *text)
{
    char head[160];
    snprintf(head, sizeof head, "--%s%s%s", name, metavar ? " " : "", metavar ? metavar : "");
    print_described(file, head, text);
}

/* Names that a value can be come before the help, if there are any. */
static void print_own_option(FILE *file, const struct option_spec *option)
{
    struct line text = joined_names(option);
    line_put(&text, "%s%s", text.length ? " " : "", option->help);
    print_option(file, option->name, option->metavar, text.text);
}

/* The default in brackets, of each engine if they differ. They come from the table of keys, so that help cannot go stale. Both engines'
 * defaults are made from scratch and written by the function that writes configuration files, so that the help shows a value as a file
 * would have it. A key that is absent from files by default (config_key_absent) has no default to show. `scheduler` differs between the two
 * by definition. */
static void describe_default(const struct config_key *key, char *out, size_t size)
{
    struct json_text texts[2];
    struct config defaults;
    for (int engine = 0; engine < 2; engine++) {
        config_defaults(engine ? SCHEDULER_VLLM_V0 : SCHEDULER_VLLM_V1, &defaults);
        json_text_init(&texts[engine], false);
        config_key_write(key, &defaults, &texts[engine]);
    }
    const char *v1 = texts[0].text ? texts[0].text : "", *v0 = texts[1].text ? texts[1].text : "";
    if (key->default_note)
        snprintf(out, size, "[%s]", key->default_note);
    else if (config_key_absent(key, &defaults))
        out[0] = '\0';
    else if (key->engines == KEY_BOTH && strcmp(v1, v0) != 0 && strcmp(key->name, "scheduler") != 0)
        snprintf(out, size, "[%s; V0: %s]", v1, v0);
    else
        snprintf(out, size, "[%s]%s", v1, key->engines == KEY_V1_ONLY ? " (V1)" : key->engines == KEY_V0_ONLY ? " (V0)" : "");
    json_text_deinit(&texts[0]);
    json_text_deinit(&texts[1]);
}

/* One entry for each key, from the same table that parses them: a new key is in the help of every command at once. */
static void print_config_options(FILE *file)
{
    fputs("\nConfiguration (also keys of the file, with _ for -; options win):\n", file);
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        char option[96], name[128], choices[256], note[128], text[768];
        config_option_name(key, option, sizeof option);
        snprintf(name, sizeof name, "%s%s", key->type == KEY_BOOL ? "[no-]" : "", option);
        describe_default(key, note, sizeof note);
        choices[0] = '\0';
        if (key->type == KEY_NAME && !key->choices)
            snprintf(choices, sizeof choices, "a name of the list below"); /* print_policies also says what each does */
        else if (config_key_choice(key, 0))
            config_key_wants(key, choices, sizeof choices);
        snprintf(text, sizeof text, "%s%s%s %s", key->help, *choices ? ": " : "", choices, note);
        print_option(file, name, key->type == KEY_BOOL ? NULL : key->metavar, text);
    }
}

/* Names and summaries come from the list of policies, so a new policy shows up here by itself. Every key of type name without a fixed list
 * of choices has its names in the register of policies. */
static void print_policies(FILE *file)
{
    const struct pagesim_policy_info *info;
    for (size_t i = 0; i < config_key_count; i++) {
        char option[96];
        if (config_keys[i].type != KEY_NAME || config_keys[i].choices)
            continue;
        config_option_name(&config_keys[i], option, sizeof option);
        fprintf(file, "\nNames for --%s:\n", option);
        for (uint32_t k = 0; (info = policy_at(config_keys[i].policies, k)) != NULL; k++)
            print_described(file, info->name, info->summary);
    }
}

/* What the names mean that the command's own options take. */
static void print_names(FILE *file, const struct command *command)
{
    const char *name, *meaning;
    for (size_t i = 0; i < command->option_count; i++) {
        if (!command->options[i].name_at)
            continue;
        fprintf(file, "\nNames for --%s:\n", command->options[i].name);
        for (uint32_t k = 0; (name = command->options[i].name_at(k, &meaning)) != NULL; k++)
            print_described(file, name, meaning);
    }
}

/* From what is the command's own to what all commands share; exit codes come last, the same on every page. */
void options_print_help(const struct command *command, FILE *file)
{
    fprintf(file, "usage: %s\n\n%s\nOptions:\n", command->usage, command->description);
    for (size_t i = 0; i < command->option_count; i++)
        print_own_option(file, &command->options[i]);
    print_option(file, "help", NULL, "this page");
    if (command->takes_config)
        print_config_options(file);
    if (command->takes_config)
        print_policies(file);
    print_names(file, command);
    if (command->extra_help)
        command->extra_help(file);
    if (command->examples)
        fprintf(file, "\nExamples:\n%s", command->examples);
    fputs("\nExit codes: 0 fine, 1 runtime or I/O failure, stall or abort, 2 wrong usage,\n"
          "3 bad trace or configuration, 4 a requirement not met, 130 interrupted.\n",
          file);
}
