/* result.c - an exposure as JSON, without accounts. */
#include <string.h>

#include <jansson.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/text.h"
#include "incident/exposure.h"

#define NAME_MAXIMUM     65536
#define EMBEDDERS_LISTED 1000

static json_t *name_json(const char *name, size_t length)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(NAME_MAXIMUM);

        if (text_escape(&text, name, length) < 0)
                return NULL;
        return json_stringn(buffer_text(&text), text.length);
}

static json_t *time_json(int64_t time_us)
{
        char text[CLOCK_TEXT_SIZE];

        if (time_us == TIME_NEVER || time_us == TIME_OPEN)
                return json_null();
        clock_format_utc(time_us / 1000000, text);
        return json_string(text);
}

static json_t *grades_json(const uint64_t by_grade[static GRADES])
{
        return json_pack("{s:I, s:I, s:I}", "confirmed", (json_int_t)by_grade[GRADE_CONFIRMED], "probable",
                         (json_int_t)by_grade[GRADE_PROBABLE], "possible", (json_int_t)by_grade[GRADE_POSSIBLE]);
}

static const char *server_name(const struct exposure_options *options, unsigned int server)
{
        return server < options->server_count ? options->servers[server].name : "logins";
}

static json_t *gaps_json(const struct exposure *exposure, const struct exposure_options *options)
{
        json_t *gaps = json_array();

        for (size_t i = 0; i < exposure->gap_count; i++) {
                const struct exposure_gap *gap = &exposure->gaps[i];
                const char *server = server_name(options, gap->server);

                json_array_append_new(gaps,
                                      json_pack("{s:o, s:o, s:o, s:o}", "server", name_json(server, strlen(server)),
                                                "from", time_json(gap->from_us), "to", time_json(gap->to_us), "missing",
                                                gap->path ? name_json(gap->path, strlen(gap->path)) : json_null()));
        }
        return gaps;
}

static json_t *sources_json(const struct exposure *exposure, const struct exposure_options *options)
{
        json_t *sources = json_array();

        for (size_t i = 0; i < options->log_count && exposure->gathered.files; i++) {
                const struct gather_file *file = &exposure->gathered.files[i];
                const char *server = server_name(options, options->logs[i].server), *path = options->logs[i].path;

                json_array_append_new(
                        sources,
                        json_pack("{s:s, s:o, s:o, s:I, s:I, s:o, s:o}", "kind", "log", "server",
                                  name_json(server, strlen(server)), "path", name_json(path, strlen(path)), "lines",
                                  (json_int_t)file->lines, "invalid", (json_int_t)file->invalid, "from",
                                  file->lines ? time_json(file->first_us) : json_null(), "to",
                                  file->lines ? time_json(file->last_us) : json_null()));
        }
        for (size_t i = 0; i < options->login_count; i++) {
                const char *path = options->logins[i].path;

                json_array_append_new(sources, json_pack("{s:s, s:o, s:I, s:b}", "kind", "logins", "path",
                                                         name_json(path, strlen(path)), "rows",
                                                         (json_int_t)exposure->login_rows[i], "last_only",
                                                         options->logins[i].last));
        }
        return sources;
}

static json_t *embedders_json(const struct exposure *exposure)
{
        json_t *list = json_array();

        for (size_t i = 0; i < exposure->embedder_count && i < EMBEDDERS_LISTED; i++) {
                const struct exposure_embedder *embedder = &exposure->embedders[i];
                size_t length;
                const char *host = intern_text(&exposure->texts.embedders, embedder->embedder, &length);

                json_array_append_new(list, json_pack("{s:o, s:o}", "site", name_json(host, length), "responses",
                                                      grades_json(embedder->responses)));
        }
        return list;
}

struct json_t *exposure_json(const struct exposure *exposure, const struct exposure_options *options)
{
        uint64_t linked = exposure->responses[GRADE_CONFIRMED] + exposure->responses[GRADE_PROBABLE] +
                          exposure->responses[GRADE_POSSIBLE];
        json_t *json = json_pack(
                "{s:I, s:I, s:o, s:I, s:o, s:o, s:{s:I, s:I}, s:b, s:o, s:o, s:o}", "lines",
                (json_int_t)exposure->gathered.lines, "invalid", (json_int_t)exposure->gathered.invalid, "responses",
                grades_json(exposure->responses), "not_exposed", (json_int_t)exposure->responses[GRADE_NOT], "accounts",
                grades_json(exposure->by_grade), "upper_bound",
                exposure->bounded ? json_integer((json_int_t)exposure->upper_bound) : json_null(), "unattributed",
                "responses", (json_int_t)exposure->unattributed_responses, "visitors",
                (json_int_t)exposure->unattributed_visitors, "everybody_possible", exposure->everybody, "gaps",
                gaps_json(exposure, options), "sources", sources_json(exposure, options), "embedding",
                embedders_json(exposure));

        if (json && options->susceptible)
                json_object_set_new(json, "susceptible",
                                    json_pack("{s:o, s:I, s:I, s:I, s:I}", "condition",
                                              name_json(options->susceptible->text, strlen(options->susceptible->text)),
                                              "accounts", (json_int_t)exposure->susceptible, "responses",
                                              (json_int_t)exposure->susceptible_responses, "unattributed_responses",
                                              (json_int_t)exposure->unattributed_susceptible, "payload_live_accounts",
                                              (json_int_t)exposure->susceptible_payload));
        if (json && (options->payload_from_us || options->payload_to_us))
                json_object_set_new(json, "payload",
                                    json_pack("{s:o, s:o, s:I, s:I}", "from", time_json(options->payload_from_us), "to",
                                              time_json(options->payload_to_us), "live_responses",
                                              (json_int_t)exposure->payload_live, "link_only_responses",
                                              (json_int_t)(linked - exposure->payload_live)));
        return json;
}
