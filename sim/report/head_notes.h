/* head_notes.h - lines that the heads of several reports have in common: how requests arrive, and what the user should know of the settings
 * (replay/advice.h). Each prints nothing where there is nothing to say. */
#ifndef PAGESIM_HEAD_NOTES_H
#define PAGESIM_HEAD_NOTES_H

#include "replay/advice.h"
#include "report/document.h"

/* A sentence in lines of at most 80 columns: `indent` before each, two blanks more from the second on. */
void head_wrapped(struct document *document, const char *indent, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* What is asked of which requests, the first line of a search. */
void head_search(struct document *document, const struct trace *trace, const struct requirement *list, size_t count);

/* What layers remember, and how tokens are drafted. */
void head_layers(struct document *document, const struct config *config);
/* The same sentences as texts; "" where there is nothing to say. */
struct line head_groups_text(const struct config *config);
struct line head_drafts_text(const struct config *config);

/* Arrivals other than the trace's own, and a limit on concurrency. */
void head_arrivals(struct document *document, const struct config *config);
/* Whom the front door rejects; not for studies without a replay, which serve everybody. */
void head_front_door(struct document *document, const struct config *config);

/* Whose defaults the values are that nobody gave, of the keys whose defaults depend on who serves: "defaults of vllm serve for this GPU:
 * ...; of the scheduler: ...", for programs the object "defaults_of", key to name. */
void head_defaults(struct document *document, const struct config *config);
/* The same line alone, for people, as text; "" where there is nothing to say. Of several that are compared: `who` in front ("", "A: "). */
struct line head_defaults_text(const struct config *config);
void head_defaults_put(struct document *document, const char *who, const struct line *text);

/* Advice on a configuration that was replayed: a "note:" a sentence for people, the list "warnings" for JSON. */
void head_advice(struct document *document, const struct config *config, const struct trace *trace);
/* The same from advice that was collected before, `who` in front of each ("", "A: "). In pieces, for reports with several configurations:
 * begin, any number of puts, end. */
void head_advice_begin(struct document *document);
void head_advice_put(struct document *document, const char *who, const struct advice *advice);
void head_advice_end(struct document *document);

/* How the trace was read, where that bears on results: rules of its reader, rows left out, sizes inferred, units doubted. In the same list,
 * between begin and end; head_advice has it. */
void head_reading_put(struct document *document, const struct trace *trace);
/* One more sentence in that list. */
void head_note_put(struct document *document, const char *text);
/* The list of a report without advice. */
void head_reading(struct document *document, const struct trace *trace);

#endif
