/* disclosure.c - sections and paragraphs; what is defanged; deadlines. */
#include "disclosure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"

#define PARAGRAPH_MAXIMUM (256U << 10)
#define HOUR_US           INT64_C(3600000000)

static const char *const forms[] = { "public", "regulator", "technical" };
static const char *const formats[] = { "md", "html", "json" };

bool disclosure_form_by_name(const char *name, enum disclosure_form *ret_form)
{
        for (unsigned int i = 0; i < LENGTH(forms); i++)
                if (text_equal(forms[i], name)) {
                        *ret_form = (enum disclosure_form)i;
                        return true;
                }
        return false;
}

bool disclosure_format_by_name(const char *name, enum disclosure_format *ret_format)
{
        for (unsigned int i = 0; i < LENGTH(formats); i++)
                if (text_equal(formats[i], name)) {
                        *ret_format = (enum disclosure_format)i;
                        return true;
                }
        return false;
}

const char *disclosure_form_name(enum disclosure_form form)
{
        return forms[form];
}

void disclosure_done(struct disclosure *report)
{
        for (size_t s = 0; s < report->count; s++) {
                struct disclosure_section *section = &report->sections[s];

                for (size_t p = 0; p < section->count; p++) {
                        free(section->paragraphs[p].text);
                        free(section->paragraphs[p].rows);
                }
                free(section->paragraphs);
                free(section->title);
        }
        free(report->sections);
        free(report->title);
        json_decref(report->kept);
        *report = (struct disclosure){ 0 };
}

void disclosure_section(struct disclosure *report, const char *key, const char *title)
{
        struct disclosure_section section = { .key = key, .title = memory_string(title) };

        if (report->code || !section.title ||
            memory_grow(&report->sections, report->count, sizeof(*report->sections)) < 0) {
                report->code = -ENOMEM;
                free(section.title);
                return;
        }
        report->sections[report->count++] = section;
}

/* Escaped and defanged once, here, so that no format can forget it. */
static char *make_harmless(const char *text)
{
        _cleanup_(buffer_done) struct buffer escaped = BUFFER_INIT(PARAGRAPH_MAXIMUM);
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(2 * PARAGRAPH_MAXIMUM);

        if (text_escape(&escaped, text, strlen(text)) < 0 || disclosure_defang(&out, buffer_text(&escaped)) < 0)
                return NULL;
        return buffer_steal(&out);
}

void disclosure_say(struct disclosure *report, const char *rows, const char *format, ...)
{
        struct disclosure_section *section = report->count ? &report->sections[report->count - 1] : NULL;
        struct disclosure_paragraph paragraph = { 0 };
        char *text = NULL;
        va_list arguments;
        int n;

        va_start(arguments, format);
        n = vasprintf(&text, format, arguments);
        va_end(arguments);
        if (n >= 0)
                paragraph.text = make_harmless(text);
        if (n >= 0)
                free(text);
        if (rows && *rows)
                paragraph.rows = memory_string(rows);
        if (report->code || !section || !paragraph.text ||
            memory_grow(&section->paragraphs, section->count, sizeof(*section->paragraphs)) < 0) {
                report->code = -ENOMEM;
                free(paragraph.text);
                free(paragraph.rows);
                return;
        }
        section->paragraphs[section->count++] = paragraph;
}

/* ---- a report that was kept ---- */

static void read_paragraphs(struct disclosure *report, const json_t *paragraphs)
{
        struct disclosure_section *section = report->code ? NULL : &report->sections[report->count - 1];
        const json_t *one;
        size_t i;

        json_array_foreach(paragraphs, i, one) {
                const char *text = json_string_value(json_object_get(one, "text"));
                const char *rows = json_string_value(json_object_get(one, "rows"));
                struct disclosure_paragraph paragraph = { memory_string(text ? text : ""), rows ? memory_string(rows) : NULL };

                if (!section || !paragraph.text || memory_grow(&section->paragraphs, section->count, sizeof(paragraph)) < 0) {
                        report->code = -ENOMEM;
                        free(paragraph.text);
                        free(paragraph.rows);
                        return;
                }
                section->paragraphs[section->count++] = paragraph;
        }
}

int disclosure_read(const char *text, struct disclosure *ret_report, struct error *err)
{
        struct disclosure report = { .kept = json_loads(text, 0, NULL) };
        const char *title = json_string_value(json_object_get(report.kept, "title"));
        const json_t *section;
        size_t i;

        if (!title)
                return error_set(err, -EBADMSG, "%s", _("the report that was kept is damaged"));
        report.title = memory_string(title);
        if (!report.title)
                report.code = -ENOMEM;
        json_array_foreach(json_object_get(report.kept, "sections"), i, section) {
                const char *key = json_string_value(json_object_get(section, "key"));
                const char *words = json_string_value(json_object_get(section, "title"));

                disclosure_section(&report, key ? key : "", words ? words : "");
                read_paragraphs(&report, json_object_get(section, "paragraphs"));
        }
        if (report.code) {
                disclosure_done(&report);
                return error_memory(err);
        }
        *ret_report = report;
        return 0;
}

/* ---- defanging ---- */

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

static bool is_host_character(char c)
{
        return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_' ||
               (unsigned char)c >= 0x80;
}

/* Length of "d.d.d.d" at `text`, 0 when there is none. */
static size_t address_length(const char *text)
{
        const char *at = text;

        for (int part = 0; part < 4; part++) {
                const char *begin = at;

                while (is_digit(*at) && at - begin < 3)
                        at++;
                if (at == begin || (part < 3 && *at++ != '.'))
                        return 0;
        }
        return is_digit(*at) ? 0 : (size_t)(at - text);
}

static int append_dots(struct buffer *out, const char *text, size_t length)
{
        int r = 0;

        for (size_t i = 0; i < length && r == 0; i++)
                r = text[i] == '.' ? buffer_append_text(out, "[.]") : buffer_append_byte(out, text[i]);
        return r;
}

/* A URL at `text`: its scheme and host are written, *ret_used says how much that was; 0: there is none. */
static int append_url(struct buffer *out, const char *text, size_t *ret_used)
{
        static const char *const schemes[][2] = { { "https://", "hxxps://" }, { "http://", "hxxp://" },
                                                  { "ftp://", "fxp://" } };

        *ret_used = 0;
        for (size_t i = 0; i < LENGTH(schemes); i++) {
                size_t scheme = strlen(schemes[i][0]), host = scheme;
                int r;

                if (strncasecmp(text, schemes[i][0], scheme) != 0)
                        continue;
                while (is_host_character(text[host]))
                        host++;
                r = buffer_append_text(out, schemes[i][1]);
                *ret_used = host;
                return r < 0 ? r : append_dots(out, text + scheme, host - scheme);
        }
        return 0;
}

int disclosure_defang(struct buffer *out, const char *text)
{
        bool inside = false; /* of a word: no address begins there */
        int r = 0;

        while (*text && r == 0) {
                size_t used = 0;

                r = append_url(out, text, &used);
                if (r == 0 && used == 0 && !inside && (used = address_length(text)) > 0)
                        r = append_dots(out, text, used);
                if (r == 0 && used == 0) {
                        inside = is_digit(*text) || *text == '.';
                        r = buffer_append_byte(out, *text++);
                } else {
                        inside = true;
                        text += used;
                }
        }
        return r;
}

/* ---- deadlines ---- */

void disclosure_deadlines(int64_t aware_us, struct disclosure_deadline deadlines[static DISCLOSURE_DEADLINES])
{
        const struct disclosure_deadline all[DISCLOSURE_DEADLINES] = {
                {_("GDPR article 33: notification of the supervisory authority (72 hours)"),    aware_us + 72 * HOUR_US,      "done_gdpr"            },
                { _("APPI: preliminary report (3 to 5 days)"),                                  aware_us + 5 * 24 * HOUR_US,  "done_appi_preliminary"},
                { _("APPI: final report (30 days)"),                                            aware_us + 30 * 24 * HOUR_US, "done_appi_final"      },
                { _("APPI: final report where somebody meant harm, as an intruder does (60 days)"), aware_us + 60 * 24 * HOUR_US, "done_appi_final"      },
        };

        memcpy(deadlines, all, sizeof(all));
}
