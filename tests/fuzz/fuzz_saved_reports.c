/* fuzz_saved_reports.c - reports that `pagesim report` reads. The input has the parts (harness.h) "a" and "b"; what can be read is rendered in
 * all ways, and two that can be compared are. JSON that comes out must be JSON, and read back it must make the same page. */
#include <stdlib.h>
#include <string.h>

#include "base/memory_stream.h"
#include "fuzz/harness.h"
#include "report/renderer.h"
#include "report/reports_compared.h"

static char *render(const struct document *document,
                    enum status (*how)(const struct document *document, const struct render_options *options, FILE *file,
                                       struct diag *diag))
{
    const struct render_options options = {.width = TABLE_LINE, .utf8 = true};
    struct diag diag = {0};
    struct memory_stream stream;
    char *text = NULL;
    size_t length;
    FUZZ_CHECK(memory_stream_open(&stream, &diag) == SIM_OK, "%s", diag.text);
    const enum status status = how(document, &options, stream.file, &diag);
    FUZZ_CHECK(status == SIM_OK || (status == SIM_USAGE && how == render_csv), "%s", diag.text);
    FUZZ_CHECK(memory_stream_close(&stream, &text, &length, &diag) == SIM_OK, "no memory");
    return text;
}

static void render_all(const struct document *document)
{
    free(render(document, render_terminal));
    free(render(document, render_csv));
    free(render(document, render_html));
}

/* JSON with its page, read again, is the same document. */
static void check_again(const struct document *document)
{
    char *json = render(document, render_json), *page = render(document, render_html);
    struct saved_report again;
    struct diag diag = {0};
    const enum status status = saved_report_open(fuzz_file("again", json, strlen(json)), true, true, &again, &diag);
    FUZZ_CHECK(status == SIM_OK, "not read back: %s\n%s", diag.text, json);
    char *page_again = render(again.document, render_html);
    FUZZ_CHECK(strcmp(page, page_again) == 0, "another page: %s", json);
    saved_report_close(&again);
    free(page_again);
    free(page);
    free(json);
}

static bool take(const char *name, const struct fuzz_part *part, struct saved_report *report)
{
    struct diag diag = {0};
    *report = (struct saved_report){0};
    if (!part->text)
        return false;
    const enum status status = saved_report_open(fuzz_file(name, part->text, part->length), true, true, report, &diag);
    fuzz_check_diag(status, &diag);
    if (status == SIM_OK) {
        render_all(report->document);
        check_again(report->document);
    }
    return status == SIM_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct fuzz_bytes bytes = {data, size};
    struct fuzz_part parts[] = {{"a"}, {"b"}};
    struct saved_report reports[2];
    struct diag diag = {0};
    fuzz_cut(&bytes, parts, 2);
    bool both = take("a", &parts[0], &reports[0]);
    both &= take("b", &parts[1], &reports[1]);
    if (both) {
        const enum status status = reports_compared_check(reports, 2, &diag);
        fuzz_check_diag(status, &diag);
        if (status == SIM_OK) {
            const struct document_origin origin = {.command = "report", .pictures = true, .charts = true};
            struct document *document = reports_compared(reports, 2, &origin);
            FUZZ_CHECK(document_status(document, &diag) == SIM_OK, "%s", diag.text);
            render_all(document);
            check_again(document);
            document_destroy(document);
        }
    }
    for (int i = 0; i < 2; i++)
        saved_report_close(&reports[i]);
    return 0;
}
