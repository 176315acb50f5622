/* incident_report.c - understudy incident report: a new revision of a text from the record, or one that was kept. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/incident.h"
#include "cli/language.h"
#include "incident/disclosure.h"

static int make(struct incident_request *request, enum disclosure_form form, enum disclosure_format format, struct buffer *out,
                struct error *err)
{
        _cleanup_(casebook_closep) struct casebook *book = NULL;
        struct casebook_incident incident;
        struct disclosure report = { 0 };
        struct digest digest;
        int64_t revision = 0, now = incident_now_us();
        int r = incident_book(request, true, &book, &incident, err);

        if (r == 0)
                r = disclosure_make(book, &incident, form, &report, err);
        if (r == 0)
                r = casebook_begin(book, err);
        if (r == 0) /* kept as what it says: each format can be made of it again */
                r = disclosure_render(&report, DISCLOSURE_JSON, language_name(), 0, now, out, err);
        if (r == 0)
                r = digest_of_bytes(buffer_text(out), out->length, &digest, err);
        if (r == 0)
                r = casebook_put_report(book, request->number, disclosure_form_name(form), language_name(), buffer_text(out),
                                        now, &revision, err);
        if (r == 0) {
                journal_sink_add(&request->journal, "incident_report", &digest,
                                 json_pack("{s:I, s:s, s:s, s:I}", "incident", (json_int_t)request->number, "form",
                                           disclosure_form_name(form), "language", language_name(), "revision",
                                           (json_int_t)revision),
                                 "incident %lld: revision %lld of its report was made", (long long)request->number,
                                 (long long)revision);
                journal_sink_commit(&request->journal);
                r = casebook_commit(book, err);
        }
        buffer_clear(out);
        if (r == 0)
                r = disclosure_render(&report, format, language_name(), revision, now, out, err);
        disclosure_done(&report);
        return r;
}

static int read_kept(struct incident_request *request, enum disclosure_form form, enum disclosure_format format,
                     struct buffer *out, struct error *err)
{
        _cleanup_(casebook_closep) struct casebook *book = NULL;
        _cleanup_(memory_freep) char *text = NULL;
        struct casebook_incident incident;
        struct disclosure report = { 0 };
        int64_t revision = (int64_t)request->revision, time_us = 0;
        int r = incident_book(request, false, &book, &incident, err);

        if (r == 0)
                r = casebook_report(book, request->number, disclosure_form_name(form), language_name(), revision, &text,
                                    &time_us, err);
        if (r == 0)
                r = disclosure_read(text, &report, err);
        report.with_rows = form == DISCLOSURE_TECHNICAL;
        if (r == 0)
                r = disclosure_render(&report, format, language_name(), revision, time_us, out, err);
        disclosure_done(&report);
        return r;
}

int incident_report(struct incident_request *request)
{
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(DISCLOSURE_MAXIMUM);
        struct error error = ERROR_NONE;
        enum disclosure_form form = DISCLOSURE_PUBLIC;
        enum disclosure_format format = request->common.json ? DISCLOSURE_JSON : DISCLOSURE_MARKDOWN;

        if (request->form && !disclosure_form_by_name(request->form, &form))
                return command_usage(&command_incident, _("there is no form '%s'; write public, regulator or technical"),
                                     request->form);
        if (request->format && !disclosure_format_by_name(request->format, &format))
                return command_usage(&command_incident, _("there is no format '%s'; write html, md or json"),
                                     request->format);
        if ((request->revision ? read_kept : make)(request, form, format, &out, &error) < 0)
                return command_fail(&error);
        fputs(buffer_text(&out), stdout);
        return EXIT_DONE;
}
