/* sim_version.h - who we are and whose decisions we make. */
#ifndef PAGESIM_SIM_VERSION_H
#define PAGESIM_SIM_VERSION_H

#include "pagesim.h"

#define SIM_VERSION_TEXT_OF(number)           #number
#define SIM_VERSION_TEXT(major, minor, patch) SIM_VERSION_TEXT_OF(major) "." SIM_VERSION_TEXT_OF(minor) "." SIM_VERSION_TEXT_OF(patch)
#define SIM_VERSION                           SIM_VERSION_TEXT(PAGESIM_VERSION_MAJOR, PAGESIM_VERSION_MINOR, PAGESIM_VERSION_PATCH)
#define SIM_VLLM_V1_VERSION                   "0.33.0"
#define SIM_VLLM_V0_VERSION                   "0.6.2"

#endif
