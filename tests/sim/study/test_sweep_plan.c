/* test_sweep_plan.c - which points a sweep makes of its options, and what it refuses. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "config/config_keys.h"
#include "study/sweep_plan.h"
#include "support/temp_file.h"

/* All points as text, "|" between them; or "STATUS: message". */
static const char *points_of(const char *const *vary, size_t count, bool zip, const char *list, uint64_t replicates)
{
    static char text[4096];
    static const struct config_option base[] = {{"num-gpu-blocks", "100"}, {"seed", "5"}};
    struct sweep_plan plan = {.base = base, .base_count = 2};
    struct sweep_request request = {.vary = vary, .vary_count = count, .zip = zip, .list_path = list, .replicates = replicates};
    struct diag diag = {0};
    size_t used = 0;
    text[0] = '\0';
    if (sweep_plan_make(&plan, &request, &diag) != SIM_OK)
        snprintf(text, sizeof text, "%d: %s", (int)diag.status, diag.text);
    for (size_t point = 0; point < plan.point_count && diag.status == SIM_OK; point++) {
        char one[512];
        sweep_plan_describe(&plan, point, one, sizeof one);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", point ? "|" : "", one);
    }
    sweep_plan_deinit(&plan);
    return text;
}

static const char *one(const char *vary)
{
    return points_of(&vary, 1, false, NULL, 0);
}

Test(sweep_plan, values_and_ranges)
{
    static const struct {
        const char *vary, *want;
    } cases[] = {
        {"block_size=8,16", "block_size=8|block_size=16"},
        {"block-size=8", "block_size=8"},
        {"num_gpu_blocks=1000:2000:500", "num_gpu_blocks=1000|num_gpu_blocks=1500|num_gpu_blocks=2000"},
        {"num_gpu_blocks=1000:2000:600", "num_gpu_blocks=1000|num_gpu_blocks=1600"},
        {"num_gpu_blocks=3:5", "num_gpu_blocks=3|num_gpu_blocks=4|num_gpu_blocks=5"},
        {"max_num_seqs=4:2:-1,9", "max_num_seqs=4|max_num_seqs=3|max_num_seqs=2|max_num_seqs=9"},
        {"block_size=4:40:*2", "block_size=4|block_size=8|block_size=16|block_size=32"},
        {"watermark=0:0.3:0.1", "watermark=0|watermark=0.1|watermark=0.2|watermark=0.3"},
        {"step_time.base_ns=1000,2000", "step_time.base_ns=1000|step_time.base_ns=2000"},
        {"enable_prefix_caching=true,false", "enable_prefix_caching=true|enable_prefix_caching=false"},
        {"scheduling_policy=fcfs,priority", "scheduling_policy=fcfs|scheduling_policy=priority"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_str_eq(one(cases[i].vary), cases[i].want, "%s", cases[i].vary);
}

Test(sweep_plan, what_does_not_fit_is_named)
{
    static const struct {
        const char *vary, *part;
    } cases[] = {
        {"block_size", "2: --vary block_size: KEY=VALUES is wanted"},
        {"block_size=", "KEY=VALUES"},
        {"blok_size=8", "no configuration key \"blok_size\"; did you mean \"block_size\"?"},
        {"no-enable-prefix-caching=true", "no configuration key"},
        {"block_size=8,,16", "block_size=: must be an integer from 1"},
        {"block_size=0", "block_size=0: must be an integer from 1"},
        {"block_size=8:16:0", "is not a range"},
        {"block_size=16:8", "is not a range"},
        {"block_size=8:16:4:2", "is not a range"},
        {"block_size=8:1x", "is not a range"},
        {"block_size=8:16:1.5", "is not a range"},
        {"block_size=8:16:*1", "is not a range"},
        {"num_gpu_blocks=1:2000000", "a range of more than 1000000 values"},
        {"scheduling_policy=lifo", "must be \"fcfs\""},
        {"kv_cache_groups=null,[{\"kind\":\"ful\",\"layers\":2}]", "[{\"kind\":\"ful\",\"layers\":2}]: at column 10: kind must be"},
        {"kv_cache_groups=[{\"kind\":\"full\",\"layers\":2},null", "an array that does not end"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = one(cases[i].vary);
        cr_expect(strncmp(got, "2: ", 3) == 0 && strstr(got, cases[i].part), "%s: %s", cases[i].vary, got);
    }
}

/* Commas inside of brackets part no values. */
Test(sweep_plan, values_of_json_keep_their_commas)
{
    cr_expect_str_eq(one("kv_cache_groups=null,[{\"kind\":\"full\"},{\"kind\":\"sliding_window\",\"window\":4}],[{\"kind\":\"full\"}]"),
                     "kv_cache_groups=null|kv_cache_groups=[{\"kind\":\"full\"},{\"kind\":\"sliding_window\",\"window\":4}]|"
                     "kv_cache_groups=[{\"kind\":\"full\"}]");
    cr_expect_str_eq(one("prefix_cache_retention_interval=0,null,16:32:16"),
                     "prefix_cache_retention_interval=0|prefix_cache_retention_interval=null|prefix_cache_retention_interval=16|"
                     "prefix_cache_retention_interval=32");
}

Test(sweep_plan, products_and_zips)
{
    const char *grid[] = {"block_size=8,16", "max_num_seqs=1,2"};
    cr_expect_str_eq(points_of(grid, 2, false, NULL, 0), "block_size=8 max_num_seqs=1|block_size=8 max_num_seqs=2|"
                                                         "block_size=16 max_num_seqs=1|block_size=16 max_num_seqs=2");
    cr_expect_str_eq(points_of(grid, 2, true, NULL, 0), "block_size=8 max_num_seqs=1|block_size=16 max_num_seqs=2");
    const char *constant[] = {"block_size=8,16", "max_num_seqs=3"};
    cr_expect_str_eq(points_of(constant, 2, true, NULL, 0), "block_size=8 max_num_seqs=3|block_size=16 max_num_seqs=3");
    const char *uneven[] = {"block_size=8,16", "max_num_seqs=1:3"};
    cr_expect(strstr(points_of(uneven, 2, true, NULL, 0), "2: --mode list: --vary max_num_seqs=1:3 has 3 values"));
    const char *twice[] = {"block_size=8", "block-size=9"};
    cr_expect(strstr(points_of(twice, 2, false, NULL, 0), "block_size is varied twice"));
    const char *huge[] = {"block_size=1:2000", "num_gpu_blocks=1:2000"};
    cr_expect(strstr(points_of(huge, 2, false, NULL, 0), "more than 1000000 runs"));
    cr_expect(strstr(points_of(NULL, 0, false, NULL, 0), "nothing to vary"));
    cr_expect_str_eq(points_of(grid, 1, false, NULL, 2),
                     "block_size=8 seed=5|block_size=8 seed=6|block_size=16 seed=5|block_size=16 seed=6");
    const char *seeds[] = {"seed=1,2"};
    cr_expect(strstr(points_of(seeds, 1, false, NULL, 2), "say the same"));
}

/* Every key at once, which is the most that can be varied: the table of keys is no longer, and no key can be varied twice. */
Test(sweep_plan, all_keys_can_be_varied_together_and_no_more)
{
    static char texts[SWEEP_KEYS_MOST + 1][128];
    const char *vary[SWEEP_KEYS_MOST + 1];
    size_t count = 0;
    struct config config;
    config_defaults(SCHEDULER_VLLM_V1, &config);
    cr_assert_leq(config_key_count, SWEEP_KEYS_MOST);
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        const char *group = config_group_names[key->group];
        const char *value = "1"; /* in the range of every number; of the others any name */
        if (key->type == KEY_BOOL)
            value = "true";
        else if (key->type == KEY_NAME || key->type == KEY_CHOICE)
            value = config_key_choice(key, *config_key_choice(key, 0) == '\0');
        else if (key->type == KEY_PATH || key->type == KEY_TEXT)
            value = "x";
        else if (key->type == KEY_JSON)
            value = "null";
        snprintf(texts[count], sizeof texts[count], "%s%s%s=%s", group, *group ? "." : "", key->name, value);
        vary[count] = texts[count];
        count++;
    }
    for (int zip = 0; zip < 2; zip++) {
        struct sweep_plan plan = {0};
        struct sweep_request request = {.vary = vary, .vary_count = count, .zip = zip};
        struct diag diag = {0};
        cr_assert_eq(sweep_plan_make(&plan, &request, &diag), SIM_OK, "%s", diag.text);
        cr_expect_eq(plan.point_count, 1);
        cr_assert_eq(plan.varied.count, config_key_count);
        for (uint32_t key = 0; key < plan.varied.count; key++) {
            cr_expect_eq(plan.varied.list[key], &config_keys[key]);
            cr_expect_str_eq(sweep_plan_value(&plan, 0, key), strchr(texts[key], '=') + 1);
        }
        sweep_plan_deinit(&plan);
        vary[count] = "block-size=2";
        request.vary_count = count + 1;
        cr_expect_eq(sweep_plan_make(&plan, &request, &diag), SIM_USAGE);
        cr_expect(strstr(diag.text, "block_size is varied twice"), "%s", diag.text);
        sweep_plan_deinit(&plan);
    }
}

static const char *listed(const char *lines, const char *const *vary, size_t count)
{
    struct temp_file file = temp_file_make(lines, strlen(lines));
    const char *text = points_of(vary, count, false, file.path, 0);
    temp_file_remove(&file);
    return text;
}

Test(sweep_plan, lists_from_a_file)
{
    const char *vary[] = {"max_num_seqs=1,2"};
    cr_expect_str_eq(
        listed("# points\n{\"block_size\": 8, \"step_time\": {\"base_ns\": 7}}\n\n  num_gpu_blocks=9 block-size=4\r\n", NULL, 0),
        "block_size=8 step_time.base_ns=7|block_size=4 num_gpu_blocks=9");
    cr_expect_str_eq(listed("block_size=8", vary, 1), "block_size=8 max_num_seqs=1|block_size=8 max_num_seqs=2");
    cr_expect(strstr(listed("block_size=8\nblok=1\n", NULL, 0), ":2: there is no configuration key \"blok\""));
    cr_expect(strstr(listed("block_size=8 block_size=9", NULL, 0), ":1: block_size is given twice"));
    cr_expect(strstr(listed("{\"block_size\": [8]}", NULL, 0), ":1:16: block_size must be a number"));
    cr_expect(strstr(listed("{\"block_size\": 8", NULL, 0), "3: "));
    cr_expect(strstr(listed("8\n", NULL, 0), "KEY=VALUE is wanted"));
    cr_expect(strstr(listed("# nothing\n", NULL, 0), "no point is in it"));
}

/* Values of JSON become what one would have typed: strings, truths, whole numbers with all their digits, others as short as they read back. */
Test(sweep_plan, points_of_json_may_have_values_of_each_kind)
{
    cr_expect_str_eq(listed("{\"scheduling_policy\": \"priority\", \"enable_prefix_caching\": false, \"async_scheduling\": true, "
                            "\"seed\": 9007199254740993, \"watermark\": 0.10}\n",
                            NULL, 0),
                     "scheduling_policy=priority enable_prefix_caching=false async_scheduling=true seed=9007199254740993 watermark=0.1");
    cr_expect_str_eq(
        listed("{\"speculative_config\":{\"method\":\"mtp\",\"num_speculative_tokens\":1},\"kv_cache_groups\":[{\"kind\":\"full\"}],"
               "\"prefix_cache_retention_interval\":null}\n",
               NULL, 0),
        "speculative_config={\"method\":\"mtp\",\"num_speculative_tokens\":1} kv_cache_groups=[{\"kind\":\"full\"}] "
        "prefix_cache_retention_interval=null");
    cr_expect(strstr(listed("{\"block_size\": \"many\"}", NULL, 0), ":1: "));
    cr_expect(strstr(listed("{\"block_size\": 8}\n[8]", NULL, 0), ":2: "));
    cr_expect(strstr(listed("{\"step_time\": {\"base_ns\": {\"x\": 1}}}", NULL, 0), ":1:27: step_time.base_ns must be a number"));
    cr_expect(strstr(listed("{\"block_size\": null}", NULL, 0), ":1:16: block_size must be a number"));
    cr_expect(strstr(listed("{\"block_size\": 8, \"block_size\": 9}", NULL, 0), "twice"));
}

Test(sweep_plan, a_point_is_what_its_options_would_be)
{
    static const struct config_option base[] = {{"num-gpu-blocks", "100"}};
    const char *vary[] = {"scheduler=vllm-v1,vllm-v0", "max_num_seqs=64,4096"};
    struct sweep_plan plan = {.base = base, .base_count = 1};
    struct sweep_request request = {.vary = vary, .vary_count = 2};
    struct config config;
    struct diag diag = {0};
    cr_assert_eq(sweep_plan_make(&plan, &request, &diag), SIM_OK);
    cr_assert_eq(sweep_plan_config(&plan, 0, &config, &diag), SIM_OK);
    cr_expect(config.scheduler == SCHEDULER_VLLM_V1 && config.max_num_batched_tokens == 2048 && config.enable_prefix_caching);
    cr_assert_eq(sweep_plan_config(&plan, 2, &config, &diag), SIM_OK);
    cr_expect(config.scheduler == SCHEDULER_VLLM_V0 && config.max_num_batched_tokens == 8192 && !config.enable_prefix_caching);
    cr_expect_eq(sweep_plan_config(&plan, 1, &config, &diag), SIM_BAD_INPUT, "vLLM refuses fewer tokens than sequences");
    cr_expect(strstr(diag.text, "run 1 (scheduler=vllm-v1 max_num_seqs=4096): configuration: max_num_batched_tokens (2048) is below"), "%s",
              diag.text);
    sweep_plan_deinit(&plan);
}

/* As options of a replay: a switch and its value are one word, and where a point is silent the command's own option speaks. */
Test(sweep_plan, a_point_is_written_as_options)
{
    static const char list[] = "enable_prefix_caching=false seed=7\nnum_gpu_blocks=200 scheduling_policy=fcfs\n";
    static const char *const wanted[] = {" --enable-prefix-caching=false --seed 7 --num-gpu-blocks 100",
                                         " --seed 5 --num-gpu-blocks 200 --scheduling-policy fcfs"};
    static const struct config_option base[] = {{"num-gpu-blocks", "100"}, {"seed", "5"}};
    const struct temp_file file = temp_file_make(list, sizeof list - 1);
    struct sweep_plan plan = {.base = base, .base_count = 2};
    const struct sweep_request request = {.list_path = file.path};
    struct diag diag = {0};
    cr_assert_eq(sweep_plan_make(&plan, &request, &diag), SIM_OK, "%s", diag.text);
    for (size_t point = 0; point < 2; point++) {
        char text[256] = "";
        FILE *stream = fmemopen(text, sizeof text, "w");
        sweep_plan_print_options(&plan, point, stream);
        fclose(stream);
        cr_expect_str_eq(text, wanted[point]);
    }
    sweep_plan_deinit(&plan);
    temp_file_remove(&file);
}
