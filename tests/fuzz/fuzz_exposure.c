/* Any bytes as login records, as a page, as a path of a request and as a fact of a report: nothing outside is read, what
 * is found lies within, what is made harmless is so, and doing it again changes nothing. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "incident/logins.h"
#include "incident/pages.h"
#include "incident/disclosure.h"
#include "incident/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_row(void *context, const struct login_row *row, struct error *err)
{
        uint64_t *sum = context;
        const struct span spans[] = { row->account, row->address, row->agent, row->tag };

        (void)err;
        for (size_t i = 0; i < LENGTH(spans); i++)
                for (uint32_t at = 0; at < spans[i].length; at++)
                        *sum += (unsigned char)spans[i].text[at];
        if (row->account.length == 0)
                abort();
        return 0;
}

static void check_target(const char *text, size_t length)
{
        char once[TARGET_PATH_MAXIMUM];
        size_t normal = target_normalise(text, length, once);

        if (normal > TARGET_PATH_MAXIMUM || (normal && length && *text == '/' && *once != '/'))
                abort();
        if (memmem(once, normal, "//", 2))
                abort();
}

static void check_report(const char *text)
{
        struct disclosure report = { .title = strdup("title") };
        struct error error = ERROR_NONE;

        disclosure_section(&report, "x", "X");
        disclosure_say(&report, NULL, "%s", text);
        for (unsigned int format = DISCLOSURE_MARKDOWN; format <= DISCLOSURE_JSON && !report.code; format++) {
                _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(DISCLOSURE_MAXIMUM);
                const char *at;

                if (disclosure_render(&report, (enum disclosure_format)format, "en", 1, 0, &out, &error) < 0)
                        continue;
                for (at = buffer_text(&out); *at; at++)
                        if ((unsigned char)*at < 0x20 && *at != '\n')
                                abort();
                if (format != DISCLOSURE_JSON && strstr(buffer_text(&out), "<script"))
                        abort();
        }
        disclosure_done(&report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *text = memcpy(malloc(size + 1), data, size);
        struct error error = ERROR_NONE;
        uint64_t rows, invalid, sum = 0;

        text[size] = '\0';
        (void)logins_parse(text, size, "fuzz", on_row, &sum, &rows, &invalid, &error);
        (void)pages_include(text, size, "/docs/a.html", "/js/app.js");
        check_target(text, size);
        check_report(text);
        free(text);
        return 0;
}
