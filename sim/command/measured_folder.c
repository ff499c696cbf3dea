/* measured_folder.c - which files a folder has, and what is done when it lacks one. */
#include "command/measured_folder.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The timeline may be missing from the folder, as not every server logs one, and of vLLM's JSON and the CSV one will do. The options are
 * added to the list as if they had been typed, so everything after this has one path for both ways, and the report's command line stands
 * without the folder. An option that was given stays as it is: a folder with another configuration is a usual experiment. */
enum status measured_folder_expand(struct measured_folder *folder, const char *name, uint32_t own_count, struct options *options,
                                   struct diag *diag)
{
    static const struct {
        const char *option, *file;
        bool optional;
    } parts[FOLDER_PARTS] = {{"trace", "trace.jsonl", false},
                             {"config", "config.json", false},
                             {"vllm-json", "vllm.json", true},
                             {"measured-requests", "measured_requests.csv", true},
                             {"measured-timeline", "measured_timeline.csv", true}};
    options->own_count = own_count;
    for (int i = 0; i < FOLDER_PARTS; i++) {
        char *path = folder->paths[i];
        if (snprintf(path, CONFIG_PATH_SIZE, "%s/%s", name, parts[i].file) >= CONFIG_PATH_SIZE)
            return diag_set(diag, SIM_USAGE, "the folder's name is too long");
        const bool other = strcmp(parts[i].option, "vllm-json") == 0 && options_has(options, "measured-requests");
        if (options_has(options, parts[i].option) || other || (parts[i].optional && access(path, R_OK) != 0) ||
            options->own_count == OPTIONS_MOST)
            continue;
        options->own[options->own_count++] = (struct config_option){parts[i].option, path};
    }
    return SIM_OK;
}

/* vLLM's JSON wins over the CSV pair: someone who names it wants it, also inside a FOLDER that has the pair. Rows are matched with requests
 * by their id or order; measurements that match nothing are an error when none matches, since the report would compare nothing with
 * something. */
enum status measured_options_open(const struct options *options, const struct trace *trace, struct measured_run *out, struct diag *diag)
{
    const char *json = options_value(options, "vllm-json"), *requests = options_value(options, "measured-requests");
    if (!json && !requests)
        return diag_set(diag, SIM_USAGE, "nothing to compare with; give a folder, --measured-requests FILE or --vllm-json FILE");
    enum status status = json ? measured_run_open_json(json, trace, out, diag)
                              : measured_run_open_csv(requests, options_value(options, "measured-timeline"), trace, out, diag);
    if (status == SIM_OK && out->known == 0)
        status = diag_set(diag, SIM_BAD_INPUT, "none of the measured requests is in the trace");
    return status;
}
