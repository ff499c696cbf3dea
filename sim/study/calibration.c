/* calibration.c - guesses, replays, and what is learnt from them. Read calibration.h first. Constants are searched as logarithms: they are
 * positive, and a factor of two means the same at any size. */
#include "study/calibration.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/compare.h"
#include "base/nelder_mead.h"
#include "base/robust.h"
#include "observe/distribution.h"
#include "replay/replay.h"
#include "study/validation.h"

const char *const calibrated_names[CALIBRATED] = {"base_us", "sequence_us", "token_us", "decode_context_us", "mixed_us"};

enum { REQUESTS_LEAST = 20, STARTS = 3, STEPS_DOWN = 14, LAST_SEARCH = 250, FEW_STATISTICS = 5 };
#define LONGEST_STEP 1.0 /* of a logarithm at a time */
#define HUBER_KNEE   0.1 /* an error of 10 % */
#define UNSERVED     3.0 /* of ln(simulated / measured), where the replay has no answer */
/* How far a constant is moved to see what it does: far at first, as a TTFT jumps by a step's length wherever the clock is. */
#define PROBE_MOST        0.4
#define PROBE_LEAST       0.05
#define PROBE_SHRINK      0.85
#define SAME              1e-10
#define SMALLEST_VARIANCE 1e-8 /* a hundredth of a per cent: more is not to be had of any measurement */
#define DAMPING_MOST      30.0
#define NO_EFFECT         1e-12

/* Requests that are looked at, and all that was measured of them. */
struct search {
    struct calibration *calibration;
    struct step_time_model *model;
    size_t count;                   /* latencies of all requests, or statistics of them */
    bool pooled;                    /* the latter: [latency][statistic] */
    bool fixed[CALIBRATED];         /* not looked for */
    bool smooth;                    /* TTFTs, which jump by whole steps, do not count yet */
    double *residuals;              /* of each ln(simulated / measured); NaN: not measured */
    double *slopes;                 /* [residual][constant] */
    struct step_tokens step_tokens; /* of the last replay */
    double log_values[CALIBRATED];
};

static enum latency latency_of(const struct search *search, size_t residual)
{
    return measured_latencies[search->pooled ? residual / MEASURED_STATISTICS : residual % MEASURED_LATENCIES];
}

/* Statistics of all requests cannot be divided. */
static bool is_fitted(const struct search *search, size_t residual)
{
    const bool counts = !search->smooth || latency_of(search, residual) != LATENCY_TTFT;
    return counts && (search->pooled || residual / MEASURED_LATENCIES % 2 == 0);
}

/* The same for tokens below and above a knee that is not looked for, and for contexts with and without a prompt. */
static struct compact compact_of(const double *values)
{
    struct compact compact = {{0}};
    compact.constants[COMPACT_BASE] = values[CALIBRATED_BASE];
    compact.constants[COMPACT_SEQUENCE] = values[CALIBRATED_SEQUENCE];
    compact.constants[COMPACT_TOKEN] = compact.constants[COMPACT_TOKEN_ABOVE_KNEE] = values[CALIBRATED_TOKEN];
    compact.constants[COMPACT_DECODE_CONTEXT] = compact.constants[COMPACT_MIXED_DECODE_CONTEXT] = values[CALIBRATED_CONTEXT];
    compact.constants[COMPACT_PREFILL_READ] = values[CALIBRATED_CONTEXT];
    compact.constants[COMPACT_MIXED] = values[CALIBRATED_MIXED];
    return compact;
}

static double residual_of(double told, double simulated)
{
    return !(told > 0) ? (double)NAN : simulated > 0 ? log(simulated / told) : UNSERVED;
}

static void note_requests(const struct search *search, const struct validation *validation)
{
    const struct measured_run *measured = search->calibration->measured;
    for (size_t i = 0; i < search->count; i++) {
        const enum latency latency = latency_of(search, i);
        const uint32_t position = (uint32_t)(i / MEASURED_LATENCIES);
        const double told = measured->ms[latency] ? measured->ms[latency][position] : (double)NAN;
        search->residuals[i] = residual_of(told, validation_simulated_ms(validation, latency, position));
    }
}

static enum status note_statistics(const struct search *search, const struct validation *validation, struct diag *diag)
{
    enum status status = SIM_OK;
    for (size_t i = 0; i < MEASURED_LATENCIES && status == SIM_OK; i++) {
        const enum latency latency = measured_latencies[i];
        struct distribution all = {0};
        double statistics[MEASURED_STATISTICS] = {0};
        for (uint32_t position = 0; position < search->calibration->trace->count && status == SIM_OK; position++) {
            const double ms = validation_simulated_ms(validation, latency, position);
            if (!isnan(ms))
                status = distribution_add(&all, ms, diag);
        }
        if (status == SIM_OK && all.count > 0)
            status = measured_statistics_of(&all, statistics, diag);
        distribution_deinit(&all);
        for (size_t k = 0; k < MEASURED_STATISTICS; k++)
            search->residuals[i * MEASURED_STATISTICS + k] =
                residual_of(search->calibration->measured->pooled_ms[latency][k], statistics[k]);
    }
    return status;
}

static enum status on_runs(void *self, const struct step_run *runs, size_t count, struct diag *diag)
{
    struct step_tokens *tokens = self;
    (void)diag;
    for (size_t i = 0; i < count; i++) {
        const double each = runs[i].first.sampled_tokens;
        tokens->sums[0] += each * runs[i].steps;
        tokens->sums[1] += each * each * runs[i].steps;
        tokens->sums[2] += each * each * each * runs[i].steps;
    }
    return SIM_OK;
}

/* One replay with these constants; residuals of all requests. */
static enum status replay_with(struct search *search, const double *log_values, struct diag *diag)
{
    struct calibration *calibration = search->calibration;
    struct validation validation;
    struct replay_facts facts;
    const struct replay_options options = {0};
    double values[CALIBRATED];
    if (calibration->stop && *calibration->stop)
        return diag_set(diag, SIM_INTERRUPTED, "interrupted");
    for (int i = 0; i < CALIBRATED; i++)
        values[i] = search->fixed[i] ? 0 : exp(log_values[i]);
    const struct compact compact = compact_of(values);
    compact_set(search->model, &compact);
    enum status status = validation_init(&validation, calibration->trace, calibration->config, calibration->measured, diag);
    if (status != SIM_OK)
        return status;
    stream_pauses_init(&validation.pauses, &search->model->config);
    search->step_tokens = (struct step_tokens){0};
    const struct observer observers[] = {validation_observer(&validation), {.self = &search->step_tokens, .runs = on_runs}};
    status = replay_run(calibration->trace, calibration->config, search->model, observers, 2, &options, &facts, diag);
    if (status == SIM_OK && search->pooled)
        status = note_statistics(search, &validation, diag);
    else if (status == SIM_OK)
        note_requests(search, &validation);
    validation_deinit(&validation);
    calibration->replays++;
    if (calibration->progress)
        calibration->progress(calibration->progress_self, calibration->replays);
    return status;
}

/* Each latency counts as much as the others, however many requests have it. */
static enum status loss(void *self, const double *log_values, double *value, struct diag *diag)
{
    struct search *search = self;
    double sums[MEASURED_LATENCIES] = {0};
    uint32_t counts[MEASURED_LATENCIES] = {0}, latencies = 0;
    enum status status = replay_with(search, log_values, diag);
    for (size_t i = 0; i < search->count && status == SIM_OK; i++) {
        const size_t which = search->pooled ? i / MEASURED_STATISTICS : i % MEASURED_LATENCIES;
        if (isnan(search->residuals[i]) || !is_fitted(search, i))
            continue;
        sums[which] += pseudo_huber(search->residuals[i], HUBER_KNEE);
        counts[which]++;
    }
    *value = 0;
    for (size_t i = 0; i < MEASURED_LATENCIES; i++) {
        *value += counts[i] > 0 ? sums[i] / counts[i] : 0;
        latencies += counts[i] > 0;
    }
    *value = latencies > 0 ? *value / latencies : INFINITY;
    return status;
}

/* --- downhill -------------------------------------------------------------------------------------------------------------------------- */

/* a becomes its inverse (Gauss and Jordan, with the largest pivot). Rows without a pivot are dropped: their variance is infinite. */
static void invert(double a[CALIBRATED][CALIBRATED], bool *dropped)
{
    double inverse[CALIBRATED][CALIBRATED] = {{0}};
    bool done[CALIBRATED] = {false};
    for (int i = 0; i < CALIBRATED; i++)
        inverse[i][i] = 1;
    for (int turn = 0; turn < CALIBRATED; turn++) {
        int pivot = -1;
        for (int i = 0; i < CALIBRATED; i++)
            if (!done[i] && !dropped[i] && (pivot < 0 || a[i][i] > a[pivot][pivot]))
                pivot = i;
        if (pivot < 0)
            break;
        done[pivot] = true;
        if (!(a[pivot][pivot] > SAME / 10)) { /* of a matrix with ones on its diagonal: it says what the others say */
            dropped[pivot] = true;
            continue;
        }
        const double scale = 1 / a[pivot][pivot];
        for (int k = 0; k < CALIBRATED; k++) {
            a[pivot][k] *= scale;
            inverse[pivot][k] *= scale;
        }
        for (int i = 0; i < CALIBRATED; i++) {
            const double share = a[i][pivot];
            for (int k = 0; k < CALIBRATED && i != pivot; k++) {
                a[i][k] -= share * a[pivot][k];
                inverse[i][k] -= share * inverse[pivot][k];
            }
        }
    }
    memcpy(a, inverse, sizeof inverse);
}

/* How the residuals at `at` move with each constant, from replays a little to both sides; last that of `at` itself. */
static enum status derivatives(struct search *search, const double *at, double probe, struct diag *diag)
{
    const size_t count = search->count;
    double *slopes = search->slopes;
    enum status status = SIM_OK;
    for (int k = 0; k < CALIBRATED && status == SIM_OK; k++)
        for (int side = 0; side < 2 && status == SIM_OK && !search->fixed[k]; side++) {
            double moved[CALIBRATED];
            memcpy(moved, at, sizeof moved);
            moved[k] += side ? probe : -probe;
            status = replay_with(search, moved, diag);
            for (size_t i = 0; i < count && status == SIM_OK; i++) {
                double *slope = &slopes[i * CALIBRATED + (size_t)k];
                *slope = side ? (search->residuals[i] - *slope) / (2 * probe) : search->residuals[i];
            }
        }
    return status == SIM_OK ? replay_with(search, at, diag) : status;
}

/* J'WJ and J'Wr of the fitted requests. The weights make squares of what is large in the loss only as large as it counts there. */
static size_t normal_equations(const struct search *search, double products[CALIBRATED][CALIBRATED], double *gradient, double *squares)
{
    size_t used = 0;
    memset(products, 0, sizeof(double[CALIBRATED][CALIBRATED]));
    memset(gradient, 0, sizeof(double[CALIBRATED]));
    *squares = 0;
    for (size_t i = 0; i < search->count; i++) {
        const double residual = search->residuals[i], *slopes = &search->slopes[i * CALIBRATED];
        if (isnan(residual) || !is_fitted(search, i))
            continue;
        const double weight = 1 / sqrt(1 + residual * residual / (HUBER_KNEE * HUBER_KNEE));
        used++;
        *squares += 2 * pseudo_huber(residual, HUBER_KNEE);
        for (int a = 0; a < CALIBRATED; a++) {
            gradient[a] += weight * slopes[a] * residual;
            for (int b = 0; b < CALIBRATED; b++)
                products[a][b] += weight * slopes[a] * slopes[b];
        }
    }
    return used;
}

/* One step of Levenberg and Marquardt from `at`: shorter and steeper with more damping. */
static void step_down(double products[CALIBRATED][CALIBRATED], const double *gradient, double damping, const double *at, double *out)
{
    double scaled[CALIBRATED][CALIBRATED];
    bool dropped[CALIBRATED];
    for (int a = 0; a < CALIBRATED; a++)
        dropped[a] = !(products[a][a] > NO_EFFECT);
    for (int a = 0; a < CALIBRATED; a++)
        for (int b = 0; b < CALIBRATED; b++)
            scaled[a][b] =
                dropped[a] || dropped[b] ? a == b : products[a][b] / sqrt(products[a][a] * products[b][b]) + (a == b ? damping : 0);
    invert(scaled, dropped);
    for (int a = 0; a < CALIBRATED; a++) {
        double move = 0;
        for (int b = 0; b < CALIBRATED && !dropped[a]; b++)
            if (!dropped[b])
                move -= scaled[a][b] * gradient[b] / sqrt(products[a][a] * products[b][b]);
        out[a] = at[a] + fmax(-LONGEST_STEP, fmin(LONGEST_STEP, move));
    }
}

/* Gauss-Newton, damped: a step that does not help is tried again, shorter, and then with slopes from nearer by. */
static enum status go_down(struct search *search, double *at, double *value, struct diag *diag)
{
    double damping = 0.01, probe = PROBE_MOST;
    enum status status = loss(search, at, value, diag);
    for (int turn = 0; turn < STEPS_DOWN && status == SIM_OK; turn++) {
        double products[CALIBRATED][CALIBRATED], gradient[CALIBRATED], squares, tried[CALIBRATED], better = INFINITY;
        status = derivatives(search, at, probe, diag);
        normal_equations(search, products, gradient, &squares);
        while (status == SIM_OK && !(better < *value) && damping < DAMPING_MOST) {
            step_down(products, gradient, damping, at, tried);
            status = loss(search, tried, &better, diag);
            damping *= better < *value ? 0.2 : 5;
        }
        if (status == SIM_OK && better < *value) {
            memcpy(at, tried, sizeof tried);
            *value = better;
        }
        damping = fmin(damping, DAMPING_MOST / 10);
        probe = fmax(PROBE_LEAST, probe * PROBE_SHRINK);
    }
    return status;
}

/* --- where to begin -------------------------------------------------------------------------------------------------------------------- */

/* The lower quartile of the time per token, when little else was in a step, in microseconds. Of statistics alone, half of the mean. NaN: of
 * nobody. */
static double quick_step_us(const struct calibration *calibration, double *scratch)
{
    const double *ms = calibration->measured->ms[LATENCY_TPOT], *pooled = calibration->measured->pooled_ms[LATENCY_TPOT];
    size_t count = 0;
    for (uint32_t position = 0; ms && position < calibration->trace->count; position++)
        if (ms[position] > 0)
            scratch[count++] = ms[position];
    qsort(scratch, count, sizeof *scratch, compare_double_items);
    if (count > 0)
        return scratch[count / 4] * 1000;
    return (pooled[0] > 0 ? pooled[0] : pooled[1]) * 500;
}

/* How many ran at a time, in the mean, and how many tokens of context they had: from what was measured and the trace alone. */
static void mean_load(const struct calibration *calibration, double *running, double *context)
{
    const struct trace *trace = calibration->trace;
    const double *ms = calibration->measured->ms[LATENCY_E2EL];
    double time_ms = 0, token_ms = 0, last_ms = 0;
    for (uint32_t position = 0; ms && position < trace->count; position++) {
        if (!(ms[position] > 0))
            continue;
        const double end_ms = (double)(trace->arrival_ns[position] - trace->arrival_ns[0]) / 1e6 + ms[position];
        time_ms += ms[position];
        token_ms += ms[position] * (trace->input_tokens[position] + trace->output_tokens[position] / 2.0);
        last_ms = end_ms > last_ms ? end_ms : last_ms;
    }
    *running = last_ms > 0 ? fmax(1, time_ms / last_ms) : 1;
    *context = last_ms > 0 ? fmax(1, token_ms / last_ms) : 1;
}

/* Something of everything: what is nearly nothing at first has no slope to climb. How much a token of a prompt costs is anybody's guess. */
static void guess(const struct calibration *calibration, double step_us, int start, double *log_values)
{
    static const double token_shares[STARTS] = {0.004, 0.0008, 0.02};
    double running, context;
    mean_load(calibration, &running, &context);
    const double shares[CALIBRATED] = {0.6, 0.1 / running, token_shares[start], 0.1 / context, 0.1};
    for (int i = 0; i < CALIBRATED; i++)
        log_values[i] = log(step_us * shares[i]);
}

static enum status search_best(struct search *search, double step_us, struct diag *diag)
{
    double best = INFINITY, value;
    enum status status = SIM_OK;
    for (int start = 0; start < STARTS && status == SIM_OK; start++) {
        double log_values[CALIBRATED];
        guess(search->calibration, step_us, start, log_values);
        search->smooth = !search->pooled;
        status = go_down(search, log_values, &value, diag);
        search->smooth = false;
        if (status == SIM_OK && !search->pooled)
            status = go_down(search, log_values, &value, diag);
        if (status == SIM_OK && value < best) {
            best = value;
            memcpy(search->log_values, log_values, sizeof log_values);
        }
    }
    /* Decisions jump as the clock moves, which slopes do not see: a simplex finds what is left. */
    if (status == SIM_OK)
        status = nelder_mead(CALIBRATED, search->log_values, 0.15, LAST_SEARCH, 1e-9, loss, search, &best, diag);
    if (status == SIM_OK && !isfinite(best))
        status = diag_set(diag, SIM_BAD_INPUT, "no clock gives a replay in which the measured requests are served");
    return status;
}

/* --- what the run tells ---------------------------------------------------------------------------------------------------------------- */

/* Least squares at the best point: variance = s^2 (J'J)^-1. J'J is scaled to ones on its diagonal first, so that what is small is small by
 * itself. */
static void tell_precision(struct search *search)
{
    struct calibration *calibration = search->calibration;
    double products[CALIBRATED][CALIBRATED], gradient[CALIBRATED], scales[CALIBRATED], squares;
    bool dropped[CALIBRATED];
    const size_t used = normal_equations(search, products, gradient, &squares);
    for (int a = 0; a < CALIBRATED; a++) {
        scales[a] = sqrt(products[a][a] / (double)used);
        dropped[a] = !(scales[a] > NO_EFFECT);
    }
    for (int a = 0; a < CALIBRATED; a++)
        for (int b = 0; b < CALIBRATED; b++)
            products[a][b] = dropped[a] || dropped[b] ? a == b : products[a][b] / ((double)used * scales[a] * scales[b]);
    for (int a = 0; a < CALIBRATED; a++)
        products[a][a] += SAME; /* two that say the same have large variances then, and are told as alike */
    invert(products, dropped);
    const double variance = used > CALIBRATED ? fmax(SMALLEST_VARIANCE, squares / (double)(used - CALIBRATED)) : (double)INFINITY;
    for (int a = 0; a < CALIBRATED; a++) {
        calibration->standard_error[a] = dropped[a] ? (double)INFINITY : sqrt(variance * products[a][a] / (double)used) / scales[a];
        for (int b = 0; b < CALIBRATED; b++)
            calibration->correlation[a][b] = dropped[a] || dropped[b] ? a == b : products[a][b] / sqrt(products[a][a] * products[b][b]);
    }
}

static void tell_errors(const struct search *search, bool fitted, struct calibration_errors *out)
{
    double errors[LATENCIES] = {0};
    uint32_t counts[LATENCIES] = {0};
    *out = (struct calibration_errors){0};
    for (size_t i = 0; i < search->count; i++) {
        if (isnan(search->residuals[i]) || is_fitted(search, i) != fitted)
            continue;
        const enum latency latency = latency_of(search, i);
        errors[latency] += fabs(exp(search->residuals[i]) - 1);
        counts[latency]++;
    }
    for (int latency = 0; latency < LATENCIES; latency++) {
        out->mape[latency] = counts[latency] > 0 ? errors[latency] / counts[latency] : (double)NAN;
        out->count = counts[latency] > out->count ? counts[latency] : out->count;
    }
}

/* Pauses hold up single tokens and not the engine, so the other constants do not move with them. */
static void find_pauses(const struct search *search)
{
    struct calibration *calibration = search->calibration;
    calibration->pauses = pauses_seen_judge(&calibration->measured->pauses, &search->step_tokens);
    if (!calibration->pauses.found)
        return;
    calibration->compact.pause_ns = llrint(calibration->pauses.pause_ms * 1e6);
    calibration->compact.pause_every_pairs = (uint64_t)llrint(calibration->pauses.every_pairs);
}

static enum status learn(struct search *search, struct diag *diag)
{
    struct calibration *calibration = search->calibration;
    enum status status = derivatives(search, search->log_values, PROBE_LEAST, diag);
    if (status != SIM_OK)
        return status;
    tell_precision(search);
    tell_errors(search, true, &calibration->fitted);
    tell_errors(search, false, &calibration->held_out);
    for (int i = 0; i < CALIBRATED; i++)
        calibration->values[i] = search->fixed[i] ? 0 : exp(search->log_values[i]);
    calibration->compact = compact_of(calibration->values);
    find_pauses(search);
    return SIM_OK;
}

/* Three means tell of two constants: what a step costs, and what a token of a prompt does. */
static enum status choose_data(struct search *search, struct diag *diag)
{
    struct calibration *calibration = search->calibration;
    const struct measured_run *measured = calibration->measured;
    const double *alone = measured->ms[LATENCY_E2EL];
    uint32_t statistics = 0, listed = 0;
    for (uint32_t position = 0; alone && position < calibration->trace->count; position++)
        listed += alone[position] > 0;
    for (size_t i = 0; i < MEASURED_LATENCIES; i++)
        for (size_t k = 0; k < MEASURED_STATISTICS; k++)
            statistics += measured->pooled_ms[measured_latencies[i]][k] > 0;
    search->pooled = calibration->pooled = listed == 0 && statistics > 0;
    search->count =
        search->pooled ? (size_t)MEASURED_LATENCIES * MEASURED_STATISTICS : (size_t)calibration->trace->count * MEASURED_LATENCIES;
    if (!search->pooled && listed < REQUESTS_LEAST)
        return diag_set(diag, SIM_BAD_INPUT, "only %u requests of the trace were measured; a clock needs %d at least", listed,
                        REQUESTS_LEAST);
    for (int i = 0; i < CALIBRATED; i++)
        search->fixed[i] = search->pooled && statistics <= FEW_STATISTICS && i != CALIBRATED_BASE && i != CALIBRATED_TOKEN;
    return SIM_OK;
}

enum status calibration_make(struct calibration *calibration, struct diag *diag)
{
    struct search search = {.calibration = calibration};
    const struct compact zero = {{0}};
    if (choose_data(&search, diag) != SIM_OK)
        return diag->status;
    const struct array_request arrays[] = {ARRAY_OF(search.residuals, search.count + calibration->trace->count),
                                           ARRAY_OF(search.slopes, search.count * CALIBRATED)};
    enum status status = compact_create(calibration->config, &zero, &search.model, diag);
    if (status == SIM_OK)
        status = array_zeroed_all(arrays, 2, "a calibration", diag);
    const double step_us = status == SIM_OK ? quick_step_us(calibration, search.residuals) : 0;
    if (status == SIM_OK && !(step_us > 0))
        status = diag_set(diag, SIM_BAD_INPUT, "no time per output token was measured; steps cannot be told from the rest");
    if (status == SIM_OK)
        status = search_best(&search, step_us, diag);
    if (status == SIM_OK)
        status = learn(&search, diag);
    step_time_destroy(search.model);
    free(search.residuals);
    free(search.slopes);
    return status;
}
