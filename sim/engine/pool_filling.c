/* pool_filling.c - the few largest tables, kept in order. */
#include "engine/pool_filling.h"

void pool_filling_note_table(struct pool_filling *filling, uint32_t position, uint32_t blocks)
{
    uint32_t at = filling->largest_count;
    while (at > 0 &&
           (filling->largest_blocks[at - 1] < blocks || (filling->largest_blocks[at - 1] == blocks && filling->largest[at - 1] > position)))
        at--;
    if (at == LARGEST_HOLDERS)
        return;
    if (filling->largest_count < LARGEST_HOLDERS)
        filling->largest_count++;
    for (uint32_t i = filling->largest_count - 1; i > at; i--) {
        filling->largest[i] = filling->largest[i - 1];
        filling->largest_blocks[i] = filling->largest_blocks[i - 1];
    }
    filling->largest[at] = position;
    filling->largest_blocks[at] = blocks;
}
