/* hardware.c - finds files of models and GPUs, and reads those of GPUs. Read find_file for where a name is looked for. */
#include "config/hardware.h"

#include <ctype.h>
#include <dirent.h>
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/line.h"

#ifndef PAGESIM_DATA
#define PAGESIM_DATA "/usr/local/share/pagesim"
#endif

enum { PATH_SIZE = 2048 };

/* A key and where its value goes. NULL ends a list. What may be missing stays as it is then. */
struct number {
    const char *key;
    double *out;
    bool optional;
};

/* --- where a name is looked for --------------------------------------------------------------------------------------------------- */

/* Folders that may hold configs/. */
struct data_folders {
    char path[8][PATH_SIZE];
    size_t count;
};

static void add_folder(struct data_folders *folders, const char *folder, const char *below)
{
    if (folders->count < sizeof folders->path / sizeof *folders->path)
        snprintf(folders->path[folders->count++], PATH_SIZE, "%.*s%s", PATH_SIZE - 64, folder, below);
}

/* What lies about PREFIX/bin/pagesim or PREFIX/lib/libpagesim.so, and about build/FLAVOUR/ of a checkout. Cuts the path. */
static void add_neighbours(struct data_folders *folders, char *path)
{
    char *slash = strrchr(path, '/');
    if (!slash)
        return;
    *slash = '\0';
    add_folder(folders, path, "/../share/pagesim");
    add_folder(folders, path, "/../..");
    add_folder(folders, path, "/..");
}

/* Here, then next to what is running (the program, or the library in a program of somebody else), be it in a checkout's build/ or below any
 * prefix, and last where it was to be installed. */
static struct data_folders find_folders(void)
{
    struct data_folders folders = {.count = 0};
    char program[PATH_SIZE];
    add_folder(&folders, ".", "");
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length > 0 ? length : 0] = '\0';
    add_neighbours(&folders, program);
/* Where there is dladdr. */
#if defined(_GNU_SOURCE) || defined(__APPLE__)
    static const char anchor = 0; /* lies in the program or the library that this code is part of */
    Dl_info library;
    if (dladdr(&anchor, &library) && library.dli_fname && strlen(library.dli_fname) < sizeof program) {
        memcpy(program, library.dli_fname, strlen(library.dli_fname) + 1);
        add_neighbours(&folders, program);
    }
#endif
    add_folder(&folders, PAGESIM_DATA, "");
    return folders;
}

/* --- names as people write them --------------------------------------------------------------------------------------------------- */

/* Makers, ways of training that change no shape, and packages of a GPU: meta-llama/Llama-3.1-8B-Instruct has the shape of llama-3.1-8b.
 * Words that say something else (fp8, awq, pcie) are not here, as such a thing has other numbers. */
static const char *const idle_words[] = {"meta", "nvidia", "geforce", "tesla", "instruct", "chat", "it",   "base",  "hf",
                                         "gpu",  "tensor", "core",    "sxm",   "sxm4",     "sxm5", "hbm3", "hbm3e", "hbm2e"};

static const char separators[] = "-_ /";

/* Is the word one of the text's? Words end at separators; capitals do not count. */
static bool has_word(const char *text, const char *word, size_t length)
{
    for (text += strspn(text, separators); *text; text += strspn(text, separators)) {
        const size_t own = strcspn(text, separators);
        if (own == length && strncasecmp(text, word, length) == 0)
            return true;
        text += own;
    }
    return false;
}

static bool is_idle(const char *word, size_t length)
{
    for (size_t i = 0; i < sizeof idle_words / sizeof *idle_words; i++)
        if (strlen(idle_words[i]) == length && strncasecmp(idle_words[i], word, length) == 0)
            return true;
    return false;
}

/* Is `name` what the file NAME.json is about? All words of the file's name must be there, in order and joined in any way ("rtx4090"); any
 * further one must be idle, or of the full name that the file gives ("H100-SXM5-80GB"). */
static bool same_thing(const char *name, const char *file_name, const char *full_name)
{
    char left[256], wanted[256];
    size_t used = 0, needed = 0;
    for (name += strspn(name, separators); *name; name += strspn(name, separators)) {
        const size_t length = strcspn(name, separators);
        const bool own = has_word(file_name, name, length);
        if (own || (!is_idle(name, length) && !has_word(full_name, name, length)))
            for (size_t i = 0; i < length && used < sizeof left - 1; i++)
                left[used++] = (char)tolower((unsigned char)name[i]);
        name += length;
    }
    for (; *file_name && needed < sizeof wanted - 1; file_name++)
        if (!strchr(separators, *file_name))
            wanted[needed++] = (char)tolower((unsigned char)*file_name);
    return used == needed && memcmp(left, wanted, used) == 0;
}

/* The "name" that a file gives, "" if it has none or cannot be read. */
static enum status read_full_name(const struct json_document *document, void *self, struct diag *diag)
{
    const cJSON *node = cJSON_GetObjectItemCaseSensitive(document->root, "name");
    (void)diag;
    if (cJSON_IsString(node))
        snprintf(self, PATH_SIZE, "%s", node->valuestring);
    return SIM_OK;
}

/* Find the file of a folder that a name means, by what people call it. Names of files are sorted, so that the answer is the same
 * everywhere. `known` collects those that there are, for the error. */
static bool find_called(const char *folder, const char *kind, const char *name, char *path, struct line *known)
{
    char directory[PATH_SIZE + 32];
    struct dirent **entries;
    bool found = false;
    const bool collects = known->length == 0; /* of the first folder that has any */
    snprintf(directory, sizeof directory, "%s/configs/%s", folder, kind);
    const int count = scandir(directory, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char stem[256], full_name[PATH_SIZE] = "";
        const size_t length = strlen(entries[i]->d_name);
        if (!found && length > 5 && length < sizeof stem && strcmp(entries[i]->d_name + length - 5, ".json") == 0) {
            struct diag ignored = {0};
            snprintf(stem, sizeof stem, "%.*s", (int)length - 5, entries[i]->d_name);
            snprintf(path, PATH_SIZE, "%.*s/%.255s", PATH_SIZE - 257, directory, entries[i]->d_name);
            (void)!json_read_file(path, read_full_name, full_name, &ignored);
            found = same_thing(name, stem, full_name);
            if (collects)
                line_put(known, "%s%s", known->length ? ", " : "", stem);
        }
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return found;
}

static bool is_file(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 && !S_ISDIR(facts.st_mode);
}

bool hardware_is_path(const char *name)
{
    const size_t length = strlen(name);
    return name[0] == '.' || name[0] == '/' || (length > 5 && strcmp(name + length - 5, ".json") == 0) || is_file(name);
}

/* /models/Llama-3.1-8B-Instruct on a server's disk: no file here, and no name of one either. */
static bool is_elsewhere(const char *name)
{
    const size_t length = strlen(name);
    return name[0] == '/' && name[length - 1] != '/' && !is_file(name) && strcmp(name + (length > 5 ? length - 5 : 0), ".json") != 0;
}

/* A path is taken as it is. A name is looked for in all folders, first as it is written, then as people may mean it: without the maker's
 * part before a slash. */
static bool find_file(const char *name, const char *kind, char *path, struct line *known)
{
    const char *slash = strrchr(name, '/'), *own = slash ? slash + 1 : name;
    if (hardware_is_path(name) && !is_elsewhere(name)) {
        snprintf(path, PATH_SIZE, "%s", name);
        return true;
    }
    const struct data_folders folders = find_folders();
    for (size_t i = 0; i < folders.count; i++) {
        snprintf(path, PATH_SIZE, "%.1500s/configs/%s/%.400s.json", folders.path[i], kind, own);
        if (is_file(path))
            return true;
    }
    for (size_t i = 0; i < folders.count; i++)
        if (find_called(folders.path[i], kind, own, path, known))
            return true;
    return false;
}

/* --- numbers ----------------------------------------------------------------------------------------------------------------------- */

static enum status read_numbers(const struct json_document *document, const struct number *number, struct diag *diag)
{
    for (; number->key; number++) {
        const cJSON *node = cJSON_GetObjectItemCaseSensitive(document->root, number->key);
        if (!node && number->optional)
            continue;
        if (!node)
            return json_error(document, document->root, false, diag, "no \"%s\"", number->key);
        if (!cJSON_IsNumber(node) || !isfinite(node->valuedouble) || node->valuedouble <= 0)
            return json_error(document, node, false, diag, "%s must be a number above 0", number->key);
        *number->out = node->valuedouble;
    }
    return SIM_OK;
}

struct reading {
    struct number *numbers;
    char *name; /* GPU_NAME_SIZE bytes */
};

static enum status read_gpu(const struct json_document *document, void *self, struct diag *diag)
{
    const struct reading *reading = self;
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(document->root, "name");
    if (cJSON_IsString(name))
        snprintf(reading->name, GPU_NAME_SIZE, "%s", name->valuestring);
    return read_numbers(document, reading->numbers, diag);
}

/* The error names what there is, as a name that is not found is most often one that is not among them. */
enum status hardware_read(const char *name, const char *kind,
                          enum status (*read)(const struct json_document *document, void *self, struct diag *diag), void *self,
                          struct diag *diag)
{
    char path[PATH_SIZE];
    struct line known = {0};
    if (!find_file(name, kind, path, &known))
        return diag_set(
            diag, SIM_BAD_INPUT,
            "\"%s\": no such name in configs/%s, here or where pagesim is installed (%.800s); give one of these or a file's path", name,
            kind, known.length ? known.text : "there are none");
    return json_read_file(path, read, self, diag);
}

enum status gpu_load(const char *name, struct gpu *out, struct diag *diag)
{
    struct gpu made = {0};
    struct number numbers[] = {{"memory_bytes", &made.memory_bytes, false},
                               {"bandwidth_gb_per_s", &made.bandwidth_gb_per_s, false},
                               {"tflops", &made.tflops, false},
                               {"link_gb_per_s", &made.link_gb_per_s, true},
                               {"driver_bytes", &made.driver_bytes, true},
                               {NULL, NULL, false}};
    snprintf(made.name, sizeof made.name, "%s", name);
    enum status status = hardware_read(name, "gpus", read_gpu, &(struct reading){numbers, made.name}, diag);
    if (status == SIM_OK)
        *out = made;
    return status;
}
