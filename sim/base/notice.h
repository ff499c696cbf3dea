/* notice.h - a sentence for people on standard error: "pagesim: ...". Everything but the progress bar goes there this way, so that no text of
 * others reaches a terminal as it is (printable.h). Results go to standard output. */
#ifndef PAGESIM_NOTICE_H
#define PAGESIM_NOTICE_H

#include <stdbool.h>

/* One line, without the line end; "pagesim: " comes in front. What is longer than some thousand bytes is cut. */
void notice(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* From now on nobody is told, or everybody again: this process is one of several that would all say the same. */
void notice_mute(bool mute);
bool notice_is_muted(void);

#endif
