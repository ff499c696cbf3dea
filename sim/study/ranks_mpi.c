/* ranks_mpi.c - ranks of MPI. Read ranks.h first, then talk_as_first and talk_as_other, the two ends of the conversation.
 *
 * MPI is called by one thread at a time: by the command's own before and after, and by a thread that does nothing else while work is handed
 * out (MPI_THREAD_SERIALIZED). So threads that replay never wait for a message of somebody else's, and rank 0 answers while it replays, too.
 * Nobody waits inside MPI, where Open MPI spins: a rank that has nothing to do must not take a core from one that has.
 *
 * Messages; numbers are 64 bits:
 *
 *     ask      other -> 0    how many numbers are wanted; one question at a time
 *     numbers  0 -> other    some; none: there is nothing more, to the end
 *     line     other -> 0    a result
 *     failed   other -> 0    a number's diag
 */
#include "study/ranks.h"

#include <mpi.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "base/notice.h"
#include "trace/trace_image.h"

enum { TAG_ASK = 1, TAG_NUMBERS, TAG_LINE, TAG_FAILED };
enum { PAUSE_NS = 1000000, NUMBERS_MOST = 4096 };

static int number, count = 1; /* without MPI, or before ranks_open */
static bool opened;           /* MPI has been started by us */
static bool deserted;         /* others may be gone: nothing that waits for all can be called any more */

uint32_t ranks_count(void)
{
    return (uint32_t)count;
}

uint32_t ranks_number(void)
{
    return (uint32_t)number;
}

/* --- calls of MPI ------------------------------------------------------------------------------------------------------------------- */

/* A call that fails means that another rank, or the way to it, is gone. No rank can go on then. What rank 0 has taken is in its journal. */
static void check(int code, const char *what)
{
    char text[MPI_MAX_ERROR_STRING];
    int length = 0;
    if (code == MPI_SUCCESS)
        return;
    notice_mute(false);
    MPI_Error_string(code, text, &length);
    notice("rank %d: %s: %.*s; a sweep with --journal goes on when its command is given again", number, what, length, text);
    MPI_Abort(MPI_COMM_WORLD, SIM_FAILED);
}

static void pause_shortly(void)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    nanosleep(&pause, NULL);
}

/* MPI_Abort does not come back, but does not say so. */
_Noreturn static void no_memory(const char *what)
{
    check(MPI_ERR_NO_MEM, what);
    exit(SIM_FAILED);
}

/* The checker looks for MPI_Wait, which spins. */
/* NOLINTBEGIN(clang-analyzer-optin.mpi.MPI-Checker) */

/* Wait without spinning. */
static void finish(MPI_Request *request, const char *what)
{
    int done = 0;
    for (;;) {
        check(MPI_Test(request, &done, MPI_STATUS_IGNORE), what);
        if (done)
            return;
        pause_shortly();
    }
}

static void broadcast(void *bytes, size_t length, int root, MPI_Comm ranks, const char *what)
{
    enum { PIECE = 1 << 30 }; /* a count is an int */
    for (size_t at = 0; at < length; at += PIECE) {
        MPI_Request request;
        const size_t piece = length - at < PIECE ? length - at : PIECE;
        check(MPI_Ibcast((char *)bytes + at, (int)piece, MPI_BYTE, root, ranks, &request), what);
        finish(&request, what);
    }
}

/* --- beginning and end -------------------------------------------------------------------------------------------------------------- */

enum status ranks_open(bool asked, struct diag *diag)
{
    int provided = 0;
    if (!asked && ranks_launched() <= 1)
        return SIM_OK;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided) != MPI_SUCCESS)
        return diag_set(diag, SIM_FAILED, "MPI does not start");
    opened = true;
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &number);
    MPI_Comm_size(MPI_COMM_WORLD, &count);
    notice_mute(number > 0);
    if (count > 1 && provided < MPI_THREAD_SERIALIZED)
        return diag_set(diag, SIM_FAILED, "this MPI does not let another thread than the first call it");
    return SIM_OK;
}

/* MPI_Finalize waits for all. After an interruption, or when some have died, they may never come; the launcher ends those that are left. */
void ranks_close(void)
{
    if (opened && !deserted)
        MPI_Finalize();
    opened = false;
}

enum status ranks_exit_status(enum status status)
{
    return number > 0 && !deserted ? SIM_OK : status;
}

/* The lowest rank that failed tells all others why. */
enum status ranks_agree(enum status status, uint64_t fingerprint, struct diag *diag)
{
    int mine, first;
    uint64_t theirs = fingerprint;
    struct diag why = *diag;
    MPI_Request request;
    if (count == 1)
        return status;
    broadcast(&theirs, sizeof theirs, 0, MPI_COMM_WORLD, "comparing what was read");
    why.status = status;
    if (status == SIM_OK && theirs != fingerprint) {
        diag_clear(&why);
        why.status = diag_set(&why, SIM_BAD_INPUT, "files differ: the trace, or what a configuration names, is not what rank 0 has read");
    }
    mine = why.status == SIM_OK ? count : number;
    check(MPI_Iallreduce(&mine, &first, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD, &request), "agreeing");
    finish(&request, "agreeing");
    if (first == count)
        return SIM_OK;
    broadcast(&why, sizeof why, first, MPI_COMM_WORLD, "agreeing");
    diag_clear(diag);
    return first == 0 ? diag_set(diag, why.status, "%s", why.text) : diag_set(diag, why.status, "rank %d: %s", first, why.text);
}

/* --- one trace a machine ------------------------------------------------------------------------------------------------------------ */

/* Memory that all ranks of a machine see; the first of them has made it. The window lives until MPI ends. */
static char *shared_memory(MPI_Comm machine, size_t size)
{
    MPI_Win window;
    MPI_Aint bytes;
    int on_machine, unit;
    char *memory = NULL;
    MPI_Comm_rank(machine, &on_machine);
    check(MPI_Win_allocate_shared(on_machine == 0 ? (MPI_Aint)size : 0, 1, MPI_INFO_NULL, machine, &memory, &window), "sharing the trace");
    check(MPI_Win_shared_query(window, 0, &bytes, &unit, &memory), "sharing the trace");
    return memory;
}

/* Rank 0 writes the image on its machine, and the first rank of each other machine gets it from there. So the file need be only where rank 0
 * is, is read once, and is the same for all. */
enum status ranks_share_trace(enum status status, struct trace **trace, struct diag *diag)
{
    MPI_Comm machine, firsts;
    int on_machine;
    uint64_t size;
    if (count == 1)
        return status;
    size = status == SIM_OK && number == 0 ? trace_image_size(*trace) : 0;
    broadcast(&size, sizeof size, 0, MPI_COMM_WORLD, "sharing the trace");
    if (size == 0) /* rank 0 knows why, and ranks_agree tells everybody */
        return status != SIM_OK ? status : diag_set(diag, SIM_FAILED, "rank 0 has read no trace");
    check(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, number, MPI_INFO_NULL, &machine), "finding this machine's ranks");
    MPI_Comm_rank(machine, &on_machine);
    check(MPI_Comm_split(MPI_COMM_WORLD, on_machine == 0 ? 0 : MPI_UNDEFINED, number, &firsts), "finding each machine's first rank");
    char *image = shared_memory(machine, (size_t)size);
    if (number == 0) {
        trace_image_write(*trace, image);
        trace_destroy(*trace);
        *trace = NULL;
    }
    if (on_machine == 0)
        broadcast(image, (size_t)size, 0, firsts, "sharing the trace");
    check(MPI_Barrier(machine), "sharing the trace");
    return trace_image_open(image, trace, diag);
}

/* --- the threads of one rank -------------------------------------------------------------------------------------------------------- */

/* A result on its way to rank 0. */
struct finished {
    struct finished *next;
    struct json_text line; /* empty: the run failed */
    struct diag diag;
};

/* What the threads that work share with the one that talks. */
struct desk {
    const struct rank_work *work;
    pthread_mutex_t lock;
    pthread_cond_t work_came, talk_now;
    size_t queue[NUMBERS_MOST]; /* numbers for this rank's threads, [head, tail) */
    size_t head, tail, busy;
    bool closed;                 /* nothing more comes */
    uint64_t work_ns, runs;      /* how long runs take here */
    int64_t answer_ns, asked_ns; /* how long numbers take to come; when they were asked for */
    struct finished *finished, **last;
    struct diag failure; /* rank 0: the first that came; status SIM_OK: none */
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The next number for a thread, which waits until there is one; false: there are no more. */
static bool take_number(struct desk *desk, size_t *out)
{
    pthread_mutex_lock(&desk->lock);
    while (desk->head == desk->tail && !desk->closed) {
        pthread_cond_signal(&desk->talk_now);
        pthread_cond_wait(&desk->work_came, &desk->lock);
    }
    const bool some = desk->head < desk->tail && !desk->closed;
    if (some) {
        *out = desk->queue[desk->head++];
        desk->busy++;
    }
    pthread_mutex_unlock(&desk->lock);
    return some;
}

/* What the thread that talks has to do with a run that has ended. Rank 0's own results are kept already, so that it has only failures. */
static void put_finished(struct desk *desk, struct finished *made, int64_t took_ns)
{
    pthread_mutex_lock(&desk->lock);
    desk->busy--;
    desk->runs++;
    desk->work_ns += (uint64_t)took_ns;
    if (made) {
        *desk->last = made;
        desk->last = &made->next;
    }
    pthread_cond_signal(&desk->talk_now);
    pthread_mutex_unlock(&desk->lock);
}

static struct finished *make_finished(const struct rank_work *work, size_t run, enum status status, const struct diag *diag)
{
    if (status == SIM_OK && number == 0)
        return NULL;
    struct finished *made = calloc(1, sizeof *made);
    if (!made)
        no_memory("keeping a result");
    made->diag = *diag;
    made->diag.status = status;
    json_text_init(&made->line, false);
    if (status == SIM_OK)
        work->write(work->context, run, &made->line);
    if (status == SIM_OK && made->line.failed)
        made->diag.status = json_text_status(&made->line, &made->diag);
    return made;
}

/* One thread, until there is nothing more. */
static enum status work_on(void *context, size_t thread, struct diag *diag)
{
    struct desk *desk = context;
    size_t run;
    (void)thread;
    (void)diag;
    while (take_number(desk, &run)) {
        struct diag own = {0};
        const int64_t start = now_ns();
        const enum status status = desk->work->run(desk->work->context, run, &own);
        put_finished(desk, make_finished(desk->work, run, status, &own), now_ns() - start);
    }
    return SIM_OK;
}

/* --- talking ------------------------------------------------------------------------------------------------------------------------ */

static bool should_stop(const struct desk *desk)
{
    return desk->work->stop && *desk->work->stop;
}

/* The time from a question to its answer, smoothed: a machine that has other work lets the thread that talks wait, too. */
static void note_answer(struct desk *desk)
{
    const int64_t took_ns = now_ns() - desk->asked_ns;
    desk->answer_ns += (took_ns - desk->answer_ns) / 4;
}

/* How many numbers this rank wants to have beside those that its threads are at. None while runs are long: the answer comes in time, and a
 * number that waits here could have been somebody else's. Of short ones as many as keep all threads busy until it comes. */
static size_t wanted_ahead(const struct desk *desk)
{
    enum { LONG_RUN_NS = 200000000, LITTLE = 20, AHEAD_MOST = 64 };
    const uint64_t run_ns = desk->runs ? desk->work_ns / desk->runs + 1 : LONG_RUN_NS,
                   answer_ns = (uint64_t)(desk->answer_ns + 2 * (int64_t)PAUSE_NS);
    const uint64_t each = run_ns >= LONG_RUN_NS && answer_ns < run_ns / LITTLE ? 0 : 1 + 2 * answer_ns / run_ns;
    return (size_t)(each < AHEAD_MOST ? each : AHEAD_MOST) * desk->work->threads;
}

/* Numbers that are wanted now; 0: there are enough. */
static size_t wanted_now(struct desk *desk)
{
    pthread_mutex_lock(&desk->lock);
    const size_t have = desk->tail - desk->head + desk->busy;
    size_t want = desk->work->threads + wanted_ahead(desk);
    pthread_mutex_unlock(&desk->lock);
    want = want < NUMBERS_MOST ? want : NUMBERS_MOST; /* what the queue holds */
    return want > have ? want - have : 0;
}

static void add_numbers(struct desk *desk, const uint64_t *numbers, size_t some)
{
    pthread_mutex_lock(&desk->lock);
    memmove(desk->queue, desk->queue + desk->head, (desk->tail - desk->head) * sizeof *desk->queue);
    desk->tail -= desk->head;
    desk->head = 0;
    for (size_t i = 0; i < some; i++)
        desk->queue[desk->tail++] = (size_t)numbers[i];
    pthread_cond_broadcast(&desk->work_came);
    pthread_mutex_unlock(&desk->lock);
}

static void close_desk(struct desk *desk)
{
    pthread_mutex_lock(&desk->lock);
    desk->closed = true;
    pthread_cond_broadcast(&desk->work_came);
    pthread_mutex_unlock(&desk->lock);
}

static struct finished *take_finished(struct desk *desk)
{
    pthread_mutex_lock(&desk->lock);
    struct finished *list = desk->finished;
    desk->finished = NULL;
    desk->last = &desk->finished;
    pthread_mutex_unlock(&desk->lock);
    return list;
}

/* Until one of our threads has something, but not longer than a message may wait. */
static void rest(struct desk *desk)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += PAUSE_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&desk->lock);
    if (!desk->finished)
        pthread_cond_timedwait(&desk->talk_now, &desk->lock, &until);
    pthread_mutex_unlock(&desk->lock);
}

static bool comes(int from, MPI_Status *message)
{
    int is_there = 0;
    check(MPI_Iprobe(from, MPI_ANY_TAG, MPI_COMM_WORLD, &is_there, message), "looking for messages");
    return is_there != 0;
}

/* Sent without waiting inside of MPI. */
static void send_to(int rank, int tag, const void *bytes, size_t length)
{
    MPI_Request request;
    check(MPI_Isend(bytes, (int)length, MPI_BYTE, rank, tag, MPI_COMM_WORLD, &request), "sending");
    finish(&request, "sending");
}

static size_t receive(const MPI_Status *message, void *bytes, size_t size)
{
    int length;
    MPI_Get_count(message, MPI_BYTE, &length);
    check(MPI_Recv(bytes, (int)size, MPI_BYTE, message->MPI_SOURCE, message->MPI_TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE), "receiving");
    return (size_t)length;
}

/* --- all ranks but 0 ---------------------------------------------------------------------------------------------------------------- */

static void send_finished(struct desk *desk)
{
    struct finished *next;
    for (struct finished *one = take_finished(desk); one; one = next) {
        next = one->next;
        if (one->diag.status == SIM_OK)
            send_to(0, TAG_LINE, one->line.text, one->line.length);
        else if (!should_stop(desk))
            send_to(0, TAG_FAILED, &one->diag, sizeof one->diag);
        json_text_deinit(&one->line);
        free(one);
    }
}

/* Ends when rank 0 says that all is done, which it does when it has all results. */
static void *talk_as_other(void *context)
{
    struct desk *desk = context;
    bool asked = false;
    for (;;) {
        MPI_Status message;
        send_finished(desk);
        const uint64_t wanted = asked ? 0 : wanted_now(desk);
        if (wanted > 0) {
            desk->asked_ns = now_ns();
            send_to(0, TAG_ASK, &wanted, sizeof wanted);
        }
        asked |= wanted > 0;
        if (comes(0, &message)) {
            uint64_t numbers[NUMBERS_MOST];
            const size_t some = receive(&message, numbers, sizeof numbers) / sizeof *numbers;
            if (some == 0)
                break;
            note_answer(desk);
            add_numbers(desk, numbers, some);
            asked = false;
        } else if (should_stop(desk)) {
            break;
        } else {
            rest(desk);
        }
    }
    close_desk(desk);
    return NULL;
}

/* --- rank 0 ------------------------------------------------------------------------------------------------------------------------- */

struct first {
    struct desk *desk;
    uint64_t *asking;   /* by rank: how many it wants; 0: it has not asked */
    uint64_t settled;   /* of our own runs, how many had ended when the disk had them */
    size_t given, owed; /* of all numbers; by others, not yet back */
    char *line;
    size_t line_capacity;
};

static void note_failure(struct desk *desk, enum status status, const struct diag *diag)
{
    if (status != SIM_OK && desk->failure.status == SIM_OK) {
        desk->failure = *diag;
        desk->failure.status = status;
    }
}

static void take_line(struct first *first, const MPI_Status *message)
{
    const struct rank_work *work = first->desk->work;
    struct diag diag = {0};
    int length;
    MPI_Get_count(message, MPI_BYTE, &length);
    enum status status = array_reserve(&first->line, &first->line_capacity, (size_t)length + 1, 1, "a result", &diag);
    if (status != SIM_OK)
        no_memory("receiving");
    receive(message, first->line, (size_t)length);
    first->line[length] = '\0';
    status = work->take(work->context, (size_t)message->MPI_SOURCE, first->line, (size_t)length, &diag);
    note_failure(first->desk, status, &diag);
    first->owed--;
}

/* All messages that are there. False: there was none. */
static bool listen(struct first *first)
{
    const struct rank_work *work = first->desk->work;
    MPI_Status message;
    struct diag diag = {0};
    bool any = false, lines = false;
    while (comes(MPI_ANY_SOURCE, &message)) {
        any = true;
        if (message.MPI_TAG == TAG_ASK) {
            receive(&message, &first->asking[message.MPI_SOURCE], sizeof *first->asking);
        } else if (message.MPI_TAG == TAG_LINE) {
            take_line(first, &message);
            lines = true;
        } else {
            receive(&message, &diag, sizeof diag);
            note_failure(first->desk, diag.status, &diag);
            first->owed--;
        }
    }
    diag_clear(&diag);
    pthread_mutex_lock(&first->desk->lock);
    const uint64_t runs = first->desk->runs;
    pthread_mutex_unlock(&first->desk->lock);
    if (lines || runs > first->settled) /* once for all that came, and for our own: threads that replay do not wait for the disk */
        note_failure(first->desk, work->settle(work->context, &diag), &diag);
    first->settled = runs;
    return any;
}

/* After a failure nothing more is begun. Towards the end nobody gets more than a small part of what is left. */
static size_t next_numbers(struct first *first, uint64_t wanted, uint64_t *out)
{
    const struct rank_work *work = first->desk->work;
    const size_t left = first->desk->failure.status != SIM_OK ? 0 : work->count - first->given;
    size_t some = left / (4 * (size_t)count) + 1;
    some = some > wanted ? (size_t)wanted : some;
    some = some > left ? left : some;
    some = some > NUMBERS_MOST / 4 ? NUMBERS_MOST / 4 : some;
    for (size_t i = 0; i < some; i++)
        out[i] = work->numbers[first->given++];
    return some;
}

static void give(struct first *first)
{
    uint64_t numbers[NUMBERS_MOST];
    size_t some = next_numbers(first, wanted_now(first->desk), numbers);
    if (some > 0)
        add_numbers(first->desk, numbers, some);
    for (int rank = 1; rank < count; rank++) {
        some = first->asking[rank] > 0 ? next_numbers(first, first->asking[rank], numbers) : 0;
        if (some == 0)
            continue;
        send_to(rank, TAG_NUMBERS, numbers, some * sizeof *numbers);
        first->asking[rank] = 0;
        first->owed += some;
    }
}

static void note_own_failures(struct desk *desk)
{
    struct finished *next;
    for (struct finished *one = take_finished(desk); one; one = next) {
        next = one->next;
        note_failure(desk, one->diag.status, &one->diag);
        json_text_deinit(&one->line);
        free(one);
    }
}

/* Nothing to give, nothing owed, nobody at it. */
static bool all_is_done(struct first *first)
{
    struct desk *desk = first->desk;
    pthread_mutex_lock(&desk->lock);
    const bool idle =
        desk->busy == 0 && (desk->head == desk->tail || desk->failure.status != SIM_OK) && !desk->finished && desk->runs == first->settled;
    pthread_mutex_unlock(&desk->lock);
    return idle && first->owed == 0 && (first->given == desk->work->count || desk->failure.status != SIM_OK);
}

static void *talk_as_first(void *context)
{
    struct first *first = context;
    while (!should_stop(first->desk)) {
        note_own_failures(first->desk);
        const bool any = listen(first);
        note_answer(first->desk); /* its own threads wait for this loop to come round */
        first->desk->asked_ns = now_ns();
        give(first);
        if (all_is_done(first))
            break;
        if (!any)
            rest(first->desk);
    }
    for (int rank = 1; rank < count && !should_stop(first->desk); rank++)
        send_to(rank, TAG_NUMBERS, NULL, 0);
    close_desk(first->desk);
    return NULL;
}

/* --- handing out -------------------------------------------------------------------------------------------------------------------- */

/* The thread that talks stands next to those that work, which are OpenMP's as in any other study. */
static enum status work_and_talk(struct desk *desk, void *(*talk)(void *), void *context, struct diag *diag)
{
    pthread_t talker;
    if (pthread_create(&talker, NULL, talk, context) != 0)
        no_memory("starting a thread");
    enum status status = parallel_runs(desk->work->threads, desk->work->threads, work_on, desk, diag);
    pthread_join(talker, NULL);
    return status;
}

enum status ranks_hand_out(const struct rank_work *work, struct diag *diag)
{
    if (count == 1)
        return ranks_work_alone(work, diag);
    struct desk *desk;
    struct first first = {0};
    const struct array_request arrays[] = {ARRAY_OF(desk, 1), ARRAY_OF(first.asking, (size_t)count)};
    enum status status = array_zeroed_all(arrays, 2, "a rank's work", diag);
    if (status != SIM_OK)
        no_memory("beginning");
    *desk = (struct desk){
        .work = work, .lock = PTHREAD_MUTEX_INITIALIZER, .work_came = PTHREAD_COND_INITIALIZER, .talk_now = PTHREAD_COND_INITIALIZER};
    desk->last = &desk->finished;
    desk->asked_ns = now_ns();
    first.desk = desk;
    status = number == 0 ? work_and_talk(desk, talk_as_first, &first, diag) : work_and_talk(desk, talk_as_other, desk, diag);
    deserted = should_stop(desk);
    if (status == SIM_OK && deserted)
        status = diag_set(diag, SIM_INTERRUPTED, "interrupted");
    else if (status == SIM_OK && desk->failure.status != SIM_OK)
        status = diag_set(diag, desk->failure.status, "%s", desk->failure.text);
    free(first.asking);
    free(first.line);
    free(desk);
    return deserted ? status : ranks_agree(status, 0, diag);
}

/* NOLINTEND(clang-analyzer-optin.mpi.MPI-Checker) */
