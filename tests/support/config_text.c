/* config_text.c - a file for each text. */
#include "support/config_text.h"

#include <string.h>

#include "support/temp_file.h"

enum status config_text_load(const char *text, const struct config_option *options, uint32_t count, struct config *config,
                             struct diag *diag)
{
    struct temp_file file = temp_file_make(text, strlen(text));
    enum status status = config_load(file.path, options, count, config, diag);
    temp_file_remove(&file);
    return status;
}

const struct config_key *config_text_key(const char *name)
{
    bool negated;
    return config_find_option(name, &negated);
}
