/* salts.c - the file of salts: a line for each, "DAY MADE HEX", in seconds and days since 1970. */
#include "salts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/ed25519.h"

#define SALTS_MAXIMUM 4000 /* days at the same time: a first run over ten years of logs */
#define FILE_MAXIMUM  (SALTS_MAXIMUM * 128)
#define MADE_MAXIMUM  (INT64_C(1) << 40) /* seconds: what is calculated with it fits */

struct salt {
        int32_t day;
        int64_t made;
        uint8_t bytes[SALT_SIZE];
        bool replaced, told;
};

struct salts {
        char *path;
        struct salt *list;
        size_t count;
};

void salts_free(struct salts *salts)
{
        if (!salts)
                return;
        if (salts->list)
                memory_wipe(salts->list, salts->count * sizeof(*salts->list));
        free(salts->list);
        free(salts->path);
        free(salts);
}

/* A list of our own room: an old copy with secrets in it must not stay behind in freed memory. */
static int add(struct salts *salts, const struct salt *salt)
{
        struct salt *list = memory_new(salts->count + 1, sizeof(*list));

        if (!list)
                return -ENOMEM;
        if (salts->count) {
                memcpy(list, salts->list, salts->count * sizeof(*list));
                memory_wipe(salts->list, salts->count * sizeof(*list));
        }
        free(salts->list);
        list[salts->count++] = *salt;
        salts->list = list;
        return 0;
}

/* A number that may be negative (days before 1970), up to `end`. */
static bool parse_number(const char **cursor, char end, int64_t *ret_number)
{
        const char *at = *cursor, *stop = strchr(at, end);
        bool negative = *at == '-';
        uint64_t number;

        at += negative;
        if (!stop || text_parse_u64(at, (size_t)(stop - at), INT64_MAX, &number) < 0)
                return false;
        *cursor = stop + 1;
        *ret_number = negative ? -(int64_t)number : (int64_t)number;
        return true;
}

static int parse_line(struct salts *salts, const char *line, size_t length, struct error *err)
{
        _cleanup_(memory_freep) char *copy = memory_copy(line, length);
        const char *cursor = copy;
        struct salt salt = { 0 };
        int64_t day;
        bool good;

        if (!copy)
                return error_memory(err);
        good = parse_number(&cursor, ' ', &day) && day >= INT32_MIN && day <= INT32_MAX &&
               parse_number(&cursor, ' ', &salt.made) && salt.made < MADE_MAXIMUM && salt.made > -MADE_MAXIMUM &&
               text_unhex(cursor, strlen(cursor), salt.bytes, SALT_SIZE) == 0 && strlen(copy) == length;
        salt.day = (int32_t)day;
        memory_wipe(copy, length);
        if (!good || salts->count == SALTS_MAXIMUM)
                return error_set(err, -EBADMSG,
                                 _("the file of salts %s is damaged; remove it: the days that are still "
                                   "open get no further visitors then"),
                                 salts->path);
        return add(salts, &salt) < 0 ? error_memory(err) : 0;
}

static int parse(struct salts *salts, const struct buffer *text, struct error *err)
{
        const char *cursor = buffer_text(text), *line;
        size_t length;
        int r = 0;

        while (r == 0 && text_next_line(&cursor, buffer_text(text) + text->length, &line, &length))
                r = parse_line(salts, line, length, err);
        return r;
}

static int check_owner(const char *path, struct error *err)
{
        struct stat status;

        if (lstat(path, &status) < 0)
                return errno == ENOENT ? 0 : error_errno(err, errno, _("cannot read the file of salts %s"), path);
        if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 077))
                return error_refuse(
                        err, _("the file of salts %s must be a file that its owner alone can read (chmod 600)"), path);
        return 0;
}

int salts_open(const char *path, struct salts **ret_salts, struct error *err)
{
        struct buffer text = BUFFER_INIT(FILE_MAXIMUM);
        struct salts *salts = memory_new(1, sizeof(*salts));
        int r = check_owner(path, err);

        if (r == 0 && (!salts || !(salts->path = memory_string(path))))
                r = error_memory(err);
        if (r == 0) {
                r = file_read(AT_FDCWD, path, &text, err);
                if (r == 0)
                        r = parse(salts, &text, err);
                else if (r == -ENOENT)
                        r = 0;
        }
        if (text.data)
                memory_wipe(text.data, text.capacity);
        buffer_done(&text);
        if (r < 0) {
                salts_free(salts);
                return r;
        }
        *ret_salts = salts;
        return 0;
}

const uint8_t *salts_find(const struct salts *salts, int32_t day)
{
        for (size_t i = salts->count; i-- > 0;)
                if (salts->list[i].day == day)
                        return salts->list[i].bytes;
        return NULL;
}

static int save(const struct salts *salts, struct error *err)
{
        struct buffer text = BUFFER_INIT(FILE_MAXIMUM);
        int r = buffer_reserve(&text, salts->count * 128 + 1); /* so that it never moves, and is wiped as a whole */

        for (size_t i = 0; i < salts->count && r == 0; i++) {
                char hex[2 * SALT_SIZE + 1];

                text_hex(salts->list[i].bytes, SALT_SIZE, hex);
                r = buffer_printf(&text, "%" PRId32 " %" PRId64 " %s\n", salts->list[i].day, salts->list[i].made, hex);
                memory_wipe(hex, sizeof(hex));
        }
        r = r < 0 ? error_memory(err) : file_replace(AT_FDCWD, salts->path, buffer_text(&text), text.length, 0600, err);
        if (text.data)
                memory_wipe(text.data, text.capacity);
        buffer_done(&text);
        return r;
}

int64_t salts_made(const struct salts *salts, int32_t day)
{
        for (size_t i = salts->count; i-- > 0;)
                if (salts->list[i].day == day)
                        return salts->list[i].made;
        return 0;
}

bool salts_newest(const struct salts *salts, int32_t *ret_day)
{
        for (size_t i = 0; i < salts->count; i++)
                if (i == 0 || salts->list[i].day > *ret_day)
                        *ret_day = salts->list[i].day;
        return salts->count > 0;
}

int salts_put(struct salts *salts, int32_t day, int64_t made, const uint8_t bytes[static SALT_SIZE], struct error *err)
{
        struct salt salt = { .day = day, .made = made };
        int r;

        if (salts->count == SALTS_MAXIMUM)
                return error_set(err, -E2BIG, _("more than %d days at once; let the older logs be analysed first"),
                                 SALTS_MAXIMUM);
        memcpy(salt.bytes, bytes, SALT_SIZE);
        r = add(salts, &salt) < 0 ? error_memory(err) : save(salts, err);
        memory_wipe(&salt, sizeof(salt));
        if (r < 0 && salts->count && salts->list[salts->count - 1].day == day)
                memory_wipe(&salts->list[--salts->count], sizeof(struct salt));
        return r;
}

int salts_make(struct salts *salts, int32_t day, int64_t now, struct error *err)
{
        uint8_t bytes[SALT_SIZE];
        int r = random_secret(bytes, SALT_SIZE, err);

        if (r == 0)
                r = salts_put(salts, day, now, bytes, err);
        memory_wipe(bytes, sizeof(bytes));
        return r;
}

/* Not what a visitor is made with (visitor.c, live_apply.c), which is a keyed BLAKE2b: no visitor has this value. */
int salt_check(const uint8_t bytes[static SALT_SIZE], uint8_t ret_check[static SALT_CHECK_SIZE], struct error *err)
{
        static const char text[] = "understudy: which salt this is";
        struct digest digest;
        int r = hmac_sha256(bytes, SALT_SIZE, text, sizeof(text) - 1, &digest, err);

        if (r == 0)
                memcpy(ret_check, digest.bytes, SALT_CHECK_SIZE);
        return r;
}

void salts_note_replaced(struct salts *salts, int32_t day)
{
        for (size_t i = 0; i < salts->count; i++)
                if (salts->list[i].day == day)
                        salts->list[i].replaced = true;
}

bool salts_next_replaced(struct salts *salts, int32_t *ret_day)
{
        for (size_t i = 0; i < salts->count; i++) {
                struct salt *salt = &salts->list[i];

                if (!salt->replaced || salt->told)
                        continue;
                salt->told = true;
                *ret_day = salt->day;
                return true;
        }
        return false;
}

int salts_expire(struct salts *salts, int64_t now, bool *ret_any, struct error *err)
{
        size_t kept = 0;

        *ret_any = false;
        for (size_t i = 0; i < salts->count; i++) {
                int64_t age = now - salts->list[i].made;

                /* One from the future was made before the clock was put right: it is too old as well, some time. */
                if (age < SALT_SECONDS && age > -SALT_SECONDS)
                        salts->list[kept++] = salts->list[i];
        }
        if (kept == salts->count)
                return 0;
        memory_wipe(&salts->list[kept], (salts->count - kept) * sizeof(struct salt));
        salts->count = kept;
        *ret_any = true;
        return save(salts, err);
}
