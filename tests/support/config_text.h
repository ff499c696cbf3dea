/* config_text.h - configurations from the text of a file, and keys by name. */
#ifndef TESTS_CONFIG_TEXT_H
#define TESTS_CONFIG_TEXT_H

#include "config/config_keys.h"

/* config_load of a file with this text, and options. */
enum status config_text_load(const char *text, const struct config_option *options, uint32_t count, struct config *config,
                             struct diag *diag);

/* By its option, its alias or its spelling in the file; NULL: there is none. */
const struct config_key *config_text_key(const char *name);

#endif
