/* generate_spec.c - reads the parts of a workload and holds them against each other. Read the table PARTS first: it is all that options and
 * presets can say. */
#include "generate/generate_spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/line.h"
#include "base/nearest_name.h"
#include "generate/presets.h"

/* --- reading parts ---------------------------------------------------------------------------------------------------------------- */

static enum status set_later_turns(struct generate_spec *spec, const struct spec_place *place, struct diag *diag)
{
    spec->turns_by_delay = strcmp(place->text, "delay") == 0;
    if (!spec->turns_by_delay && strcmp(place->text, "timestamp") != 0)
        return diag_set(diag, SIM_USAGE, "--%s %s: must be timestamp or delay", place->option, place->text);
    return SIM_OK;
}

static enum status set_stop_share(double *out, const struct spec_place *place, const char *text, struct diag *diag)
{
    char *end;
    *out = strtod(text, &end);
    if (end > text && *end == '\0' && *out >= 0 && *out <= 1)
        return SIM_OK;
    return diag_set(diag, SIM_USAGE, "--%s '%s': the share of requests that a stop token ends must be a number from 0 to 1", place->option,
                    place->text);
}

/* One word of a class, as input-tokens=fixed:4. */
static enum status set_class_part(struct request_class *class, const struct spec_place *place, const char *word, double *share,
                                  struct diag *diag)
{
    const struct {
        const char *name;
        enum drawn_unit unit;
        struct variate *out;
    } parts[] = {{"input-tokens", DRAWN_TOKENS, &class->input},
                 {"output-tokens", DRAWN_TOKENS, &class->output},
                 {"priorities", DRAWN_PRIORITIES, &class->priorities},
                 {"samples", DRAWN_SAMPLES, &class->samples}};
    const char *equals = strchr(word, '=');
    char *end;
    if (equals && strncmp(word, "share=", strlen("share=")) == 0) {
        *share = strtod(equals + 1, &end);
        if (end > equals + 1 && *end == '\0' && *share > 0 && *share <= 1)
            return SIM_OK;
    }
    if (equals && strncmp(word, "stop-share=", strlen("stop-share=")) == 0)
        return set_stop_share(&class->stop_share, place, equals + 1, diag);
    for (size_t i = 0; equals && i < sizeof parts / sizeof *parts; i++)
        if (strlen(parts[i].name) == (size_t)(equals - word) && strncmp(word, parts[i].name, (size_t)(equals - word)) == 0) {
            const struct spec_place inner = {parts[i].name, equals + 1};
            return variate_read(parts[i].out, parts[i].unit, &inner, diag);
        }
    return diag_set(
        diag, SIM_USAGE,
        "--%s '%s': \"%s\" must be share=0.2 (0 to 1), input-tokens=, output-tokens=, priorities=, samples= or stop-share=, with blanks "
        "between",
        place->option, place->text, word);
}

/* "share=0.2 priorities=5 input-tokens=fixed:4096". Distributions have no blanks but in the names of files, which then are not for classes. */
static enum status add_class(struct generate_spec *spec, const struct spec_place *place, struct diag *diag)
{
    struct request_class *class = &spec->classes[spec->class_count];
    double share = 0;
    char *rest = NULL, *copy;
    if (spec->class_count == GENERATE_CLASSES_MOST)
        return diag_set(diag, SIM_USAGE, "--%s: at most %d classes", place->option, GENERATE_CLASSES_MOST);
    copy = strdup(place->text);
    if (!copy)
        return diag_no_memory(diag, strlen(place->text), "a class");
    *class = (struct request_class){.stop_share = -1};
    spec->class_count++; /* at once, so that what has been read of it is freed */
    enum status status = SIM_OK;
    for (char *word = strtok_r(copy, " ", &rest); word && status == SIM_OK; word = strtok_r(NULL, " ", &rest))
        status = set_class_part(class, place, word, &share, diag);
    free(copy);
    if (status == SIM_OK && share == 0)
        return diag_set(diag, SIM_USAGE, "--%s '%s': share is missing, as in 'share=0.2 priorities=fixed:5'", place->option, place->text);
    class->up_to = share + (spec->class_count > 1 ? class[-1].up_to : 0);
    if (status == SIM_OK && class->up_to > 1 + 1e-9)
        return diag_set(diag, SIM_USAGE, "--%s '%s': the shares of all classes add up to %g, and 1 is the most", place->option, place->text,
                        class->up_to);
    return status;
}

enum status generate_spec_set(struct generate_spec *spec, const char *option, const char *text, struct diag *diag)
{
    const struct spec_place place = {option, text};
    const struct {
        const char *option;
        enum drawn_unit unit;
        struct variate *out;
    } PARTS[] = {
        {"input-tokens", DRAWN_TOKENS, &spec->input}, {"output-tokens", DRAWN_TOKENS, &spec->output},
        {"turns", DRAWN_TURNS, &spec->turns},         {"think", DRAWN_SECONDS, &spec->think},
        {"samples", DRAWN_SAMPLES, &spec->samples},   {"priorities", DRAWN_PRIORITIES, &spec->priorities},
    };
    if (spec->bundled)
        return diag_set(diag, SIM_USAGE,
                        "--%s: %s is one fixed workload; take another kind, or --input-tokens and --output-tokens without one", option,
                        spec->kind);
    for (size_t i = 0; i < sizeof PARTS / sizeof *PARTS; i++)
        if (strcmp(option, PARTS[i].option) == 0)
            return variate_read(PARTS[i].out, PARTS[i].unit, &place, diag);
    if (strcmp(option, "arrival") == 0)
        return arrival_process_read(&spec->arrival, &place, diag);
    if (strcmp(option, "sharing") == 0)
        return sharing_read(&spec->sharing, &place, diag);
    if (strcmp(option, "later-turns") == 0)
        return set_later_turns(spec, &place, diag);
    if (strcmp(option, "stop-share") == 0)
        return set_stop_share(&spec->stop_share, &place, text, diag);
    return add_class(spec, &place, diag);
}

void generate_spec_set_gap(struct generate_spec *spec, uint32_t gap_us)
{
    spec->fixed.mean_gap_us = gap_us;
    arrival_process_set_gap(&spec->arrival, gap_us * 1e-6);
}

/* --- presets ----------------------------------------------------------------------------------------------------------------------- */

const char *generate_preset_name(size_t preset, const char **meaning)
{
    *meaning = PRESETS[preset].meaning;
    return PRESETS[preset].name;
}

bool generate_preset_part(size_t preset, size_t i, const char **option, const char **text)
{
    *option = PRESETS[preset].parts[i].option;
    *text = PRESETS[preset].parts[i].text;
    return *option != NULL;
}

/* "custom" has no parts but those that need no thought; lengths have to be given. */
static const struct preset *find_preset(const char *kind, struct diag *diag)
{
    static const struct preset custom = {.name = "custom", .requests = 1000, .bundled = -1, .parts = {{"arrival", "poisson:rate=1"}}};
    const char *names[32];
    struct line all = {0};
    size_t count = 0;
    if (strcmp(kind, custom.name) == 0)
        return &custom;
    for (; PRESETS[count].name; count++) {
        if (strcmp(PRESETS[count].name, kind) == 0)
            return &PRESETS[count];
        names[count] = PRESETS[count].name;
        line_put(&all, "%s%s", count ? ", " : "", names[count]);
    }
    const char *near = nearest_name(kind, names, count);
    if (near)
        diag_set(diag, SIM_USAGE, "unknown kind \"%s\"; did you mean %s?", kind, near);
    else
        diag_set(diag, SIM_USAGE, "unknown kind \"%s\"; known are %s", kind, all.text);
    return NULL;
}

/* What is the same in all of them first. */
enum status generate_spec_preset(struct generate_spec *out, const char *kind, struct diag *diag)
{
    static const char *const common[][2] = {
        {"sharing", "none"}, {"turns", "fixed:1"}, {"think", "fixed:10"}, {"samples", "fixed:1"}, {"priorities", "fixed:0"}};
    *out = (struct generate_spec){.block_tokens = 16, .stop_share = -1};
    const struct preset *preset = find_preset(kind, diag);
    if (!preset)
        return diag->status;
    out->kind = preset->name;
    out->requests = preset->requests;
    enum status status = SIM_OK;
    for (size_t i = 0; i < sizeof common / sizeof *common && status == SIM_OK; i++)
        status = generate_spec_set(out, common[i][0], common[i][1], diag);
    for (size_t i = 0; preset->parts[i].option && status == SIM_OK; i++)
        status = generate_spec_set(out, preset->parts[i].option, preset->parts[i].text, diag);
    if (preset->bundled >= 0) {
        out->bundled = true;
        out->fixed = generated_default((enum generated_kind)preset->bundled);
    }
    return status;
}

void generate_spec_deinit(struct generate_spec *spec)
{
    struct variate *const parts[] = {&spec->input, &spec->output, &spec->turns, &spec->think, &spec->priorities, &spec->samples};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        variate_deinit(parts[i]);
    for (uint32_t i = 0; i < spec->class_count; i++) {
        variate_deinit(&spec->classes[i].input);
        variate_deinit(&spec->classes[i].output);
        variate_deinit(&spec->classes[i].priorities);
        variate_deinit(&spec->classes[i].samples);
    }
    *spec = (struct generate_spec){0};
}

/* --- the whole --------------------------------------------------------------------------------------------------------------------- */

bool generate_spec_names_contents(const struct generate_spec *spec)
{
    if (spec->bundled)
        return spec->fixed.kind != GENERATED_LONG;
    return spec->sharing.kind->names_contents || spec->arrival.kind->closed;
}

enum status generate_spec_check(struct generate_spec *spec, struct diag *diag)
{
    if (spec->bundled)
        return SIM_OK;
    if (!spec->input.kind || !spec->output.kind)
        return diag_set(diag, SIM_USAGE, "--%s is needed where no kind is named, as in --%s lognormal:median=1000,sigma=1",
                        spec->input.kind ? "output-tokens" : "input-tokens", spec->input.kind ? "output-tokens" : "input-tokens");
    if (spec->sharing.kind->is_tree && (spec->turns_by_delay || spec->arrival.kind->closed))
        return diag_set(
            diag, SIM_USAGE,
            "agents of a tree run next to each other, and a session's requests with a delay one after the other; give --sharing tree "
            "an open --arrival and --later-turns timestamp");
    if (spec->arrival.kind->closed)
        spec->turns_by_delay = true;
    spec->arrival.per_arrival = sharing_requests(&spec->sharing, &spec->turns);
    return SIM_OK;
}
