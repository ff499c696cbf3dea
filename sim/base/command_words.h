/* command_words.h - the words of a command line that is written down: typed after an option, kept in a script, or as YAML.
 *
 * Text is split as a POSIX shell does it: quotes, backslashes, comments; a backslash at the end of a line goes on with the next one. Nothing is
 * expanded: a word with a variable in it keeps its spelling and is marked, so that only who needs its value has to refuse it. YAML (what
 * `vllm serve --config` reads) is one flat mapping; it becomes the words that vLLM makes of it:
 *
 *     max-model-len: 8192          --max-model-len 8192
 *     enable-lora: true            --enable-lora              (false: no words; vLLM skips such a line)
 *     served-model-name: [a, b]    --served-model-name a b
 *     compilation-config: {a: 1}   --compilation-config {"a":1}
 */
#ifndef PAGESIM_COMMAND_WORDS_H
#define PAGESIM_COMMAND_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/diag.h"

struct command_word {
    char *text;
    const char *file; /* what messages call its source */
    size_t line, column;
    bool variable; /* holds something that a shell would put a value for */
    bool ends;     /* no word: the shell's sign that a command is over (; & | < >) */
    bool first;    /* of a line */
    bool skipped;  /* YAML: a key that is false, which says nothing; the text is its option */
};

struct command_words {
    struct command_word *list;
    size_t count, capacity;
    char **names; /* of sources */
    size_t name_count, name_capacity;
};

/* Append the words of a text. SIM_BAD_INPUT: a quote that does not end, a zero byte. */
SIM_NODISCARD enum status command_words_split(const char *name, const char *text, size_t length, struct command_words *words,
                                              struct diag *diag);
/* Append the words of a YAML text. SIM_BAD_INPUT: no YAML, no flat mapping; SIM_FAILED: libyaml is not there. Messages have the place. */
SIM_NODISCARD enum status command_words_yaml(const char *name, const char *text, size_t length, struct command_words *words,
                                             struct diag *diag);
/* Append one word; `word->text` is copied, of `length` bytes. For both of the above. */
SIM_NODISCARD enum status command_words_add(struct command_words *words, const struct command_word *word, size_t length, struct diag *diag);
/* A copy of a source's name that lives as long as the words. */
SIM_NODISCARD enum status command_words_name(struct command_words *words, const char *name, const char **out, struct diag *diag);
void command_words_deinit(struct command_words *words);

/* A word as a shell reads it back: in single quotes unless every character is harmless. */
void command_word_print(const char *word, FILE *file);

#endif
