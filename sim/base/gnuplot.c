/* gnuplot.c - runs gnuplot as a child process. Read gnuplot_draw at the end first.
 *
 * The script goes through a temporary file without a name and the picture comes through a pipe. So neither side can wait for the other: with
 * two pipes both could be full. What gnuplot says goes to a second file of that kind.
 *
 * The same run draws the same bytes: gnuplot does not read the user's start-up files (-d), and variables that change its language, fonts
 * or terminal are not passed on. */
#include "base/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/printable.h"

extern char **environ; /* NOLINT(readability-redundant-declaration): POSIX has it in no header */

/* The child that runs, for a handler of signals; 0: none. */
static _Atomic int child;

/* --- finding it --------------------------------------------------------------------------------------------------------------------- */

/* The first one on PATH. An empty folder in it would be the current one, where nobody expects a program to come from. */
static bool find(char path[PATH_MAX])
{
    const char *folders = getenv("PATH");
    while (folders && *folders) {
        const size_t length = strcspn(folders, ":");
        if (length > 0 && (size_t)snprintf(path, PATH_MAX, "%.*s/gnuplot", (int)length, folders) < PATH_MAX && access(path, X_OK) == 0)
            return true;
        folders += length + (folders[length] == ':');
    }
    return false;
}

enum status gnuplot_check(struct diag *diag)
{
    char path[PATH_MAX];
    if (find(path))
        return SIM_OK;
    return diag_set(diag, SIM_USAGE, "gnuplot draws the pictures and is not on PATH; install it (Debian: apt-get install gnuplot-nox)");
}

/* --- running it --------------------------------------------------------------------------------------------------------------------- */

static bool passed_on(const char *variable)
{
    static const char *const kept_back[] = {"LC_", "LANG", "GNUPLOT", "GNUTERM", "GDFONTPATH", "SOURCE_DATE_EPOCH"};
    for (size_t i = 0; i < sizeof kept_back / sizeof *kept_back; i++)
        if (strncmp(variable, kept_back[i], strlen(kept_back[i])) == 0)
            return false;
    return true;
}

/* NULL after the last; NULL itself: out of memory. */
static char **environment(void)
{
    static char utf8[] = "LC_ALL=C.UTF-8";
    size_t count = 0, kept = 0;
    while (environ && environ[count])
        count++;
    char **list = calloc(count + 2, sizeof *list);
    if (list)
        list[kept++] = utf8;
    for (size_t i = 0; list && i < count; i++)
        if (passed_on(environ[i]))
            list[kept++] = environ[i];
    return list;
}

/* A pipe whose reader has gone is ignored here, which a child would inherit. */
static int start(char *path, FILE *script, const int picture[2], FILE *said, pid_t *pid)
{
    char *const words[] = {path, "-d", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t usual;
    char **variables = environment();
    if (!variables)
        return ENOMEM;
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    int error = posix_spawn_file_actions_init(&actions);
    if (error == 0 && (error = posix_spawnattr_init(&attributes)) == 0) {
        posix_spawnattr_setsigdefault(&attributes, &usual);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
        error = posix_spawn_file_actions_adddup2(&actions, fileno(script), STDIN_FILENO);
        if (error == 0)
            error = posix_spawn_file_actions_adddup2(&actions, picture[1], STDOUT_FILENO);
        if (error == 0)
            error = posix_spawn_file_actions_adddup2(&actions, fileno(said), STDERR_FILENO);
        if (error == 0)
            error = posix_spawn(pid, path, &actions, &attributes, words, variables);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
    }
    free(variables);
    return error;
}

/* To the end, when gnuplot closes it. */
static enum status take(int descriptor, char **picture, size_t *length, struct diag *diag)
{
    enum { STEP = 1 << 16 };
    size_t capacity = 0;
    *picture = NULL;
    for (*length = 0;;) {
        if (array_reserve(picture, &capacity, *length + STEP, 1, "a picture", diag) != SIM_OK)
            return diag->status;
        const ssize_t got = read(descriptor, *picture + *length, STEP);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return diag_set(diag, SIM_FAILED, "gnuplot: its picture cannot be read: %s", strerror(errno));
        if (got == 0)
            return SIM_OK;
        *length += (size_t)got;
    }
}

/* Forgotten before its number is free for another process. */
static int wait_for(pid_t pid)
{
    siginfo_t ignored;
    int how = 0;
    while (waitid(P_PID, (id_t)pid, &ignored, WEXITED | WNOWAIT) != 0 && errno == EINTR)
        ;
    atomic_store(&child, 0);
    while (waitpid(pid, &how, 0) < 0 && errno == EINTR)
        ;
    return how;
}

/* The first line that says something; gnuplot shows the place in the script on lines of its own, and warns of what does not matter. */
static enum status failed(FILE *said, int how, struct diag *diag)
{
    char line[256], shown[512] = "it drew nothing";
    rewind(said);
    while (fgets(line, sizeof line, said)) {
        line[strcspn(line, "\n")] = '\0';
        if (strspn(line, " \t^") == strlen(line) || strncmp(line, "gnuplot>", 8) == 0 || strstr(line, "warning:"))
            continue;
        printable_copy(line + strspn(line, " \t"), shown, sizeof shown);
        break;
    }
    if (WIFSIGNALED(how))
        return diag_set(diag, SIM_FAILED, "gnuplot was ended by signal %d", WTERMSIG(how));
    return diag_set(diag, SIM_FAILED, "gnuplot failed: %s", shown);
}

static enum status run(char *path, FILE *script, FILE *said, char **picture, size_t *length, struct diag *diag)
{
    int ends[2];
    pid_t pid = 0;
    if (pipe(ends) != 0)
        return diag_set(diag, SIM_FAILED, "gnuplot: no pipe for its picture: %s", strerror(errno));
    for (int i = 0; i < 2; i++)
        (void)fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    const int error = start(path, script, ends, said, &pid);
    close(ends[1]);
    enum status status = SIM_OK;
    if (error == 0) {
        atomic_store(&child, (int)pid);
        status = take(ends[0], picture, length, diag);
    } else {
        status = diag_set(diag, SIM_FAILED, "gnuplot: cannot be started: %s", strerror(error));
    }
    close(ends[0]); /* a child that still writes ends by that */
    const int how = error == 0 ? wait_for(pid) : 0;
    if (status == SIM_OK && (how != 0 || *length == 0))
        status = failed(said, how, diag);
    return status;
}

enum status gnuplot_draw(const char *script, size_t length, char **picture, size_t *picture_length, struct diag *diag)
{
    char path[PATH_MAX];
    enum status status = SIM_OK;
    *picture = NULL;
    if (!find(path))
        return gnuplot_check(diag);
    FILE *in = tmpfile(), *said = tmpfile();
    if (!in || !said || fwrite(script, 1, length, in) != length || fflush(in) != 0 || lseek(fileno(in), 0, SEEK_SET) != 0)
        status = diag_set(diag, SIM_FAILED, "gnuplot: no temporary file for its script: %s", strerror(errno));
    if (status == SIM_OK)
        status = run(path, in, said, picture, picture_length, diag);
    if (in)
        fclose(in);
    if (said)
        fclose(said);
    if (status != SIM_OK) {
        free(*picture);
        *picture = NULL;
    }
    return status;
}

void gnuplot_abandon(void)
{
    const int pid = atomic_load(&child);
    if (pid > 0)
        kill(pid, SIGKILL);
}
