#include "carry/book.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/lock.h"
#include "base/text.h"

#define BOOK_FILE    "book.json"
#define SUMS_FILE    "sums.json"
#define BOOK_MAXIMUM 4096
#define SUMS_MAXIMUM (64U << 10)
#define LIST_MAXIMUM (256U << 20) /* bytes of a bucket's list */

/* ---- JSON files ---- */

/* NULL: it is not there, or damaged. */
static json_t *read_json(int folder, const char *name, size_t maximum)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(maximum);

        return file_read(folder, name, &text, NULL) < 0 ? NULL
                                                        : json_loadb(buffer_text(&text), text.length, JSON_REJECT_DUPLICATES, NULL);
}

/* Takes the reference; NULL: there was no memory for it. */
static int write_json(int folder, const char *name, json_t *json, struct error *err)
{
        char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
        int r = text ? file_replace(folder, name, text, strlen(text), 0600, err) : error_memory(err);

        free(text);
        json_decref(json);
        return r;
}

static uint64_t number_of(const json_t *json, const char *member)
{
        const json_int_t value = json_integer_value(json_object_get(json, member));

        return value < 0 ? 0 : (uint64_t)value;
}

/* ---- the book ---- */

static bool read_book(struct carry_book *book)
{
        json_t *json = read_json(book->folder, BOOK_FILE, BOOK_MAXIMUM);
        const char *stage = json_string_value(json_object_get(json, "stage"));
        const char *time = json_string_value(json_object_get(json, "time"));
        bool whole = stage && time && strlen(stage) < sizeof(book->stage) && clock_parse_utc(time, &book->time) == 0;

        if (whole)
                snprintf(book->stage, sizeof(book->stage), "%s", stage);
        book->areas = number_of(json, "areas");
        book->files = number_of(json, "files");
        book->bytes = number_of(json, "bytes");
        book->refused = number_of(json, "refused");
        book->conflicts = number_of(json, "conflicts");
        json_decref(json);
        return whole;
}

static int take_lock(struct carry_book *book, int64_t wait_ms, struct error *err)
{
        int r;

        book->lock = openat(book->folder, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (book->lock < 0)
                return error_errno(err, errno, _("cannot open carried/lock in the state folder"));
        r = lock_wait(book->lock, LOCK_EX, wait_ms);
        if (r == -EBUSY)
                error_refuse(err, _("mutable areas are being carried over already; wait until that has ended"));
        else if (r < 0)
                error_errno(err, -r, _("cannot lock carried/lock in the state folder"));
        return r;
}

int carry_book_open(struct carry_book *book, const char *state, int64_t wait_ms, struct error *err)
{
        _cleanup_(fd_closep) int base = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r = base < 0 ? error_errno(err, errno, _("cannot open the state folder %s"), state)
                         : directory_make(base, "carried", 0700, err);

        if (r < 0)
                return r;
        book->folder = open_beneath(base, "carried", O_RDONLY | O_DIRECTORY, 0, BENEATH_STRICT);
        if (book->folder < 0)
                return error_errno(err, -book->folder, _("cannot open carried in the state folder"));
        r = take_lock(book, wait_ms, err);
        if (r == 0)
                (void)read_book(book);
        return r;
}

int carry_book_read(struct carry_book *book, const char *state, struct error *err)
{
        _cleanup_(fd_closep) int base = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        book->folder = base < 0 ? -1 : open_beneath(base, "carried", O_RDONLY | O_DIRECTORY, 0, BENEATH_STRICT);
        if (book->folder < 0 || !read_book(book))
                return error_set(err, -ENOENT, _("mutable areas were never carried over"));
        return 0;
}

void carry_book_close(struct carry_book *book)
{
        fd_close(&book->lock);
        fd_close(&book->folder);
}

int carry_book_record(struct carry_book *book, const char *stage, struct error *err)
{
        char now[CLOCK_TEXT_SIZE];

        book->time = clock_now();
        clock_format_utc(book->time, now);
        snprintf(book->stage, sizeof(book->stage), "%s", stage);
        return write_json(book->folder, BOOK_FILE,
                          json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "time", now, "stage", stage, "areas",
                                    (json_int_t)book->areas, "files", (json_int_t)book->files, "bytes", (json_int_t)book->bytes, "refused",
                                    (json_int_t)book->refused, "conflicts", (json_int_t)book->conflicts), err);
}

/* ---- sums ---- */

static int read_sums(struct carry_sums *sums, struct error *err)
{
        json_t *json = read_json(sums->folder, SUMS_FILE, SUMS_MAXIMUM);
        const json_t *buckets = json_object_get(json, "buckets"), *counts = json_object_get(json, "counts");
        const struct carry_list nothing = CARRY_LIST_EMPTY;
        struct digest empty;
        int r = carry_list_digest(&nothing, &empty, err);

        for (size_t i = 0; i < CARRY_BUCKETS && r == 0; i++) {
                const char *hex = json_string_value(json_array_get(buckets, i));
                const json_int_t count = json_integer_value(json_array_get(counts, i));

                if (hex && count >= 0 && digest_parse(hex, strlen(hex), &sums->buckets[i]) == 0)
                        sums->counts[i] = (uint64_t)count;
                else
                        sums->buckets[i] = empty;
        }
        json_decref(json);
        return r;
}

int carry_sums_open(const struct carry_book *book, const char *area, struct carry_sums *sums, struct error *err)
{
        char hex[DIGEST_HEX_SIZE];
        struct digest digest;
        int r = digest_of_bytes(area, strlen(area), &digest, err);

        *sums = (struct carry_sums){ .folder = -1 };
        if (r < 0)
                return r;
        digest_hex(&digest, hex);
        hex[32] = '\0';
        r = directory_make(book->folder, hex, 0700, err);
        if (r < 0)
                return r;
        sums->folder = open_beneath(book->folder, hex, O_RDONLY | O_DIRECTORY, 0, BENEATH_STRICT);
        if (sums->folder < 0)
                return error_errno(err, -sums->folder, _("cannot open carried/%s in the state folder"), hex);
        return read_sums(sums, err);
}

void carry_sums_close(struct carry_sums *sums)
{
        fd_close(&sums->folder);
}

uint64_t carry_sums_count(const struct carry_sums *sums)
{
        uint64_t count = 0;

        for (size_t i = 0; i < CARRY_BUCKETS; i++)
                count += sums->counts[i];
        return count;
}

int carry_sums_save(const struct carry_sums *sums, struct error *err)
{
        json_t *buckets = json_array(), *counts = json_array();

        for (size_t i = 0; i < CARRY_BUCKETS; i++) {
                char hex[DIGEST_HEX_SIZE];

                digest_hex(&sums->buckets[i], hex);
                json_array_append_new(buckets, json_string(hex));
                json_array_append_new(counts, json_integer((json_int_t)sums->counts[i]));
        }
        return write_json(sums->folder, SUMS_FILE, json_pack("{s:o, s:o}", "buckets", buckets, "counts", counts), err);
}

int carry_sums_list(const struct carry_sums *sums, unsigned int bucket, struct carry_list *list, struct error *err)
{
        char name[32];
        json_t *json;
        int r = 0;

        snprintf(name, sizeof(name), "%02x.json", bucket);
        json = read_json(sums->folder, name, LIST_MAXIMUM);
        if (json && (r = carry_list_parse(list, bucket, json, err)) == -EBADMSG) {
                carry_list_done(list);
                r = 0;
        }
        json_decref(json);
        return r;
}

int carry_sums_set(struct carry_sums *sums, unsigned int bucket, const struct carry_list *list, struct error *err)
{
        struct digest digest;
        char name[32];
        json_t *json = json_array();
        int r = 0;

        for (size_t i = 0; i < list->count && r == 0; i++)
                if (json_array_append_new(json, carry_entry_json(&list->entries[i])) < 0)
                        r = error_memory(err);
        if (r == 0)
                r = carry_list_digest(list, &digest, err);
        if (r < 0) {
                json_decref(json);
                return r;
        }
        snprintf(name, sizeof(name), "%02x.json", bucket);
        r = write_json(sums->folder, name, json, err);
        if (r < 0)
                return r;
        sums->buckets[bucket] = digest;
        sums->counts[bucket] = list->count;
        return 0;
}
