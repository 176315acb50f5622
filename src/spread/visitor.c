#include "visitor.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/hash.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "crypto/blake2b.h"

#define RECENT 32768U /* a power of two */

struct recent {
        uint64_t visitor; /* 0: nobody */
        uint64_t agent;
        uint8_t address[16];
        int32_t day;
};

struct visitors_recent {
        const char *site;
        struct recent *recent; /* RECENT */
        struct buffer plain;
};

_Static_assert(sizeof(((struct recent *)0)->address) == sizeof(((struct log_line *)0)->address.bytes),
               "an address is kept in all of its bits");

int visitors_recent_new(const char *site, struct visitors_recent **ret_recent)
{
        struct visitors_recent *recent = memory_new(1, sizeof(*recent));

        if (!recent)
                return -ENOMEM;
        hash_start();
        recent->site = site;
        recent->plain = (struct buffer)BUFFER_INIT(4 * LOG_LINE_MAXIMUM);
        recent->recent = memory_new(RECENT, sizeof(*recent->recent));
        if (!recent->recent) {
                visitors_recent_free(recent);
                return -ENOMEM;
        }
        *ret_recent = recent;
        return 0;
}

void visitors_recent_forget(struct visitors_recent *recent)
{
        memory_wipe(recent->recent, RECENT * sizeof(*recent->recent));
        if (recent->plain.data) {
                memory_wipe(recent->plain.data, recent->plain.length);
                buffer_clear(&recent->plain);
        }
}

void visitors_recent_free(struct visitors_recent *recent)
{
        if (!recent)
                return;
        if (recent->recent)
                visitors_recent_forget(recent);
        free(recent->recent);
        buffer_done(&recent->plain);
        free(recent);
}

static int put_address(struct buffer *plain, const struct log_line *line)
{
        uint32_t length = line->address_text.length;
        int r;

        if (line->address.numeric)
                return buffer_append(plain, line->address.bytes, sizeof(line->address.bytes));
        r = buffer_append(plain, "\0name of a client\0", 18); /* longer than any address, so never the same as one */
        if (r == 0)
                r = buffer_append(plain, &length, sizeof(length));
        return r == 0 && length ? buffer_append(plain, line->address_text.text, length) : r;
}

static int hash_visitor(struct visitors_recent *recent, const uint8_t salt[static SALT_SIZE],
                        const struct log_line *line, uint64_t *ret_visitor)
{
        struct buffer *plain = &recent->plain;
        uint64_t hash;
        int r;

        buffer_clear(plain);
        r = buffer_append(plain, salt, SALT_SIZE);
        if (r == 0)
                r = buffer_append(plain, recent->site, strlen(recent->site) + 1);
        if (r == 0)
                r = put_address(plain, line);
        if (r == 0 && line->agent.length)
                r = buffer_append(plain, line->agent.text, line->agent.length);
        if (r < 0)
                return r;
        blake2b(plain->data, plain->length, (uint8_t *)&hash, sizeof(hash));
        *ret_visitor = hash ? hash : 1;
        return 0;
}

static bool is_same(const struct recent *one, int32_t day, uint64_t agent, const uint8_t address[static 16])
{
        return one->visitor && one->agent == agent && one->day == day &&
               memcmp(one->address, address, sizeof(one->address)) == 0;
}

int visitors_recent_find(struct visitors_recent *recent, int32_t day, const uint8_t salt[static SALT_SIZE],
                         const struct log_line *line, uint64_t agent, uint64_t *ret_visitor)
{
        const uint8_t *address = line->address.bytes;
        struct recent *one;
        int r;

        if (!agent || !line->address.numeric)
                return hash_visitor(recent, salt, line, ret_visitor);
        one = &recent->recent[hash_bytes((const char *)address, sizeof(one->address), agent) % RECENT];
        if (!is_same(one, day, agent, address)) {
                r = hash_visitor(recent, salt, line, &one->visitor);
                if (r < 0) {
                        one->visitor = 0;
                        return r;
                }
                one->agent = agent;
                one->day = day;
                memcpy(one->address, address, sizeof(one->address));
        }
        *ret_visitor = one->visitor;
        return 0;
}
