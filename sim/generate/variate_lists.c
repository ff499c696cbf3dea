/* variate_lists.c - values with weights and curves through quantiles. weighted_draw and quantiles_draw are what the rest prepares:
 * a list that rises, searched by halves. */
#include "generate/variate_lists.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/seeded_random.h"
#include "base/text_file.h"

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF /* the same bits everywhere, as in base/seeded_random.c */
#endif

/* Is `value` something that can be drawn without being changed? */
static bool value_fits(const struct variate *self, double value)
{
    return value >= self->least && value <= self->most && (self->unit == DRAWN_SECONDS || value == floor(value));
}

static enum status add_point(struct variate *self, double value, double up_to, struct diag *diag)
{
    const struct variate_point point = {value, up_to};
    return array_append(&self->points, &self->point_count, &self->point_capacity, &point, sizeof point, "a distribution", diag);
}

static enum status add_weighted(struct variate *self, double value, double weight, struct diag *diag)
{
    return add_point(self, value, weight + (self->point_count ? self->points[self->point_count - 1].up_to : 0), diag);
}

/* The first point whose running sum is above `sum`. */
static size_t first_above(const struct variate *self, double sum)
{
    size_t low = 0, high = self->point_count - 1;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (self->points[middle].up_to > sum)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

double weighted_draw(const struct variate *self, uint64_t *state)
{
    return self->points[first_above(self, seeded_unit(state) * self->points[self->point_count - 1].up_to)].value;
}

enum status choice_prepare(struct variate *self, const struct spec_place *place, struct diag *diag)
{
    const char *arguments = spec_arguments(place->text);
    char word[SPEC_NAME], *end;
    double weight;
    bool is_number;
    while (spec_take_pair(&arguments, word, &weight, &is_number)) {
        const double value = strtod(word, &end);
        if (end == word || *end || !is_number || !(weight > 0) || !value_fits(self, value))
            return diag_set(diag, SIM_USAGE, "--%s %s: must be like choice:1=0.9,4=0.1, values from %.12g to %.12g with weights above 0",
                            place->option, place->text, self->least, self->most);
        if (add_weighted(self, value, weight, diag) != SIM_OK)
            return diag->status;
    }
    return self->point_count > 0
               ? SIM_OK
               : diag_set(diag, SIM_USAGE, "--%s %s: values are missing, as in choice:1=0.9,4=0.1", place->option, place->text);
}

/* --- files ------------------------------------------------------------------------------------------------------------------------ */

/* One line without its newline, as a string of its own. */
static enum status read_line(struct variate *self, const char *path, size_t number, char *line, struct diag *diag)
{
    char *at = line + strspn(line, " \t"), *end;
    double weight = 1;
    line[strcspn(line, "#\r")] = '\0';
    if (*at == '\0')
        return SIM_OK;
    const double value = strtod(at, &end);
    if (end == at || !value_fits(self, value))
        return diag_at(diag, path, number, (size_t)(at - line) + 1, "must be a number from %.12g to %.12g%s", self->least, self->most,
                       self->unit == DRAWN_SECONDS ? "" : ", whole");
    at = end + strspn(end, " \t,");
    if (*at) {
        weight = strtod(at, &end);
        if (end == at || end[strspn(end, " \t")] || !(weight >= 0 && weight <= 1e15))
            return diag_at(diag, path, number, (size_t)(at - line) + 1,
                           "after the value may stand how often it occurs, a number from 0 to 1e15");
    }
    return weight > 0 ? add_weighted(self, value, weight, diag) : SIM_OK;
}

enum status file_prepare(struct variate *self, const struct spec_place *place, struct diag *diag)
{
    enum { LINE_MOST = 128 };
    const char *path = spec_arguments(place->text);
    struct text_file file;
    if (*path == '\0')
        return diag_set(diag, SIM_USAGE, "--%s %s: a path is missing, as in file:lengths.txt", place->option, place->text);
    enum status status = text_file_open(path, &file, diag);
    if (status != SIM_OK)
        return status;
    const char *at = file.text, *end = file.text + file.length;
    for (size_t number = 1; at < end && status == SIM_OK; number++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;
        char line[LINE_MOST + 1];
        if (stop - at > LINE_MOST) {
            status = diag_at(diag, path, number, 1, "a line must be a value, or a value and how often it occurs");
            break;
        }
        memcpy(line, at, (size_t)(stop - at));
        line[stop - at] = '\0';
        status = read_line(self, path, number, line, diag);
        at = stop + 1;
    }
    text_file_close(&file);
    if (status == SIM_OK && self->point_count == 0)
        return diag_set(diag, SIM_BAD_INPUT, "%s: holds no values; a line must be a value, or a value and how often it occurs", path);
    return status;
}

/* --- quantiles -------------------------------------------------------------------------------------------------------------------- */

enum status quantiles_prepare(struct variate *self, const struct spec_place *place, struct diag *diag)
{
    const char *arguments = spec_arguments(place->text);
    char word[SPEC_NAME], *end = word;
    double value;
    bool is_number, right = true;
    while (right && spec_take_pair(&arguments, word, &value, &is_number)) {
        const double share = *word == 'p' ? strtod(word + 1, &end) / 100 : -1;
        const struct variate_point *last = self->point_count ? &self->points[self->point_count - 1] : NULL;
        right = share >= 0 && end != word + 1 && *end == '\0' && is_number && value_fits(self, value) &&
                (last ? share > last->up_to && value >= last->value : share == 0);
        if (right && add_point(self, value, share, diag) != SIM_OK)
            return diag->status;
    }
    if (right && self->point_count > 1 && self->points[self->point_count - 1].up_to == 1)
        return SIM_OK;
    return diag_set(diag, SIM_USAGE, "--%s %s: must be like quantiles:p0=1,p50=1020,p99=4142,p100=14050: rising, from p0 to p100",
                    place->option, place->text);
}

double quantiles_draw(const struct variate *self, uint64_t *state)
{
    const double share = seeded_unit(state);
    const size_t after = first_above(self, share);
    const struct variate_point *low = &self->points[after - 1], *high = &self->points[after];
    return low->value + (high->value - low->value) * ((share - low->up_to) / (high->up_to - low->up_to));
}
