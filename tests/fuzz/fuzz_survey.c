/* Any bytes as a file that a user of a server or another program wrote, in each of the formats: what comes of it can be
 * read as facts. The first byte chooses the format. */
#include <stdlib.h>
#include <string.h>

#include "fleet/facts.h"
#include "fleet/survey_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Two strings, as a query for accounts gives them: what stands before the first NUL, and what follows it. */
static void parse_account(const char *text, size_t length, json_t *names)
{
        const char *nul = memchr(text, '\0', length);
        char *host = nul ? strndup(nul + 1, length - (size_t)(nul + 1 - text)) : NULL;

        if (host)
                survey_mariadb(text, host, names);
        free(host);
}

static void parse(uint8_t format, const char *text, size_t length, json_t *json, json_t *names, json_t *upstreams)
{
        json_t *ruleset;

        switch (format % 8) {
        case 0: survey_dpkg_verify(text, length, json_object_get(json, "problems")); break;
        case 1: survey_authorized_keys(text, length, "root", 1, json_object_get(json, "keys")); break;
        case 2: survey_sockets(text, length, "tcp", json_object_get(json, "listening")); break;
        case 3: survey_sockets(text, length, "udp", json_object_get(json, "listening")); break;
        case 4:
                survey_nginx(text, length, "nginx.conf", names, upstreams);
                survey_drop_upstreams(names, upstreams);
                break;
        case 5: survey_hba(text, length, "pg_hba.conf", names); break;
        case 6: parse_account(text, length, names); break;
        default:
                ruleset = json_loadb(text, length, 0, NULL);
                survey_nftables(ruleset, names);
                json_decref(ruleset);
                break;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        json_t *names = json_array(), *upstreams = json_array();
        json_t *json = json_pack("{s:[], s:[], s:[], s:o}", "problems", "keys", "listening", "names", names);
        struct facts facts;

        if (size == 0 || size > 20000 || !json)
                goto end;
        parse(*data, (const char *)data + 1, size - 1, json, names, upstreams);
        if (facts_parse(json, &facts, NULL) < 0)
                abort();
        facts_done(&facts);
end:
        json_decref(upstreams);
        json_decref(json);
        return 0;
}
