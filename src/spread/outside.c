#include "outside.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analyze/tag.h"
#include "base/buffer.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "late/curl.h"

#define URL_MAXIMUM 4096
#define WAIT_MS     50

/* A visitor's, so that whoever gives another script to visitors gives it to us. */
#define AGENT "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"

struct fetch {
        struct outside_look *look;
        CURL *easy;
        struct buffer url, body;
        bool too_long;
        char words[CURL_ERROR_SIZE];
};

/* ---------------------------------------------------------------- comparing */

int outside_compare(const char *server, const char *url, long status, const void *bytes, size_t length,
                    struct error *err)
{
        _cleanup_(buffer_done) struct buffer hash = BUFFER_INIT(TAG_NAME_SIZE);
        struct tag tag = { 0 };
        struct digest digest;
        bool same;
        int r;

        if (status != 200)
                return error_refuse(err,
                                 _("the analysis server %s is left out: it does not give out the tag's script, %s (status "
                                   "%ld)"),
                                 server, url, status);
        r = digest_of_bytes(bytes, length, &digest, err);
        if (r == 0)
                r = tag_make(TAG_PREFIX, &tag, err);
        if (r < 0)
                return r;
        if (buffer_append_text(&hash, "sha256-") < 0 || text_base64(&hash, digest.bytes, sizeof(digest.bytes)) < 0)
                r = error_memory(err);
        same = r == 0 && strcmp(buffer_text(&hash), tag.integrity) == 0;
        if (r == 0 && !same)
                r = error_refuse(err,
                              _("the analysis server %s is left out: %s is not the tag's script: its hash is %s, integrity "
                                "is %s; look at what it gave out, and tell the owners of the sites in 'understudy analyze "
                                "embedders'"),
                              server, url, buffer_text(&hash), tag.integrity);
        tag_done(&tag);
        return r;
}

/* ---------------------------------------------------------------- fetching */

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
        struct fetch *fetch = context;

        if (buffer_append(&fetch->body, bytes, size * count) == 0)
                return size * count;
        fetch->too_long = true;
        return 0;
}

static int begin(struct fetch *fetch, const struct tag *tag, int64_t deadline_ms)
{
        CURL *easy;

        fetch->url = (struct buffer)BUFFER_INIT(URL_MAXIMUM);
        fetch->body = (struct buffer)BUFFER_INIT(OUTSIDE_BYTES_MAXIMUM);
        if (buffer_printf(&fetch->url, "%s%s", fetch->look->place, tag->name) < 0 || !(easy = curl_easy_init()))
                return -ENOMEM;
        fetch->easy = easy;
        curl_easy_setopt(easy, CURLOPT_URL, buffer_text(&fetch->url));
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_USERAGENT, AGENT);
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->words);
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)deadline_ms);
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)deadline_ms);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch);
        return 0;
}

static int judge(struct fetch *fetch, CURLcode code)
{
        struct outside_look *look = fetch->look;
        long status = 0;

        curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
        if (code == CURLE_OK)
                return outside_compare(look->server, buffer_text(&fetch->url), status, buffer_text(&fetch->body),
                                       fetch->body.length, &look->error);
        if (fetch->too_long)
                return error_refuse(&look->error,
                                 _("the analysis server %s is left out: %s is not the tag's script: it is far longer"),
                                 look->server, buffer_text(&fetch->url));
        return error_refuse(&look->error,
                         _("the analysis server %s is left out: the tag's script cannot be fetched from %s: %s"),
                         look->server, buffer_text(&fetch->url),
                         *fetch->words ? fetch->words : curl_easy_strerror(code));
}

static void take_results(CURLM *multi, struct fetch fetches[], size_t count)
{
        const CURLMsg *message;
        int left;

        while ((message = curl_multi_info_read(multi, &left)))
                for (size_t i = 0; i < count; i++)
                        if (message->msg == CURLMSG_DONE && fetches[i].easy == message->easy_handle)
                                fetches[i].look->result = judge(&fetches[i], message->data.result);
}

static void run(CURLM *multi, struct fetch fetches[], size_t count)
{
        int running = 0;

        while (curl_multi_perform(multi, &running) == CURLM_OK && running > 0)
                if (curl_multi_poll(multi, NULL, 0, WAIT_MS, NULL) != CURLM_OK)
                        break;
        take_results(multi, fetches, count);
}

static int look_all(struct fetch fetches[], struct outside_look looks[], size_t count, int64_t deadline_ms,
                    const struct tag *tag, struct error *err)
{
        CURLM *multi = curl_multi_init();
        size_t begun = 0;
        int r = multi ? 0 : -ENOMEM;

        for (size_t i = 0; i < count && r == 0; i++) {
                looks[i].result = looks[i].place ? error_memory(&looks[i].error) : 0;
                if (!looks[i].place)
                        continue;
                fetches[begun].look = &looks[i];
                r = begin(&fetches[begun++], tag, deadline_ms);
                if (r == 0 && curl_multi_add_handle(multi, fetches[begun - 1].easy) != CURLM_OK)
                        r = -ENOMEM;
        }
        if (r == 0)
                run(multi, fetches, begun);
        for (size_t i = 0; i < begun; i++) {
                if (fetches[i].easy)
                        curl_multi_remove_handle(multi, fetches[i].easy);
                curl_easy_cleanup(fetches[i].easy);
                buffer_done(&fetches[i].url);
                buffer_done(&fetches[i].body);
        }
        curl_multi_cleanup(multi);
        return r < 0 ? error_memory(err) : 0;
}

int outside_look(struct outside_look looks[], size_t count, int64_t deadline_ms, struct error *err)
{
        struct fetch *fetches = memory_new(count + 1, sizeof(*fetches));
        struct tag tag = { 0 };
        int r = fetches ? late_load(&late_curl, err) : error_memory(err);

        if (r == 0 && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                r = error_memory(err);
        if (r == 0)
                r = tag_make(TAG_PREFIX, &tag, err);
        if (r == 0)
                r = look_all(fetches, looks, count, deadline_ms, &tag, err);
        tag_done(&tag);
        free(fetches);
        return r;
}
