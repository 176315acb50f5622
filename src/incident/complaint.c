/* complaint.c - parts of a comparison, and the verdict over them. */
#include "incident/complaint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "base/i18n.h"
#include "base/text.h"
#include "incident/target.h"
#include "incident/value.h"

static const struct {
        const char *name, *words;
} sources[] = {
        [COMPLAINT_CUSTOMER] = { "customer",           N_("a customer")      },
        [COMPLAINT_SEARCH_ENGINE] = { "search-engine", N_("a search engine") },
        [COMPLAINT_RESEARCHER] = { "researcher",       N_("a researcher")    },
        [COMPLAINT_AUTHORITY] = { "authority",         N_("an authority")    },
        [COMPLAINT_OTHER] = { "other",                 N_("somebody")        },
};

static const struct {
        const char *name, *words;
} verdicts[] = {
        [COMPLAINT_UNKNOWN] = { "unknown", N_("not all of it could be compared")     },
        [COMPLAINT_GENUINE] = { "genuine", N_("all of it was equal to the release")  },
        [COMPLAINT_DIFFERS] = { "differs", N_("it differed from the release")        },
};

const char *complaint_source_name(enum complaint_source source)
{
        return sources[source].name;
}

const char *complaint_source_words(enum complaint_source source)
{
        return _(sources[source].words);
}

bool complaint_source_parse(const char *text, enum complaint_source *ret_source)
{
        for (unsigned int i = 0; i < LENGTH(sources); i++)
                if (text_equal(sources[i].name, text)) {
                        *ret_source = (enum complaint_source)i;
                        return true;
                }
        return false;
}

const char *complaint_verdict_name(enum complaint_verdict verdict)
{
        return verdicts[verdict].name;
}

const char *complaint_verdict_words(enum complaint_verdict verdict)
{
        return _(verdicts[verdict].words);
}

static json_t *name_json(const char *name)
{
        return value_name(name, strlen(name));
}

/* ---- the paths ---- */

bool complaint_is_program(const char *name)
{
        static const char *const ends[] = { ".php", ".phtml", ".cgi", ".pl", ".py", ".rb", ".asp", ".aspx", ".jsp", ".shtml" };

        for (size_t i = 0; i < LENGTH(ends); i++)
                if (text_ends(name, ends[i]))
                        return true;
        return false;
}

size_t complaint_names(const char *path, char names[static COMPLAINT_NAMES][COMPLAINT_NAME_SIZE])
{
        static const char *const indexes[] = { "index.html", "index.htm", "index.php" };
        char normal[TARGET_PATH_MAXIMUM];
        size_t length = target_normalise(path, strcspn(path, "?#"), normal), count = 0;

        if (!length || *normal != '/' || length + sizeof("index.html") >= COMPLAINT_NAME_SIZE)
                return 0;
        if (normal[length - 1] != '/') {
                snprintf(names[0], COMPLAINT_NAME_SIZE, "%.*s", (int)length - 1, normal + 1);
                return 1;
        }
        for (size_t i = 0; i < LENGTH(indexes); i++)
                snprintf(names[count++], COMPLAINT_NAME_SIZE, "%.*s%s", (int)length - 1, normal + 1, indexes[i]);
        return count;
}

/* Whether a difference is about this page: its file, a folder above it that is extra, or one that is missing. */
static bool is_about(const char *difference, const json_t *paths)
{
        char names[COMPLAINT_NAMES][COMPLAINT_NAME_SIZE];
        const json_t *path;
        size_t i;

        json_array_foreach(paths, i, path) {
                const size_t count = complaint_names(json_string_value(path), names);

                for (size_t n = 0; n < count; n++)
                        if (text_equal(difference, names[n]) || text_equal(difference, ".") ||
                            (text_ends(difference, "/") && text_starts(names[n], difference)) ||
                            (text_starts(names[n], difference) && names[n][strlen(difference)] == '/'))
                                return true;
        }
        return false;
}

/* ---- the verdict ---- */

static enum complaint_verdict verdict_of(const json_t *part)
{
        const char *name = json_string_value(json_object_get(part, "verdict"));

        for (unsigned int i = 0; i < LENGTH(verdicts) && name; i++)
                if (text_equal(verdicts[i].name, name))
                        return (enum complaint_verdict)i;
        return COMPLAINT_UNKNOWN;
}

enum complaint_verdict complaint_verdict(const json_t *comparison)
{
        const json_t *const lists[] = { json_object_get(comparison, "trees"), json_object_get(comparison, "served") };
        size_t counts[LENGTH(verdicts)] = { 0 };

        for (size_t l = 0; l < LENGTH(lists); l++)
                for (size_t i = 0; i < json_array_size(lists[l]); i++)
                        counts[verdict_of(json_array_get(lists[l], i))]++;
        if (counts[COMPLAINT_DIFFERS])
                return COMPLAINT_DIFFERS;
        return counts[COMPLAINT_GENUINE] && !counts[COMPLAINT_UNKNOWN] ? COMPLAINT_GENUINE : COMPLAINT_UNKNOWN;
}

/* ---- the parts ---- */

json_t *complaint_new(int64_t time_us, const char *const paths[], size_t count)
{
        json_t *list = json_array();

        for (size_t i = 0; i < count; i++)
                json_array_append_new(list, name_json(paths[i]));
        return json_pack("{s:o, s:s, s:o, s:[], s:[]}", "time", value_time(time_us), "verdict",
                         complaint_verdict_name(COMPLAINT_UNKNOWN), "paths", list, "trees", "served");
}

static int add_part(json_t *comparison, const char *list, json_t *part)
{
        if (!part || json_array_append_new(json_object_get(comparison, list), part) < 0 ||
            json_object_set_new(comparison, "verdict",
                                json_string(complaint_verdict_name(complaint_verdict(comparison)))) < 0)
                return -ENOMEM;
        return 0;
}

static enum complaint_verdict judge_tree(const json_t *report)
{
        const json_t *genuine = json_object_get(report, "genuine");

        if (!json_is_boolean(genuine))
                return COMPLAINT_UNKNOWN;
        if (json_is_true(genuine))
                return COMPLAINT_GENUINE;
        return json_array_size(json_object_get(report, "differences")) ? COMPLAINT_DIFFERS : COMPLAINT_UNKNOWN;
}

/* What an agent says is escaped by it; escaped again when it was not. */
static json_t *said(const json_t *value)
{
        const char *text = json_string_value(value);

        if (text && text_is_printable(text, strlen(text)))
                return json_string(text);
        return name_json(text ? text : "?");
}

int complaint_add_tree(json_t *comparison, const char *server, const char *dest, const json_t *report, const char *why)
{
        const json_t *differences = json_object_get(report, "differences"), *difference;
        const json_t *paths = json_object_get(comparison, "paths");
        const enum complaint_verdict verdict = why ? COMPLAINT_UNKNOWN : judge_tree(report);
        json_t *listed = json_array();
        bool here = false;
        size_t i;

        json_array_foreach(differences, i, difference) {
                const char *path = json_string_value(json_object_get(difference, "path"));
                const bool about = path && is_about(path, paths);

                here = here || about;
                if (about || i < COMPLAINT_LISTED / 2)
                        if (json_array_size(listed) < COMPLAINT_LISTED)
                                json_array_append_new(listed, json_pack("{s:o, s:o}", "path",
                                                                        said(json_object_get(difference, "path")), "kind",
                                                                        said(json_object_get(difference, "kind"))));
        }
        if (!why && verdict == COMPLAINT_UNKNOWN)
                why = json_is_true(json_object_get(report, "changing")) ? _("it changed while it was compared")
                                                                        : _("what was said of it cannot be understood");
        return add_part(comparison, "trees",
                        json_pack("{s:o, s:o, s:s, s:I, s:I, s:b, s:o, s:o}", "server", name_json(server), "dest",
                                  name_json(dest), "verdict", complaint_verdict_name(verdict), "release",
                                  json_integer_value(json_object_get(report, "release")), "differences",
                                  (json_int_t)json_array_size(differences) +
                                          json_integer_value(json_object_get(report, "omitted")),
                                  "here", here, "listed", listed, "why", why ? name_json(why) : json_null()));
}

static enum complaint_verdict judge_served(const struct complaint_served *served, const char **ret_why)
{
        *ret_why = served->why;
        if (served->why)
                return COMPLAINT_UNKNOWN;
        if (served->status == 200 && served->expected && text_equal(served->expected, served->sha256))
                return COMPLAINT_GENUINE;
        if (served->status != 200)
                *ret_why = _("it answered with another status than 200");
        else if (!served->expected)
                *ret_why = _("the release has no file there");
        else if (served->program)
                *ret_why = _("it is made by a program, and cannot be compared with a file");
        return *ret_why ? COMPLAINT_UNKNOWN : COMPLAINT_DIFFERS;
}

int complaint_add_served(json_t *comparison, const struct complaint_served *served)
{
        const char *why;
        const enum complaint_verdict verdict = judge_served(served, &why);

        return add_part(comparison, "served",
                        json_pack("{s:o, s:o, s:s, s:s, s:I, s:I, s:s?, s:s?, s:o}", "url", name_json(served->url),
                                  "address", name_json(served->address), "as", served->as, "verdict",
                                  complaint_verdict_name(verdict), "status", (json_int_t)served->status, "bytes",
                                  (json_int_t)served->bytes, "sha256", served->why ? NULL : served->sha256, "expected",
                                  served->expected, "why", why ? name_json(why) : json_null()));
}
