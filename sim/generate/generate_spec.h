/* generate_spec.h - the description of a generated workload: independent parts, each spelled in one text (spec_text.h), and presets of them.
 *
 *     kind (a preset)  ->  texts of its parts  ->  options that replace some  ->  check  ->  generate.h
 *
 * Every part has random numbers of its own, so that a change of one leaves what the others draw as it was: the same arrivals with other
 * lengths, for instance. A spec is owned by who reads it and only read afterwards; a shallow copy with another seed is fine while it lives.
 */
#ifndef PAGESIM_GENERATE_SPEC_H
#define PAGESIM_GENERATE_SPEC_H

#include "generate/arrival_process.h"
#include "generate/sharing.h"
#include "generate/variate.h"
#include "trace/trace_generate.h"

enum { GENERATE_CLASSES_MOST = 16 };

/* A share of the sessions with parts of its own; those that it does not have (kind NULL) are the spec's. */
struct request_class {
    double up_to;      /* the running sum of shares */
    double stop_share; /* as the spec's; below 0: the spec's */
    struct variate input, output, priorities, samples;
};

struct generate_spec {
    const char *kind;            /* a preset's name */
    bool bundled;                /* one of the fixed workloads of traces/, which have no parts */
    struct generated_spec fixed; /* if bundled */
    uint32_t requests;
    uint64_t seed;
    uint32_t block_tokens; /* tokens that one hash id names */
    struct arrival_process arrival;
    struct variate input, output, turns, think, priorities, samples;
    struct sharing sharing;
    double stop_share;   /* of requests whose rows say that a stop token ends them, the others saying length; below 0: none says */
    bool turns_by_delay; /* later turns have a delay after the answer before instead of a time */
    struct request_class classes[GENERATE_CLASSES_MOST];
    uint32_t class_count;
};

/* The preset `kind`. SIM_USAGE: there is none of that name; the message lists them. End it with generate_spec_deinit, also after a failure. */
SIM_NODISCARD enum status generate_spec_preset(struct generate_spec *out, const char *kind, struct diag *diag);
void generate_spec_deinit(struct generate_spec *spec);

/* Replace the part that `option` names by what `text` spells; `class` may be repeated and adds one. SIM_USAGE or SIM_BAD_INPUT (the file of
 * file:PATH) say what would be right; SIM_USAGE also where the kind is bundled. */
SIM_NODISCARD enum status generate_spec_set(struct generate_spec *spec, const char *option, const char *text, struct diag *diag);

/* Requests arrive at this mean gap, in microseconds; 0: all at once. */
void generate_spec_set_gap(struct generate_spec *spec, uint32_t gap_us);

/* Do the parts go together? After the last of them was set, and once. SIM_USAGE if not. */
SIM_NODISCARD enum status generate_spec_check(struct generate_spec *spec, struct diag *diag);

/* Do rows name contents? Then hash ids stand for spec->block_tokens tokens each. */
bool generate_spec_names_contents(const struct generate_spec *spec);

/* The presets, for help pages: name and what it is, and its i-th part as option and text; false after the last. */
const char *generate_preset_name(size_t preset, const char **meaning);
bool generate_preset_part(size_t preset, size_t i, const char **option, const char **text);

#endif
