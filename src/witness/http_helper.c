/* http_helper.c - the process that talks to a witness: gives its rights up, then posts what it is handed. */
#include "http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "ipc/frame.h"
#include "ipc/helper.h"
#include "ipc/sandbox.h"
#include "late/curl.h"
#include "witness/request.h"

#define MEMORY_BYTES    (UINT64_C(256) << 20)
#define HEADERS_MAXIMUM ((size_t)16 << 10)

struct helper {
        int socket;
        CURL *easy;
        struct buffer answer;
        size_t header_bytes;
        char curl_words[CURL_ERROR_SIZE];
};

static size_t on_header(char *line _unused_, size_t one _unused_, size_t length, void *context)
{
        struct helper *helper = context;

        helper->header_bytes += length;
        return helper->header_bytes > HEADERS_MAXIMUM ? 0 : length;
}

static size_t on_body(char *bytes, size_t one _unused_, size_t length, void *context)
{
        struct helper *helper = context;

        return buffer_append(&helper->answer, bytes, length) < 0 ? 0 : length;
}

static int prepare(struct helper *helper, const char *address, struct error *err)
{
        _cleanup_(buffer_done) struct buffer url = BUFFER_INIT(8192);
        struct curl_slist *headers = NULL;
        CURL *easy;
        int r = late_load(&late_curl, err);

        if (r < 0)
                return r;
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(easy = curl_easy_init()) ||
            !(headers = curl_slist_append(headers, "Content-Type: text/plain; charset=utf-8")) ||
            !curl_slist_append(headers, "Expect:"))
                return error_memory(err);
        if (buffer_printf(&url, "%s" REQUEST_PATH, address) < 0)
                return error_set(err, -ENAMETOOLONG, _("the address is too long"));
        helper->easy = easy;
        curl_easy_setopt(easy, CURLOPT_URL, url.data);
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers); /* the process keeps them until its end */
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_USERAGENT, "understudy/" UNDERSTUDY_VERSION);
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CONNECT_MS);
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)HTTP_TOTAL_MS);
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, helper->curl_words);
        curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
        curl_easy_setopt(easy, CURLOPT_HEADERDATA, helper);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, helper);
        return 0;
}

static int fail(const struct helper *helper, int code, const char *words)
{
        return frame_send(helper->socket, HTTP_FAILED, (uint64_t)code, words, strlen(words));
}

static int post(struct helper *helper, const char *body, size_t length)
{
        long status = 0;
        CURLcode code;

        buffer_clear(&helper->answer);
        helper->header_bytes = 0;
        helper->curl_words[0] = '\0';
        curl_easy_setopt(helper->easy, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(helper->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
        code = curl_easy_perform(helper->easy);
        if (code == CURLE_WRITE_ERROR)
                return fail(helper, EFBIG, _("its answer has no end"));
        if (code != CURLE_OK)
                return fail(helper, code == CURLE_OPERATION_TIMEDOUT ? ETIMEDOUT : EIO,
                            *helper->curl_words ? helper->curl_words : curl_easy_strerror(code));
        curl_easy_getinfo(helper->easy, CURLINFO_RESPONSE_CODE, &status);
        return frame_send(helper->socket, HTTP_ANSWER, (uint64_t)status, buffer_text(&helper->answer),
                          helper->answer.length);
}

void http_helper_run(int socket, const char *address)
{
        static struct helper helper = { .socket = HELPER_SOCKET, .answer = BUFFER_INIT(ANSWER_MAXIMUM) };
        struct sandbox sandbox = { .network = true, .memory_bytes = MEMORY_BYTES };
        struct error error = ERROR_NONE;
        char *body = memory_new(FRAME_BODY_MAXIMUM, 1);
        struct frame frame;
        int r;

        if (!body || helper_settle(socket) < 0)
                _exit(EXIT_FAILURE);
        r = prepare(&helper, address, &error);
        if (r == 0)
                r = sandbox_enter(&sandbox, &error);
        while (frame_receive(helper.socket, &frame, body, -1) > 0 && frame.verb == HTTP_POST)
                if ((r < 0 ? fail(&helper, -r, error.text) : post(&helper, body, frame.length)) < 0)
                        break;
        _exit(EXIT_SUCCESS);
}
