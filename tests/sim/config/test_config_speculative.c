/* test_config_speculative.c - speculative_config: vLLM's members, rates in their two forms, and what is refused. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "support/config_text.h"

static struct config parse(const char *text)
{
    struct config config;
    config_defaults(SCHEDULER_VLLM_V1, &config);
    cr_assert(config_key_parse(config_text_key("speculative-config"), text, &config), "%s", text);
    return config;
}

Test(config_speculative, all_members_arrive)
{
    struct config config;
    struct diag diag = {0};
    cr_assert_eq(
        config_text_load(
            "{\"speculative_config\":{\"method\":\"eagle3\",\"num_speculative_tokens\":3,\"rejection_sample_method\":\"synthetic\","
            "\"synthetic_acceptance_rates\":[0.8,0.6,0.45],\"acceptance_seed\":18446744073709551615,"
            "\"disable_lookahead_block_hashes\":true,\"disable_eagle_block_drop\":true,\"model\":\"x/y\","
            "\"draft_tensor_parallel_size\":1,\"parallel_drafting\":false,\"num_speculative_tokens_per_batch_size\":null}}",
            NULL, 0, &config, &diag),
        SIM_OK, "%s", diag.text);
    const struct speculative_config *at = &config.speculative;
    cr_expect(at->method == SPECULATIVE_EAGLE3 && at->num_speculative_tokens == 3);
    cr_expect(at->acceptance_rates[0] == 0.8 && at->acceptance_rates[1] == 0.6 && at->acceptance_rates[2] == 0.45);
    cr_expect(at->acceptance_seed == UINT64_MAX && at->disable_lookahead_block_hashes && at->disable_eagle_block_drop);
}

Test(config_speculative, methods_are_those_of_vllm)
{
    static const struct {
        const char *name;
        enum speculative_method method;
    } cases[] = {{"ngram", SPECULATIVE_NGRAM},       {"ngram_gpu", SPECULATIVE_NGRAM_GPU},
                 {"eagle", SPECULATIVE_EAGLE},       {"eagle3", SPECULATIVE_EAGLE3},
                 {"mtp", SPECULATIVE_MTP},           {"deepseek_mtp", SPECULATIVE_MTP},
                 {"dflash", SPECULATIVE_DFLASH},     {"draft_model", SPECULATIVE_DRAFT_MODEL},
                 {"qwen3_next_mtp", SPECULATIVE_MTP}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[128];
        snprintf(text, sizeof text, "{\"num_speculative_tokens\":2,\"method\":\"%s\"}", cases[i].name);
        cr_expect_eq(parse(text).speculative.method, cases[i].method, "%s", text);
    }
}

static void expect_rates(const char *members, double first, double second, double third)
{
    char text[256];
    snprintf(text, sizeof text, "{%s\"method\":\"eagle\",\"num_speculative_tokens\":3}", members);
    const struct config config = parse(text);
    const double *rates = config.speculative.acceptance_rates;
    cr_expect(rates[0] == first && rates[1] == second && rates[2] == third && rates[3] == 0, "%s: %g %g %g", text, rates[0], rates[1],
              rates[2]);
}

/* Nothing said: all right. A length: sure ones, one sometimes, none; the token that is no draft counts. */
Test(config_speculative, rates_have_two_forms)
{
    expect_rates("", 1, 1, 1);
    expect_rates("\"synthetic_acceptance_rates\":[0.5,0.5,0.25],", 0.5, 0.5, 0.25);
    expect_rates("\"synthetic_acceptance_length\":2.25,", 1, 0.25, 0);
    expect_rates("\"synthetic_acceptance_length\":1,", 0, 0, 0);
    expect_rates("\"synthetic_acceptance_length\":4,", 1, 1, 1);
}

#define START "{\"speculative_config\":{\"method\":\"eagle\",\"num_speculative_tokens\":2,"

Test(config_speculative, wrong_ones_are_refused_with_place_and_remedy)
{
    static const struct {
        const char *text, *place, *says;
    } cases[] = {
        {"{\"speculative_config\":\"eagle\"}", ":1:23:", "null or an object"},
        {"{\"speculative_config\":{\"num_speculative_tokens\":2}}", ":1:23:", "needs \"method\""},
        {"{\"speculative_config\":{\"method\":\"ngram\"}}", ":1:23:", "needs \"num_speculative_tokens\""},
        {"{\"speculative_config\":{\"method\":\"ngrams\",\"num_speculative_tokens\":2}}", ":1:33:", "\"ngram\", \"ngram_gpu\""},
        {"{\"speculative_config\":{\"method\":\"suffix\",\"num_speculative_tokens\":2}}", ":1:33:", "not modelled"},
        {"{\"speculative_config\":{\"method\":\"medusa\",\"num_speculative_tokens\":2}}", ":1:33:", "not modelled"},
        {"{\"speculative_config\":{\"method\":\"eagle\",\n\"num_speculative_tokens\":0}}", ":2:26:", "an integer from 1 to 32"},
        {"{\"speculative_config\":{\"method\":\"eagle\",\n\"num_speculative_tokens\":33}}", ":2:26:", "an integer from 1 to 32"},
        {START "\n\"synthetic_acceptance_rates\":[0.5,0.6]}}", ":2:35:", "must not rise: 0.6 after 0.5"},
        {START "\n\"synthetic_acceptance_rates\":[1.1,0.6]}}", ":2:31:", "from 0 to 1"},
        {START "\n\"synthetic_acceptance_rates\":[0.5,-0.1]}}", ":2:35:", "from 0 to 1"},
        {START "\n\"synthetic_acceptance_rates\":[0.5,0.4,0.3]}}", ":2:39:", "more than num_speculative_tokens (2)"},
        {START "\n\"synthetic_acceptance_rates\":[0.5]}}", ":2:30:", "has 1 numbers"},
        {START "\n\"synthetic_acceptance_length\":3.5}}", ":2:31:", "from 1 to 3"},
        {START "\n\"synthetic_acceptance_rates\":[1,1],\"synthetic_acceptance_length\":2}}", ":2:36:", "keep one"},
        {START "\n\"rejection_sample_method\":\"standard\"}}", ":2:27:", "input of a simulation"},
        {START "\n\"disable_eagle_block_drop\":1}}", ":2:28:", "true or false"},
        {START "\n\"acceptance_seed\":-1}}", ":2:19:", "an integer from 0"},
        {START "\n\"parallel_drafting\":true}}", ":2:1:", "not modelled"},
        {START "\n\"num_speculative_tokens_per_batch_size\":[[1,2,3]]}}", ":2:1:", "not modelled"},
        {START "\n\"disable_eagle_block_drops\":true}}", ":2:1:", "did you mean \"disable_eagle_block_drop\""},
        {START "\"model\":\"x\"},\"max_num_batched_tokens\":2,\"max_num_seqs\":2}", "", "must be above the 2 places"},
        {START "\"model\":\"x\"},\"long_prefill_token_threshold\":2}", "", "must be above num_speculative_tokens (2)"},
        {START "\"model\":\"x\"},\"scheduler\":\"vllm-v0\"}", ":1:2:", "vllm-v1 engine"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config config = {.block_size = 77};
        struct diag diag = {0};
        cr_expect_eq(config_text_load(cases[i].text, NULL, 0, &config, &diag), SIM_BAD_INPUT, "%s", cases[i].text);
        cr_expect(strstr(diag.text, cases[i].place) && strstr(diag.text, cases[i].says), "%s: %s", cases[i].text, diag.text);
        cr_expect_eq(config.block_size, 77, "nothing is written on failure");
    }
}

/* One above what is refused. */
Test(config_speculative, limits_are_taken)
{
    struct config config;
    struct diag diag = {0};
    cr_expect_eq(config_text_load(START
                                  "\"model\":\"x\"},\"max_num_batched_tokens\":3,\"max_num_seqs\":2,\"long_prefill_token_threshold\":3}",
                                  NULL, 0, &config, &diag),
                 SIM_OK, "%s", diag.text);
}

/* Whoever says the seed last has the word; who does not speak of it leaves it. */
Test(config_speculative, the_seed_is_a_key_and_a_member)
{
    struct config config, other = parse("{\"method\":\"mtp\",\"num_speculative_tokens\":1,\"acceptance_seed\":3}");
    struct diag diag = {0};
    cr_assert_eq(config_text_load(START "\"acceptance_seed\":5},\"acceptance_seed\":6}", NULL, 0, &config, &diag), SIM_OK, "%s", diag.text);
    cr_expect_eq(config.speculative.acceptance_seed, 6);
    cr_assert(config_key_parse(config_text_key("speculative-config"), "{\"method\":\"mtp\",\"num_speculative_tokens\":1}", &config));
    cr_expect_eq(config.speculative.acceptance_seed, 6);
    cr_expect(config_key_equal(config_text_key("speculative-config"), &config, &other));
    cr_expect_not(config_key_equal(config_text_key("acceptance-seed"), &config, &other));
    config_key_copy(config_text_key("speculative-config"), &other, &config);
    cr_expect_eq(config.speculative.acceptance_seed, 6);
    cr_expect(config_key_matters(config_text_key("acceptance-seed"), &config));
    cr_assert(config_key_parse(config_text_key("speculative-config"), "null", &config));
    cr_expect_not(config_key_matters(config_text_key("acceptance-seed"), &config));
}

static const char with_rates[] = "{\"method\":\"eagle\",\"num_speculative_tokens\":2,\"rejection_sample_method\":\"synthetic\","
                                 "\"synthetic_acceptance_rates\":[1,0.1]}";

/* Each member alone makes a difference, which a copy takes along and the text keeps. */
Test(config_speculative, what_differs_is_not_equal_and_reads_back)
{
    static const char *const texts[] = {"null",
                                        "{\"method\":\"eagle\",\"num_speculative_tokens\":2}",
                                        "{\"method\":\"eagle3\",\"num_speculative_tokens\":2}",
                                        "{\"method\":\"eagle\",\"num_speculative_tokens\":3}",
                                        with_rates,
                                        "{\"method\":\"eagle\",\"num_speculative_tokens\":2,\"disable_lookahead_block_hashes\":true}",
                                        "{\"method\":\"eagle\",\"num_speculative_tokens\":2,\"disable_eagle_block_drop\":true}"};
    const struct config_key *key = config_text_key("speculative-config");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
            struct config a = parse(texts[i]), b = parse(texts[k]), copy = b;
            char text[CONFIG_TEXT_SIZE];
            cr_expect_eq(config_key_equal(key, &a, &b), i == k, "%s %s", texts[i], texts[k]);
            config_key_copy(key, &a, &copy);
            cr_expect(config_key_equal(key, &a, &copy));
            config_key_text(key, &copy, text, sizeof text);
            cr_expect_str_eq(text, texts[i]);
        }
}

/* The longest text that there is fits the room that every caller has. */
Test(config_speculative, any_text_fits)
{
    struct config config, back;
    char text[CONFIG_TEXT_SIZE];
    config_defaults(SCHEDULER_VLLM_V1, &config);
    back = config;
    config.speculative = (struct speculative_config){.method = SPECULATIVE_DRAFT_MODEL,
                                                     .num_speculative_tokens = 32,
                                                     .disable_eagle_block_drop = true,
                                                     .disable_lookahead_block_hashes = true};
    for (uint32_t i = 0; i < 32; i++)
        config.speculative.acceptance_rates[i] = (1 - i / 32.0) * 1.2345678901234567e-300;
    config_key_text(config_text_key("speculative-config"), &config, text, sizeof text);
    cr_assert(config_key_parse(config_text_key("speculative-config"), text, &back), "%s", text);
    cr_expect(config_key_equal(config_text_key("speculative-config"), &config, &back));
}
