/* saved_report.c - from a JSON file to a document. Read saved_report.h first, then saved_report_open.
 *
 * The tree stays open as long as the document, which points into it: names, versions, the command. */
#include "report/saved_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/lean_report.h"
#include "report/page_member.h"

/* What a renderer writes of the origin by itself; other members are values. */
static bool is_origin(const char *name)
{
    static const char *const names[] = {"schema_version", "pagesim", "command", "command_line", "trace", PAGE_MEMBER};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static void check_version(const struct json_reader *reader)
{
    const cJSON *root = reader->json->root, *version = json_member(root, "schema_version");
    if (!json_member(root, "command") || !json_member(root, "pagesim") || !version)
        (void)json_error(reader->json, root, false, reader->diag,
                         "not a report of pagesim; what `--format json` of its commands prints is one");
    else if (!cJSON_IsNumber(version) || version->valuedouble != DOCUMENT_SCHEMA_VERSION)
        (void)json_error(reader->json, version, false, reader->diag,
                         "schema_version must be %d: reports of other versions are read by the pagesim that wrote them",
                         DOCUMENT_SCHEMA_VERSION);
}

const cJSON *saved_report_configuration(const struct saved_report *report)
{
    return json_member(report->json.root, "configuration");
}

/* Command and trace are pointers into the tree. */
static enum status open_document(struct saved_report *report, bool pictures, const struct json_reader *reader)
{
    const cJSON *root = report->json.root, *configuration = saved_report_configuration(report);
    const char *command = json_member_text_needed(reader, root, "command"), *line = json_member_text(reader, root, "command_line"),
               *trace = json_member_text(reader, root, "trace");
    report->origin.pagesim = json_member_text_needed(reader, root, "pagesim");
    report->origin.vllm = json_member_text(reader, root, "vllm");
    if (configuration && !cJSON_IsObject(configuration))
        json_member_wrong(reader, configuration, "an object");
    if (reader->diag->status != SIM_OK)
        return reader->diag->status;
    json_text_init(&report->configuration, true);
    if (configuration) {
        json_copy(&report->json, configuration, &report->configuration);
        if (json_text_status(&report->configuration, reader->diag) != SIM_OK)
            return reader->diag->status;
        report->origin.configuration = report->configuration.text;
    }
    char *copy = line ? strdup(line) : NULL;
    const struct document_origin origin = {.command = command,
                                           .command_line = copy,
                                           .incomplete = line && !copy,
                                           .trace = trace,
                                           .pictures = pictures,
                                           .saved = &report->origin};
    report->document = document_create(&origin);
    return report->document ? SIM_OK : diag_no_memory(reader->diag, sizeof *report->document, "the report");
}

static void add_value(const struct saved_report *report, const cJSON *member)
{
    struct json_text value;
    const char *text;
    const size_t length = json_source(&report->json, member, &text);
    json_text_init(&value, false);
    json_raw(&value, text, length);
    document_json(report->document, member->string, &value);
}

/* Pages look into objects and lists for names and numbers, so what is plain in them is said once more, opened. JSON leaves that out. */
static void open_member(const struct saved_report *report, const cJSON *member)
{
    const cJSON *item;
    if (cJSON_IsArray(member))
        document_open_array(report->document, member->string);
    else
        document_open_object(report->document, member->string);
    cJSON_ArrayForEach(item, member)
    {
        if (!cJSON_IsArray(item) && !cJSON_IsObject(item))
            add_value(report, item);
    }
    document_close(report->document);
}

static void add_values(const struct saved_report *report, bool charts)
{
    const cJSON *member;
    cJSON_ArrayForEach(member, report->json.root)
    {
        const bool page = strcmp(member->string, PAGE_MEMBER) == 0;
        if (is_origin(member->string) && !(charts && page))
            continue;
        add_value(report, member);
        if ((cJSON_IsArray(member) || cJSON_IsObject(member)) && !page)
            open_member(report, member);
    }
}

static void take_figures(struct saved_report *report, const struct json_reader *reader)
{
    const cJSON *member;
    cJSON_ArrayForEach(member, report->json.root)
    {
        struct figure_kind made;
        const struct figure_kind *kind = strlen(member->string) < FIGURE_NAME_SIZE ? figure_kind_find(member->string, &made) : NULL;
        if (kind && (cJSON_IsNumber(member) || cJSON_IsNull(member)))
            figure_set_add(&report->figures, kind, page_figure_read(reader, member, kind));
    }
}

static void read_elements(struct saved_report *report, const struct json_reader *reader, bool charts)
{
    const cJSON *root = report->json.root, *page = json_member(root, PAGE_MEMBER);
    const char *headline = json_member_text(reader, root, "headline");
    report->whole = page != NULL;
    take_figures(report, reader);
    add_values(report, charts);
    if (headline)
        document_headline(report->document, "%s", headline);
    if (page)
        page_member_read(reader, root, page, report->document);
    else
        lean_report_build(reader, &report->figures, report->document);
}

enum status saved_report_open(const char *path, bool charts, bool pictures, struct saved_report *report, struct diag *diag)
{
    *report = (struct saved_report){.name = strcmp(path, "-") == 0 ? "standard input" : path};
    const struct json_reader reader = {.json = &report->json, .diag = diag};
    enum status status = text_file_open(path, &report->file, diag);
    if (status == SIM_OK)
        status = json_open(report->name, 1, report->file.text, report->file.length, &report->json, diag);
    if (status != SIM_OK)
        return status;
    check_version(&reader);
    if (diag->status == SIM_OK && open_document(report, pictures, &reader) == SIM_OK)
        read_elements(report, &reader, charts);
    return diag->status == SIM_OK ? document_status(report->document, diag) : diag->status;
}

void saved_report_close(struct saved_report *report)
{
    document_destroy(report->document);
    json_text_deinit(&report->configuration);
    json_close(&report->json);
    text_file_close(&report->file);
    *report = (struct saved_report){0};
}
