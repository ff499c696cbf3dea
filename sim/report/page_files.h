/* page_files.h - the files that a page of pictures is made of, as the build put them into the program (scripts/embed.sh): our style sheet and
 * script (sim/report/html), and Chart.js as the system packages it.
 */
#ifndef PAGESIM_PAGE_FILES_H
#define PAGESIM_PAGE_FILES_H

#include <stddef.h>

struct page_file {
    const char *text; /* terminated */
    size_t length;    /* 0: was not there when the program was built */
};

extern const struct page_file page_css, page_js, page_chart_js;

#endif
