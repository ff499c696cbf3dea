/* test_nearest_name.c - which name a misspelt word means, at and beyond the distance that is forgiven. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/nearest_name.h"

Test(nearest_name, is_found_up_to_a_third_of_the_word_and_one)
{
    static const char *const names[] = {"block_size", "seed", "model", "watermark", "num_gpu_blocks"};
    static const struct {
        const char *word, *want; /* NULL: nobody */
    } cases[] = {
        {"block_size", "block_size"},  /* the same */
        {"blok_size", "block_size"},   /* a letter is missing */
        {"block__size", "block_size"}, /* one too many */
        {"black_size", "block_size"},  /* another one */
        {"blcok_size", "block_size"},  /* two neighbours have changed places: one change */
        {"xxxxk_size", "block_size"},  /* four of ten letters: 10 / 3 + 1 */
        {"xxxxx_size", NULL},          /* five */
        {"sxxd", "seed"},              /* two of four */
        {"sxxx", NULL},                /* three */
        {"see", "seed"},               /* at the end */
        {"eed", "seed"},               /* at the beginning */
        {"deel", "seed"},              /* two of four; "model" needs three */
        {"wxtermaxk", "watermark"},    /* nine letters, two changes */
        {"num_gpu_block", "num_gpu_blocks"},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = nearest_name(cases[i].word, names, sizeof names / sizeof *names);
        cr_expect(cases[i].want ? got && strcmp(got, cases[i].want) == 0 : !got, "\"%s\": %s", cases[i].word, got ? got : "nobody");
    }
}

Test(nearest_name, ties_go_to_the_first_and_long_words_are_nobodys)
{
    static const char *const names[] = {"aaaa", "aaab"};
    char word[70], long_name[70];
    cr_expect_str_eq(nearest_name("aaac", names, 2), "aaaa");
    cr_expect_str_eq(nearest_name("aaac", names + 1, 1), "aaab");
    cr_expect_null(nearest_name("aaac", names, 0));
    /* 64 letters are the most on both sides. */
    memset(word, 'x', sizeof word);
    memset(long_name, 'x', sizeof long_name);
    for (size_t length = 64; length <= 65; length++) {
        const char *const one[] = {long_name, "none"};
        word[length] = long_name[64] = '\0';
        cr_expect_eq(nearest_name(word, one, 2) == long_name, length == 64);
        word[64] = '\0';
        long_name[64] = length == 64 ? '\0' : 'x';
        long_name[length] = '\0';
        cr_expect_eq(nearest_name(word, one, 2) == long_name, length == 64);
        word[64] = long_name[64] = 'x';
    }
}
