/* replica_outputs.c - a watcher of replicas that writes files. Read replica_outputs.h first. */
#include "command/replica_outputs.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text_writer.h"
#include "command/output.h"
#include "command/output_folder.h"
#include "observe/decision_log.h"
#include "trace/trace_write.h"

/* --- options ----------------------------------------------------------------------------------------------------------------------- */

enum status replica_outputs_parse(struct replica_outputs *outputs, const struct options *options, struct diag *diag)
{
    *outputs = (struct replica_outputs){.traces = options_value(options, "replica-traces"),
                                        .logs = options_value(options, "replica-logs"),
                                        .tables = options_has(options, "tables")};
    enum status status = outputs->traces ? output_folder_check("replica-traces", outputs->traces, "replica", diag) : SIM_OK;
    if (status == SIM_OK && outputs->logs)
        status = output_folder_check("replica-logs", outputs->logs, "replica", diag);
    if (status == SIM_OK && outputs->traces && outputs->logs && text_writer_same_file(outputs->traces, outputs->logs))
        return diag_set(diag, SIM_USAGE, "--replica-traces and --replica-logs both name the folder %s; give each its own", outputs->logs);
    return status;
}

/* The way out is to look at one replica, alone. */
static enum status refuse_of_one_server(const struct options *options, struct diag *diag)
{
    static const char *const of_one_server[][2] = {{"decision-log", "give --replica-logs DIR for a log of each"},
                                                   {"step-log", NULL},
                                                   {"perfetto", NULL},
                                                   {"prometheus", NULL},
                                                   {"save-detailed", "leave it out, or take --per-request FILE"}};
    for (size_t i = 0; i < sizeof of_one_server / sizeof *of_one_server; i++)
        if (options_has(options, of_one_server[i][0]))
            return diag_set(diag, SIM_USAGE, "--%s looks at one server, and the configuration is of several; %s", of_one_server[i][0],
                            of_one_server[i][1] ? of_one_server[i][1] : "give --replica-traces DIR and replay one replica alone");
    return SIM_OK;
}

enum status replica_outputs_check(const struct options *options, const struct config *config, struct diag *diag)
{
    static const char *const of_replicas[] = {"replica-traces", "replica-logs"};
    const char *table = options_value(options, "table");
    if (config_has_fleet(config))
        return refuse_of_one_server(options, diag);
    for (size_t i = 0; i < sizeof of_replicas / sizeof *of_replicas; i++)
        if (options_has(options, of_replicas[i]))
            return diag_set(diag, SIM_USAGE, "--%s has no effect with one server; give --replicas N", of_replicas[i]);
    if (table && (strcmp(table, "replicas") == 0 || strcmp(table, "replica_kinds") == 0))
        return diag_set(diag, SIM_USAGE, "--table %s is about several servers; give --replicas N", table);
    return SIM_OK;
}

/* --- files ------------------------------------------------------------------------------------------------------------------------- */

/* The log of a replica while it is replayed. */
struct replica_log {
    struct text_writer *writer;
    struct decision_log *log;
};

static enum status write_log(void *self, const char *text, size_t length, struct diag *diag)
{
    return text_writer_write(self, text, length, diag);
}

static enum status write_trace(const struct replica_outputs *outputs, const struct fleet_part *part, struct diag *diag)
{
    char path[CONFIG_PATH_SIZE];
    struct text_writer *writer = NULL;
    fleet_part_file(outputs->fleet, part, outputs->traces, path, sizeof path);
    enum status status = text_writer_open(path, &writer, diag);
    if (status == SIM_OK)
        status = trace_write(part->requests, writer, diag);
    if (status == SIM_OK)
        return text_writer_commit(writer, diag);
    text_writer_discard(writer);
    return status;
}

/* Requests are named as in the trace that is written, not as in the whole one, so that the log of a replay of that is the same. */
static enum status open_log(const struct replica_outputs *outputs, const struct fleet_part *part, struct replica_log *out,
                            struct diag *diag)
{
    char path[CONFIG_PATH_SIZE];
    struct decision_log_options how;
    fleet_part_file(outputs->fleet, part, outputs->logs, path, sizeof path);
    enum status status = decision_log_options_for(&part->kind->config, outputs->tables, &how, diag);
    if (status == SIM_OK)
        status = text_writer_open(path, &out->writer, diag);
    if (status != SIM_OK)
        return status;
    const struct log_sink sink = {.self = out->writer, .write = write_log};
    how.own_numbers = true;
    return decision_log_create(&part->metrics, &how, &sink, &out->log, diag);
}

static void end_log(struct fleet_part *part)
{
    struct replica_log *log = part->watched;
    if (!log)
        return;
    text_writer_discard(log->writer);
    decision_log_destroy(log->log);
    free(log);
    part->watched = NULL;
}

static enum status open_replica(void *self, struct fleet_part *part, struct observer observers[FLEET_OBSERVERS_MOST], size_t *count,
                                struct diag *diag)
{
    const struct replica_outputs *outputs = self;
    struct replica_log *log;
    enum status status = outputs->traces ? write_trace(outputs, part, diag) : SIM_OK;
    if (status != SIM_OK || !outputs->logs)
        return status;
    status = array_zeroed(&log, 1, sizeof *log, "a decision log", diag);
    if (status != SIM_OK)
        return status;
    part->watched = log;
    status = open_log(outputs, part, log, diag);
    if (status == SIM_OK)
        observers[(*count)++] = decision_log_observer(log->log);
    else
        end_log(part);
    return status;
}

static enum status close_replica(void *self, struct fleet_part *part, enum status status, struct diag *diag)
{
    struct replica_log *log = part->watched;
    (void)self;
    if (log && status == SIM_OK) {
        status = text_writer_commit(log->writer, diag);
        log->writer = NULL;
    }
    end_log(part);
    return status;
}

static enum status write_config(const struct fleet *fleet, const struct fleet_kind *kind, const char *folder, struct diag *diag)
{
    char path[CONFIG_PATH_SIZE];
    struct json_text json;
    fleet_kind_file(fleet, kind, folder, path, sizeof path);
    json_text_init(&json, true);
    config_write(&kind->config, &json);
    return output_json(path, &json, diag);
}

enum status replica_outputs_open(struct replica_outputs *outputs, struct fleet *fleet, struct diag *diag)
{
    enum status status = outputs->traces ? output_folder_make(outputs->traces, diag) : SIM_OK;
    if (status == SIM_OK && outputs->logs)
        status = output_folder_make(outputs->logs, diag);
    for (uint32_t i = 0; outputs->traces && i < fleet->plan.kind_count && status == SIM_OK; i++)
        status = write_config(fleet, &fleet->plan.kinds[i], outputs->traces, diag);
    outputs->fleet = fleet;
    outputs->watcher = (struct fleet_watcher){.self = outputs, .open = open_replica, .close = close_replica};
    fleet->watcher = outputs->traces || outputs->logs ? &outputs->watcher : NULL;
    return status;
}
