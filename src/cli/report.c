/* report.c - differences as the JSON of the contract and as lines for people. */
#include "cli/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/i18n.h"
#include "base/text.h"
#include "cli/command.h"

#define LINE_MAXIMUM (64 * 1024) /* bytes of one line: a path and a target with every byte escaped fit */

int report_init(struct report *report, bool json, bool quiet, bool several_roots, struct error *err)
{
        *report = (struct report){ .json = json, .quiet = quiet, .several_roots = several_roots };
        if (json && !(report->differences = json_array()))
                return error_memory(err);
        return 0;
}

void report_done(struct report *report)
{
        json_decref(report->differences);
        report->differences = NULL;
}

/* What was found may be a link's target or an attribute's value: an intruder's bytes. */
static json_t *json_text(const char *text)
{
        return text ? command_json_name(text, strlen(text)) : json_null();
}

static int collect(struct report *report, const struct difference *difference, struct error *err)
{
        json_t *object;
        size_t kept;
        int r = 0;

        /* Extra names can be made by the million: they may not crowd out what was changed. */
        kept = json_array_size(report->differences);
        if (kept >= REPORT_MAXIMUM || (difference->kind == DIFFERENCE_EXTRA && kept >= REPORT_MAXIMUM / 2))
                return 0;
        object = json_object();
        if (!object)
                return error_memory(err);
        if (report->several_roots)
                r |= json_object_set_new(object, "root", json_text(difference->root));
        r |= json_object_set_new(object, "path", command_json_name(difference->path, difference->path_length));
        r |= json_object_set_new(object, "kind", json_string(difference_kind_name(difference->kind)));
        r |= json_object_set_new(object, "expected", json_text(difference->expected));
        r |= json_object_set_new(object, "found", json_text(difference->found));
        r |= json_array_append_new(report->differences, object);
        return r ? error_memory(err) : 0;
}

static int append_words(struct buffer *line, const struct difference *difference)
{
        _cleanup_(buffer_done) struct buffer expected = BUFFER_INIT(LINE_MAXIMUM), found = BUFFER_INIT(LINE_MAXIMUM);
        int r = 0;

        if (difference->expected)
                r = text_escape(&expected, difference->expected, strlen(difference->expected));
        if (r == 0 && difference->found)
                r = text_escape(&found, difference->found, strlen(difference->found));
        if (r < 0)
                return r;
        if (difference->expected && difference->found)
                return buffer_printf(line, _("  (expected %s, found %s)"), buffer_text(&expected), buffer_text(&found));
        if (difference->expected)
                return buffer_printf(line, _("  (expected %s)"), buffer_text(&expected));
        return difference->found ? buffer_printf(line, _("  (found %s)"), buffer_text(&found)) : 0;
}

static int print(const struct report *report, const struct difference *difference, struct error *err)
{
        _cleanup_(buffer_done) struct buffer line = BUFFER_INIT(LINE_MAXIMUM);
        int r = buffer_printf(&line, "%-8s  ", difference_kind_name(difference->kind));

        if (r == 0 && report->several_roots && difference->root)
                r = buffer_printf(&line, "%s: ", difference->root);
        if (r == 0)
                r = text_escape(&line, difference->path, difference->path_length);
        if (r == 0)
                r = append_words(&line, difference);
        if (r < 0 && r != -E2BIG)
                return error_memory(err);
        if (printf("%s\n", buffer_text(&line)) < 0)
                return error_errno(err, errno, _("cannot write the result to standard output"));
        return 0;
}

int report_difference(void *context, const struct difference *difference, struct error *err)
{
        struct report *report = context;
        int r = 0;

        if (report->json)
                r = collect(report, difference, err);
        else /* also with --quiet: they are the result */
                r = print(report, difference, err);
        report->seen++;
        return r;
}

json_t *report_json(struct report *report, uint64_t release, const struct verify_result *result)
{
        json_t *object = json_object();
        int r = 0;

        if (!object)
                return NULL;
        r |= json_object_set_new(object, "genuine", json_boolean(verify_is_genuine(result)));
        r |= json_object_set_new(object, "release", release ? json_integer((json_int_t)release) : json_null());
        r |= json_object_set_new(object, "files", json_integer((json_int_t)result->files));
        r |= json_object_set_new(object, "bytes", json_integer((json_int_t)result->bytes));
        r |= json_object_set_new(object, "times", json_integer((json_int_t)result->times));
        r |= json_object_set_new(object, "changing", json_boolean(result->changing));
        r |= json_object_set_new(object, "differences",
                                 report->differences ? json_incref(report->differences) : json_array());
        if (report->seen > json_array_size(report->differences))
                r |= json_object_set_new(
                        object, "omitted",
                        json_integer((json_int_t)(report->seen - json_array_size(report->differences))));
        if (r) {
                json_decref(object);
                return NULL;
        }
        return object;
}

static void print_changing(const struct verify_result *result)
{
        if (result->clock_stepped)
                printf("%s\n", _("changing: the clock was set back while the tree was read, so what changed cannot be "
                                 "told; run the same command again"));
        else if (result->changing_path[0])
                printf(_("changing: %s changed while the tree was read; run the same command again when nobody writes "
                         "there\n"),
                       result->changing_path);
        else
                printf("%s\n", _("changing: something changed while the tree was read; run the same command again "
                                 "when nobody writes there"));
}

void report_text(const struct report *report, uint64_t release, const struct verify_result *result)
{
        char of[64] = "";

        if (report->quiet)
                return;
        if (release)
                snprintf(of, sizeof(of), _(" (release %" PRIu64 ")"), release);
        if (result->writable)
                printf(_("writable: somebody holds %s open for writing (files: %" PRIu64 ")\n"), result->writable_path,
                       result->writable);
        if (result->changing)
                print_changing(result);
        if (verify_is_genuine(result))
                printf(_("genuine%s: %" PRIu64 " files, %" PRIu64 " bytes\n"), of, result->files, result->bytes);
        else if (result->differences)
                printf(_("differs%s: differences %" PRIu64 ", files compared %" PRIu64 "\n"), of, result->differences,
                       result->files);
        if (result->times)
                printf(_("note: files without the signed modification time: %" PRIu64 "; only content decides\n"),
                       result->times);
}
