/* vllm_v0_detail.h - how much of blocks somebody looks at. Ids decide nothing as long as no two tables share a block: then who only counts is
 * spared them. */
#ifndef PAGESIM_VLLM_V0_DETAIL_H
#define PAGESIM_VLLM_V0_DETAIL_H

enum v0_detail {
    V0_COUNTS, /* how many there are; table_runs, pool_states, check and pairs of copies and swaps mean nothing */
    V0_IDS,
    V0_LISTS /* and step->sequences */
};

#endif
