/* test_kv_groups.c - which groups vLLM makes of a model's layers: models whose groups are known, each rule at its edge, and each refusal. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "config/config_keys.h"
#include "config/kv_groups.h"

#define SLIDING(window, layers) "{\"kind\":\"sliding_window\",\"window\":" #window ",\"layers\":" #layers "}"
#define FULL(layers)            "{\"kind\":\"full\",\"layers\":" #layers "}"
#define CHUNKED(chunk, layers)  "{\"kind\":\"chunked_local\",\"chunk\":" #chunk ",\"layers\":" #layers "}"
#define DRAFT(layers)           "{\"kind\":\"full\",\"draft\":true,\"layers\":" #layers "}"
#define OF_SIZE(kind, blocks)   "{" kind ",\"block_size\":" #blocks "}"
#define DROPPING                "{\"method\":\"eagle\",\"num_speculative_tokens\":1,\"disable_lookahead_block_hashes\":true}"
#define DROPPING_BUT_TURNED_OFF "{\"method\":\"eagle\",\"num_speculative_tokens\":1,\"disable_eagle_block_drop\":true}"

/* Blocks of 16 tokens. NULL: the default. */
static struct config configured(const char *layers, const char *speculative)
{
    bool negated;
    struct config config;
    config_defaults(SCHEDULER_VLLM_V1, &config);
    cr_assert(config_key_parse(config_find_option("kv-cache-groups", &negated), layers ? layers : "null", &config), "%s", layers);
    cr_assert(config_key_parse(config_find_option("speculative-config", &negated), speculative ? speculative : "null", &config));
    return config;
}

static struct kv_groups made(const struct config *config)
{
    struct kv_groups groups;
    struct diag diag = {0};
    cr_assert_eq(kv_groups_make(config, "here", &groups, &diag), SIM_OK, "%s", diag.text);
    return groups;
}

static void expect_refusal(const struct config *config, const char *says)
{
    struct kv_groups groups;
    struct diag diag = {0};
    cr_expect_eq(kv_groups_make(config, "here", &groups, &diag), SIM_BAD_INPUT, "%s", says);
    cr_expect(strncmp(diag.text, "here: ", 6) == 0 && strstr(diag.text, says), "%s", diag.text);
}

/* A letter and the number of layers for each group: S9 F10. */
static const char *described(const struct kv_groups *groups)
{
    static char text[KV_GROUPS_MOST * 8];
    text[0] = '\0';
    for (uint32_t i = 0; i < groups->count; i++) {
        const size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%c%u", i ? " " : "", "FSC"[groups->list[i].kind], groups -> list[i].layers);
    }
    return text;
}

Test(kv_groups, models_have_the_groups_that_vllm_makes)
{
    static const struct {
        const char *layers, *groups;
    } cases[] = {
        {NULL, "F1"},
        {"[" FULL(32) "]", "F32"},
        {"[" SLIDING(128, 12) "," FULL(12) "]", "S12 F12"},                /* gpt-oss-20b */
        {"[" SLIDING(128, 18) "," FULL(18) "]", "S18 F18"},                /* gpt-oss-120b */
        {"[" SLIDING(128, 12) "," FULL(12) "," DRAFT(1) "]", "S12 F13"},   /* with the head of one layer for EAGLE */
        {"[" SLIDING(1024, 52) "," FULL(10) "]", "S9 S9 S9 S9 S8 S8 F10"}, /* Gemma-3-27b */
        {"[" SLIDING(512, 22) "," FULL(4) "]", "S4 S4 S4 S4 S3 S3 F4"},    /* Gemma-3-1b */
        {"[" CHUNKED(8192, 36) "," FULL(12) "]", "C12 C12 C12 F12"},       /* Llama-4-Scout */
        {"[" SLIDING(4096, 32) "]", "S32"},                                /* Mistral-7B-v0.1 */
        /* Less than half as large again: not split; just as much: split. */
        {"[" FULL(14) "," SLIDING(8, 10) "]", "F14 S10"},
        {"[" FULL(15) "," SLIDING(8, 10) "]", "F8 F7 S10"},
        /* Equal layers belong together wherever they stand; another window is another kind. */
        {"[" FULL(2) "," SLIDING(8, 4) "," FULL(2) "]", "F4 S4"},
        {"[" SLIDING(8, 2) "," SLIDING(9, 2) "," FULL(2) "]", "S2 S2 F2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct config config = configured(cases[i].layers, NULL);
        const struct kv_groups groups = made(&config);
        cr_expect_str_eq(described(&groups), cases[i].groups, "%s", cases[i].layers);
    }
}

Test(kv_groups, full_layers_are_looked_up_first_and_equal_ones_together)
{
    const struct config config = configured("[" SLIDING(1024, 5) "," FULL(2) "]", NULL); /* S2 S2 S1 F2 */
    const struct kv_groups groups = made(&config);
    cr_assert_eq(groups.count, 4);
    cr_assert_eq(groups.set_count, 2);
    cr_expect(groups.first[0] == 0 && groups.first[1] == 1 && groups.first[2] == 4);
    cr_expect(groups.members[0] == 3 && groups.members[1] == 0 && groups.members[2] == 1 && groups.members[3] == 2);
}

Test(kv_groups, block_sizes_have_a_divisor_and_a_multiple)
{
    const struct config config =
        configured("[" OF_SIZE("\"kind\":\"full\"", 32) "," OF_SIZE("\"kind\":\"sliding_window\",\"window\":9", 48) "," FULL(1) "]", NULL);
    const struct kv_groups groups = made(&config);
    cr_expect(groups.hash_block_size == 16 && groups.alignment == 96, "%u %u", groups.hash_block_size, groups.alignment);
    cr_expect(groups.list[0].block_size == 32 && groups.list[1].block_size == 48 && groups.list[2].block_size == 16);
    struct config huge = configured("[" OF_SIZE("\"kind\":\"full\"", 999999937) "," OF_SIZE("\"kind\":\"full\"", 999999893) "]", NULL);
    expect_refusal(&huge, "no common multiple"); /* two primes */
}

Test(kv_groups, without_the_hybrid_manager_all_layers_are_full)
{
    static const struct {
        const char *layers, *groups;
    } cases[] = {{"[" SLIDING(128, 12) "," FULL(12) "]", "F24"},
                 {"[" SLIDING(8, 1) "," CHUNKED(64, 2) "," FULL(3) "]", "F6"},
                 {"[" FULL(3) "," CHUNKED(64, 2) "]", "F5"},
                 {"[" SLIDING(8, 3) "]", "S3"},
                 {"[" SLIDING(8, 3) "," SLIDING(8, 2) "]", "S5"}};
    static const struct {
        const char *layers, *says;
    } refused[] = {{"[" SLIDING(8, 1) "," SLIDING(9, 1) "," FULL(1) "]", "two windows or two chunks"},
                   {"[" CHUNKED(32, 1) "," CHUNKED(64, 1) "," FULL(1) "]", "two windows or two chunks"},
                   {"[" SLIDING(8, 1) "," CHUNKED(64, 1) "]", "needs full layers"},
                   {"[" SLIDING(8, 1) "," SLIDING(9, 1) "]", "needs full layers"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config config = configured(cases[i].layers, NULL);
        config.disable_hybrid_kv_cache_manager = true;
        const struct kv_groups groups = made(&config);
        cr_expect_str_eq(described(&groups), cases[i].groups, "%s", cases[i].layers);
        cr_expect_eq(groups.alignment, 16);
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct config config = configured(refused[i].layers, NULL);
        made(&config);
        config.disable_hybrid_kv_cache_manager = true;
        expect_refusal(&config, refused[i].says);
    }
}

static void expect_drops(const char *layers, const char *speculative, const char *drops)
{
    const struct config config = configured(layers, speculative);
    const struct kv_groups groups = made(&config);
    cr_assert_eq(groups.count, strlen(drops), "%s", layers);
    for (uint32_t i = 0; i < groups.count; i++)
        cr_expect_eq(groups.list[i].drops, drops[i] == '1', "group %u of %s", i, layers);
}

/* Groups like one with a drafting layer; all, if no layer is marked; none, if blocks' contents look ahead. */
Test(kv_groups, what_is_like_a_drafting_layer_drops_blocks)
{
    expect_drops("[" SLIDING(40, 1) "," FULL(1) "," DRAFT(1) "]", DROPPING, "011"); /* full layers make two groups of one */
    expect_drops("[" SLIDING(40, 1) "," FULL(2) "]", DROPPING, "111");
    expect_drops("[" SLIDING(40, 1) "," FULL(1) "," DRAFT(1) "]", DROPPING_BUT_TURNED_OFF, "000");
    expect_drops("[" SLIDING(40, 1) "," FULL(1) "," DRAFT(1) "]", "{\"method\":\"eagle\",\"num_speculative_tokens\":1}", "000");
    expect_drops("[" SLIDING(40, 1) "," FULL(1) "," DRAFT(1) "]", NULL, "000");
    expect_drops(NULL, DROPPING, "1");
    expect_drops(NULL, "{\"method\":\"draft_model\",\"num_speculative_tokens\":1,\"disable_lookahead_block_hashes\":true}", "0");
}

/* Layer number l of its kind lies in group l mod their number. */
Test(kv_groups, the_drafting_layer_lies_in_one_group)
{
    const struct config config = configured("[" SLIDING(40, 2) "," FULL(4) "," DRAFT(1) "]", NULL); /* full: 0 3, 1 4, 2 */
    const struct kv_groups groups = made(&config);
    cr_expect_str_eq(described(&groups), "S2 F2 F2 F1");
    cr_expect(!groups.list[0].draft && !groups.list[1].draft && groups.list[2].draft && !groups.list[3].draft);
}

Test(kv_groups, what_vllm_refuses_or_dies_of_is_refused)
{
    struct config config = configured("[" CHUNKED(64, 1) "," OF_SIZE("\"kind\":\"full\"", 32) "]", NULL);
    expect_refusal(&config, "in common, 32");
    config = configured("[" CHUNKED(40, 1) "," FULL(1) "]", NULL);
    expect_refusal(&config, "a chunk of 40 is not a multiple of its block size 16");
    config = configured("[" CHUNKED(64, 1) "," FULL(1) "]", DROPPING);
    expect_refusal(&config, "set disable_hybrid_kv_cache_manager");
    config.disable_hybrid_kv_cache_manager = true;
    made(&config);
    config = configured("[" CHUNKED(64, 1) "," FULL(1) "]", NULL);
    config.prefix_cache_retention_interval = 16;
    expect_refusal(&config, "kv_cache_groups has none");
    config.prefix_cache_retention_interval = RETENTION_DENSE;
    made(&config);
    config = configured("[" SLIDING(64, 1) "," OF_SIZE("\"kind\":\"full\"", 32) "]", NULL);
    config.prefix_cache_retention_interval = 16;
    expect_refusal(&config, "(16) must be a multiple of 32");
    config.prefix_cache_retention_interval = 64;
    made(&config);
    config = configured("[" FULL(1) "," SLIDING(64, 63) "]", NULL);
    cr_expect_eq(made(&config).count, 64);
    config = configured("[" FULL(1) "," SLIDING(64, 64) "]", NULL);
    expect_refusal(&config, "more than 64 groups");
}

/* Worked by hand for blocks of 16 tokens. */
Test(kv_groups, blocks_of_a_window_and_of_a_chunk)
{
    struct kv_group window = {.kind = KV_KIND_SLIDING_WINDOW, .reach = 128, .block_size = 16};
    const struct kv_group chunk = {.kind = KV_KIND_CHUNKED_LOCAL, .reach = 64, .block_size = 16};
    const struct kv_group full = {.kind = KV_KIND_FULL, .block_size = 16};
    cr_expect_eq(kv_group_passed_blocks(&window, 0), 0);
    cr_expect_eq(kv_group_passed_blocks(&window, 142), 0); /* token 142 sees 15 .. 142 */
    cr_expect_eq(kv_group_passed_blocks(&window, 143), 1);
    cr_expect_eq(kv_group_passed_blocks(&chunk, 63), 0);
    cr_expect_eq(kv_group_passed_blocks(&chunk, 127), 4);
    cr_expect_eq(kv_group_passed_blocks(&chunk, 128), 8);
    cr_expect_eq(kv_group_passed_blocks(&full, 1000), 0);
    cr_expect_eq(kv_group_run_needed(&window), 8); /* 127 tokens before the next */
    window.drops = true;
    cr_expect_eq(kv_group_run_needed(&window), 9);
    cr_expect_eq(kv_group_cap(&window, 256, 10000), 25); /* 127 + 256 tokens are 24 blocks, and one that is cut */
    cr_expect_eq(kv_group_cap(&window, 256, 100), 8);
    cr_expect_eq(kv_group_cap(&chunk, 256, 10000), 20);
    cr_expect_eq(kv_group_cap(&chunk, 256, 100), 7);
    cr_expect_eq(kv_group_cap(&full, 256, 100), UINT32_MAX);
    window = (struct kv_group){.kind = KV_KIND_SLIDING_WINDOW, .reach = 1, .block_size = 16};
    cr_expect_eq(kv_group_run_needed(&window), 0); /* no token before the next is seen */
    cr_expect_eq(kv_group_passed_blocks(&window, 16), 1);
}

Test(kv_groups, plain_is_one_group_of_full_layers_without_drafts)
{
    struct config config = configured(NULL, NULL);
    cr_expect(kv_groups_plain(&config));
    config = configured("[" FULL(3) "," FULL(4) "]", NULL);
    cr_expect(kv_groups_plain(&config));
    config = configured("[" SLIDING(3, 4) "]", NULL);
    cr_expect_not(kv_groups_plain(&config));
    config = configured("[" OF_SIZE("\"kind\":\"full\"", 32) "]", NULL);
    cr_expect_not(kv_groups_plain(&config));
    config = configured("[" FULL(3) "," SLIDING(3, 4) "]", NULL);
    cr_expect_not(kv_groups_plain(&config));
    config.disable_hybrid_kv_cache_manager = true;
    cr_expect(kv_groups_plain(&config));
    config = configured(NULL, "{\"method\":\"ngram\",\"num_speculative_tokens\":1}");
    cr_expect_not(kv_groups_plain(&config));
}
