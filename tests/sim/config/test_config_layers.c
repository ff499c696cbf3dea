/* test_config_layers.c - kv_cache_groups: what it takes, where it says that something is wrong, and that it is written as it was read. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "support/config_text.h"

Test(config_layers, all_members_arrive)
{
    struct config config;
    struct diag diag = {0};
    cr_assert_eq(
        config_text_load("{\"kv_cache_groups\":[{\"kind\":\"sliding_window\",\"window\":128,\"layers\":12},{\"layers\":3,\"kind\":\"full\","
                         "\"block_size\":32,\"draft\":true},{\"chunk\":64,\"kind\":\"chunked_local\",\"block_size\":32}],"
                         "\"prefix_cache_retention_interval\":null,\"disable_hybrid_kv_cache_manager\":true}",
                         NULL, 0, &config, &diag),
        SIM_OK, "%s", diag.text);
    const struct kv_layers *at = config.kv_cache_groups;
    cr_assert_eq(config.kv_cache_groups_count, 3);
    cr_expect(at[0].kind == KV_KIND_SLIDING_WINDOW && at[0].reach == 128 && at[0].layers == 12 && at[0].block_size == 0 && !at[0].draft);
    cr_expect(at[1].kind == KV_KIND_FULL && at[1].reach == 0 && at[1].layers == 3 && at[1].block_size == 32 && at[1].draft);
    cr_expect(at[2].kind == KV_KIND_CHUNKED_LOCAL && at[2].reach == 64 && at[2].layers == 1 && at[2].block_size == 32 && !at[2].draft);
    cr_expect_eq(config.prefix_cache_retention_interval, RETENTION_DENSE);
    cr_expect(config.disable_hybrid_kv_cache_manager);
}

Test(config_layers, wrong_ones_are_refused_with_place_and_remedy)
{
    static const struct {
        const char *text, *place, *says;
    } cases[] = {
        {"{\"kv_cache_groups\":{}}", ":1:20:", "null (all layers are full) or a list"},
        {"{\"kv_cache_groups\":[]}", ":1:20:", "null (all layers are full) or a list"},
        {"{\"kv_cache_groups\":[12]}", ":1:21:", "an object"},
        {"{\"kv_cache_groups\":[{\"layers\":3}]}", ":1:21:", "no \"kind\""},
        {"{\"kv_cache_groups\":[{\"kind\":\"mamba\"}]}", ":1:29:", "\"full\", \"sliding_window\" or \"chunked_local\""},
        {"{\"kv_cache_groups\":[{\"kind\":\"full\"},\n{\"kind\":\"sliding_window\",\"window\":0}]}", ":2:35:", "an integer from 1"},
        {"{\"kv_cache_groups\":[{\"kind\":\"full\",\"layers\":0}]}", ":1:45:", "an integer from 1 to 10000"},
        {"{\"kv_cache_groups\":[{\"kind\":\"full\",\"layer\":3}]}", ":1:36:", "did you mean \"layers\""},
        {"{\"kv_cache_groups\":[{\"kind\":\"full\",\"draft\":1}]}", ":1:44:", "true or false"},
        {"{\"kv_cache_groups\":[{\"kind\":\"full\",\"window\":3}]}", ":1:36:", "belongs to kind \"sliding_window\""},
        {"{\"kv_cache_groups\":[{\"kind\":\"sliding_window\",\"chunk\":3}]}", ":1:46:", "belongs to kind \"chunked_local\""},
        {"{\"kv_cache_groups\":[{\"kind\":\"sliding_window\"}]}", ":1:21:", "needs \"window\""},
        {"{\"kv_cache_groups\":[{\"kind\":\"chunked_local\"}]}", ":1:21:", "needs \"chunk\""},
        {"{\"scheduler\":\"vllm-v0\",\"kv_cache_groups\":[{\"kind\":\"full\"}]}", ":1:24:", "vllm-v1 engine"},
        {"{\"kv_cache_groups\":[{\"kind\":\"sliding_window\",\"window\":4}],\"eviction_policy\":\"lru\"}", "", "must be \"vllm\""},
        {"{\"kv_cache_groups\":[{\"kind\":\"full\"}],\"prefix_cache_retention_interval\":16}", "", "has none"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config config = {.block_size = 77};
        struct diag diag = {0};
        cr_expect_eq(config_text_load(cases[i].text, NULL, 0, &config, &diag), SIM_BAD_INPUT, "%s", cases[i].text);
        cr_expect(strstr(diag.text, cases[i].place) && strstr(diag.text, cases[i].says), "%s: %s", cases[i].text, diag.text);
        cr_expect_eq(config.block_size, 77, "nothing is written on failure");
    }
}

/* A list of so many kinds. */
static const char *listed(uint32_t kinds)
{
    static char text[1024];
    size_t used = 0;
    for (uint32_t i = 0; i < kinds; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%c{\"kind\":\"full\",\"block_size\":%u}", i > 0 ? ',' : '[', i + 1);
    snprintf(text + used, sizeof text - used, "]");
    return text;
}

Test(config_layers, there_is_room_for_sixteen_kinds)
{
    struct config config;
    struct diag diag = {0};
    config_defaults(SCHEDULER_VLLM_V1, &config);
    cr_expect(config_key_parse(config_text_key("kv_cache_groups"), listed(KV_LAYERS_MOST), &config));
    cr_expect_eq(config.kv_cache_groups_count, KV_LAYERS_MOST);
    cr_expect_eq(config_set(&config, "kv_cache_groups", listed(KV_LAYERS_MOST + 1), &diag), SIM_USAGE);
    cr_expect(strstr(diag.text, "takes 16 kinds"), "%s", diag.text);
}

/* Each member alone makes a difference, which a copy takes along and the text keeps. */
Test(config_layers, what_differs_is_not_equal_and_reads_back)
{
    static const char *const texts[] = {"null",
                                        "[{\"kind\":\"full\",\"layers\":1}]",
                                        "[{\"kind\":\"full\",\"layers\":2}]",
                                        "[{\"kind\":\"full\",\"layers\":1,\"block_size\":8}]",
                                        "[{\"kind\":\"full\",\"layers\":1,\"draft\":true}]",
                                        "[{\"kind\":\"sliding_window\",\"window\":8,\"layers\":1}]",
                                        "[{\"kind\":\"sliding_window\",\"window\":9,\"layers\":1}]",
                                        "[{\"kind\":\"chunked_local\",\"chunk\":8,\"layers\":1}]",
                                        "[{\"kind\":\"full\",\"layers\":1},{\"kind\":\"full\",\"layers\":1}]"};
    const struct config_key *key = config_text_key("kv-cache-groups");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
            struct config a, b, copy;
            char text[CONFIG_TEXT_SIZE];
            config_defaults(SCHEDULER_VLLM_V1, &a);
            copy = b = a;
            cr_assert(config_key_parse(key, texts[i], &a) && config_key_parse(key, texts[k], &b));
            cr_expect_eq(config_key_equal(key, &a, &b), i == k, "%s %s", texts[i], texts[k]);
            config_key_copy(key, &b, &copy);
            config_key_copy(key, &a, &copy);
            cr_expect(config_key_equal(key, &a, &copy));
            config_key_text(key, &copy, text, sizeof text);
            cr_expect_str_eq(text, texts[i]);
        }
}

/* The longest text that there is fits the room that every caller has. */
Test(config_layers, any_text_fits)
{
    struct config config, back;
    char text[CONFIG_TEXT_SIZE], again[CONFIG_TEXT_SIZE];
    config_defaults(SCHEDULER_VLLM_V1, &config);
    back = config;
    config.kv_cache_groups_count = KV_LAYERS_MOST;
    for (uint32_t i = 0; i < KV_LAYERS_MOST; i++)
        config.kv_cache_groups[i] = (struct kv_layers){KV_KIND_SLIDING_WINDOW, 1000000000, 1000000000, 10000, true};
    config_key_text(config_text_key("kv-cache-groups"), &config, text, sizeof text);
    cr_assert(config_key_parse(config_text_key("kv-cache-groups"), text, &back));
    config_key_text(config_text_key("kv-cache-groups"), &back, again, sizeof again);
    cr_expect_str_eq(again, text);
}

/* What is said about groups means nothing without them and is not written then. */
Test(config_layers, what_has_no_effect_is_not_written)
{
    struct config config;
    config_defaults(SCHEDULER_VLLM_V1, &config);
    cr_expect(config_key_matters(config_text_key("kv-cache-groups"), &config));
    cr_expect_not(config_key_matters(config_text_key("prefix-cache-retention-interval"), &config));
    cr_expect_not(config_key_matters(config_text_key("disable-hybrid-kv-cache-manager"), &config));
    config.kv_cache_groups_count = 1;
    cr_expect(config_key_matters(config_text_key("prefix-cache-retention-interval"), &config));
    cr_expect(config_key_matters(config_text_key("disable-hybrid-kv-cache-manager"), &config));
}
