/* output_folder.c - is it there, may it be written, and if not, may it be made? */
#include "command/output_folder.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NEW_FOLDER_MODE = 0777 };

/* The folder that `path` is in, "." for a plain name. */
static void parent_of(const char *path, char out[PATH_MAX])
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    while (length > 0 && path[length - 1] != '/')
        length--;
    snprintf(out, PATH_MAX, "%.*s", length > 0 ? (int)length : 1, length > 0 ? path : ".");
}

enum status output_folder_check(const char *option, const char *path, const char *what, struct diag *diag)
{
    struct stat facts;
    char parent[PATH_MAX];
    if (strcmp(path, "-") == 0 || !*path)
        return diag_set(diag, SIM_USAGE, "--%s \"%s\": must be a folder; there is a file for each %s", option, path, what);
    if (strlen(path) >= PATH_MAX)
        return diag_set(diag, SIM_FAILED, "--%s: %s", option, strerror(ENAMETOOLONG));
    const bool there = stat(path, &facts) == 0;
    if (there && !S_ISDIR(facts.st_mode))
        return diag_set(diag, SIM_FAILED, "--%s %s: is no folder; there is a file for each %s", option, path, what);
    parent_of(path, parent);
    if (access(there ? path : parent, W_OK | X_OK) != 0)
        return diag_set(diag, SIM_FAILED, "--%s %s: cannot be %s: %s", option, path, there ? "written" : "made", strerror(errno));
    return SIM_OK;
}

enum status output_folder_make(const char *path, struct diag *diag)
{
    if (mkdir(path, NEW_FOLDER_MODE) != 0 && errno != EEXIST)
        return diag_set(diag, SIM_FAILED, "%s: cannot be made: %s", path, strerror(errno));
    return SIM_OK;
}
