/* deadman.c - heartbeats as bytes, and the rule of silence. */
#include "notify/deadman.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/text.h"
#include "crypto/ed25519.h"

#define MEMBER_HMAC ",\"hmac\":\""

enum deadman_verdict notify_deadman_check(int64_t seen_ms, int64_t interval_ms, int64_t now_ms, bool alerted)
{
        bool silent = now_ms - seen_ms >= DEADMAN_MISSED * interval_ms;

        if (silent == alerted)
                return DEADMAN_QUIET;
        return silent ? DEADMAN_ALERT : DEADMAN_RECOVERED;
}

bool beat_name_is_good(const char *name)
{
        size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");

        return length > 0 && length < BEAT_NAME_SIZE && name[length] == '\0' && name[0] != '.';
}

static int format_body(const struct beat *beat, struct buffer *out)
{
        char when[CLOCK_TEXT_SIZE];

        clock_format_utc(beat->time, when);
        return buffer_printf(out,
                             "{\"name\":\"%s\",\"instance\":\"%s\",\"sequence\":%" PRIu64
                             ",\"time\":\"%s\",\"interval\":%" PRIu32 ",\"stopping\":%s",
                             beat->name, beat->instance, beat->sequence, when, beat->interval_s,
                             beat->stopping ? "true" : "false");
}

int beat_format(const struct beat *beat, const struct webhook_key *key, struct buffer *out, struct error *err)
{
        size_t start = out->length;
        char hex[DIGEST_HEX_SIZE];
        struct digest digest;
        int r;

        if (format_body(beat, out) < 0)
                return error_memory(err);
        if (key->length > 0) {
                r = hmac_sha256(key->bytes, key->length, out->data + start, out->length - start, &digest, err);
                if (r < 0)
                        return r;
                digest_hex(&digest, hex);
                if (buffer_printf(out, MEMBER_HMAC "%s\"", hex) < 0)
                        return error_memory(err);
        }
        return buffer_append_text(out, "}\n") < 0 ? error_memory(err) : 0;
}

static int not_a_beat(struct error *err)
{
        return error_set(err, -EBADMSG, "%s", _("it is not a heartbeat"));
}

static bool get_members(const json_t *json, struct beat *beat)
{
        const char *name = json_string_value(json_object_get(json, "name"));
        const char *instance = json_string_value(json_object_get(json, "instance"));
        const char *when = json_string_value(json_object_get(json, "time"));
        const json_t *sequence = json_object_get(json, "sequence"), *interval = json_object_get(json, "interval"),
                     *stopping = json_object_get(json, "stopping");

        if (!name || !beat_name_is_good(name) || !instance || strlen(instance) != BEAT_INSTANCE_SIZE - 1 ||
            strspn(instance, "0123456789abcdef") != BEAT_INSTANCE_SIZE - 1 || !when ||
            clock_parse_utc(when, &beat->time) < 0 || !json_is_integer(sequence) || json_integer_value(sequence) < 0 ||
            !json_is_integer(interval) || json_integer_value(interval) < 1 ||
            json_integer_value(interval) > DEADMAN_INTERVAL_MAXIMUM || !json_is_boolean(stopping))
                return false;
        snprintf(beat->name, sizeof(beat->name), "%s", name);
        snprintf(beat->instance, sizeof(beat->instance), "%s", instance);
        beat->sequence = (uint64_t)json_integer_value(sequence);
        beat->interval_s = (uint32_t)json_integer_value(interval);
        beat->stopping = json_is_true(stopping);
        return true;
}

/* In constant time: how far a forgery was right is not told. */
static bool same_bytes(const uint8_t *a, const uint8_t *b, size_t length)
{
        unsigned int difference = 0;

        for (size_t i = 0; i < length; i++)
                difference |= (unsigned int)(a[i] ^ b[i]);
        return difference == 0;
}

/* The HMAC at the end of the line over what is before it. */
static int check_hmac(const char *bytes, size_t body, const char *tail, size_t tail_length,
                      const struct webhook_key *key, struct error *err)
{
        struct digest given, right;
        size_t prefix = strlen(MEMBER_HMAC);
        int r;

        if (tail_length != prefix + 2 * DIGEST_SIZE + strlen("\"}\n") || memcmp(tail, MEMBER_HMAC, prefix) != 0 ||
            digest_parse(tail + prefix, 2 * DIGEST_SIZE, &given) < 0)
                return error_set(err, -EKEYREJECTED, "%s", _("the heartbeat is not authenticated"));
        r = hmac_sha256(key->bytes, key->length, bytes, body, &right, err);
        if (r < 0)
                return r;
        if (!same_bytes(given.bytes, right.bytes, DIGEST_SIZE))
                return error_set(err, -EKEYREJECTED, "%s", _("the heartbeat was not written with our key"));
        return 0;
}

int beat_parse(const char *bytes, size_t length, const struct webhook_key *key, struct beat *ret_beat,
               struct error *err)
{
        _cleanup_(buffer_done) struct buffer again = BUFFER_INIT(BEAT_MAXIMUM);
        struct beat beat = { .sequence = 0 };
        json_t *json = length <= BEAT_MAXIMUM ? json_loadb(bytes, length, JSON_REJECT_DUPLICATES, NULL) : NULL;
        bool good = json_is_object(json) && get_members(json, &beat);
        int r;

        json_decref(json);
        if (!good)
                return not_a_beat(err);
        if (format_body(&beat, &again) < 0)
                return error_memory(err);
        if (again.length > length || memcmp(again.data, bytes, again.length) != 0) /* one spelling only */
                return not_a_beat(err);
        if (key->length > 0) {
                r = check_hmac(bytes, again.length, bytes + again.length, length - again.length, key, err);
                if (r < 0)
                        return r;
        }
        *ret_beat = beat;
        return 0;
}

bool deadman_is_new(struct deadman_seen *seen, const struct beat *beat)
{
        if (text_equal(seen->instances[seen->newest], beat->instance)) {
                if (beat->sequence <= seen->sequence)
                        return false;
                seen->sequence = beat->sequence;
                return true;
        }
        for (unsigned int i = 0; i < DEADMAN_INSTANCES; i++)
                if (text_equal(seen->instances[i], beat->instance))
                        return false;
        seen->newest = (seen->newest + 1) % DEADMAN_INSTANCES;
        snprintf(seen->instances[seen->newest], BEAT_INSTANCE_SIZE, "%s", beat->instance);
        seen->sequence = beat->sequence;
        return true;
}
