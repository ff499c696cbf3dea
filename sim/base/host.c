/* host.c - the one host of the process. Read host.h first. */
#include "base/host.h"

#include <stdatomic.h>
#include <string.h>

#include "base/array.h"

static struct host *_Atomic current;

struct host *host_now(void)
{
    return atomic_load(&current);
}

bool host_set(struct host *host)
{
    struct host *nobody = NULL;
    if (host)
        return atomic_compare_exchange_strong(&current, &nobody, host);
    atomic_store(&current, NULL);
    return true;
}

const struct host_file *host_file_find(const char *name)
{
    const struct host *host = name[0] == '<' ? host_now() : NULL;
    for (size_t i = 0; host && i < host->file_count; i++)
        if (strcmp(host->files[i].name, name) == 0)
            return &host->files[i];
    return NULL;
}

enum status host_write(struct host *host, const char *text, size_t length, struct diag *diag)
{
    enum status status = array_reserve(&host->output, &host->output_capacity, host->output_length + length + 1, 1, "the output", diag);
    if (status != SIM_OK)
        return status;
    memcpy(host->output + host->output_length, text, length);
    host->output_length += length;
    host->output[host->output_length] = '\0';
    return SIM_OK;
}
