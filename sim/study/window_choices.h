/* window_choices.h - what prefix hits would be if sliding windows kept more in the prefix cache: the same requests replayed with several values of
 * prefix_cache_retention_interval, and with all blocks kept.
 *
 * vLLM keeps little by default, as kept blocks are taken from those that windows could use again. So more hits may come with more preemptions,
 * and only a replay tells which is worth more.
 */
#ifndef PAGESIM_WINDOW_CHOICES_H
#define PAGESIM_WINDOW_CHOICES_H

#include "run/run.h"

enum { WINDOW_CHOICES_MOST = 6 };

struct window_choice {
    int64_t interval; /* as the key: tokens, or RETENTION_DENSE */
    struct figure_set figures;
};

struct window_choices {
    size_t count; /* 0: there is nothing to choose */
    struct window_choice list[WINDOW_CHOICES_MOST];
};

/* Intervals are the multiples of the hits' alignment by 4, 16, ... up to the longest prompt, then all blocks; not what `config` has. None if no
 * layer has a window, nothing is cached, or all is kept already. Replays run side by side. */
SIM_NODISCARD enum status window_choices_make(const struct trace *trace, const struct config *config, struct window_choices *out,
                                              struct diag *diag);

#endif
