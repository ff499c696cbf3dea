/* config_fingerprint.c - a configuration as text, then the files that it names. */
#include "study/config_fingerprint.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fingerprint.h"
#include "base/json.h"
#include "base/text_file.h"
#include "config/config_keys.h"
#include "config/hardware.h"
#include "config/model_shape.h"
#include "time/step_time.h"

static enum status fingerprint_file(const char *path, uint64_t *hash, struct diag *diag)
{
    struct text_file file;
    enum status status = text_file_open_as_it_is(path, &file, diag);
    if (status != SIM_OK)
        return status;
    *hash = fingerprint_bytes(*hash, file.text, file.length);
    text_file_close(&file);
    return SIM_OK;
}

/* A step-time model is a file, or a folder of files in order of their names: the order in which a file system lists them may differ from
 * one machine to the next, and the journal should still fit. */
static enum status fingerprint_path(const char *path, uint64_t *hash, struct diag *diag)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0)
        return fingerprint_file(path, hash, diag);
    enum status status = SIM_OK;
    for (int i = 0; i < count; i++) {
        char file[2 * CONFIG_PATH_SIZE];
        struct stat facts;
        snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        if (status == SIM_OK && !(stat(file, &facts) == 0 && S_ISDIR(facts.st_mode)))
            status = fingerprint_file(file, hash, diag);
        free(entries[i]);
    }
    free(entries);
    return status;
}

/* Of the step-time model every byte counts. Of model and GPU it is what was read from their files: a file that is only laid out
 * differently does not make a journal useless. */
static enum status fingerprint_files(const struct config *config, struct config_files *last, struct diag *diag)
{
    char folder[CONFIG_PATH_SIZE];
    step_time_path(config, folder);
    const char *const paths[CONFIG_FILES] = {folder, config->model, config->gpu, config->step_time.skew_path};
    struct model_shape model = {0};
    struct gpu gpu = {0};
    bool same = last->hash != 0;
    for (int i = 0; i < CONFIG_FILES; i++) {
        same = same && strcmp(last->paths[i], paths[i]) == 0;
        snprintf(last->paths[i], sizeof last->paths[i], "%s", paths[i]);
    }
    if (same)
        return SIM_OK;
    last->hash = FINGERPRINT_START;
    enum status status = *paths[0] ? fingerprint_path(paths[0], &last->hash, diag) : SIM_OK;
    if (status == SIM_OK && *paths[3])
        status = fingerprint_path(paths[3], &last->hash, diag);
    if (status == SIM_OK && *paths[1])
        status = model_shape_load(paths[1], &model, diag);
    if (status == SIM_OK && *paths[2])
        status = gpu_load(paths[2], &gpu, diag);
    last->hash = fingerprint_bytes(last->hash, &model, sizeof model);
    last->hash = fingerprint_bytes(last->hash, &gpu, sizeof gpu);
    return status;
}

/* All keys as they are in effect, with defaults filled in: a configuration that says the same in other words is the same, and a default
 * that changes with the program is noticed. Files may change under the same name, so their contents count as well. */
enum status config_fingerprint(const struct config *config, struct config_files *files, uint64_t *hash, struct diag *diag)
{
    struct json_text json;
    json_text_init(&json, false);
    config_write(config, &json);
    enum status status = json_text_status(&json, diag);
    if (status == SIM_OK)
        status = fingerprint_files(config, files, diag);
    if (status == SIM_OK) {
        *hash = fingerprint_bytes(*hash, json.text, json.length);
        *hash = fingerprint_word(*hash, files->hash);
        *hash = fingerprint_word(*hash, config->block_bytes);
    }
    json_text_deinit(&json);
    return status;
}
