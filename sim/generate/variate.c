/* variate.c - the table of distributions, and the draw functions of those that a few numbers describe. Read the table KINDS first;
 * variate_lists.c has those that are lists. */
#include "generate/variate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/portable_math.h"
#include "base/seeded_random.h"
#include "generate/variate_lists.h"

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF /* the same bits everywhere, as in base/seeded_random.c */
#endif

enum { KEY_FIRST, KEY_SECOND, KEY_THIRD };

#define MOST 1e9

static double draw_fixed(const struct variate *self, uint64_t *state)
{
    (void)state;
    return self->keys[KEY_FIRST];
}

static enum status prepare_uniform(struct variate *self, const struct spec_place *place, struct diag *diag)
{
    if (self->keys[KEY_FIRST] <= self->keys[KEY_SECOND])
        return SIM_OK;
    return diag_set(diag, SIM_USAGE, "--%s %s: min must not be above max", place->option, place->text);
}

/* Rounding gives every whole number the same share, those at the ends too. */
static double draw_uniform(const struct variate *self, uint64_t *state)
{
    const double half = self->unit == DRAWN_SECONDS ? 0 : 0.5, low = self->keys[KEY_FIRST] - half, high = self->keys[KEY_SECOND] + half;
    return fmin(fmax(low + seeded_unit(state) * (high - low), self->keys[KEY_FIRST]), self->keys[KEY_SECOND]);
}

static double draw_exponential(const struct variate *self, uint64_t *state)
{
    return self->keys[KEY_FIRST] * seeded_exponential(state);
}

enum { LOGNORMAL_MEAN, LOGNORMAL_MEDIAN, LOGNORMAL_SIGMA };

static enum status prepare_lognormal(struct variate *self, const struct spec_place *place, struct diag *diag)
{
    const double mean = self->keys[LOGNORMAL_MEAN], median = self->keys[LOGNORMAL_MEDIAN], sigma = self->keys[LOGNORMAL_SIGMA];
    if ((mean == SPEC_ABSENT) == (median == SPEC_ABSENT))
        return diag_set(diag, SIM_USAGE, "--%s %s: one of mean and median is needed, as in lognormal:median=1020,sigma=1.1", place->option,
                        place->text);
    self->location = mean == SPEC_ABSENT ? portable_log(median) : portable_log(mean) - sigma * sigma / 2;
    return SIM_OK;
}

static double draw_lognormal(const struct variate *self, uint64_t *state)
{
    return portable_exp(self->location + self->keys[LOGNORMAL_SIGMA] * seeded_normal(state));
}

enum { LAW_EXPONENT, LAW_LEAST, LAW_MOST };

static enum status prepare_law(struct variate *self, const struct spec_place *place, struct diag *diag)
{
    const double least = self->keys[LAW_LEAST], most = self->keys[LAW_MOST];
    if (least > most)
        return diag_set(diag, SIM_USAGE, "--%s %s: min must not be above max", place->option, place->text);
    zipf_init(&self->zipf, ceil(least), fmax(floor(most), ceil(least)), self->keys[LAW_EXPONENT]);
    return SIM_OK;
}

static double draw_zipf(const struct variate *self, uint64_t *state)
{
    return (double)zipf_draw(&self->zipf, state);
}

/* By inversion, of the distribution that ends at max: nothing piles up there. */
static double draw_pareto(const struct variate *self, uint64_t *state)
{
    const double shape = self->keys[LAW_EXPONENT], least = self->keys[LAW_LEAST], most = self->keys[LAW_MOST];
    const double beyond = portable_exp(shape * (portable_log(least) - portable_log(most)));
    return least * portable_exp(-portable_log(1 - seeded_unit(state) * (1 - beyond)) / shape);
}

#define CUT_KEYS                                                                                                                           \
    {"min", SPEC_ABSENT, 0, MOST, "what is below becomes it"},                                                                             \
    {                                                                                                                                      \
        "max", SPEC_ABSENT, 0, MOST, "what is above becomes it"                                                                            \
    }

/* In the order of the help page. */
static const struct variate_kind KINDS[] = {
    {.spec = {"fixed", "always the same", {{"value", SPEC_NEEDED, -MOST, MOST, "the number"}}}, .draw = draw_fixed},
    {.spec = {"uniform",
              "all from min to max alike",
              {{"min", SPEC_NEEDED, 0, MOST, "the smallest"}, {"max", SPEC_NEEDED, 0, MOST, "the largest"}}},
     .prepare = prepare_uniform,
     .draw = draw_uniform},
    {.spec = {"exponential", "memoryless", {{"mean", SPEC_NEEDED, 1e-6, MOST, "before cuts"}, CUT_KEYS}}, .draw = draw_exponential},
    {.spec = {"lognormal",
              "its logarithm is normal, with deviation sigma",
              {{"mean", SPEC_ABSENT, 1e-6, MOST, "before cuts"},
               {"median", SPEC_ABSENT, 1e-6, MOST, "before cuts"},
               {"sigma", SPEC_NEEDED, 0, 10, "deviation of the natural logarithm"},
               CUT_KEYS}},
     .prepare = prepare_lognormal,
     .draw = draw_lognormal},
    {.spec = {"zipf",
              "whole numbers k in proportion to k^-exponent",
              {{"exponent", SPEC_NEEDED, 0, 8, "0 is uniform"},
               {"min", 1, 1, MOST, "the smallest"},
               {"max", SPEC_NEEDED, 1, MOST, "the largest"}}},
     .prepare = prepare_law,
     .draw = draw_zipf},
    {.spec = {"pareto",
              "above x with the probability (min / x)^shape, up to max",
              {{"shape", SPEC_NEEDED, 0.01, 100, "smaller is heavier"},
               {"min", SPEC_NEEDED, 1e-6, MOST, "the smallest"},
               {"max", MOST, 1e-6, MOST, "the largest"}}},
     .prepare = prepare_law,
     .draw = draw_pareto},
    {.spec = {"quantiles", "through p0=A,p50=B,...,p100=C, straight in between", {{0}}},
     .prepare = quantiles_prepare,
     .draw = quantiles_draw},
    {.spec = {"choice", "VALUE=WEIGHT,...: one of them", {{0}}}, .prepare = choice_prepare, .draw = weighted_draw},
    {.spec = {"file", "PATH: a line a value, or a value and its count", {{0}}}, .prepare = file_prepare, .draw = weighted_draw},
};
enum { KIND_COUNT = sizeof KINDS / sizeof *KINDS };

static const struct {
    double least, most;
} UNITS[] = {
    [DRAWN_TOKENS] = {1, 1e9},  [DRAWN_TURNS] = {1, 1e4},         [DRAWN_SAMPLES] = {1, 1000},
    [DRAWN_SECONDS] = {0, 1e9}, [DRAWN_PRIORITIES] = {-1e9, 1e9},
};

const struct spec_name *variate_name(size_t i)
{
    return i < KIND_COUNT ? &KINDS[i].spec : NULL;
}

/* What the user gives must be possible; what a tail draws beyond it is cut. */
static enum status check_bound(const struct variate *self, const struct spec_place *place, const char *name, double value,
                               struct diag *diag)
{
    if (value >= UNITS[self->unit].least && value <= UNITS[self->unit].most && (self->unit == DRAWN_SECONDS || value == floor(value)))
        return SIM_OK;
    return diag_set(diag, SIM_USAGE, "--%s %s: %s must be a%s number from %.12g to %.12g", place->option, place->text, name,
                    self->unit == DRAWN_SECONDS ? "" : " whole", UNITS[self->unit].least, UNITS[self->unit].most);
}

/* min and max are looked for by name, since they stand in different places of different rows. The only number of `fixed` is both. */
static enum status take_bounds(struct variate *self, const struct spec_place *place, struct diag *diag)
{
    for (int i = 0; i < SPEC_KEYS && self->kind->spec.keys[i].name; i++) {
        const char *name = self->kind->spec.keys[i].name;
        const bool low = name[0] == 'm' && name[1] == 'i', high = name[0] == 'm' && name[1] == 'a';
        if (low || high || self->kind->draw == draw_fixed) {
            if (self->keys[i] == SPEC_ABSENT || (high && self->keys[i] == MOST))
                continue;
            if (check_bound(self, place, name, self->keys[i], diag) != SIM_OK)
                return diag->status;
            *(low ? &self->least : &self->most) = self->keys[i];
        }
    }
    if (self->kind->draw == draw_fixed)
        self->least = self->most;
    if (self->least > self->most)
        return diag_set(diag, SIM_USAGE, "--%s %s: min must not be above max", place->option, place->text);
    return SIM_OK;
}

static bool is_number(const char *text)
{
    char *end;
    strtod(text, &end);
    return end != text && *end == '\0';
}

/* A number alone is fixed. */
static enum status read_number(struct variate *out, enum drawn_unit unit, const struct spec_place *place, struct diag *diag)
{
    char text[64];
    snprintf(text, sizeof text, "fixed:%s", place->text);
    return variate_read(out, unit, &(struct spec_place){place->option, text}, diag);
}

enum status variate_read(struct variate *out, enum drawn_unit unit, const struct spec_place *place, struct diag *diag)
{
    if (is_number(place->text))
        return read_number(out, unit, place, diag);
    const struct spec_name *names[KIND_COUNT];
    size_t kind;
    for (size_t i = 0; i < KIND_COUNT; i++)
        names[i] = &KINDS[i].spec;
    enum status status = spec_find_name(place, "distribution", names, KIND_COUNT, &kind, diag);
    if (status != SIM_OK)
        return status;
    struct variate made = {.kind = &KINDS[kind], .unit = unit, .least = UNITS[unit].least, .most = UNITS[unit].most};
    if (KINDS[kind].spec.keys[0].name) {
        status = spec_read_keys(place, &KINDS[kind].spec, made.keys, diag);
        if (status == SIM_OK)
            status = take_bounds(&made, place, diag);
    }
    if (status == SIM_OK && KINDS[kind].prepare)
        status = KINDS[kind].prepare(&made, place, diag);
    if (status == SIM_OK) {
        variate_deinit(out);
        *out = made;
    } else {
        variate_deinit(&made);
    }
    return status;
}

void variate_deinit(struct variate *variate)
{
    free(variate->points);
    *variate = (struct variate){0};
}

/* Halves are rounded to even, as IEEE 754 does. */
double variate_draw(const struct variate *variate, uint64_t *state)
{
    const double drawn = variate->kind->draw(variate, state);
    return fmin(fmax(variate->unit == DRAWN_SECONDS ? drawn : rint(drawn), variate->least), variate->most);
}

double variate_mean(const struct variate *variate)
{
    enum { DRAWS = 1 << 16 };
    uint64_t state = 1;
    double sum = 0;
    for (int i = 0; i < DRAWS; i++)
        sum += variate_draw(variate, &state);
    return sum / DRAWS;
}

double variate_most(const struct variate *variate)
{
    double most = 0;
    for (size_t i = 0; i < variate->point_count; i++)
        most = fmax(most, variate->points[i].value);
    return variate->point_count ? most : variate->most;
}
