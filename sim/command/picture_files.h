/* picture_files.h - the charts of a document as files of their own, for papers: --svg DIR, --png DIR and --gnuplot DIR write each chart that a
 * page shows as DIR/KEY.svg, .png or .gp, the script that draws it. gnuplot draws them (base/gnuplot.h); scripts need none.
 */
#ifndef PAGESIM_PICTURE_FILES_H
#define PAGESIM_PICTURE_FILES_H

#include "command/options.h"
#include "report/document.h"
#include "report/gnuplot_script.h"

/* Rows for a command's option table: all that shows pictures. */
#define PICTURE_OPTIONS                                                                                                                    \
    {"html", "FILE", "write a page with pictures there: one file for any browser"},                                                        \
        {"charts", NULL, "with --format json: the page too, for pagesim report"},                                                          \
        {"svg", "DIR", "write each chart there, for a paper: DIR/NAME.svg; gnuplot draws it"}, {"png", "DIR", "the same as DIR/NAME.png"}, \
    {                                                                                                                                      \
        "gnuplot", "DIR", "the same as DIR/NAME.gp: scripts for gnuplot with the numbers in them"                                          \
    }

/* Are charts wanted: on a page, now or later, or as files? */
bool picture_files_wanted(const struct options *options);

/* Where to; NULL: none of that form. */
struct picture_folders {
    const char *path[PICTURE_FORMS];
};

/* Read the options. SIM_USAGE: gnuplot is wanted and missing. SIM_FAILED: a folder cannot be written or made. Nothing is made yet; call this
 * before any work. */
SIM_NODISCARD enum status picture_folders_read(const struct options *options, struct picture_folders *folders, struct diag *diag);
bool picture_folders_any(const struct picture_folders *folders);

/* All pictures, in memory. Zero it first; end it with picture_files_deinit in any case. */
struct picture_files {
    struct picture_file {
        char *path, *text;
        size_t length;
    } * list;
    size_t count, capacity;
    struct picture_folders folders;
};
SIM_NODISCARD enum status picture_files_make(const struct picture_folders *folders, const struct document *document,
                                             struct picture_files *pictures, struct diag *diag);
/* Make the folders that are missing and write the files, each whole or not at all. */
SIM_NODISCARD enum status picture_files_write(const struct picture_files *pictures, struct diag *diag);
void picture_files_deinit(struct picture_files *pictures);

#endif
