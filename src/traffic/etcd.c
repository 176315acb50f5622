#include "etcd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "late/curl.h"

#define TIMEOUT_MS   1500 /* of one member; a cluster that elects its leader anew needs about a second */
#define CONNECT_MS   500
#define NOT_FOUND    5  /* codes of gRPC */
#define URL_SIZE     1200

struct etcd {
        const struct config_etcd *config;
        CURL *curl;
        struct curl_slist *headers;
        size_t first; /* the member that answered last */
};

/* ---------------------------------------------------------------- answers */

/* 64-bit numbers are texts in the gateway's JSON. */
static int64_t number_of(const json_t *object, const char *key)
{
        const json_t *value = json_object_get(object, key);
        const char *text = json_string_value(value);
        uint64_t number = 0;

        if (json_is_integer(value))
                return json_integer_value(value);
        return text && text_parse_u64(text, strlen(text), INT64_MAX, &number) == 0 ? (int64_t)number : 0;
}

/* One that is too long, or no text at all, was not said. */
static void read_word(const json_t *object, const char *key, char *word, size_t size)
{
        const char *text = json_string_value(json_object_get(object, key));

        if (text && strlen(text) < size && text_is_printable(text, strlen(text)))
                memcpy(word, text, strlen(text) + 1);
}

static void read_status(const json_t *said, struct etcd_answer *answer)
{
        char leader[ETCD_NUMBER_SIZE] = "";

        read_word(json_object_get(said, "header"), "cluster_id", answer->cluster, sizeof(answer->cluster));
        read_word(said, "version", answer->version, sizeof(answer->version));
        read_word(said, "leader", leader, sizeof(leader));
        answer->led = *leader && !text_equal(leader, "0");
}

static int read_key(const json_t *range, struct etcd_answer *answer, struct error *err)
{
        const json_t *key = json_array_get(json_object_get(range, "kvs"), 0);
        const char *value = json_string_value(json_object_get(key, "value"));
        size_t length = 0;

        if (!key)
                return 0;
        answer->found = true;
        answer->created = number_of(key, "create_revision");
        answer->key_lease = number_of(key, "lease");
        if (value && (text_unbase64(value, strlen(value), answer->value, sizeof(answer->value) - 1, &length) < 0 ||
                      !text_is_printable(answer->value, length)))
                return error_set(err, -EBADMSG, _("etcd answered with a value that is none of ours"));
        answer->value[length] = '\0';
        return 0;
}

static int refused(const json_t *all, long status, struct error *err)
{
        const char *words = json_string_value(json_object_get(all, "error"));

        if (number_of(all, "code") == NOT_FOUND)
                return error_set(err, -ENOENT, _("etcd does not know that lease any more"));
        return error_set(err, -EAGAIN, _("etcd refused (status %ld): %.200s"), status, words ? words : "");
}

int etcd_answer_parse(const char *text, size_t length, long status, struct etcd_answer *ret_answer, struct error *err)
{
        _cleanup_(json_decrefp) json_t *all = json_loadb(text, length, 0, NULL);
        struct etcd_answer answer = { 0 };
        const json_t *said, *range;
        int r;

        if (status != 200)
                return refused(all, status, err);
        said = json_object_get(all, "result") ? json_object_get(all, "result") : all; /* of a stream */
        answer.revision = number_of(json_object_get(said, "header"), "revision");
        if (!json_is_object(said) || answer.revision <= 0)
                return error_set(err, -EBADMSG, _("etcd answered with something else than its JSON"));
        answer.lease = number_of(said, "ID");
        answer.ttl_s = number_of(said, "TTL");
        answer.succeeded = json_is_true(json_object_get(said, "succeeded"));
        read_status(said, &answer);
        range = json_object_get(json_array_get(json_object_get(said, "responses"), 0), "response_range");
        r = read_key(range ? range : said, &answer, err);
        if (r == 0)
                *ret_answer = answer;
        return r;
}

/* ---------------------------------------------------------------- asking */

static size_t body_arrived(char *bytes, size_t size, size_t count, void *context)
{
        struct buffer *body = context;

        return buffer_append(body, bytes, size * count) < 0 ? 0 : size * count;
}

static void set_up(struct etcd *etcd)
{
        const struct config_etcd *config = etcd->config;

        curl_easy_setopt(etcd->curl, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(etcd->curl, CURLOPT_PROXY, "");
        curl_easy_setopt(etcd->curl, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(etcd->curl, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
        curl_easy_setopt(etcd->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
        curl_easy_setopt(etcd->curl, CURLOPT_HTTPHEADER, etcd->headers);
        curl_easy_setopt(etcd->curl, CURLOPT_WRITEFUNCTION, body_arrived);
        if (config->ca)
                curl_easy_setopt(etcd->curl, CURLOPT_CAINFO, config->ca);
        if (config->cert)
                curl_easy_setopt(etcd->curl, CURLOPT_SSLCERT, config->cert);
        if (config->key)
                curl_easy_setopt(etcd->curl, CURLOPT_SSLKEY, config->key);
}

int etcd_open(const struct config_etcd *config, struct etcd **ret_etcd, struct error *err)
{
        struct etcd *etcd = memory_new(1, sizeof(*etcd));
        int r = etcd ? late_load(&late_curl, err) : error_memory(err);

        if (r < 0) {
                free(etcd);
                return r;
        }
        etcd->config = config;
        etcd->curl = curl_easy_init();
        etcd->headers = curl_slist_append(NULL, "Content-Type: application/json");
        if (!etcd->curl || !etcd->headers) {
                etcd_close(etcd);
                return error_memory(err);
        }
        set_up(etcd);
        *ret_etcd = etcd;
        return 0;
}

void etcd_close(struct etcd *etcd)
{
        if (!etcd)
                return;
        curl_easy_cleanup(etcd->curl);
        curl_slist_free_all(etcd->headers);
        free(etcd);
}

static int ask_member(struct etcd *etcd, size_t member, const char *path, const char *question, struct etcd_answer *ret_answer,
                      struct error *err)
{
        _cleanup_(buffer_done) struct buffer body = BUFFER_INIT(ETCD_ANSWER_MAXIMUM);
        char url[URL_SIZE];
        long status = 0;
        CURLcode code;

        snprintf(url, sizeof(url), "%s%s%s", etcd->config->endpoints.items[member],
                 text_ends(etcd->config->endpoints.items[member], "/") ? "" : "/", path);
        curl_easy_setopt(etcd->curl, CURLOPT_URL, url);
        curl_easy_setopt(etcd->curl, CURLOPT_POSTFIELDS, question);
        curl_easy_setopt(etcd->curl, CURLOPT_WRITEDATA, &body);
        code = curl_easy_perform(etcd->curl);
        if (code != CURLE_OK)
                return error_set(err, -EAGAIN, _("etcd at %s does not answer: %s"), etcd->config->endpoints.items[member],
                                 curl_easy_strerror(code));
        curl_easy_getinfo(etcd->curl, CURLINFO_RESPONSE_CODE, &status);
        return etcd_answer_parse(buffer_text(&body), body.length, status, ret_answer, err);
}

/* Takes the question over. */
static int ask(struct etcd *etcd, const char *path, json_t *question, struct etcd_answer *ret_answer, struct error *err)
{
        char *text = question ? json_dumps(question, JSON_COMPACT) : NULL;
        const size_t count = etcd->config->endpoints.count;
        int r = text ? -EAGAIN : error_memory(err);

        for (size_t i = 0; r == -EAGAIN && i < count; i++) {
                const size_t member = (etcd->first + i) % count;

                r = ask_member(etcd, member, path, text, ret_answer, err);
                if (r != -EAGAIN)
                        etcd->first = member;
        }
        json_decref(question);
        free(text);
        return r;
}

/* ---------------------------------------------------------------- questions */

static json_t *base64(const char *text)
{
        _cleanup_(buffer_done) struct buffer encoded = BUFFER_INIT(2 * ETCD_VALUE_SIZE);

        return text_base64(&encoded, text, strlen(text)) < 0 ? NULL : json_string(buffer_text(&encoded));
}

static json_t *as_text(int64_t number)
{
        return json_sprintf("%" PRId64, number);
}

int etcd_grant(struct etcd *etcd, int64_t ttl_s, int64_t *ret_lease, struct error *err)
{
        struct etcd_answer answer;
        int r = ask(etcd, "v3/lease/grant", json_pack("{s:o}", "TTL", as_text(ttl_s)), &answer, err);

        if (r == 0)
                *ret_lease = answer.lease;
        return r;
}

int etcd_keep_alive(struct etcd *etcd, int64_t lease, int64_t *ret_ttl_s, struct error *err)
{
        struct etcd_answer answer;
        int r = ask(etcd, "v3/lease/keepalive", json_pack("{s:o}", "ID", as_text(lease)), &answer, err);

        if (r == 0)
                *ret_ttl_s = answer.ttl_s;
        return r;
}

int etcd_revoke(struct etcd *etcd, int64_t lease, struct error *err)
{
        struct etcd_answer answer;

        return ask(etcd, "v3/lease/revoke", json_pack("{s:o}", "ID", as_text(lease)), &answer, err);
}

int etcd_get(struct etcd *etcd, const char *key, struct etcd_answer *ret_answer, struct error *err)
{
        return ask(etcd, "v3/kv/range", json_pack("{s:o}", "key", base64(key)), ret_answer, err);
}

int etcd_status(struct etcd *etcd, size_t member, struct etcd_answer *ret_answer, struct error *err)
{
        return ask_member(etcd, member, "v3/maintenance/status", "{}", ret_answer, err);
}

static json_t *condition_of(const struct etcd_condition *condition)
{
        if (condition->value)
                return json_pack("{s:s, s:s, s:o, s:o}", "target", "VALUE", "result", "EQUAL", "key", base64(condition->key), "value",
                                 base64(condition->value));
        return json_pack("{s:s, s:s, s:o, s:o}", "target", "CREATE", "result", "EQUAL", "key", base64(condition->key),
                         "create_revision", as_text(condition->created));
}

static json_t *change_of(const struct etcd_change *change)
{
        if (!change->value)
                return json_pack("{s:{s:o}}", "request_delete_range", "key", base64(change->key));
        return json_pack("{s:{s:o, s:o, s:o}}", "request_put", "key", base64(change->key), "value", base64(change->value), "lease",
                         as_text(change->lease));
}

int etcd_transact(struct etcd *etcd, const struct etcd_condition *conditions, size_t condition_count,
                  const struct etcd_change *changes, size_t change_count, struct etcd_answer *ret_answer, struct error *err)
{
        json_t *compare = json_array(), *success = json_array();
        int r = 0;

        for (size_t i = 0; r == 0 && i < condition_count; i++)
                r = json_array_append_new(compare, condition_of(&conditions[i]));
        for (size_t i = 0; r == 0 && i < change_count; i++)
                r = json_array_append_new(success, change_of(&changes[i]));
        if (r < 0) {
                json_decref(compare);
                json_decref(success);
                return error_memory(err);
        }
        return ask(etcd, "v3/kv/txn",
                   json_pack("{s:o, s:o, s:[{s:{s:o}}]}", "compare", compare, "success", success, "failure", "request_range", "key",
                             base64(conditions[0].key)),
                   ret_answer, err);
}
