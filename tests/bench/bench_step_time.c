/* bench_step_time.c - what it costs to price a step, for every model: nanoseconds of CPU a step, median of several rounds.
 *
 * The steps are those of a server: decodes whose contexts grow by one a step, now and then a request comes or goes, every eighth step holds a
 * prefill chunk. `scattered` draws each step anew, so that no step is like the one before.
 *
 * usage: bench_step_time [PROFILE_FOLDER [NUM_LAYERS]]     default: the tables beside the checkout; without them profile is left out
 * Lines: step_time <model> prepare ms <ms>, step_time <model> <steps> ns_per_step <ns>
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/seeded_random.h"
#include "config/config_keys.h"
#include "time/compact.h"
#include "time/step_time.h"

enum { STEPS = 20000, ROUNDS = 15 };

static double cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    const double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static void fill_steps(struct step_shape *steps, bool scattered)
{
    uint64_t state = 5, context = UINT64_C(64) * 900;
    uint32_t decodes = 64;
    for (uint64_t i = 0; i < STEPS; i++) {
        if (scattered) {
            decodes = 1 + (uint32_t)(seeded_bits(&state) % 250);
            context = decodes * (1 + seeded_bits(&state) % 4000);
        } else if (seeded_bits(&state) % 6 == 0) {
            const bool comes = decodes < 32 || (decodes < 128 && seeded_bits(&state) % 2);
            context = comes ? context + seeded_bits(&state) % 1500 : context - context / decodes;
            decodes += comes ? 1 : -1u;
        }
        context += decodes;
        const uint64_t chunk = i % 8 ? 0 : 1 + seeded_bits(&state) % 1000, before = chunk && i % 16 ? seeded_bits(&state) % 3000 : 0;
        steps[i] = (struct step_shape){.step = i,
                                       .scheduled_tokens = decodes + chunk,
                                       .context_tokens = context + chunk + before,
                                       .prefill_tokens = chunk,
                                       .prefill_context_product = chunk * before,
                                       .prefill_context = before,
                                       .decode_context = context,
                                       .prefill_chunks = chunk > 0,
                                       .decodes = decodes,
                                       .sequences = decodes + (chunk > 0),
                                       .sampled = decodes + (chunk > 0),
                                       .max_decode_context = (uint32_t)(context / decodes * 2),
                                       .min_decode_context = (uint32_t)(context / decodes / 2)};
    }
}

static void measure(const char *name, const struct config *config)
{
    static struct step_shape steps[STEPS];
    struct step_time_model *model = NULL;
    struct diag diag = {0};
    double creations[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        const double start = cpu_ns();
        step_time_destroy(model);
        if (step_time_create(config, &model, &diag) != SIM_OK) {
            fprintf(stderr, "%s: %s\n", name, diag.text);
            exit(1);
        }
        creations[round] = (cpu_ns() - start) / 1e6;
    }
    qsort(creations, ROUNDS, sizeof *creations, ascending);
    printf("step_time %s prepare ms %.2f\n", name, creations[ROUNDS / 2]);
    for (int scattered = 0; scattered < 2; scattered++) {
        double rounds[ROUNDS];
        int64_t sum = 0;
        fill_steps(steps, scattered);
        for (int round = 0; round < ROUNDS; round++) {
            const double start = cpu_ns();
            for (int i = 0; i < STEPS; i++)
                sum += step_time_price(model, &steps[i]);
            rounds[round] = (cpu_ns() - start) / STEPS;
        }
        qsort(rounds, ROUNDS, sizeof *rounds, ascending);
        printf("step_time %s %s ns_per_step %.1f\n", name, scattered ? "scattered" : "server", rounds[ROUNDS / 2]);
        if (sum <= 0)
            exit(1); /* the compiler may not leave the loop out */
    }
    step_time_destroy(model);
}

/* A file for the models that read one. */
static void write_file(char *path, const char *text)
{
    const int descriptor = mkstemp(path);
    if (descriptor < 0 || write(descriptor, text, strlen(text)) != (ssize_t)strlen(text) || close(descriptor) != 0)
        exit(1);
}

static void measure_files(struct config *config)
{
    char compact[] = "/tmp/bench-step-time-XXXXXX", recorded[] = "/tmp/bench-step-time-XXXXXX", text[1024] = "{";
    for (int i = 0; i < COMPACT_CONSTANTS; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s\"%s\": %d", i ? ", " : "", compact_names[i], i + 1);
    snprintf(text + strlen(text), sizeof text - strlen(text), "}");
    write_file(compact, text);
    write_file(recorded, "step,duration_ns\n0,1000\n1,2000\n");
    config->step_time.model = STEP_TIME_COMPACT;
    snprintf(config->step_time.path, sizeof config->step_time.path, "%s", compact);
    measure("compact", config);
    config->step_time.model = STEP_TIME_RECORDED;
    snprintf(config->step_time.path, sizeof config->step_time.path, "%s", recorded);
    measure("recorded", config);
    unlink(compact);
    unlink(recorded);
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : "../shared/groundtruth/rtx4090_llama31_8b/profile";
    struct config config;
    config_defaults(SCHEDULER_VLLM_V1, &config);
    measure("linear", &config);
    measure_files(&config);
    config.step_time.model = STEP_TIME_ROOFLINE;
    snprintf(config.model, sizeof config.model, "llama-3.1-8b");
    snprintf(config.gpu, sizeof config.gpu, "rtx-4090");
    measure("roofline", &config);
    if (access(folder, R_OK) != 0) {
        printf("step_time profile SKIPPED, %s is not there\n", folder);
        return 0;
    }
    config.step_time.model = STEP_TIME_PROFILE;
    config.step_time.num_layers = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 32;
    snprintf(config.step_time.path, sizeof config.step_time.path, "%s", folder);
    measure("profile", &config);
    config.step_time.skew_table = true;
    measure("profile_with_skew", &config);
    return 0;
}
