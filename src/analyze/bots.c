/* bots.c - the list of bots and looking through it. */
#include "bots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/bots_private.h"
#include "base/buffer.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"

#define LIST_MAXIMUM (4U << 20)
#define BOTS_MAXIMUM 60000
#define BUCKETS      8192
#define ANCHOR       3 /* bytes of a text that choose its bucket; no text is shorter */

struct bot {
        const char *text; /* without ^ and $; NUL-terminated, may hold '*' */
        uint32_t length;
        uint16_t next; /* in its bucket, 0: the last */
        bool at_start, at_end;
        bool weak; /* tells a robot, but not which */
        char *name;
};

struct bots {
        struct buffer list;
        struct bot *bots; /* from 1 on */
        size_t count, capacity;
        uint16_t buckets[BUCKETS];
};

static size_t bucket_of(const char *text)
{
        const unsigned char *p = (const unsigned char *)text;

        return ((size_t)p[0] * 131 + (size_t)p[1] * 4099 + (size_t)p[2] * 31) % BUCKETS;
}

/* What people read: without a '/' or other signs at the edges. */
static char *name_of(const char *text, size_t length)
{
        while (length > 1 && strchr("/:(+ ", text[length - 1]))
                length--;
        while (length > 1 && strchr("/( ", *text)) {
                text++;
                length--;
        }
        return memory_copy(text, length);
}

static int add(struct bots *bots, char *line, size_t length, const char *path, struct error *err)
{
        struct bot bot = { .weak = *line == '~' };
        size_t bucket;

        if (bot.weak) {
                line++;
                length--;
        }
        bot.at_start = length && *line == '^';
        if (bot.at_start) {
                line++;
                length--;
        }
        if (length && line[length - 1] == '$') {
                bot.at_end = true;
                length--;
        }
        line[length] = '\0';
        if (length < ANCHOR || memchr(line, '*', ANCHOR))
                return error_usage(err, _("the list of bots %s has a text that is shorter than %d bytes: '%s'"), path,
                                   ANCHOR, line);
        if (bots->count + 1 >= bots->capacity) {
                size_t capacity = bots->capacity ? bots->capacity * 2 : 2048;
                struct bot *grown = memory_resize(bots->bots, capacity, sizeof(*grown));

                if (!grown)
                        return error_memory(err);
                bots->bots = grown;
                bots->capacity = capacity;
        }
        if (bots->count == BOTS_MAXIMUM)
                return error_usage(err, _("the list of bots %s has more than %d lines"), path, BOTS_MAXIMUM);
        bot.text = line;
        bot.length = (uint32_t)length;
        bot.name = bot.weak ? memory_string("other") : name_of(line, length);
        if (!bot.name)
                return error_memory(err);
        bucket = bucket_of(line);
        bot.next = bots->buckets[bucket];
        bots->bots[++bots->count] = bot;
        bots->buckets[bucket] = (uint16_t)bots->count;
        return 0;
}

static int read_list(struct bots *bots, const char *path, struct error *err)
{
        _cleanup_(fd_closep) int fd = -1;
        int r;

        if (!path)
                return buffer_append(&bots->list, bots_compiled_in, strlen(bots_compiled_in)) < 0 ? error_memory(err)
                                                                                                  : 0;
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return error_errno(err, errno, _("cannot open the list of bots %s"), path);
        r = read_to_end(fd, &bots->list);
        return r < 0 ? error_errno(err, -r, _("cannot read the list of bots %s"), path) : 0;
}

int bots_load(const char *path, struct bots **ret_bots, struct error *err)
{
        struct bots *bots = memory_new(1, sizeof(*bots));
        const char *cursor, *end, *line;
        size_t length;
        int r;

        if (!bots)
                return error_memory(err);
        bots->list = (struct buffer)BUFFER_INIT(LIST_MAXIMUM);
        r = read_list(bots, path, err);
        cursor = buffer_text(&bots->list);
        end = cursor + bots->list.length;
        while (r == 0 && text_next_line(&cursor, end, &line, &length))
                if (length && *line != '#')
                        r = add(bots, bots->list.data + (line - bots->list.data), length, path ? path : "bots.txt",
                                err);
        if (r < 0) {
                bots_free(bots);
                return r;
        }
        *ret_bots = bots;
        return 0;
}

void bots_free(struct bots *bots)
{
        if (!bots)
                return;
        for (size_t i = 1; i <= bots->count; i++)
                free(bots->bots[i].name);
        free(bots->bots);
        buffer_done(&bots->list);
        free(bots);
}

/* Whether the text fits at `at`. What stands behind a '*' is looked for in the rest, the first place counts: with '$'
 * behind the last part, its last place. */
static bool fits(const struct bot *bot, const char *at, const char *end)
{
        const char *part = bot->text, *stop = bot->text + bot->length;

        for (bool first = true;; first = false) {
                const char *star = memchr(part, '*', (size_t)(stop - part));
                size_t length = (size_t)((star ? star : stop) - part);

                if ((size_t)(end - at) < length)
                        return false;
                if (first) {
                        if (memcmp(at, part, length) != 0)
                                return false;
                        at += length;
                } else if (!star && bot->at_end) {
                        return memcmp(end - length, part, length) == 0;
                } else {
                        const char *found = memmem(at, (size_t)(end - at), part, length);

                        if (!found)
                                return false;
                        at = found + length;
                }
                if (!star)
                        return !bot->at_end || at == end;
                part = star + 1;
        }
}

/* Whether a names the bot rather than b: the longer one does, of equal ones the first in the list. */
static bool is_better(const struct bots *bots, uint16_t a, uint16_t b)
{
        const struct bot *first = &bots->bots[a], *second = &bots->bots[b];

        if (b == 0 || first->weak != second->weak)
                return b == 0 || second->weak;
        return first->length != second->length ? first->length > second->length : a < b;
}

uint16_t bots_find(const struct bots *bots, const char *agent, size_t length)
{
        const char *end = agent + length;
        uint16_t best = 0;

        for (const char *at = agent; end - at >= ANCHOR; at++) {
                for (uint16_t i = bots->buckets[bucket_of(at)]; i; i = bots->bots[i].next) {
                        const struct bot *bot = &bots->bots[i];

                        if (is_better(bots, i, best) && (!bot->at_start || at == agent) && fits(bot, at, end))
                                best = i;
                }
        }
        return best;
}

const char *bots_name(const struct bots *bots, uint16_t number)
{
        return bots->bots[number].name;
}

size_t bots_count(const struct bots *bots)
{
        return bots->count;
}
