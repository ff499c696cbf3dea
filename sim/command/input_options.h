/* input_options.h - the input of every command that replays: a trace or a part of it, a configuration, threads. */
#ifndef PAGESIM_INPUT_OPTIONS_H
#define PAGESIM_INPUT_OPTIONS_H

#include "command/read_options.h"
#include "command/warnings.h"
#include "config/config.h"
#include "config/sizing.h"
#include "replay/workload.h"
#include "trace/trace.h"
#include "trace/trace_reader.h"

/* Rows for a command's option table. */
#define INPUT_OPTIONS                                                                                                                      \
    {"trace", "FILE", "requests to replay; - is standard input"}, CONFIG_OPTIONS, READ_OPTIONS,                                            \
        {"limit", "N", "take the first N requests"}, {"from", "SECONDS", "take arrivals from this time on"},                               \
        {"to", "SECONDS", "take arrivals before this time"}, {"n", "K", "parallel samples for every --n-every'th request"},                \
        {"n-every", "M", "--n is for requests whose number is a multiple of M [1]"},                                                       \
        {"beam-width", "K", "beam search for every --beam-every'th request (V0)"},                                                         \
        {"beam-every", "M", "--beam-width is for requests whose number is a multiple of M [1]"},                                           \
        {"assign-priority", "RULES", "by the first that holds, as in input_length<500:0,else:1"},                                          \
        {"dataset-name", "random", "draw requests as vLLM's benchmark does, instead of --trace"},                                          \
        {"num-prompts", "N", "random: how many [1000]; with --trace: same as --limit"},                                                    \
        {"random-input-len", "N", "mean prompt tokens [1024]"}, {"random-output-len", "N", "mean output tokens [128]"},                    \
        {"random-range-ratio", "R", "lengths are uniform within mean*(1-R) and mean*(1+R) [0]"},                                           \
        {"random-prefix-len", "N", "tokens that all prompts start with [0]"}, STRICT_OPTION

/* Of commands that do many replays side by side. */
#define REPLAYS_AT_ONCE_OPTIONS                                                                                                            \
    {"threads", "N", "replays at once [OMP_NUM_THREADS, or all cores]"}, {"reference", NULL, "use the plain step-by-step scheduler"},      \
    {                                                                                                                                      \
        "quiet", NULL, "no warnings and no progress bar"                                                                                   \
    }

struct input {
    struct trace *trace; /* samples expanded where the engine wants that, arrivals drawn if there is a rate */
    struct config config;
    struct sizing sizing;
    uint32_t threads; /* --threads, or what OpenMP says */
};

/* Read and check everything. `any_pool`: the pool's size may be missing; config.num_gpu_blocks is 0 then. Warns (warnings.h) about the file
 * and, of the kinds in `advice`, about the settings. The caller ends it with input_close, also after a failure; a zeroed one may be closed
 * too. */
SIM_NODISCARD enum status input_open(const struct options *options, bool any_pool, unsigned advice, struct input *out, struct diag *diag);
/* The same as if that option were the last one given. It is not the user's: the command line that is told has it not. */
SIM_NODISCARD enum status input_open_assuming(struct options *options, const char *option, const char *value, unsigned advice,
                                              struct input *out, struct diag *diag);
void input_close(struct input *input);

/* Parts of input_open, for commands with several configurations. First --threads, which also sets OpenMP's number of threads. A bad value
 * sets diag. */
uint32_t input_threads(const struct options *options, struct diag *diag);
/* SIM_USAGE: the command replays without K/V bytes, and its configuration wants them moved. */
SIM_NODISCARD enum status input_without_bytes(const struct options *options, const struct config *config, struct diag *diag);
/* SIM_USAGE: the command looks at one server, and its configuration has several. */
SIM_NODISCARD enum status input_of_one_server(const struct options *options, const struct config *config, struct diag *diag);
/* The requests of the file, or drawn ones (trace_block_size of `config`, and for --dataset-name request_rate are then set to match them).
 * Warns about ignored fields. The caller owns *out. */
SIM_NODISCARD enum status input_take_requests(const struct options *options, struct config *config, struct trace **out, struct diag *diag);
/* workload_settle for a trace from a file, told on standard error unless --quiet. */
SIM_NODISCARD enum status input_settle(const struct options *options, struct trace *trace, struct config *config, struct diag *diag);
/* How many tokens a hash id names was found and not said: on standard error, and for heads of reports. */
void input_tell_block_size(const struct options *options, struct trace *trace, uint32_t size);
/* How to read a trace and which part of it to take. *names is what the selection points to. */
SIM_NODISCARD enum status input_selection(const struct options *options, struct trace_selection *out, struct read_names *names,
                                          struct diag *diag);
/* The requests that --dataset-name random or --generate KIND draw, without the seed; for --trace FILE neither `random` nor `kind` is set.
 * *names is what it points to, and its generator is to be ended (generate_spec_deinit) in any case. SIM_USAGE: several of the three. */
SIM_NODISCARD enum status input_drawn_source(const struct options *options, struct workload_source *out, struct read_names *names,
                                             struct diag *diag);
/* Are they drawn? */
bool input_is_drawn(const struct options *options);

#endif
