/* table_pictures.h - the opening and the charts of each command's page, a file a command (NAME_pictures.c). Each is a function of the document
 * alone, of what JSON has as well: what is drawn is what the tables say, also for a document that was read back.
 *
 * Call them when all else is in the document. Headline and key figures are always made; charts only where pictures are wanted
 * (document_pictures).
 */
#ifndef PAGESIM_TABLE_PICTURES_H
#define PAGESIM_TABLE_PICTURES_H

#include "report/document.h"

void ledger_page(struct document *document);
void compare_page(struct document *document);
void curve_page(struct document *document);
void explain_page(struct document *document);
void validation_page(struct document *document);
void sweep_page(struct document *document);

#endif
