#include "page.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/i18n.h"
#include "late/curl.h"

struct fetch {
        CURL *curl;
        struct curl_slist *connect_to;
        struct buffer body;
};

static void fetch_done(struct fetch *fetch)
{
        if (fetch->curl) { /* else the library may not be there */
                curl_slist_free_all(fetch->connect_to);
                curl_easy_cleanup(fetch->curl);
        }
        buffer_done(&fetch->body);
}

/* More than the maximum ends the transfer. */
static size_t body_arrived(char *bytes, size_t size, size_t count, void *context)
{
        struct buffer *body = context;

        return buffer_append(body, bytes, size * count) < 0 ? 0 : size * count;
}

static int prepare(struct fetch *fetch, const struct page_request *request)
{
        char connect_to[128];

        fetch->curl = curl_easy_init();
        if (!fetch->curl)
                return -ENOMEM;
        if (request->address) {
                const bool six = strchr(request->address, ':') != NULL;

                snprintf(connect_to, sizeof(connect_to), six ? "::[%s]:" : "::%s:", request->address);
                fetch->connect_to = curl_slist_append(NULL, connect_to);
                if (!fetch->connect_to)
                        return -ENOMEM;
        }
        curl_easy_setopt(fetch->curl, CURLOPT_URL, request->url);
        curl_easy_setopt(fetch->curl, CURLOPT_CONNECT_TO, fetch->connect_to);
        curl_easy_setopt(fetch->curl, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(fetch->curl, CURLOPT_PROXY, "");
        curl_easy_setopt(fetch->curl, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(fetch->curl, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
        curl_easy_setopt(fetch->curl, CURLOPT_USERAGENT,
                         request->agent ? request->agent : "understudy/" UNDERSTUDY_VERSION);
        curl_easy_setopt(fetch->curl, CURLOPT_REFERER, request->referrer);
        curl_easy_setopt(fetch->curl, CURLOPT_WRITEFUNCTION, body_arrived);
        curl_easy_setopt(fetch->curl, CURLOPT_WRITEDATA, &fetch->body);
        return 0;
}

static int fail(CURL *curl, CURLcode code, const struct page_request *request, struct error *err)
{
        curl_off_t connected = 0; /* microseconds until then; 0: it was not */
        long number_of_system = 0;
        int number;

        curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &number_of_system);
        curl_easy_getinfo(curl, CURLINFO_CONNECT_TIME_T, &connected);
        if (code == CURLE_OPERATION_TIMEDOUT)
                number = connected > 0 ? ETIMEDOUT : EHOSTUNREACH;
        else
                number = number_of_system > 0 ? (int)number_of_system : EIO;
        return error_set(err, -number, _("%s at %s did not come: %s"), request->url,
                         request->address ? request->address : _("its own address"), curl_easy_strerror(code));
}

static int judge(const struct fetch *fetch, const struct page_request *request, struct error *err)
{
        const char *where = request->address ? request->address : _("its own address");
        long status = 0;

        curl_easy_getinfo(fetch->curl, CURLINFO_RESPONSE_CODE, &status);
        if ((uint64_t)status != request->status)
                return error_set(err, -EPROTO, _("%s at %s answered with status %ld instead of %" PRIu64), request->url, where,
                                 status, request->status);
        if (request->expect && !memmem(buffer_text(&fetch->body), fetch->body.length, request->expect, strlen(request->expect)))
                return error_set(err, -ENODATA, _("the page %s at %s has not the text that it should have: %s"), request->url,
                                 where, request->expect);
        return 0;
}

int page_prepare(struct error *err)
{
        int r = late_load(&late_curl, err);

        return r == 0 && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ? error_memory(err) : r;
}

/* Everything that comes, in `fetch`. */
static int perform(struct fetch *fetch, const struct page_request *request, struct error *err)
{
        CURLcode code;
        int r = late_load(&late_curl, err);

        if (r < 0)
                return r;
        if (prepare(fetch, request) < 0)
                return error_memory(err);
        code = curl_easy_perform(fetch->curl);
        if (code == CURLE_WRITE_ERROR)
                return error_set(err, -E2BIG, _("%s is larger than %u bytes"), request->url, PAGE_BODY_MAXIMUM);
        return code == CURLE_OK ? 0 : fail(fetch->curl, code, request, err);
}

int page_probe(const struct page_request *request, struct error *err)
{
        struct fetch fetch = { .body = BUFFER_INIT(PAGE_BODY_MAXIMUM) };
        int r = perform(&fetch, request, err);

        if (r == 0)
                r = judge(&fetch, request, err);
        fetch_done(&fetch);
        return r;
}

int page_fetch(const struct page_request *request, struct page_answer *ret_answer, struct error *err)
{
        struct fetch fetch = { .body = BUFFER_INIT(PAGE_BODY_MAXIMUM) };
        struct page_answer answer = { 0 };
        int r = perform(&fetch, request, err);

        if (r == 0)
                r = digest_of_bytes(buffer_text(&fetch.body), fetch.body.length, &answer.digest, err);
        if (r == 0) {
                curl_easy_getinfo(fetch.curl, CURLINFO_RESPONSE_CODE, &answer.status);
                answer.bytes = fetch.body.length;
                *ret_answer = answer;
        }
        fetch_done(&fetch);
        return r;
}
