/* incident_compare.c - looking at trees and pages for a complaint. */
#include "cli/incident_compare.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/child.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/site_file.h"
#include "incident/complaint.h"
#include "manifest/mtree.h"
#include "probe/page.h"
#include "traffic/agent_client.h"
#include "tree/reference.h"
#include "tree/state.h"

#define VERIFY_MS      (30 * 60 * 1000)
#define PAGE_MS        20000
#define REPORT_MAXIMUM (16U << 20)
#define URL_MAXIMUM    8192

/* As whom a page is asked for. Bad ones are often sent to visitors of one browser, or who come from a search only. */
static const struct visitor {
        const char *as, *agent, *referrer;
} visitors[] = {
        {"browser",
         "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
         NULL                                                                                                           },
        { "browser from a search",
         "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
         "https://www.google.com/"                                                                                      },
        { "telephone",
         "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 "
         "Mobile/15E148 Safari/604.1",                                                                              NULL},
        { "crawler",               "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",      NULL},
};

struct comparing {
        const struct incident_request *request;
        const char *const *paths;
        size_t path_count;
        struct site_file site; /* its config NULL: none was named */
        struct public_key pub;
        bool has_pub;
        struct reference *reference; /* the release; NULL: not known */
        struct error no_reference;   /* why */
        json_t *comparison;
};

/* ---- trees ---- */

/* Here: `verify` in a process of its own. */
static int add_local_tree(struct comparing *comparing, struct error *err)
{
        const struct incident_request *request = comparing->request;
        const char *argv[] = { "/proc/self/exe", "verify",   request->tree,  "--pub", request->pub_path,
                               "--json",         "--state", request->state, NULL };
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(REPORT_MAXIMUM);
        const struct child_options options = { .input = -1, .timeout_ms = VERIFY_MS, .output = &out };
        struct error error = ERROR_NONE;
        json_t *report = NULL;
        int r = child_run(argv, &options, &error);

        if (r == EXIT_DONE || r == EXIT_FOUND) /* what it warns of stands before */
                report = json_loads(out.length && strchr(out.data, '{') ? strchr(out.data, '{') : "",
                                    JSON_DISABLE_EOF_CHECK, NULL);
        else if (r >= 0)
                error_set(&error, -EIO, "%.*s", (int)strcspn(buffer_text(&out), "\n"), buffer_text(&out));
        r = complaint_add_tree(comparing->comparison, "", request->tree, report,
                               report       ? NULL
                               : error.code ? error.text
                                            : _("what was said of it cannot be understood"));
        json_decref(report);
        return r < 0 ? error_memory(err) : 0;
}

/* The report in an agent's answer; one that was too long for the channel has its verdict only. */
static json_t *report_of(const json_t *answer)
{
        json_t *output = json_object_get(answer, "output");

        if (!json_is_true(json_object_get(output, "omitted")))
                return json_incref(output);
        return json_pack("{s:b, s:[{s:s, s:s}], s:I}", "genuine",
                         json_integer_value(json_object_get(answer, "status")) == EXIT_DONE, "differences", "path", ".",
                         "kind", "content", "omitted", (json_int_t)1);
}

static int add_server(struct comparing *comparing, const struct config_server *server, struct error *err)
{
        const struct config *config = comparing->site.config;
        const struct agent_client_options options = { .name = server->name,
                                                      .destination = server->ssh,
                                                      .ssh_config = config->ssh_config };
        _cleanup_(agent_client_freep) struct agent_client *client = NULL;
        const char *dest = config_root_dest(server, "docroot");
        struct error error = ERROR_NONE;
        json_t *answer = NULL, *report = NULL;
        int r = 0;

        if (!server->ssh)
                r = error_usage(&error, _("it has no ssh in the configuration"));
        if (r == 0)
                r = agent_client_new(&options, &client, &error);
        if (r == 0)
                r = agent_client_call(client, "verify", NULL, VERIFY_MS, NULL, NULL, &answer, &error);
        if (r == 0)
                report = report_of(answer);
        r = complaint_add_tree(comparing->comparison, server->name, dest ? dest : "?", report,
                               error.code ? error.text : NULL);
        json_decref(report);
        json_decref(answer);
        return r < 0 ? error_memory(err) : 0;
}

static bool is_asked(const struct incident_request *request, const struct config_server *server)
{
        if (server->role != CONFIG_PRODUCTION && server->role != CONFIG_STANDBY)
                return false;
        for (size_t i = 0; i < request->servers.count; i++)
                if (text_equal(request->servers.list[i], server->name))
                        return true;
        return request->servers.count == 0;
}

static int add_trees(struct comparing *comparing, struct error *err)
{
        const struct config *config = comparing->site.config;
        int r = comparing->request->tree ? add_local_tree(comparing, err) : 0;

        for (size_t i = 0; config && i < config->server_count && r == 0; i++)
                if (is_asked(comparing->request, &config->servers[i]))
                        r = add_server(comparing, &config->servers[i], err);
        return r;
}

/* ---- pages ---- */

/* The release that a page is compared with: the one in place here, else the newest of the repository. */
static void find_reference(struct comparing *comparing)
{
        const struct incident_request *request = comparing->request;
        const struct config *config = comparing->site.config;
        _cleanup_(state_closep) struct state *state = NULL;
        int r = 0;

        if (request->tree) {
                r = state_open(request->state, request->tree, STATE_READ, &state, &comparing->no_reference);
                if (r == 0 && state->pulled)
                        r = reference_kept(state, &comparing->pub, &comparing->reference, &comparing->no_reference);
        } else if (config) {
                r = reference_repository(config->repository.url, NULL, &comparing->pub, 0, &comparing->reference,
                                         &comparing->no_reference);
        }
        if (r == 0 && !comparing->reference)
                error_set(&comparing->no_reference, -ENOENT, "%s", _("no release is known here"));
}

/* The file of the release that has the page: the first of its names that there is. */
static int find_file(struct comparing *comparing, const char *path, char hex[static DIGEST_HEX_SIZE], bool *ret_program,
                     struct error *err)
{
        _cleanup_(mtree_reader_freep) struct mtree_reader *reader = NULL;
        char names[COMPLAINT_NAMES][COMPLAINT_NAME_SIZE];
        size_t count = complaint_names(path, names), best = count;
        const struct reference *reference = comparing->reference;
        struct entry entry;
        int r = 0;

        for (size_t i = 0; i < reference->root_count && r == 0; i++)
                if (text_equal(reference->roots[i].name, RELEASE_DOCROOT))
                        r = mtree_reader_new_fd(reference->roots[i].manifest, reference->roots[i].file, &reader, err);
        while (r == 0 && reader && (r = mtree_reader_next(reader, &entry, err)) > 0) {
                r = 0;
                for (size_t i = 0; i < best && entry.type == ENTRY_FILE; i++)
                        if (text_equal(entry.path, names[i])) {
                                best = i;
                                digest_hex(&entry.digest, hex);
                                *ret_program = complaint_is_program(names[i]);
                        }
        }
        if (r == 0 && best == count)
                *hex = '\0';
        return r;
}

static int add_served(struct comparing *comparing, const char *path, const char *url, const char *address,
                      const struct visitor *visitor, struct error *err)
{
        const struct page_request page = { .url = url,
                                           .address = *address ? address : NULL,
                                           .timeout_ms = PAGE_MS,
                                           .agent = visitor->agent,
                                           .referrer = visitor->referrer };
        char sha256[DIGEST_HEX_SIZE] = "", expected[DIGEST_HEX_SIZE] = "";
        struct complaint_served served = { .url = url, .address = address, .as = visitor->as, .sha256 = sha256 };
        struct page_answer answer = { 0 };
        struct error error = ERROR_NONE;
        int r = page_fetch(&page, &answer, &error);

        if (r == 0) {
                served.status = answer.status;
                served.bytes = answer.bytes;
                digest_hex(&answer.digest, sha256);
                if (!comparing->reference)
                        error = comparing->no_reference;
                else if (find_file(comparing, path, expected, &served.program, &error) == 0 && *expected)
                        served.expected = expected;
        }
        served.why = error.code ? error.text : NULL;
        return complaint_add_served(comparing->comparison, &served) < 0 ? error_memory(err) : 0;
}

/* Each page, of each server by its own address (or where the name leads), as each visitor. */
static int add_page(struct comparing *comparing, const char *path, const char *address, struct error *err)
{
        const struct incident_request *request = comparing->request;
        const struct visitor own = { "browser of the complaint", request->agent, request->referrer };
        char url[URL_MAXIMUM];
        size_t base = strlen(request->url);
        int r = 0;

        while (base && request->url[base - 1] == '/')
                base--;
        if ((size_t)snprintf(url, sizeof(url), "%.*s%s", (int)base, request->url, path) >= sizeof(url))
                return error_usage(err, _("the address of a page is longer than %d bytes"), URL_MAXIMUM - 1);
        for (size_t i = 0; i < LENGTH(visitors) && r == 0; i++)
                r = add_served(comparing, path, url, address, &visitors[i], err);
        return r == 0 && request->agent ? add_served(comparing, path, url, address, &own, err) : r;
}

static int add_pages(struct comparing *comparing, struct error *err)
{
        const struct incident_request *request = comparing->request;
        const struct config *config = comparing->site.config;
        int r = 0;

        find_reference(comparing);
        for (size_t p = 0; p < comparing->path_count && r == 0; p++) {
                const char *path = comparing->paths[p];

                if (!request->connects.count)
                        r = add_page(comparing, path, "", err);
                for (size_t i = 0; i < request->connects.count && r == 0; i++)
                        r = add_page(comparing, path, request->connects.list[i], err);
                for (size_t i = 0; config && i < config->server_count && r == 0; i++)
                        if (is_asked(request, &config->servers[i]) && config->servers[i].addresses.count)
                                r = add_page(comparing, path, config->servers[i].addresses.items[0].text, err);
        }
        return r;
}

/* ---- all of it ---- */

static int prepare(struct comparing *comparing, struct error *err)
{
        const struct incident_request *request = comparing->request;
        int r = 0;

        if (request->tree && !request->pub_path)
                return error_usage(err, _("--tree needs --pub: a tree is compared with a signed release"));
        if (request->pub_path) {
                r = public_key_read(request->pub_path, &comparing->pub, err);
                comparing->has_pub = true;
        }
        if (r == 0 && request->common.config)
                r = site_file_read(&comparing->site, request->common.config, comparing->has_pub ? &comparing->pub : NULL,
                                   request->state, err);
        if (r == 0 && request->common.config && !comparing->has_pub)
                r = public_key_read(comparing->site.config->repository.pub, &comparing->pub, err);
        if (r == 0)
                comparing->comparison = complaint_new(incident_now_us(), comparing->paths, comparing->path_count);
        return r < 0 || comparing->comparison ? r : error_memory(err);
}

int incident_compare(const struct incident_request *request, const char *const paths[], size_t count,
                     json_t **ret_comparison, struct error *err)
{
        struct comparing comparing = { .request = request, .paths = paths, .path_count = count, .site = SITE_FILE_NONE };
        int r = prepare(&comparing, err);

        if (r == 0)
                r = add_trees(&comparing, err);
        if (r == 0 && request->url)
                r = add_pages(&comparing, err);
        reference_free(comparing.reference);
        site_file_done(&comparing.site);
        if (r < 0) {
                json_decref(comparing.comparison);
                return r;
        }
        *ret_comparison = comparing.comparison;
        return 0;
}
