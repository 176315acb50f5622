/* message.c - the lines of a message. */
#include "notify/message.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/ed25519.h"

#define WHAT_SHORT 400 /* bytes of a sentence that fit into a slot whatever else is in it */

int message_id_make(char id[static MESSAGE_ID_SIZE], struct error *err)
{
        struct timespec now;
        uint64_t chance = 0;
        int r = random_secret(&chance, sizeof(chance), err);

        if (r < 0)
                return r;
        clock_gettime(CLOCK_REALTIME, &now);
        snprintf(id, MESSAGE_ID_SIZE, "%016llx-%016llx",
                 (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000,
                 (unsigned long long)chance);
        return 0;
}

bool message_id_is_good(const char *id)
{
        static const char digits[] = "0123456789abcdef";

        return strlen(id) == MESSAGE_ID_SIZE - 1 && strspn(id, digits) == 16 && id[16] == '-' &&
               strspn(id + 17, digits) == 16;
}

static char *format(const struct alert *alert, uint64_t number, enum alert_severity worst, size_t what_maximum,
                    bool with_details)
{
        json_t *object = alert_to_json(alert, what_maximum, with_details), *line;
        char *text;

        if (!object)
                return NULL;
        line = json_pack("{s:I, s:i, s:o}", "n", (json_int_t)number, "worst", (int)worst, "alert", object);
        text = line ? json_dumps(line, JSON_COMPACT) : NULL;
        json_decref(line);
        return text;
}

int message_format(const struct alert *alert, struct buffer *out, struct error *err)
{
        _cleanup_(memory_freep) char *line = NULL;
        int r = alert_check(alert, err);

        if (r < 0)
                return r;
        line = format(alert, 1, alert->severity, ALERT_WHAT_MAXIMUM, true);
        if (!line || buffer_append_text(out, line) < 0 || buffer_append_byte(out, '\n') < 0)
                return error_memory(err);
        return 0;
}

int message_format_slot(const struct alert *alert, uint64_t number, enum alert_severity worst,
                        char slot[static MESSAGE_SLOT], uint64_t *ret_offset, struct error *err)
{
        static const struct {
                size_t what_maximum;
                bool with_details;
        } ways[] = {
                {ALERT_WHAT_MAXIMUM,  true },
                { ALERT_WHAT_MAXIMUM, false},
                { WHAT_SHORT,         false},
        };
        uint64_t place =
                number <= MESSAGE_FIRST ? number - 1 : MESSAGE_FIRST + (number - MESSAGE_FIRST - 1) % MESSAGE_LAST;
        int r = alert_check(alert, err);

        if (r < 0)
                return r;
        for (size_t i = 0; i < LENGTH(ways); i++) {
                _cleanup_(memory_freep) char *line =
                        format(alert, number, worst, ways[i].what_maximum, ways[i].with_details);
                size_t length = line ? strlen(line) : 0;

                if (!line)
                        return error_memory(err);
                if (length >= MESSAGE_SLOT)
                        continue;
                memset(slot, ' ', MESSAGE_SLOT);
                memcpy(slot, line, length);
                slot[MESSAGE_SLOT - 1] = '\n';
                *ret_offset = place * MESSAGE_SLOT;
                return 0;
        }
        return error_set(err, -E2BIG, _("an alert of the kind '%s' is too large"), alert->kind);
}

/* ---- reading ---- */

static bool parse_line(const char *line, size_t length, struct message_entry *ret_entry, enum alert_severity *ret_worst)
{
        json_t *json = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
        json_int_t number = json_integer_value(json_object_get(json, "n"));
        json_int_t worst = json_integer_value(json_object_get(json, "worst"));

        if (json_is_object(json) && number > 0 && worst >= ALERT_INFORMATIONAL && worst <= ALERT_CRITICAL &&
            alert_from_json(json_object_get(json, "alert"), &ret_entry->alert) == 0) {
                ret_entry->number = (uint64_t)number;
                ret_entry->json = json;
                *ret_worst = (enum alert_severity)worst;
                return true;
        }
        json_decref(json);
        return false;
}

static bool has_number(const struct message *message, uint64_t number)
{
        for (size_t i = 0; i < message->entry_count; i++)
                if (message->entries[i].number == number)
                        return true;
        return false;
}

static int compare(const void *a, const void *b)
{
        const struct message_entry *left = a, *right = b;

        return left->number < right->number ? -1 : left->number > right->number;
}

int message_parse(const char *bytes, size_t length, const char *id, struct message *ret_message, struct error *err)
{
        struct message message = { .count = 0 };
        const char *cursor = bytes, *end = bytes + length, *line;
        size_t line_length;

        snprintf(message.id, sizeof(message.id), "%s", id);
        while (length <= MESSAGE_MAXIMUM && text_next_line(&cursor, end, &line, &line_length)) {
                struct message_entry *entry = &message.entries[message.entry_count];
                enum alert_severity worst;

                while (line_length > 0 && (*line == '\0' || *line == ' ')) {
                        line++;
                        line_length--;
                }
                if (message.entry_count == LENGTH(message.entries) || !parse_line(line, line_length, entry, &worst))
                        continue;
                if (has_number(&message, entry->number)) {
                        json_decref(entry->json);
                        continue;
                }
                message.entry_count++;
                if (entry->number > message.count)
                        message.count = entry->number;
                if (worst > message.worst)
                        message.worst = worst;
        }
        if (message.entry_count == 0)
                return error_set(err, -EBADMSG, _("the alert %s in the queue cannot be read"), id);
        qsort(message.entries, message.entry_count, sizeof(message.entries[0]), compare);
        *ret_message = message;
        return 0;
}

void message_done(struct message *message)
{
        for (size_t i = 0; i < message->entry_count; i++)
                json_decref(message->entries[i].json);
        message->entry_count = 0;
}

int message_headline(const struct message *message, struct buffer *out)
{
        const struct alert *alert = &message->entries[0].alert;

        if (message->count == 1)
                return buffer_append_text(out, alert->what);
        return buffer_printf(out, _("%" PRIu64 " more alerts, such as: %s"), message->count, alert->what);
}
