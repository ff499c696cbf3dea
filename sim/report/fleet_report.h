/* fleet_report.h - what a replay's report says of a fleet: in its head, in a section of its own, replica by replica, and in pictures. Nothing of it
 * is there for a single server.
 */
#ifndef PAGESIM_FLEET_REPORT_H
#define PAGESIM_FLEET_REPORT_H

#include "report/document.h"
#include "run/run.h"

/* How many replicas of what kinds, and who gets which request. For programs the object "routing". */
void fleet_head(struct document *document, const struct fleet *fleet);

/* The section "Fleet" with the tables "replicas" and, where there are several, "replica_kinds". traces: the folder that the requests of each replica
 * were written to; NULL: none. */
void fleet_section(struct document *document, const struct run *run, const char *traces);

/* Charts of a page: a small picture a replica (fleet_pictures.c). Only if fleet->keeps_courses. */
void fleet_pictures(struct document *document, const struct run *run);

#endif
