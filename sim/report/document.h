/* document.h - the result of a command, independent of how it is shown.
 *
 * A command builds one document; a renderer (renderer.h) turns it into text for people, JSON or CSV. Renderers know nothing about commands, and
 * commands nothing about renderers. A document is a list of elements in reading order:
 *
 *     heading, line            for people
 *     value, open, close       for programs: members of a JSON object, nested where needed
 *     figures                  for programs: one member for each figure; CSV lists them as name,value
 *     table                    for both; a column may be for one of them only (table.h)
 *     chart                    for both: series of numbers, drawn for people (chart.h); not in CSV
 *     headline, key figure     for pages: the finding in a sentence (JSON has it, too), and the few figures that matter most
 *
 * Every document begins with its origin (struct document_origin). Out of memory is remembered: document_status reports it, and the building
 * functions do nothing after it, so a builder needs no checks between them.
 *
 * A document owns everything that it is given, except the origin's pointers.
 */
#ifndef PAGESIM_DOCUMENT_H
#define PAGESIM_DOCUMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/chart.h"
#include "base/table.h"
#include "config/config.h"
#include "figure/figure.h"
#include "figure/requirement.h"

enum { DOCUMENT_SCHEMA_VERSION = 2 };

/* Of a report that was read from a file: what its configuration and versions were, as text. Members of JSON are values of the document and
 * nothing else is: what is more stands there for people and for pages (saved_report.h). */
struct document_saved {
    const char *pagesim;       /* the version that made it */
    const char *vllm;          /* NULL: no configuration */
    const char *configuration; /* JSON; NULL: none */
};

/* Where a result comes from. All pointers except command_line must outlive the document. */
struct document_origin {
    const char *command;                /* "replay" */
    char *command_line;                 /* that reproduces the result; document_create takes it over. NULL: none */
    bool incomplete;                    /* there was no memory for it; document_status says so */
    const char *trace;                  /* name; NULL: no trace */
    const struct config *config;        /* NULL: none */
    bool pictures;                      /* a page will be made of it: charts for pages are wanted */
    bool charts;                        /* JSON has the page as a member (page_member.h) */
    const struct document_saved *saved; /* NULL: this program made it now */
};

enum document_element_kind {
    DOCUMENT_HEADING,
    DOCUMENT_LINE,
    DOCUMENT_VALUE,
    DOCUMENT_OPEN_OBJECT,
    DOCUMENT_OPEN_ARRAY,
    DOCUMENT_CLOSE,
    DOCUMENT_FIGURES,
    DOCUMENT_TABLE,
    DOCUMENT_CHART,
    DOCUMENT_HEADLINE,
    DOCUMENT_KEY_FIGURE,
};

/* Who sees a table or chart. FOR_CSV alone: JSON says the same in fewer words, as a chart; a table for JSON may have the same key, after it. */
enum document_audience {
    FOR_PEOPLE = 1,
    FOR_JSON = 2,
    FOR_CSV = 4,
    FOR_PAGE = 8,     /* alone: only pages have it. They also show what is for people or for JSON */
    NOT_ON_PAGE = 16, /* but not this */
    FOR_PROGRAMS = FOR_JSON | FOR_CSV,
    FOR_ALL = FOR_PEOPLE | FOR_PROGRAMS
};

struct document_element {
    enum document_element_kind kind;
    char *key;  /* for programs; NULL: none, as in arrays */
    char *text; /* heading, line, headline, value of a key figure; value: JSON text, complete */
    char *note; /* key figure: its sense */
    struct table *table;
    struct chart *chart;
    struct figure *figures;
    size_t figure_count;
    unsigned audience; /* of a table or chart: enum document_audience */
    bool light;        /* a heading without an empty line before it */
};

struct document {
    struct document_origin origin;
    struct document_element *elements;
    size_t count, capacity;
    bool out_of_memory;
};

/* NULL: out of memory; command_line is freed in that case, too. Every function below and document_status accept NULL as a document that ran
 * out of memory. */
struct document *document_create(const struct document_origin *origin);
void document_destroy(struct document *document);
SIM_NODISCARD enum status document_status(const struct document *document, struct diag *diag);

/* --- for people ------------------------------------------------------------------------------------------------------------------- */

/* The title of a part, after an empty line. `heading` is in bold where the renderer can, `note` follows it and is not. NULL: no note. */
void document_heading(struct document *document, const char *heading, const char *note);
/* The same without the empty line. */
void document_subheading(struct document *document, const char *heading, const char *note);
/* One or more lines, at most 80 columns wide; a line end is added. */
void document_line(struct document *document, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- for pages --------------------------------------------------------------------------------------------------------------------- */

/* What was found, in one sentence. The first one counts. */
void document_headline(struct document *document, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A figure of the set, with its unit and what is good. Nothing when the set lacks it or it is undefined. */
void document_key_figure(struct document *document, const struct figure_set *set, const char *name, const char *label);
/* The same of a value that is known; nothing for NaN. */
void document_key_number(struct document *document, const char *name, double value, const char *label);
/* Leave a chart for people or programs out of the page, which shows the same in another way. */
void document_not_on_page(struct document *document, const char *key);
/* A figure's value as people read it, with its unit. */
void document_figure_text(const struct figure_kind *kind, double value, char *out, size_t size);
/* Any other number or word. `note`: what is good, or NULL. */
void document_key_value(struct document *document, const char *label, const char *value, const char *note);
/* The headline; NULL: none. */
const char *document_headline_of(const struct document *document);
/* Are charts for pages wanted? Making them may cost time. */
bool document_pictures(const struct document *document);
/* Is the element a chart that pages show? Those are also the ones that become pictures of their own. */
bool document_is_picture(const struct document_element *element);

/* --- for programs ------------------------------------------------------------------------------------------------------------------ */

void document_text(struct document *document, const char *key, const char *value); /* NULL: null */
void document_number(struct document *document, const char *key, double value);    /* NaN: null */
void document_whole(struct document *document, const char *key, uint64_t value);
void document_bool(struct document *document, const char *key, bool value);
/* Any JSON that json_text made. Takes over its text and deinitialises it. */
void document_json(struct document *document, const char *key, struct json_text *json);

/* The member "requirements": as the user wrote them. */
void document_requirements(struct document *document, const struct requirement *list, size_t count);

/* Members up to the matching document_close belong to the object (array) `key`. */
void document_open_object(struct document *document, const char *key);
void document_open_array(struct document *document, const char *key);
void document_close(struct document *document);

/* One member for each figure of the set whose `measured` is equal. CSV lists them as the table "figures". */
void document_figures(struct document *document, const struct figure_set *set, bool measured);

/* --- for both ---------------------------------------------------------------------------------------------------------------------- */

/* A table; `key` is the JSON member and the name for --table. Fill it with the functions of table.h that add, which do nothing for NULL (out of
 * memory). `columns` are copied, and table_add_column may add more. */
struct table *document_table(struct document *document, const char *key, const struct table_column *columns, size_t column_count);
/* The same for some alone. */
struct table *document_table_for(struct document *document, enum document_audience audience, const char *key,
                                 const struct table_column *columns, size_t column_count);
/* Add a column for the figure of that name, with its own heading and decimals. False: for programs alone. */
void table_add_figure(struct table *table, const char *name, bool people);

/* A chart: add its series with chart_add_series and chart_add, which take NULL (out of memory) for nothing to do. For people an empty line
 * comes before it unless it stands below a heading. */
struct chart *document_chart_for(struct document *document, enum document_audience audience, const char *key,
                                 const struct chart_heading *heading);

#endif
