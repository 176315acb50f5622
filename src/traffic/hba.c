#include "hba.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/i18n.h"
#include "base/text.h"

#define BEGIN "# BEGIN understudy"
#define END   "# END understudy"

static bool begins(const char *line, size_t length, const char *mark)
{
        return length >= strlen(mark) && memcmp(line, mark, strlen(mark)) == 0;
}

static int append_reject(struct buffer *out, const struct peer *peer)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < peer->address_count; i++) {
                char text[PEER_ADDRESS_TEXT];

                peer_address_text(&peer->addresses[i], text);
                /* "all" does not cover replication, by which the whole database could be read. */
                r = buffer_printf(out, "host all,replication all %s/%d reject\n", text,
                                  peer->addresses[i].family == AF_INET ? 32 : 128);
        }
        return r;
}

static int append_block(struct buffer *out, const struct hba_block *block)
{
        const uint8_t *c = block->canary;
        int r = buffer_printf(
                out, BEGIN " (epoch %" PRIu64 "): kept by Understudy; what is changed between these marks is lost\n",
                block->epoch);

        for (size_t i = 0; r == 0 && i < block->out_count; i++)
                r = append_reject(out, block->out[i]);
        if (r == 0)
                r = buffer_printf(out, "host " HBA_CANARY " " HBA_CANARY " %u.%u.%u.%u/32 %s\n" END "\n", c[0], c[1],
                                  c[2], c[3], block->canary_method);
        return r;
}

int hba_compose(const char *text, size_t length, const struct hba_block *block, struct buffer *out, struct error *err)
{
        const char *cursor = text, *line;
        bool inside = false, broken = false;
        size_t line_length;
        int r = block ? append_block(out, block) : 0;

        while (r == 0 && !broken && text_next_line(&cursor, text + length, &line, &line_length)) {
                bool begin = begins(line, line_length, BEGIN), end = begins(line, line_length, END);

                broken = (begin && inside) || (end && !inside);
                if (begin || end)
                        inside = begin;
                else if (!inside)
                        r = buffer_append(out, line, (size_t)(cursor - line));
        }
        if (r == -E2BIG)
                return error_set(err, r, _("pg_hba.conf is too large"));
        if (r < 0)
                return error_memory(err);
        if (inside || broken)
                return error_set(
                        err, -EINVAL,
                        _("the marks \"%s\" and \"%s\" in pg_hba.conf do not fit each other; remove both, with "
                          "the lines between them"),
                        BEGIN, END);
        return 0;
}
