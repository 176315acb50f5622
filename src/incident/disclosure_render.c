/* disclosure_render.c - one text in three formats; what came from outside was made harmless before, markup is here. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/html.h"
#include "base/i18n.h"
#include "incident/disclosure.h"

static int64_t seconds(int64_t time_us)
{
        return time_us / 1000000;
}

/* ---- Markdown ---- */

/* Markup and HTML in it would be taken as such by whoever renders it. */
static int append_markdown(struct buffer *out, const char *text)
{
        int r = 0;

        for (; *text && r == 0; text++) {
                switch (*text) {
                case '<': r = buffer_append_text(out, "&lt;"); break;
                case '>': r = buffer_append_text(out, "&gt;"); break;
                case '&': r = buffer_append_text(out, "&amp;"); break;
                default:
                        if (strchr("\\`*_[]|#", *text))
                                r = buffer_append_byte(out, '\\');
                        if (r == 0)
                                r = buffer_append_byte(out, *text);
                }
        }
        return r;
}

static int markdown_section(const struct disclosure *report, const struct disclosure_section *section, struct buffer *out)
{
        int r = buffer_append_text(out, "## ");

        if (r == 0)
                r = append_markdown(out, section->title);
        if (r == 0)
                r = buffer_append_text(out, "\n\n");
        for (size_t i = 0; i < section->count && r == 0; i++) {
                r = append_markdown(out, section->paragraphs[i].text);
                if (r == 0 && report->with_rows && section->paragraphs[i].rows)
                        r = buffer_printf(out, " (%s)", section->paragraphs[i].rows);
                if (r == 0)
                        r = buffer_append_text(out, "\n\n");
        }
        return r;
}

static int render_markdown(const struct disclosure *report, int64_t revision, const char *time, struct buffer *out)
{
        int r = buffer_append_text(out, "# ");

        if (r == 0)
                r = append_markdown(out, report->title);
        if (r == 0)
                r = buffer_append_text(out, "\n\n");
        if (r == 0)
                r = buffer_printf(out, _("Revision %lld, %s"), (long long)revision, time);
        if (r == 0)
                r = buffer_append_text(out, "\n\n");
        for (size_t i = 0; i < report->count && r == 0; i++)
                r = markdown_section(report, &report->sections[i], out);
        return r;
}

/* ---- HTML ---- */

static void html_section(struct html *html, const struct disclosure *report, const struct disclosure_section *section)
{
        html_markup(html, "<section id=\"%s\"><h2>", section->key);
        html_words(html, "%s", section->title);
        html_markup(html, "</h2>\n");
        for (size_t i = 0; i < section->count; i++) {
                html_markup(html, "<p>");
                html_words(html, "%s", section->paragraphs[i].text);
                if (report->with_rows && section->paragraphs[i].rows) {
                        html_markup(html, " <small>(");
                        html_words(html, "%s", section->paragraphs[i].rows);
                        html_markup(html, ")</small>");
                }
                html_markup(html, "</p>\n");
        }
        html_markup(html, "</section>\n");
}

static int render_html(const struct disclosure *report, const char *language, int64_t revision, const char *time,
                       struct buffer *out, struct error *err)
{
        _cleanup_(html_done) struct html html = HTML_INIT(DISCLOSURE_MAXIMUM);
        int r;

        html_markup(&html, "<!doctype html>\n<html lang=\"");
        html_words(&html, "%s", language);
        html_markup(&html, "\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
                           "content=\"width=device-width, initial-scale=1\"><title>");
        html_words(&html, "%s", report->title);
        html_markup(&html, "</title></head>\n<body>\n<h1>");
        html_words(&html, "%s", report->title);
        html_markup(&html, "</h1>\n<p>");
        html_words(&html, _("Revision %lld, %s"), (long long)revision, time);
        html_markup(&html, "</p>\n");
        for (size_t i = 0; i < report->count; i++)
                html_section(&html, report, &report->sections[i]);
        html_markup(&html, "</body></html>\n");
        r = html_end(&html, err);
        return r < 0 ? r : buffer_append(out, html.text.data, html.text.length);
}

/* ---- JSON ---- */

static json_t *section_json(const struct disclosure_section *section)
{
        json_t *paragraphs = json_array();

        for (size_t i = 0; i < section->count; i++) {
                const struct disclosure_paragraph *paragraph = &section->paragraphs[i];

                json_array_append_new(paragraphs,
                                      json_pack("{s:s, s:o}", "text", paragraph->text, "rows",
                                                paragraph->rows ? json_string(paragraph->rows) : json_null()));
        }
        return json_pack("{s:s, s:s, s:o}", "key", section->key, "title", section->title, "paragraphs", paragraphs);
}

static int render_json(const struct disclosure *report, const char *language, int64_t revision, const char *time,
                       struct buffer *out)
{
        json_t *sections = json_array(), *json;
        char *text;
        int r;

        for (size_t i = 0; i < report->count; i++)
                json_array_append_new(sections, section_json(&report->sections[i]));
        json = json_pack("{s:s, s:s, s:I, s:s, s:o}", "title", report->title, "language", language, "revision",
                         (json_int_t)revision, "time", time, "sections", sections);
        text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
        json_decref(json);
        if (!text)
                return -ENOMEM;
        r = buffer_append_text(out, text);
        free(text);
        return r < 0 ? r : buffer_append_byte(out, '\n');
}

int disclosure_render(const struct disclosure *report, enum disclosure_format format, const char *language, int64_t revision,
                  int64_t time_us, struct buffer *out, struct error *err)
{
        char time[CLOCK_TEXT_SIZE];
        int r = 0;

        clock_format_utc(seconds(time_us), time);
        switch (format) {
        case DISCLOSURE_MARKDOWN: r = render_markdown(report, revision, time, out); break;
        case DISCLOSURE_HTML: return render_html(report, language, revision, time, out, err);
        case DISCLOSURE_JSON: r = render_json(report, language, revision, time, out); break;
        }
        if (r == -E2BIG)
                return error_set(err, r, _("the report is larger than %u bytes"), DISCLOSURE_MAXIMUM);
        return r < 0 ? error_memory(err) : 0;
}
