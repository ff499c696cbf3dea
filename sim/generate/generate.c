/* generate.c - sessions in a heap by the time of their next request, and rows written as they come due. Read generate_write at the end
 * first, then next_session, which decides between a new session and one that waits. */
#include "generate/generate.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/seeded_random.h"

/* A session that has begun. Of a closed loop: a user, whose plan is drawn anew when it is used up. */
struct session {
    struct session_plan plan;
    const struct request_class *class; /* NULL: none */
    uint64_t number;
    int64_t start_ns, due_ns;
    uint32_t next;     /* request of the plan */
    uint32_t requests; /* that it has had so far */
    int64_t wait_ns;   /* before the next one */
    int32_t priority;
};

enum { ROW_ROOM = 1 << 16 };

struct generator {
    const struct generate_spec *spec;
    struct session_source source;
    struct arrival_state arrivals;
    uint64_t class_state, priority_state, sample_state, end_state;
    struct session **heap; /* the session with the least (due_ns, number) first */
    size_t count, capacity;
    struct session **idle; /* ended ones, whose memory is used again */
    size_t idle_count, idle_capacity;
    uint64_t begun, begin_most;
    FILE *file;
    size_t length;
    char text[ROW_ROOM]; /* of rows that are not written yet */
};

/* --- rows ------------------------------------------------------------------------------------------------------------------------- */

static enum status flush(struct generator *self, struct diag *diag)
{
    const bool done = fwrite(self->text, 1, self->length, self->file) == self->length;
    self->length = 0;
    return done ? SIM_OK : diag_set(diag, SIM_FAILED, "the trace cannot be written");
}

/* There must be room; put_row and put_ids see to it. */
static void put_text(struct generator *self, const char *text)
{
    const size_t length = strlen(text);
    memcpy(self->text + self->length, text, length);
    self->length += length;
}

static void put_number(struct generator *self, uint64_t value)
{
    char digits[20];
    size_t count = 0;
    do
        digits[count++] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    while (count > 0)
        self->text[self->length++] = digits[--count];
}

static void put_field(struct generator *self, const char *name, int64_t value)
{
    put_text(self, name);
    if (value < 0)
        put_text(self, "-");
    put_number(self, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

/* Nanoseconds as milliseconds, exactly: a double would print digits of its own. */
static void put_ms(struct generator *self, const char *name, int64_t ns)
{
    put_field(self, name, ns / 1000000);
    uint32_t rest = (uint32_t)(ns % 1000000), unit = 100000;
    if (rest > 0)
        put_text(self, ".");
    for (; rest > 0; rest %= unit, unit /= 10)
        self->text[self->length++] = (char)('0' + rest / unit);
}

static enum status put_ids(struct generator *self, const struct session_plan *plan, const struct planned_request *request,
                           struct diag *diag)
{
    const char *before = ",\"hash_ids\":[";
    enum { ID_ROOM = 64 };
    for (uint32_t r = 0; r < request->run_count; r++) {
        const struct content_run *run = &plan->runs[request->first_run + r];
        for (uint32_t i = 0; i < run->blocks; i++, before = ",") {
            if (self->length > ROW_ROOM - ID_ROOM && flush(self, diag) != SIM_OK)
                return diag->status;
            put_text(self, before);
            put_number(self, run->first + i * run->step);
        }
    }
    put_text(self, "]");
    return SIM_OK;
}

/* Drawn for every row if anybody's rows say it, so that a class of its own changes no other's. */
static void put_finish_reason(struct generator *self, const struct session *session)
{
    const double own = session->class ? session->class->stop_share : -1, share = own >= 0 ? own : self->spec->stop_share;
    const double drawn = seeded_unit(&self->end_state);
    if (share >= 0)
        put_text(self, drawn < share ? ",\"finish_reason\":\"stop\"" : ",\"finish_reason\":\"length\"");
}

static enum status put_row(struct generator *self, const struct session *session, uint32_t samples, struct diag *diag)
{
    enum { ROW_BEFORE_IDS = 512 };
    const struct planned_request *request = &session->plan.requests[session->next];
    const bool later = self->spec->turns_by_delay && session->requests > 0;
    enum status status = self->length > ROW_ROOM - ROW_BEFORE_IDS ? flush(self, diag) : SIM_OK;
    if (status != SIM_OK)
        return status;
    put_text(self, "{");
    if (self->spec->turns_by_delay) {
        put_field(self, "\"session_id\":\"", (int64_t)session->number);
        put_text(self, "\",");
    }
    put_ms(self, later ? "\"delay\":" : "\"timestamp\":", later ? session->wait_ns : session->due_ns);
    put_field(self, ",\"input_length\":", request->input_tokens);
    put_field(self, ",\"output_length\":", request->output_tokens);
    if (session->priority != 0)
        put_field(self, ",\"priority\":", session->priority);
    if (samples != 1)
        put_field(self, ",\"n\":", samples);
    put_finish_reason(self, session);
    if (request->run_count > 0)
        status = put_ids(self, &session->plan, request, diag);
    put_text(self, "}\n");
    return status;
}

/* --- the heap ---------------------------------------------------------------------------------------------------------------------- */

static bool sooner(const struct session *a, const struct session *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->number < b->number;
}

static void sift_down(struct generator *self)
{
    struct session *session = self->heap[0];
    size_t at = 0;
    for (size_t child = 1; child < self->count; child = 2 * at + 1) {
        child += child + 1 < self->count && sooner(self->heap[child + 1], self->heap[child]);
        if (!sooner(self->heap[child], session))
            break;
        self->heap[at] = self->heap[child];
        at = child;
    }
    self->heap[at] = session;
}

static enum status push(struct generator *self, struct session *session, struct diag *diag)
{
    enum status status = array_append(&self->heap, &self->count, &self->capacity, &session, sizeof session, "sessions", diag);
    if (status != SIM_OK)
        return status;
    size_t at = self->count - 1;
    for (; at > 0 && sooner(session, self->heap[(at - 1) / 2]); at = (at - 1) / 2)
        self->heap[at] = self->heap[(at - 1) / 2];
    self->heap[at] = session;
    return SIM_OK;
}

/* --- sessions ---------------------------------------------------------------------------------------------------------------------- */

static const struct variate *part(const struct variate *own, const struct variate *all)
{
    return own && own->kind ? own : all;
}

/* Draw the session's requests, as its class says. */
static enum status plan_session(struct generator *self, struct session *session, struct diag *diag)
{
    const struct generate_spec *spec = self->spec;
    const struct request_class *class = NULL;
    if (spec->class_count > 0) {
        const double share = seeded_unit(&self->class_state);
        for (uint32_t i = spec->class_count; i-- > 0;)
            class = share < spec->classes[i].up_to ? &spec->classes[i] : class;
    }
    session->class = class;
    session->next = 0;
    self->source.input = part(class ? &class->input : NULL, &spec->input);
    self->source.output = part(class ? &class->output : NULL, &spec->output);
    session->priority = (int32_t)variate_draw(part(class ? &class->priorities : NULL, &spec->priorities), &self->priority_state);
    return sharing_draw(&self->source, &session->plan, diag);
}

static enum status begin_session(struct generator *self, int64_t start_ns, struct diag *diag)
{
    struct session *session;
    enum status status = SIM_OK;
    if (self->idle_count > 0)
        session = self->idle[--self->idle_count];
    else
        status = array_zeroed(&session, 1, sizeof *session, "a session", diag);
    if (status != SIM_OK)
        return status;
    session->number = self->begun++;
    session->start_ns = session->due_ns = start_ns;
    session->requests = 0;
    session->wait_ns = 0;
    status = plan_session(self, session, diag);
    if (status == SIM_OK)
        status = push(self, session, diag);
    if (status != SIM_OK) {
        session_plan_deinit(&session->plan);
        free(session);
    }
    return status;
}

/* New sessions come before those that wait, if they are due first. Where all begin at once, only as many do as are needed for the requests:
 * time does not go on, and sessions without end would. */
static enum status next_session(struct generator *self, struct diag *diag)
{
    while (self->begun < self->begin_most && (self->count == 0 || self->arrivals.now_ns < self->heap[0]->due_ns)) {
        enum status status = begin_session(self, self->arrivals.now_ns, diag);
        if (status == SIM_OK)
            status = arrival_next(&self->spec->arrival, &self->arrivals, diag);
        if (status != SIM_OK)
            return status;
    }
    if (self->count == 0)
        return begin_session(self, self->arrivals.now_ns, diag);
    return SIM_OK;
}

/* The users of a closed loop begin one after the other within the ramp. */
static enum status begin_users(struct generator *self, struct diag *diag)
{
    const struct arrival_process *arrival = &self->spec->arrival;
    const uint32_t users = arrival_process_users(arrival);
    enum status status = SIM_OK;
    self->begin_most = 0;
    for (uint32_t i = 0; i < users && i < self->spec->requests && status == SIM_OK; i++) {
        int64_t start_ns;
        status = arrival_add(0, arrival_process_ramp_s(arrival) * i / users, arrival->text, "", &start_ns, diag);
        if (status == SIM_OK)
            status = begin_session(self, start_ns, diag);
    }
    return status;
}

/* The session at the top has had a request: it waits for the next, draws new ones (a user) or ends. */
static enum status go_on(struct generator *self, struct diag *diag)
{
    struct session *session = self->heap[0];
    double wait_s;
    session->requests++;
    if (++session->next < session->plan.request_count) {
        const struct planned_request *request = &session->plan.requests[session->next];
        enum status status = arrival_add(session->start_ns, request->at_s, "--think", "", &session->due_ns, diag);
        if (status != SIM_OK)
            return status;
        wait_s = request->wait_s;
    } else if (self->spec->arrival.kind->closed) {
        wait_s = variate_draw(&self->spec->think, &self->source.think_state);
        enum status status = arrival_add(session->due_ns, wait_s, "--think", "", &session->due_ns, diag);
        session->start_ns = session->due_ns;
        if (status == SIM_OK)
            status = plan_session(self, session, diag);
        if (status != SIM_OK)
            return status;
    } else {
        enum status status = array_append(&self->idle, &self->idle_count, &self->idle_capacity, &session, sizeof session, "sessions", diag);
        if (status != SIM_OK)
            return status;
        self->heap[0] = self->heap[--self->count];
        if (self->count > 0)
            sift_down(self);
        return SIM_OK;
    }
    session->wait_ns = (int64_t)rint(wait_s * 1e9);
    sift_down(self);
    return SIM_OK;
}

static void start(struct generator *self)
{
    const struct generate_spec *spec = self->spec;
    const uint64_t seed = spec->seed;
    double most = variate_most(&spec->input);
    for (uint32_t i = 0; i < spec->class_count; i++)
        if (spec->classes[i].input.kind)
            most = fmax(most, variate_most(&spec->classes[i].input));
    self->source = (struct session_source){.sharing = &spec->sharing,
                                           .turns = &spec->turns,
                                           .think = &spec->think,
                                           .block_tokens = spec->block_tokens,
                                           .ids_needed = generate_spec_names_contents(spec),
                                           .next_id = sharing_ids(&spec->sharing, spec->block_tokens, most),
                                           .input_state = seeded_stream(seed, SEEDED_LENGTHS),
                                           .output_state = seeded_stream(seed, SEEDED_OUTPUTS),
                                           .sharing_state = seeded_stream(seed, SEEDED_SHARING),
                                           .turns_state = seeded_stream(seed, SEEDED_TURNS),
                                           .think_state = seeded_stream(seed, SEEDED_THINKING)};
    self->class_state = seeded_stream(seed, SEEDED_CLASSES);
    self->priority_state = seeded_stream(seed, SEEDED_PRIORITIES);
    self->sample_state = seeded_stream(seed, SEEDED_SAMPLES);
    self->end_state = seeded_stream(seed, SEEDED_ENDS);
    const bool at_once = spec->arrival.kind->spec.keys[0].name == NULL;
    self->begin_most = at_once ? (uint64_t)ceil(spec->requests / spec->arrival.per_arrival) : UINT64_MAX;
    arrival_start(&self->arrivals, seed);
}

static enum status write_requests(struct generator *self, struct diag *diag)
{
    enum status status = arrival_next(&self->spec->arrival, &self->arrivals, diag);
    if (status == SIM_OK && self->spec->arrival.kind->closed)
        status = begin_users(self, diag);
    for (uint32_t i = 0; i < self->spec->requests && status == SIM_OK; i++) {
        if (!self->spec->arrival.kind->closed)
            status = next_session(self, diag);
        if (status != SIM_OK)
            break;
        const struct session *session = self->heap[0];
        const struct variate *samples = part(session->class ? &session->class->samples : NULL, &self->spec->samples);
        status = put_row(self, session, (uint32_t)variate_draw(samples, &self->sample_state), diag);
        if (status == SIM_OK && i + 1 < self->spec->requests)
            status = go_on(self, diag);
    }
    return status == SIM_OK ? flush(self, diag) : status;
}

static void free_sessions(struct session **sessions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        session_plan_deinit(&sessions[i]->plan);
        free(sessions[i]);
    }
    free(sessions);
}

enum status generate_write(const struct generate_spec *spec, FILE *file, struct diag *diag)
{
    struct generator *self;
    if (spec->bundled) {
        struct generated_spec fixed = spec->fixed;
        fixed.requests = spec->requests;
        fixed.seed = spec->seed;
        return trace_generate(&fixed, file, diag);
    }
    enum status status = array_zeroed(&self, 1, sizeof *self, "a generator", diag);
    if (status != SIM_OK)
        return status;
    self->spec = spec;
    self->file = file;
    start(self);
    status = write_requests(self, diag);
    free_sessions(self->heap, self->count);
    free_sessions(self->idle, self->idle_count);
    free(self);
    return status;
}
