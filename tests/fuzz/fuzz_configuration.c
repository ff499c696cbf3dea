/* fuzz_configuration.c - what is written in JSON by hand: configurations, models, GPUs, compact step-time models, points of a sweep, metadata
 * of a result. The first byte is the kind, the rest the text. A configuration that is read must be written so that it reads back the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "config/config_keys.h"
#include "config/hardware.h"
#include "config/model_shape.h"
#include "config/sizing.h"
#include "fuzz/harness.h"
#include "report/bench_result.h"
#include "study/sweep_plan.h"
#include "support/tiny_trace.h"
#include "time/compact.h"

enum { KIND_CONFIG, KIND_SETTINGS, KIND_MODEL, KIND_GPU, KIND_COMPACT, KIND_LIST, KIND_METADATA, KINDS };
enum { TEXT_SIZE = 256, METADATA = 8, POINTS_CHECKED = 4 };

/* --- configurations ---------------------------------------------------------------------------------------------------------------- */

static void check_equal(const struct config *a, const struct config *b)
{
    for (size_t i = 0; i < config_key_count; i++)
        FUZZ_CHECK(!config_key_matters(&config_keys[i], a) || config_key_equal(&config_keys[i], a, b),
                   "%s is not read back as it was written", config_keys[i].name);
}

/* Written, read again, the same; and its pool can be sized or is refused. */
static void check_config(struct config *config)
{
    struct diag diag = {0};
    struct json_text json;
    struct config again;
    struct sizing sizing;
    json_text_init(&json, true);
    config_write(config, &json);
    FUZZ_CHECK(json_text_status(&json, &diag) == SIM_OK, "%s", diag.text);
    FUZZ_CHECK(config_load(fuzz_file("written.json", json.text, json.length), NULL, 0, &again, &diag) == SIM_OK, "%s\n%s", diag.text,
               json.text);
    check_equal(config, &again);
    fuzz_check_json(&json);
    fuzz_check_diag(sizing_fill(config, &sizing, &diag), &diag);
    config_watermark_blocks(config);
}

static void read_config(const struct fuzz_bytes *bytes)
{
    struct diag diag = {0};
    struct config config;
    struct diag ignored = {0};
    if (config_read("c.json", (const char *)bytes->at, bytes->left, NULL, 0, &config, &ignored) == SIM_OK &&
        (strpbrk(config.model, "./") || strpbrk(config.gpu, "./")))
        return; /* paths: any file of the machine would be read */
    const enum status status = config_load(fuzz_file("c.json", (const char *)bytes->at, bytes->left), NULL, 0, &config, &diag);
    fuzz_check_diag(status, &diag);
    if (status == SIM_OK)
        check_config(&config);
}

static bool is_text(const char *value)
{
    for (size_t length; *value; value += length)
        if ((length = utf8_sequence(value, strlen(value))) == 0)
            return false;
    return true;
}

/* key=value a line, as options and as --vary set them, but for paths of hardware. Paths that are no text cannot be written in JSON. */
static void read_settings(struct fuzz_bytes *bytes)
{
    char line[TEXT_SIZE];
    struct config config;
    struct diag diag = {0};
    if (config_load(NULL, NULL, 0, &config, &diag) != SIM_OK)
        fuzz_fail(__FILE__, __LINE__, "%s", diag.text);
    while (bytes->left > 0) {
        fuzz_line(bytes, line, sizeof line);
        char *value = strchr(line, '=');
        if (!value || !is_text(value))
            continue;
        *value++ = '\0';
        if ((strcmp(line, "model") == 0 || strcmp(line, "gpu") == 0) && strpbrk(value, "./"))
            continue;
        struct config changed = config;
        diag_clear(&diag);
        const enum status status = config_set(&changed, line, value, &diag);
        fuzz_check_diag(status, &diag);
        if (status == SIM_OK)
            config = changed;
    }
    check_config(&config);
}

/* --- hardware ---------------------------------------------------------------------------------------------------------------------- */

static void size_with(const char *model, const char *gpu)
{
    struct diag diag = {0};
    struct config config;
    struct sizing sizing;
    if (config_load(NULL, NULL, 0, &config, &diag) != SIM_OK)
        fuzz_fail(__FILE__, __LINE__, "%s", diag.text);
    snprintf(config.model, sizeof config.model, "%s", model);
    snprintf(config.gpu, sizeof config.gpu, "%s", gpu);
    config.num_gpu_blocks = 0;
    config.kv_cache_memory_bytes = 0;
    for (uint32_t parallel = 1; parallel <= 8; parallel *= 8) {
        struct step_time_model *time;
        struct config sized = config;
        sized.tensor_parallel_size = parallel;
        sized.step_time.model = STEP_TIME_ROOFLINE;
        diag_clear(&diag);
        fuzz_check_diag(sizing_fill(&sized, &sizing, &diag), &diag);
        diag_clear(&diag);
        const enum status status = step_time_create(&sized, &time, &diag);
        fuzz_check_diag(status, &diag);
        if (status != SIM_OK)
            continue;
        const struct step_shape shape = step_shape_of_decodes(64, 100000);
        FUZZ_CHECK(step_time_price(time, &shape) >= 0, "a step takes less than no time");
        step_time_destroy(time);
    }
}

static void read_hardware(const struct fuzz_bytes *bytes, bool model)
{
    static const char usual_gpu[] = "{\"memory_bytes\": 85899345920, \"bandwidth_gb_per_s\": 3350, \"tflops\": 989}";
    static const char usual_model[] =
        "{\"num_hidden_layers\": 32, \"hidden_size\": 4096, \"num_attention_heads\": 32, \"num_key_value_heads\": 8, "
        "\"intermediate_size\": 14336, \"vocab_size\": 128256, \"tie_word_embeddings\": false, \"head_dim\": 128, \"weight_bytes\": 2, "
        "\"kv_bytes\": 2}";
    const char *path = fuzz_file("hardware.json", (const char *)bytes->at, bytes->left);
    struct diag diag = {0};
    struct model_shape shape;
    struct gpu gpu;
    const enum status status = model ? model_shape_load(path, &shape, &diag) : gpu_load(path, &gpu, &diag);
    fuzz_check_diag(status, &diag);
    if (status != SIM_OK)
        return;
    if (model)
        size_with(path, fuzz_file("gpu.json", usual_gpu, sizeof usual_gpu - 1));
    else
        size_with(fuzz_file("model.json", usual_model, sizeof usual_model - 1), path);
}

/* --- step times, points, metadata ----------------------------------------------------------------------------------------------------- */

static void read_compact(const struct fuzz_bytes *bytes)
{
    struct diag diag = {0};
    struct config config = tiny_config_v1(16, 100);
    struct step_time_model *model;
    config.step_time.model = STEP_TIME_COMPACT;
    snprintf(config.step_time.path, sizeof config.step_time.path, "%s", fuzz_file("compact.json", (const char *)bytes->at, bytes->left));
    const enum status status = step_time_create(&config, &model, &diag);
    fuzz_check_diag(status, &diag);
    if (status != SIM_OK)
        return;
    struct step_shape shape = step_shape_of_decodes(3, 100);
    FUZZ_CHECK(step_time_price(model, &shape) >= 0, "a step takes less than no time");
    step_shape_add(&shape, UINT32_MAX, UINT32_MAX, false);
    FUZZ_CHECK(step_time_price(model, &shape) >= 0, "a step takes less than no time");
    step_time_destroy(model);
}

static void read_list(const struct fuzz_bytes *bytes)
{
    struct diag diag = {0};
    struct sweep_plan plan = {0};
    const struct sweep_request request = {.list_path = fuzz_file("points", (const char *)bytes->at, bytes->left)};
    enum status status = sweep_plan_make(&plan, &request, &diag);
    fuzz_check_diag(status, &diag);
    for (size_t point = 0; status == SIM_OK && point < plan.point_count && point < POINTS_CHECKED; point++) {
        struct config config;
        char text[TEXT_SIZE];
        sweep_plan_describe(&plan, point, text, sizeof text);
        /* The plan sizes the pool, for which it reads what a point names. */
        bool names_files = false;
        for (uint32_t key = 0; key < plan.varied.count; key++)
            names_files = names_files || plan.varied.list[key]->type == KEY_PATH;
        diag_clear(&diag);
        if (!names_files)
            fuzz_check_diag(sweep_plan_config(&plan, point, &config, &diag), &diag);
    }
    sweep_plan_deinit(&plan);
}

/* Members that the user adds to a result: it stays JSON. One request is replayed for it. Whether keys are text and new is checked where options
 * are read (replay_outputs.c). */
static void write_metadata(struct fuzz_bytes *bytes)
{
    static const struct tiny_request requests[] = {{0, 20, 3}};
    char lines[METADATA][TEXT_SIZE];
    const char *metadata[METADATA];
    struct diag diag = {0};
    struct latency_choice choice;
    struct text_writer *writer;
    struct run run;
    size_t count = 0, length;
    while (bytes->left > 0 && count < METADATA) {
        fuzz_line(bytes, lines[count], TEXT_SIZE);
        if (strchr(lines[count], '='))
            metadata[count] = lines[count], count++;
    }
    struct trace *trace = tiny_trace(requests, 1);
    const struct config config = tiny_config_v1(16, 100);
    latency_choice_init(&choice);
    FUZZ_CHECK(run_open(&run, trace, &config, &diag) == SIM_OK && run_replay(&run, NULL, 0, NULL, &diag) == SIM_OK, "%s", diag.text);
    const struct bench_result result = {.run = &run, .choice = &choice, .metadata = metadata, .metadata_count = count};
    const char *path = fuzz_path("result.json");
    FUZZ_CHECK(text_writer_open(path, &writer, &diag) == SIM_OK && bench_result_write(&result, writer, &diag) == SIM_OK &&
                   text_writer_commit(writer, &diag) == SIM_OK,
               "%s", diag.text);
    run_close(&run);
    trace_destroy(trace);
    char *text = fuzz_read(path, &length);
    struct json_document document;
    const enum status status = json_open("result", 1, text, length, &document, &diag);
    FUZZ_CHECK(status == SIM_OK || strstr(diag.text, "twice") || strstr(diag.text, "UTF-8"), "%s\n%s", diag.text, text);
    if (status == SIM_OK)
        json_close(&document);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = {data, size};
    const uint32_t kind = fuzz_below(&bytes, KINDS);
    if (bytes.left == 0)
        return 0;
    switch (kind) {
    case KIND_CONFIG:
        read_config(&bytes);
        break;
    case KIND_SETTINGS:
        read_settings(&bytes);
        break;
    case KIND_MODEL:
    case KIND_GPU:
        read_hardware(&bytes, kind == KIND_MODEL);
        break;
    case KIND_COMPACT:
        read_compact(&bytes);
        break;
    case KIND_LIST:
        read_list(&bytes);
        break;
    default:
        write_metadata(&bytes);
        break;
    }
    return 0;
}
