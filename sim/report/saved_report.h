/* saved_report.h - a report that was saved as JSON, read back as a document. With its page (--charts) the document is the one that was written:
 * the same page, the same words, the same tables. Without it, it is made of the members: tables, figures and charts that JSON has, and what can
 * be drawn of them (lean_report.h).
 *
 * Members of JSON are values of the document, with the very text of the file, so that JSON comes out as it came in.
 */
#ifndef PAGESIM_SAVED_REPORT_H
#define PAGESIM_SAVED_REPORT_H

#include "base/json_member.h"
#include "base/text_file.h"
#include "report/document.h"

struct saved_report {
    struct text_file file;
    struct json_document json;
    const char *name; /* of the file, as messages call it; borrowed */
    struct document_saved origin;
    struct json_text configuration; /* what origin points to */
    struct document *document;
    struct figure_set figures; /* members that are figures */
    bool whole;                /* it had its page */
};

/* Read the file at `path` ("-": standard input). `charts`: its page stays a member of JSON. `pictures`: they will be drawn. SIM_BAD_INPUT: not JSON, not such a report, of
 * another schema_version, or members that are not what they must be, with file, line and column. End it with close in any case; the document
 * points into it. */
SIM_NODISCARD enum status saved_report_open(const char *path, bool charts, bool pictures, struct saved_report *report, struct diag *diag);
void saved_report_close(struct saved_report *report);

/* "configuration" of the file; NULL: none. */
const cJSON *saved_report_configuration(const struct saved_report *report);

#endif
