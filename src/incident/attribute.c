/* attribute.c - three sorted lists over the login records. */
#include "attribute.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "accesslog/scan.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "incident/linehash.h"
#include "incident/logins.h"

#define FILE_MAXIMUM (INT64_C(4) << 30)

void login_index_done(struct login_index *index)
{
        free(index->list);
        free(index->by_tag);
        free(index->by_address);
        free(index->by_account);
        *index = (struct login_index){ 0 };
}

void candidates_done(struct candidates *candidates)
{
        free(candidates->list);
        *candidates = (struct candidates){ 0 };
}

/* ---- reading ---- */

int login_index_add(struct login_index *index, const struct login *login, struct error *err)
{
        if (index->count == LOGINS_MAXIMUM)
                return error_set(err, -E2BIG, _("more than %u login records"), LOGINS_MAXIMUM);
        if (memory_grow(&index->list, index->count, sizeof(*index->list)) < 0)
                return error_memory(err);
        index->list[index->count++] = *login;
        return 0;
}

struct reading {
        struct login_index *index;
        const struct exposure_logins *logins;
        int64_t offset_us;
        struct gather_texts *texts;
};

static int on_row(void *context, const struct login_row *row, struct error *err)
{
        struct reading *reading = context;
        struct login login = { .time_us = row->time_us - reading->offset_us, .last = reading->logins->last };
        struct log_line line = { 0 };
        int r = intern_add(&reading->texts->accounts, row->account.text, row->account.length, &login.account, err);

        if (r == 0 && row->address.length) {
                scan_address(row->address.text, row->address.length, &line);
                r = gather_address(reading->texts, &line.address, line.address_text, &login.address, err);
        }
        if (r == 0)
                r = intern_add(&reading->texts->agents, row->agent.text, row->agent.length, &login.agent, err);
        if (r == 0)
                r = intern_add(&reading->texts->tags, row->tag.text, row->tag.length, &login.tag, err);
        return r < 0 ? r : login_index_add(reading->index, &login, err);
}

int login_index_read(struct login_index *index, const struct exposure_logins *logins, const struct clock_offset *clock,
                     uint64_t key, struct gather_texts *texts, struct exposure_login_file *file, uint64_t *invalid,
                     struct error *err)
{
        _cleanup_(fd_closep) int fd = open(logins->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        struct reading reading = { index, logins, clock->known ? clock->offset_us : 0, texts };
        uint64_t more = 0, bad = 0;
        struct stat st;
        char *bytes;
        int r;

        if (fd < 0 || fstat(fd, &st) < 0)
                return error_errno(err, errno, _("cannot read the login records %s"), logins->path);
        if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAXIMUM)
                return error_set(err, -EINVAL, _("the login records %s are no regular file, or larger than 4 GiB"),
                                 logins->path);
        bytes = st.st_size ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
        if (bytes == MAP_FAILED)
                return error_errno(err, errno, _("cannot read the login records %s"), logins->path);
        r = logins_parse(bytes ? bytes : "", (size_t)st.st_size, logins->path, on_row, &reading, &more, &bad, err);
        file->rows = more;
        file->bytes = (uint64_t)st.st_size;
        file->hash = line_hash(key, bytes ? bytes : "", (size_t)st.st_size);
        if (logins->known_bytes <= file->bytes)
                file->known_hash = line_hash(key, bytes ? bytes : "", (size_t)logins->known_bytes);
        if (bytes)
                munmap(bytes, (size_t)st.st_size);
        *invalid += bad;
        return r;
}

/* ---- the lists ---- */

static int compare_times(const void *left, const void *right)
{
        const struct login *a = left, *b = right;

        return a->time_us < b->time_us ? -1 : a->time_us > b->time_us;
}

static uint32_t key_of(const struct login *login, const struct login_index *index, const uint32_t *order)
{
        return order == index->by_tag ? login->tag : order == index->by_address ? login->address : login->account;
}

struct ordering {
        const struct login_index *index;
        const uint32_t *order;
};

static int compare_keys(const void *left, const void *right, void *context)
{
        const struct ordering *ordering = context;
        uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
        uint32_t key_a = key_of(&ordering->index->list[a], ordering->index, ordering->order);
        uint32_t key_b = key_of(&ordering->index->list[b], ordering->index, ordering->order);

        if (key_a != key_b)
                return key_a < key_b ? -1 : 1;
        return a < b ? -1 : a > b; /* the list is by time */
}

int login_index_build(struct login_index *index, struct error *err)
{
        uint32_t **orders[] = { &index->by_tag, &index->by_address, &index->by_account };

        if (index->count)
                qsort(index->list, index->count, sizeof(*index->list), compare_times);
        index->ordered = index->count;
        for (size_t i = 0; i < LENGTH(orders); i++) {
                free(*orders[i]);
                *orders[i] = memory_new(index->count ? index->count : 1, sizeof(**orders[i]));
                if (!*orders[i])
                        return error_memory(err);
                for (size_t n = 0; n < index->count; n++)
                        (*orders[i])[n] = (uint32_t)n;
                qsort_r(*orders[i], index->count, sizeof(**orders[i]), compare_keys,
                        &(struct ordering){ index, *orders[i] });
        }
        return 0;
}

/* The first place of this key at or after a time. */
static size_t find_first(const struct login_index *index, const uint32_t *order, uint32_t key, int64_t time_us)
{
        size_t low = 0, high = index->ordered;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                const struct login *login = &index->list[order[middle]];
                uint32_t there = key_of(login, index, order);

                if (there < key || (there == key && login->time_us < time_us))
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static const struct login *at(const struct login_index *index, const uint32_t *order, uint32_t key, size_t place)
{
        const struct login *login = place < index->ordered ? &index->list[order[place]] : NULL;

        return login && key_of(login, index, order) == key ? login : NULL;
}

/* ---- requests to the login ---- */

int login_index_derive(struct login_index *index, const struct response *request, int64_t time_us,
                       int64_t tolerance_us, struct error *err)
{
        /* All without an address have the key 0 of that list. */
        size_t place = find_first(index, index->by_address, 0, time_us - tolerance_us);
        const struct login *login;

        for (; (login = at(index, index->by_address, 0, place)) && login->time_us <= time_us + tolerance_us; place++) {
                struct login derived = *login;
                int r;

                derived.address = request->address;
                derived.agent = request->agent;
                derived.tag = 0;
                r = login_index_add(index, &derived, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- whose it is ---- */

static int add_candidate(struct candidates *candidates, uint32_t account, enum basis basis, struct error *err)
{
        for (size_t i = 0; i < candidates->count; i++)
                if (candidates->list[i].account == account)
                        return 0;
        if (candidates->count == candidates->capacity) {
                size_t capacity = candidates->capacity ? 2 * candidates->capacity : 16;
                struct candidate *list = memory_resize(candidates->list, capacity, sizeof(*list));

                if (!list)
                        return error_memory(err);
                candidates->list = list;
                candidates->capacity = capacity;
        }
        candidates->list[candidates->count++] = (struct candidate){ account, basis };
        return 0;
}

/* The one who had logged in last with this tag comes first, when there are several. */
static int by_tag(const struct login_index *index, uint32_t tag, int64_t time_us, struct candidates *candidates,
                  struct error *err)
{
        size_t first = find_first(index, index->by_tag, tag, INT64_MIN);
        size_t next = find_first(index, index->by_tag, tag, time_us);
        const struct login *login = next > first ? at(index, index->by_tag, tag, next - 1)
                                                 : at(index, index->by_tag, tag, next);
        int r = login ? add_candidate(candidates, login->account, BASIS_TAG, err) : 0;

        for (size_t place = first; r == 0 && (login = at(index, index->by_tag, tag, place)); place++)
                r = add_candidate(candidates, login->account, BASIS_TAG_SHARED, err);
        if (candidates->count > 1)
                candidates->list[0].basis = BASIS_TAG_SHARED;
        return r;
}

static int by_address(const struct login_index *index, const struct response *response, int64_t time_us,
                      int64_t near_us, struct candidates *candidates, struct error *err)
{
        size_t place = find_first(index, index->by_address, response->address, time_us - near_us);
        const struct login *login;
        int r = 0;

        for (; r == 0 && (login = at(index, index->by_address, response->address, place)) &&
               login->time_us <= time_us + near_us;
             place++)
                if (!login->agent || !response->agent || login->agent == response->agent)
                        r = add_candidate(candidates, login->account, BASIS_INFERRED, err);
        if (candidates->count > 1)
                for (size_t i = 0; i < candidates->count; i++)
                        candidates->list[i].basis = BASIS_INFERRED_SHARED;
        return r;
}

int login_index_candidates(const struct login_index *index, const struct response *response, int64_t time_us,
                           int64_t near_us, struct candidates *candidates, struct error *err)
{
        int r = 0;

        candidates->count = 0;
        if (response->tag)
                r = by_tag(index, response->tag, time_us, candidates, err);
        if (r == 0 && !candidates->count && response->address)
                r = by_address(index, response, time_us, near_us, candidates, err);
        return r;
}

bool login_index_logged_out(const struct login_index *index, uint32_t account, int64_t time_us, int64_t near_us)
{
        size_t place = find_first(index, index->by_account, account, time_us - near_us);
        const struct login *login = at(index, index->by_account, account, place);

        return login && login->time_us > time_us && login->time_us <= time_us + near_us;
}
