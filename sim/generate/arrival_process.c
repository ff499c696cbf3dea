/* arrival_process.c - the table of arrival processes, each a function that draws the gap to the next arrival. Read the table KINDS at the
 * end of the gaps first. */
#include "generate/arrival_process.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/portable_math.h"
#include "base/seeded_random.h"

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF /* the same bits everywhere, as in base/seeded_random.c */
#endif

enum { RATE, SECOND, THIRD }; /* places of keys; a rate is always the first */

/* --- gaps ------------------------------------------------------------------------------------------------------------------------- */

static double mean_gap_s(const struct arrival_process *self)
{
    return self->per_arrival / self->keys[RATE];
}

static double gap_none(const struct arrival_process *self, struct arrival_state *state)
{
    (void)self;
    (void)state;
    return 0;
}

static double gap_constant(const struct arrival_process *self, struct arrival_state *state)
{
    (void)state;
    return mean_gap_s(self);
}

static double gap_poisson(const struct arrival_process *self, struct arrival_state *state)
{
    return mean_gap_s(self) * seeded_exponential(&state->random);
}

/* The coefficient of variation of a gamma distribution is 1 / sqrt(shape). */
static double gap_gamma(const struct arrival_process *self, struct arrival_state *state)
{
    const double cv = self->keys[SECOND];
    if (cv == 0)
        return mean_gap_s(self);
    return mean_gap_s(self) * (cv * cv) * seeded_gamma(&state->random, 1 / (cv * cv));
}

/* By inversion. Its mean is scale * gamma(1 + 1 / shape). */
static double gap_weibull(const struct arrival_process *self, struct arrival_state *state)
{
    const double inverse = 1 / self->keys[SECOND];
    const double drawn = portable_exp(portable_log(seeded_exponential(&state->random)) * inverse);
    return mean_gap_s(self) * drawn / portable_exp(portable_log_gamma(1 + inverse));
}

/* Poisson in the on-times, which are as much denser as they are shorter than all time. Gaps are drawn in on-time, and off-times are laid
 * in where an on-time ends. A run of a million empty on-times cannot happen unless the rate is next to nothing; then the clock's end is
 * near and ends it. */
static double gap_onoff(const struct arrival_process *self, struct arrival_state *state)
{
    const double on = self->keys[SECOND], off = self->keys[THIRD];
    double left = gap_poisson(self, state) * on / (on + off), all = left;
    while (left > state->left_s && all < 1e10) {
        left -= state->left_s;
        all += off * seeded_exponential(&state->random);
        state->left_s = on * seeded_exponential(&state->random);
    }
    state->left_s -= left;
    return all;
}

/* By thinning: arrivals at the highest rate, of which each stays with the share that the rate has then. Source: P. Lewis, G. Shedler,
 * "Simulation of nonhomogeneous Poisson processes by thinning", 1979. */
static double gap_diurnal(const struct arrival_process *self, struct arrival_state *state)
{
    const double amplitude = self->keys[SECOND], period = self->keys[THIRD], start = (double)state->now_ns * 1e-9;
    double gap = 0;
    do
        gap += gap_poisson(self, state) / (1 + amplitude);
    while (seeded_unit(&state->random) * (1 + amplitude) > 1 + amplitude * portable_sine_of_turns((start + gap) / period) && gap < 1e10);
    return gap;
}

#define RATE_KEY                                                                                                                           \
    {                                                                                                                                      \
        "rate", SPEC_NEEDED, 1e-12, 1e9, "requests a second"                                                                               \
    }

/* In the order of the help page. */
static const struct arrival_kind KINDS[] = {
    {.spec = {"constant", "a metronome", {RATE_KEY}}, .gap_s = gap_constant},
    {.spec = {"poisson", "memoryless", {RATE_KEY}}, .gap_s = gap_poisson},
    {.spec = {"gamma",
              "gaps of a gamma distribution: cv above 1 comes in bursts",
              {RATE_KEY, {"cv", SPEC_NEEDED, 0, 50, "deviation of gaps over their mean"}}},
     .gap_s = gap_gamma},
    {.spec = {"weibull",
              "gaps of a Weibull distribution: shape below 1 comes in bursts",
              {RATE_KEY, {"shape", SPEC_NEEDED, 0.1, 100, "1 is Poisson"}}},
     .gap_s = gap_weibull},
    {.spec = {"onoff",
              "Poisson for a while, then nothing for a while; both exponential",
              {RATE_KEY, {"on", SPEC_NEEDED, 1e-6, 1e9, "mean seconds"}, {"off", SPEC_NEEDED, 0, 1e9, "mean seconds"}}},
     .gap_s = gap_onoff},
    {.spec = {"diurnal",
              "Poisson, rate * (1 + amplitude * sin(2 pi t / period))",
              {RATE_KEY, {"amplitude", 0.5, 0, 1, "0 to 1"}, {"period", 86400, 1e-3, 1e9, "seconds"}}},
     .gap_s = gap_diurnal},
    {.spec = {"burst", "all at 0", {{0}}}, .gap_s = gap_none},
    {.spec = {"closed",
              "users who think, ask and wait for the answer",
              {{"users", SPEC_NEEDED, 1, 1e6, "how many"}, {"ramp", 0, 0, 1e9, "seconds over which they begin"}}},
     .closed = true,
     .gap_s = gap_none},
};
enum { POISSON = 1, BURST = 6, KIND_COUNT = sizeof KINDS / sizeof *KINDS };

/* --- a process -------------------------------------------------------------------------------------------------------------------- */

const struct spec_name *arrival_process_name(size_t i)
{
    return i < KIND_COUNT ? &KINDS[i].spec : NULL;
}

enum status arrival_process_read(struct arrival_process *out, const struct spec_place *place, struct diag *diag)
{
    const struct spec_name *names[KIND_COUNT];
    struct arrival_process made = {.per_arrival = 1};
    size_t kind;
    for (size_t i = 0; i < KIND_COUNT; i++)
        names[i] = &KINDS[i].spec;
    enum status status = spec_find_name(place, "arrival process", names, KIND_COUNT, &kind, diag);
    if (status == SIM_OK)
        status = spec_read_keys(place, names[kind], made.keys, diag);
    if (status == SIM_OK && KINDS[kind].closed && made.keys[0] != floor(made.keys[0]))
        status = diag_set(diag, SIM_USAGE, "--%s %s: users must be a whole number", place->option, place->text);
    if (status != SIM_OK)
        return status;
    made.kind = &KINDS[kind];
    snprintf(made.text, sizeof made.text, "--%s %s", place->option, place->text);
    *out = made;
    return SIM_OK;
}

void arrival_process_set_gap(struct arrival_process *process, double gap_s)
{
    const char *first = process->kind ? process->kind->spec.keys[0].name : NULL;
    const bool has_rate = first && strcmp(first, "rate") == 0;
    if (!has_rate || gap_s == 0)
        process->kind = &KINDS[gap_s == 0 ? BURST : POISSON];
    process->keys[RATE] = gap_s == 0 ? 0 : 1 / gap_s;
    snprintf(process->text, sizeof process->text, "--mean-gap-us %.12g", gap_s * 1e6);
}

uint32_t arrival_process_users(const struct arrival_process *process)
{
    return (uint32_t)process->keys[0];
}

double arrival_process_ramp_s(const struct arrival_process *process)
{
    return process->keys[1];
}

void arrival_start(struct arrival_state *state, uint64_t seed)
{
    *state = (struct arrival_state){.random = seeded_stream(seed, SEEDED_GAPS)};
}

enum status arrival_add(int64_t ns, double seconds, const char *setting, const char *text, int64_t *out, struct diag *diag)
{
    if (!(seconds * 1e9 < (double)(ARRIVAL_LATEST_NS - ns)))
        return diag_set(diag, SIM_BAD_INPUT, "%s%s: requests would arrive later than 9e12 ms (285 years), which a trace cannot say",
                        setting, text);
    *out = ns + (int64_t)rint(seconds * 1e9);
    return SIM_OK;
}

enum status arrival_next(const struct arrival_process *process, struct arrival_state *state, struct diag *diag)
{
    if (!state->begun) { /* the first one is at 0; onoff begins its first on-time */
        state->left_s = process->keys[SECOND] * (process->kind->gap_s == gap_onoff ? seeded_exponential(&state->random) : 0);
        state->begun = true;
        return SIM_OK;
    }
    return arrival_add(state->now_ns, process->kind->gap_s(process, state), process->text, "", &state->now_ns, diag);
}
