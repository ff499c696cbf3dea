/* vllm_transfer.h - a server's --kv-transfer-config: the object that names a connector, as far as what the connector does is modelled.
 *
 *     {"kv_connector": "NixlConnector", "kv_role": "kv_consumer"}                                      kv_role
 *     {"kv_connector": "OffloadingConnector", "kv_role": "kv_both",
 *      "kv_connector_extra_config": {"cpu_bytes_to_use": 42949672960}}                                 kv_offloading_size
 */
#ifndef PAGESIM_VLLM_TRANSFER_H
#define PAGESIM_VLLM_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>

enum { VLLM_TRANSFER_VALUE = 40 };

struct vllm_transfer {
    const char *key;                 /* of ours; NULL: none was read */
    char value[VLLM_TRANSFER_VALUE]; /* as the key's option takes it */
};

/* false: it is not modelled, or no such object, and `why` says so in words that follow "--kv-transfer-config {...}". */
bool vllm_transfer_read(const char *text, struct vllm_transfer *out, char *why, size_t why_size);

#endif
