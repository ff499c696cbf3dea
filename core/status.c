/* status.c - the texts of statuses, and the library's version. */
#include "pagedkv.h"

const char *kv_status_text(enum kv_status status)
{
    switch (status) {
    case KV_OK:
        return "fine";
    case KV_NO_BLOCKS:
        return "the pool has too few free blocks";
    case KV_NO_MEMORY:
        return "out of memory";
    case KV_INVALID:
        return "an argument breaks the function's contract";
    }
    return "unknown status";
}

#define TEXT_OF(number)                   #number
#define VERSION_TEXT(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

uint32_t pagedkv_version_number(void)
{
    return PAGEDKV_VERSION_NUMBER;
}

const char *pagedkv_version_string(void)
{
    return VERSION_TEXT(PAGEDKV_VERSION_MAJOR, PAGEDKV_VERSION_MINOR, PAGEDKV_VERSION_PATCH);
}
