/* hand_over.h - what comes between servers of prompts and servers of answers: K/V that go over a network.
 *
 *     a prompt is computed        its first token is there, and the request ends on the server of prompts
 *     its K/V go over             kv_transfer_ms, then whole blocks at kv_transfer_gb_per_s; each server of prompts sends one after the other
 *     the request comes to a      whose router (a second one of the same kind) has it when all of its K/V are there; it computes the last token
 *     server of answers           of the prompt again and then the answer (kv_role kv_consumer, doc/vllm_v1.md)
 *
 * A model, not a transcript: vLLM's connectors differ in when they begin to send. Clients hear of the first token from the server of answers, as
 * behind the proxy of vLLM's examples.
 */
#ifndef PAGESIM_HAND_OVER_H
#define PAGESIM_HAND_OVER_H

#include "fleet/fleet.h"

/* The requests of servers of prompts: one token of output each. */
SIM_NODISCARD enum status hand_over_prompts(const struct trace *trace, struct trace **out, struct diag *diag);

/* The requests of servers of answers, after the first stage was replayed: those whose prompts were computed, at the times when their K/V are
 * there. *order: their positions in `trace`; the caller frees it. *out is NULL if there are none. */
SIM_NODISCARD enum status hand_over_answers(struct fleet *fleet, const struct trace *trace, struct trace **out, uint32_t **order,
                                            struct diag *diag);

#endif
