/* load_options.c - reads the two options, and opens a trace whose load is not known yet. */
#include "command/load_options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "command/interrupt.h"
#include "config/config_keys.h"

enum status load_options_read(const struct options *options, struct load_choice *out, struct diag *diag)
{
    const char *arrivals = options_value(options, "arrivals");
    const bool drawn = arrivals && strcmp(arrivals, "poisson") == 0;
    if (arrivals && !drawn && strcmp(arrivals, "trace") != 0)
        return diag_set(diag, SIM_USAGE, "--arrivals %s: must be trace or poisson", arrivals);
    if (arrivals && !drawn && options_has(options, "dataset-name"))
        return diag_set(diag, SIM_USAGE, "--arrivals trace: drawn requests have no times of their own; leave it out");
    *out = (struct load_choice){.drawn = drawn || (!arrivals && input_is_drawn(options)) || options_has(options, "dataset-name"),
                                .tolerance = options_percent(options, "rate-tolerance", 0.1, 50, "from 0.1% to 50%, as in 1%", 0.01, diag)};
    return diag->status;
}

/* The key that fixes the load, by an option or a file; NULL: none. */
static const char *fixed_by(const struct config *config)
{
    static const char *const keys[] = {"request_rate", "arrival_speedup_ratio", "ramp_up_strategy"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (config_gives(config, keys[i]))
            return keys[i];
    return NULL;
}

/* Rows may have no times where arrivals are drawn, so a rate stands in while the trace is read. */
enum status load_input_open(struct call *call, const struct load_choice *choice, struct diag *diag)
{
    struct options *options = &call->options;
    struct config config;
    /* Of drawn requests the tokens of an id were not the user's choice. */
    const unsigned drawn = input_is_drawn(options) ? 1u << ADVICE_CONTENTS : 0;
    const unsigned advice = ADVICE_ALL & ~(1u << ADVICE_ARRIVALS | 1u << ADVICE_SEED | drawn);
    enum status status = config_load(options_value(options, "config"), options->config, options->config_count, &config, diag);
    const char *fixed = status == SIM_OK ? fixed_by(&config) : NULL;
    const char *own = options_has(options, "arrival") ? "arrival" : options_has(options, "mean-gap-us") ? "mean-gap-us" : NULL;
    if (status == SIM_OK && own && choice->drawn)
        return diag_set(diag, SIM_USAGE, "--%s is given, but arrivals are drawn at a rate; --arrivals trace speeds up the generator's own",
                        own);
    if (fixed)
        status = diag_set(diag, SIM_USAGE,
                          "%s is given, but the load is what is searched; leave it out (--arrivals says how loads are made)", fixed);
    if (status != SIM_OK)
        return status;
    status = choice->drawn ? input_open_assuming(options, "request-rate", "1", advice, &call->input, diag)
                           : input_open(options, false, advice, &call->input, diag);
    if (status == SIM_OK)
        status = input_without_bytes(options, &call->input.config, diag);
    if (status == SIM_OK && !choice->drawn && isnan(load_unit_rate(call->input.trace, false)))
        status = diag_set(diag, SIM_BAD_INPUT,
                          "%s: all requests come at once, so that there is nothing to speed up; --arrivals poisson draws "
                          "their times",
                          call->input.trace->name);
    return status;
}

struct load_question load_question_of(const struct call *call, const struct load_choice *choice, const struct requirements *requirements,
                                      const struct figure_wishes *wishes)
{
    return (struct load_question){.trace = call->input.trace,
                                  .drawn = choice->drawn,
                                  .requirements = requirements->list,
                                  .requirement_count = requirements->count,
                                  .wishes = wishes,
                                  .reference = options_has(&call->options, "reference"),
                                  .stop = &interrupted};
}
