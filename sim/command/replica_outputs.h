/* replica_outputs.h - what `pagesim replay` writes of each replica of a fleet: its requests as a trace, with the configuration to replay them alone, and
 * its decision log. So anybody can see that a replica in a fleet decides as a server alone.
 *
 * Replicas are replayed side by side, so a file takes its name as soon as its replica is through; each is there whole or not at all.
 */
#ifndef PAGESIM_REPLICA_OUTPUTS_H
#define PAGESIM_REPLICA_OUTPUTS_H

#include "command/options.h"
#include "fleet/fleet.h"

/* Rows for the command's option table. */
#define REPLICA_OUTPUT_OPTIONS                                                                                                             \
    {"replica-traces", "DIR", "write what each replica got, to be replayed alone: DIR/replica-0.jsonl"},                                   \
    {                                                                                                                                      \
        "replica-logs", "DIR", "write the decision log of each replica: DIR/replica-0.jsonl"                                               \
    }

struct replica_outputs {
    const char *traces, *logs; /* folders; NULL: not wanted */
    bool tables;               /* in logs */
    const struct fleet *fleet;
    struct fleet_watcher watcher;
};

/* Read the options. SIM_USAGE, SIM_FAILED: a folder cannot be one. Call this before any work. */
SIM_NODISCARD enum status replica_outputs_parse(struct replica_outputs *outputs, const struct options *options, struct diag *diag);

/* What looks at one server is refused where there are several, and what looks at replicas where there is one: SIM_USAGE names the option and the
 * way out. */
SIM_NODISCARD enum status replica_outputs_check(const struct options *options, const struct config *config, struct diag *diag);

/* Make the folders and write the configurations of an open fleet, which is to be watched from now on. `outputs` must stay where it is. */
SIM_NODISCARD enum status replica_outputs_open(struct replica_outputs *outputs, struct fleet *fleet, struct diag *diag);
#endif
