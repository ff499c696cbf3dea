/* sharing.c - the table of structures and, for each, the function that draws a session. Read sharing.h for the picture, then draw_sessions,
 * which has all that the others have a part of.
 */
#include "generate/sharing.h"

#include <math.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/integers.h"
#include "trace/trace_rows.h"

enum { TREE_MOST = 100000, TREE_DEPTH = 60, DOCUMENTS_EACH = 32 };

/* Places of keys. What is popular comes first, its tokens second, its skew third. */
enum { COUNT, TOKENS, SKEW, DEPTH, BRANCH, EACH = DEPTH, SYSTEM = BRANCH, SHARE = TOKENS };

/* --- building a plan --------------------------------------------------------------------------------------------------------------- */

void session_plan_deinit(struct session_plan *plan)
{
    free(plan->requests);
    free(plan->runs);
    *plan = (struct session_plan){0};
}

/* A request without runs; those that are added next are its. */
static enum status add_request(struct session_source *source, struct session_plan *plan, uint64_t input, double at_s, double wait_s,
                               struct diag *diag)
{
    if (input > TRACE_MAX_TOKENS)
        return diag_set(diag, SIM_BAD_INPUT, "a prompt of %llu tokens was drawn, and 1e9 are the most; lower --input-tokens or --turns",
                        (unsigned long long)input);
    const struct planned_request request = {.at_s = at_s,
                                            .wait_s = wait_s,
                                            .input_tokens = (uint32_t)input,
                                            .output_tokens = (uint32_t)variate_draw(source->output, &source->output_state),
                                            .first_run = (uint32_t)plan->run_count};
    return array_append(&plan->requests, &plan->request_count, &plan->request_capacity, &request, sizeof request, "a session", diag);
}

static enum status add_run(struct session_plan *plan, uint64_t first, uint64_t step, uint32_t blocks, struct diag *diag)
{
    const struct content_run run = {first, step, blocks};
    if (blocks == 0)
        return SIM_OK;
    plan->requests[plan->request_count - 1].run_count++;
    return array_append(&plan->runs, &plan->run_count, &plan->run_capacity, &run, sizeof run, "a session", diag);
}

/* The blocks that the newest prompt has after `shared` ones, with ids from `first` on; the last may be in part. */
static enum status add_rest(struct session_source *source, struct session_plan *plan, uint32_t shared, uint64_t first, struct diag *diag)
{
    const struct planned_request *request = &plan->requests[plan->request_count - 1];
    return add_run(plan, first, 1, ceil_div(request->input_tokens, source->block_tokens) - shared, diag);
}

/* As add_rest, with ids that nobody has. */
static enum status add_own(struct session_source *source, struct session_plan *plan, uint32_t shared, struct diag *diag)
{
    const uint32_t blocks = ceil_div(plan->requests[plan->request_count - 1].input_tokens, source->block_tokens) - shared;
    source->next_id += blocks;
    return add_run(plan, source->next_id - blocks, 1, blocks, diag);
}

static uint64_t draw_input(struct session_source *source)
{
    return (uint64_t)variate_draw(source->input, &source->input_state);
}

/* Which of the popular things: 0 is the most popular. */
static uint64_t draw_popular(struct session_source *source)
{
    return zipf_draw(&source->sharing->popularity, &source->sharing_state) - 1;
}

/* --- structures -------------------------------------------------------------------------------------------------------------------- */

static enum status draw_none(struct session_source *source, struct session_plan *plan, struct diag *diag)
{
    enum status status = add_request(source, plan, draw_input(source), 0, 0, diag);
    return status == SIM_OK && source->ids_needed ? add_own(source, plan, 0, diag) : status;
}

/* A system prompt's blocks have the same ids in all sessions; its last one, if in part, goes on differently in each, and so is theirs. */
struct system_prompt {
    uint64_t first, tokens;
    uint32_t blocks;
};

static struct system_prompt draw_system(struct session_source *source)
{
    const uint64_t tokens = (uint64_t)source->sharing->keys[TOKENS], blocks = tokens / source->block_tokens;
    return (struct system_prompt){.first = draw_popular(source) * blocks, .tokens = tokens, .blocks = (uint32_t)blocks};
}

static enum status draw_system_only(struct session_source *source, struct session_plan *plan, struct diag *diag)
{
    const struct system_prompt system = draw_system(source);
    enum status status = add_request(source, plan, system.tokens + draw_input(source), 0, 0, diag);
    if (status == SIM_OK)
        status = add_run(plan, system.first, 1, system.blocks, diag);
    return status == SIM_OK ? add_own(source, plan, system.blocks, diag) : status;
}

/* Each prompt is everything before it, the answer too, and what the user adds. Since a conversation only grows, its ids are consecutive: a
 * turn's run is the session's first ids, more of them each time. */
static enum status draw_sessions(struct session_source *source, struct session_plan *plan, struct diag *diag)
{
    const struct system_prompt system = draw_system(source);
    const uint32_t turns = (uint32_t)variate_draw(source->turns, &source->turns_state);
    const uint64_t first_id = source->next_id;
    uint64_t said = system.tokens;
    double at_s = 0, wait_s = 0;
    for (uint32_t turn = 0; turn < turns; turn++) {
        if (turn > 0)
            wait_s = variate_draw(source->think, &source->think_state);
        at_s += wait_s;
        said += draw_input(source);
        enum status status = add_request(source, plan, said, at_s, wait_s, diag);
        if (status == SIM_OK)
            status = add_run(plan, system.first, 1, system.blocks, diag);
        if (status == SIM_OK)
            status = add_rest(source, plan, system.blocks, first_id, diag);
        if (status != SIM_OK)
            return status;
        said += plan->requests[plan->request_count - 1].output_tokens;
    }
    source->next_id += ceil_div_u64(plan->requests[turns - 1].input_tokens, source->block_tokens) - system.blocks;
    return SIM_OK;
}

static int earlier(const void *a, const void *b)
{
    const struct planned_request *x = a, *y = b;
    if (x->at_s != y->at_s)
        return x->at_s < y->at_s ? -1 : 1;
    return x->first_run < y->first_run ? -1 : 1;
}

/* An agent of a tree. `own` are the whole blocks that its prompt and its answer fill after those of the path to it: every child has them. */
struct tree_node {
    uint64_t answered; /* tokens of the path up to here, the answer included */
    struct content_run own;
    uint32_t parent; /* NO_PARENT: the root */
};

#define NO_PARENT UINT32_MAX

/* The runs of a node's prompt: what all on the path to it keep, from the root on, then its own up to where the prompt ends. */
static enum status add_path(struct session_source *source, struct session_plan *plan, const struct system_prompt *system,
                            const struct tree_node *nodes, uint32_t node, struct diag *diag)
{
    uint32_t path[TREE_DEPTH], length = 0, blocks = system->blocks;
    for (uint32_t at = nodes[node].parent; at != NO_PARENT; at = nodes[at].parent)
        path[length++] = at;
    enum status status = add_run(plan, system->first, 1, system->blocks, diag);
    while (length > 0 && status == SIM_OK) {
        const struct content_run *run = &nodes[path[--length]].own;
        status = add_run(plan, run->first, 1, run->blocks, diag);
        blocks += run->blocks;
    }
    return status == SIM_OK ? add_rest(source, plan, blocks, nodes[node].own.first, diag) : status;
}

/* One more node. Its own blocks are the whole ones that its prompt and answer fill after the path's; what is left over in the last block
 * belongs to each child for itself. */
static enum status add_node(struct session_source *source, struct session_plan *plan, const struct system_prompt *system,
                            struct tree_node *nodes, uint32_t node, uint32_t parent, struct diag *diag)
{
    const uint64_t before = parent == NO_PARENT ? system->tokens : nodes[parent].answered;
    const double wait_s = parent == NO_PARENT ? 0 : variate_draw(source->think, &source->think_state);
    const double at_s = parent == NO_PARENT ? 0 : plan->requests[parent].at_s + wait_s;
    enum status status = add_request(source, plan, before + draw_input(source), at_s, wait_s, diag);
    if (status != SIM_OK)
        return status;
    const struct planned_request *request = &plan->requests[node];
    const uint64_t answered = (uint64_t)request->input_tokens + request->output_tokens, path = before / source->block_tokens;
    const uint64_t named = ceil_div_u64(request->input_tokens, source->block_tokens) - path, kept = answered / source->block_tokens - path;
    nodes[node] =
        (struct tree_node){.answered = answered, .own = {.first = source->next_id, .step = 1, .blocks = (uint32_t)kept}, .parent = parent};
    source->next_id += max_u64(named, kept);
    return add_path(source, plan, system, nodes, node, diag);
}

static uint32_t tree_requests(const struct sharing *sharing)
{
    double all = 0, level = 1;
    for (int i = 0; i < (int)sharing->keys[DEPTH] && all <= TREE_MOST; i++) {
        all += level;
        level *= sharing->keys[BRANCH];
    }
    return all <= TREE_MOST ? (uint32_t)all : TREE_MOST + 1;
}

/* An agent that hands on to `branch` others, each of which begins with all that the path to it has said and answered. In order of level,
 * node i's parent is (i - 1) / branch. */
static enum status draw_tree(struct session_source *source, struct session_plan *plan, struct diag *diag)
{
    const struct system_prompt system = draw_system(source);
    const uint32_t count = tree_requests(source->sharing), branch = (uint32_t)source->sharing->keys[BRANCH];
    struct tree_node *nodes = NULL;
    enum status status = array_zeroed(&nodes, count, sizeof *nodes, "a tree", diag);
    for (uint32_t node = 0; node < count && status == SIM_OK; node++)
        status = add_node(source, plan, &system, nodes, node, node ? (node - 1) / branch : NO_PARENT, diag);
    if (status == SIM_OK)
        qsort(plan->requests, plan->request_count, sizeof *plan->requests, earlier);
    free(nodes);
    return status;
}

/* Another document than those chosen already. Where nearly all draws are the same few, the next free one is taken after a while. */
static uint64_t draw_document(struct session_source *source, const uint64_t *chosen, uint32_t count)
{
    enum { TRIES = 64 };
    uint64_t document = draw_popular(source);
    for (uint32_t i = 0, tries = 0; i < count; i++)
        if (chosen[i] == document) {
            const uint64_t all = (uint64_t)source->sharing->keys[COUNT];
            document = ++tries < TRIES ? draw_popular(source) : (document + 1) % all;
            i = UINT32_MAX; /* look through all of them again */
        }
    return document;
}

/* A system prompt, documents in the order in which they were found, and a question. All but the question are whole blocks: the same document
 * then has the same ids wherever it stands. Ids of documents come after that of the only system prompt. */
static enum status draw_documents(struct session_source *source, struct session_plan *plan, struct diag *diag)
{
    const double *keys = source->sharing->keys;
    const uint32_t width = source->block_tokens, blocks = (uint32_t)ceil(keys[TOKENS] / width), each = (uint32_t)keys[EACH],
                   system = (uint32_t)ceil(keys[SYSTEM] / width);
    const uint64_t known = ((uint64_t)system + (uint64_t)each * blocks) * width;
    uint64_t chosen[DOCUMENTS_EACH];
    enum status status = add_request(source, plan, known + draw_input(source), 0, 0, diag);
    if (status == SIM_OK)
        status = add_run(plan, 0, 1, system, diag);
    for (uint32_t i = 0; i < each && status == SIM_OK; i++) {
        chosen[i] = draw_document(source, chosen, i);
        status = add_run(plan, system + chosen[i] * blocks, 1, blocks, diag);
    }
    return status == SIM_OK ? add_own(source, plan, system + each * blocks, diag) : status;
}

/* The head of a file, up to the cursor, and what is around it. A file has no end, so its block k has the id k * files + file. */
static enum status draw_files(struct session_source *source, struct session_plan *plan, struct diag *diag)
{
    const uint64_t input = draw_input(source), file = draw_popular(source);
    const uint32_t head = (uint32_t)((double)input * source->sharing->keys[SHARE]) / source->block_tokens;
    enum status status = add_request(source, plan, input, 0, 0, diag);
    if (status == SIM_OK)
        status = add_run(plan, file, (uint64_t)source->sharing->keys[COUNT], head, diag);
    return status == SIM_OK ? add_own(source, plan, head, diag) : status;
}

/* --- the table --------------------------------------------------------------------------------------------------------------------- */

#define SYSTEM_KEYS                                                                                                                        \
    {"prompts", 1, 1, 1e6, "how many system prompts there are"}, {"tokens", 512, 0, 1e8, "tokens of a system prompt"},                     \
    {                                                                                                                                      \
        "skew", 0, 0, 8, "Zipf exponent of their popularity"                                                                               \
    }

/* In the order of the help page. */
static const struct sharing_kind KINDS[] = {
    {.spec = {"none", "nothing", {{0}}}, .draw = draw_none},
    {.spec = {"system", "a system prompt before each prompt", {SYSTEM_KEYS}}, .names_contents = true, .draw = draw_system_only},
    {.spec = {"sessions", "--turns after a system prompt, each with all before it; --think between", {SYSTEM_KEYS}},
     .names_contents = true,
     .has_turns = true,
     .draw = draw_sessions},
    {.spec = {"tree",
              "agents that hand on to others, which share the path; --think between",
              {SYSTEM_KEYS, {"depth", 3, 1, TREE_DEPTH, "levels"}, {"branch", 2, 1, 1000, "agents that one hands on to"}}},
     .names_contents = true,
     .is_tree = true,
     .draw = draw_tree},
    {.spec = {"documents",
              "retrieved documents before each prompt",
              {{"documents", 10000, 1, 1e9, "how many there are"},
               {"tokens", 512, 1, 1e6, "tokens of one"},
               {"skew", 1, 0, 8, "Zipf exponent of their popularity"},
               {"each", 4, 1, DOCUMENTS_EACH, "documents in a prompt"},
               {"system", 0, 0, 1e6, "tokens of the system prompt before them"}}},
     .names_contents = true,
     .draw = draw_documents},
    {.spec = {"files",
              "heads of files: the first part of the prompt, as long as it is",
              {{"files", 1000, 1, 1e9, "how many there are"},
               {"share", 0.5, 0, 1, "share of a prompt that is its file's"},
               {"skew", 1, 0, 8, "Zipf exponent of their popularity"}}},
     .names_contents = true,
     .draw = draw_files},
};
enum { KIND_COUNT = sizeof KINDS / sizeof *KINDS };

const struct spec_name *sharing_name(size_t i)
{
    return i < KIND_COUNT ? &KINDS[i].spec : NULL;
}

/* Counts are whole; shares, exponents are not. */
static enum status check_keys(const struct sharing *sharing, const struct spec_place *place, struct diag *diag)
{
    for (int i = 0; i < SPEC_KEYS && sharing->kind->spec.keys[i].name; i++) {
        const bool whole = i != SKEW && !(i == SHARE && sharing->kind->draw == draw_files);
        if (whole && sharing->keys[i] != floor(sharing->keys[i]))
            return diag_set(diag, SIM_USAGE, "--%s %s: %s must be a whole number", place->option, place->text,
                            sharing->kind->spec.keys[i].name);
    }
    if (sharing->kind->is_tree && tree_requests(sharing) > TREE_MOST)
        return diag_set(diag, SIM_USAGE, "--%s %s: a tree may have %d requests; lower depth or branch", place->option, place->text,
                        TREE_MOST);
    if (sharing->kind->draw == draw_documents && sharing->keys[EACH] > sharing->keys[COUNT])
        return diag_set(diag, SIM_USAGE, "--%s %s: each must not be above documents", place->option, place->text);
    return SIM_OK;
}

enum status sharing_read(struct sharing *out, const struct spec_place *place, struct diag *diag)
{
    const struct spec_name *names[KIND_COUNT];
    struct sharing made = {0};
    size_t kind;
    for (size_t i = 0; i < KIND_COUNT; i++)
        names[i] = &KINDS[i].spec;
    enum status status = spec_find_name(place, "sharing", names, KIND_COUNT, &kind, diag);
    if (status == SIM_OK)
        status = spec_read_keys(place, names[kind], made.keys, diag);
    if (status != SIM_OK)
        return status;
    made.kind = &KINDS[kind];
    status = check_keys(&made, place, diag);
    if (status != SIM_OK)
        return status;
    if (made.kind->names_contents)
        zipf_init(&made.popularity, 1, made.keys[COUNT], made.keys[SKEW]);
    *out = made;
    return SIM_OK;
}

double sharing_requests(const struct sharing *sharing, const struct variate *turns)
{
    return sharing->kind->has_turns ? variate_mean(turns) : sharing->kind->is_tree ? tree_requests(sharing) : 1;
}

uint64_t sharing_ids(const struct sharing *sharing, uint32_t block_tokens, double most_tokens)
{
    const double *keys = sharing->keys;
    if (!sharing->kind->names_contents)
        return 0;
    if (sharing->kind->draw == draw_files)
        return (uint64_t)keys[COUNT] * (uint64_t)(most_tokens * keys[SHARE] / block_tokens + 1);
    if (sharing->kind->draw == draw_documents)
        return (uint64_t)keys[COUNT] * (uint64_t)ceil(keys[TOKENS] / block_tokens) + (uint64_t)ceil(keys[SYSTEM] / block_tokens);
    return (uint64_t)keys[COUNT] * ((uint64_t)keys[TOKENS] / block_tokens);
}

enum status sharing_draw(struct session_source *source, struct session_plan *plan, struct diag *diag)
{
    plan->request_count = plan->run_count = 0;
    return source->sharing->kind->draw(source, plan, diag);
}
