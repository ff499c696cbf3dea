/* sim_version.h - who we are and whose decisions we make. */
#ifndef PAGESIM_SIM_VERSION_H
#define PAGESIM_SIM_VERSION_H

#ifdef PAGESIM_VERSION
#define SIM_VERSION PAGESIM_VERSION
#else
#define SIM_VERSION "unversioned"
#endif
#define SIM_VLLM_V1_VERSION "0.33.0"
#define SIM_VLLM_V0_VERSION "0.6.2"

#endif
