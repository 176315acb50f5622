/* result.c - an exposure as JSON, without accounts. */
#include <string.h>

#include <jansson.h>

#include "incident/exposure.h"
#include "incident/value.h"

#define EMBEDDERS_LISTED 1000

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
                                      json_pack("{s:o, s:o, s:o, s:o}", "server", value_name(server, strlen(server)),
                                                "from", value_time(gap->from_us), "to", value_time(gap->to_us), "missing",
                                                gap->path ? value_name(gap->path, strlen(gap->path)) : json_null()));
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
                                  value_name(server, strlen(server)), "path", value_name(path, strlen(path)), "lines",
                                  (json_int_t)file->lines, "invalid", (json_int_t)file->invalid, "from",
                                  file->lines ? value_time(file->first_us) : json_null(), "to",
                                  file->lines ? value_time(file->last_us) : json_null()));
        }
        for (size_t i = 0; i < options->login_count; i++) {
                const char *path = options->logins[i].path;

                json_array_append_new(sources, json_pack("{s:s, s:o, s:I, s:b}", "kind", "logins", "path",
                                                         value_name(path, strlen(path)), "rows",
                                                         (json_int_t)exposure->login_files[i].rows, "last_only",
                                                         options->logins[i].last));
        }
        return sources;
}

/* By how many seconds each clock was ahead, and how exact that is: what widened the times. */
static json_t *clocks_json(const struct exposure_options *options)
{
        json_t *clocks = json_array();

        for (size_t i = 0; i <= options->server_count; i++) {
                const bool logins = i == options->server_count;
                const struct clock_offset *clock = logins ? &options->login_clock : &options->servers[i].clock;
                const char *name = logins ? "logins" : options->servers[i].name;

                if (!logins || options->login_count)
                        json_array_append_new(clocks, json_pack("{s:o, s:o, s:o}", "of", value_name(name, strlen(name)),
                                                                "offset", clock->known ? json_real((double)clock->offset_us / 1e6) : json_null(),
                                                                "error", clock->known ? json_real((double)clock->error_us / 1e6) : json_null()));
        }
        return clocks;
}

static json_t *embedders_json(const struct exposure *exposure)
{
        json_t *list = json_array();

        for (size_t i = 0; i < exposure->embedder_count && i < EMBEDDERS_LISTED; i++) {
                const struct exposure_embedder *embedder = &exposure->embedders[i];
                size_t length;
                const char *host = intern_text(&exposure->texts.embedders, embedder->embedder, &length);

                json_array_append_new(list, json_pack("{s:o, s:o}", "site", value_name(host, length), "responses",
                                                      grades_json(embedder->responses)));
        }
        return list;
}

struct json_t *exposure_json(const struct exposure *exposure, const struct exposure_options *options)
{
        const char *by;
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

        if (json)
                json_object_set_new(json, "visitors", grades_json(exposure->visitors));
        if (json)
                json_object_set_new(json, "clocks", clocks_json(options));
        if (json)
                json_object_set_new(json, "logins_without_request",
                                    json_integer((json_int_t)exposure->logins_without_request));
        by = options->susceptible_by ? options->susceptible_by : "";
        if (json && options->susceptible)
                json_object_set_new(json, "susceptible",
                                    json_pack("{s:o, s:o, s:I, s:I, s:I, s:I}", "condition",
                                              value_name(options->susceptible->text, strlen(options->susceptible->text)),
                                              "by", value_name(by, strlen(by)),
                                              "accounts", (json_int_t)exposure->susceptible, "responses",
                                              (json_int_t)exposure->susceptible_responses, "unattributed_responses",
                                              (json_int_t)exposure->unattributed_susceptible, "payload_live_accounts",
                                              (json_int_t)exposure->susceptible_payload));
        if (json && (options->payload_from_us || options->payload_to_us))
                json_object_set_new(json, "payload",
                                    json_pack("{s:o, s:o, s:I, s:I}", "from", value_time(options->payload_from_us), "to",
                                              value_time(options->payload_to_us), "live_responses",
                                              (json_int_t)exposure->payload_live, "link_only_responses",
                                              (json_int_t)(linked - exposure->payload_live)));
        return json;
}
