#include "salts_share.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"

#define DAY_SECONDS 86400

static int take_lock(const char *path, int *ret_fd, struct error *err)
{
        char name[PATH_MAX];
        int fd;

        snprintf(name, sizeof(name), "%s.lock", path);
        fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        while (fd >= 0 && flock(fd, LOCK_EX) < 0)
                if (errno != EINTR) {
                        close(fd);
                        fd = -1;
                }
        if (fd < 0)
                return error_errno(err, errno, _("cannot lock the file of salts %s"), path);
        *ret_fd = fd;
        return 0;
}

/* -1: no day had one yet. */
static int read_last(const char *name, int64_t *ret_last, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(32);
        uint64_t last = 0;
        int r = file_read(AT_FDCWD, name, &text, err);

        *ret_last = -1;
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;
        if (!text.length || text.data[text.length - 1] != '\n' ||
            text_parse_u64(text.data, text.length - 1, INT32_MAX, &last) < 0)
                return error_set(err, -EBADMSG, _("the file %s is damaged; remove it when a new day has begun"), name);
        *ret_last = (int64_t)last;
        return 0;
}

static int write_last(const char *name, int32_t day, struct error *err)
{
        char text[32];
        int length = snprintf(text, sizeof(text), "%" PRId32 "\n", day);

        return file_replace(AT_FDCWD, name, text, (size_t)length, 0600, err);
}

/* Whether a first salt of this day, if there had been one, would be there still. */
static bool can_begin(int32_t day, int64_t now)
{
        int64_t begin = (int64_t)day * DAY_SECONDS;

        return now >= begin - SALTS_AHEAD_SECONDS && now < begin + SALT_SECONDS - SALTS_AHEAD_SECONDS;
}

static int find_or_make(struct salts *salts, const char *path, int32_t day, int64_t now, struct shared_salt *ret_salt,
                        struct error *err)
{
        char name[PATH_MAX];
        int32_t newest = 0;
        int64_t last = -1;
        bool any;
        int r;

        snprintf(name, sizeof(name), "%s.last", path);
        r = read_last(name, &last, err);
        /* It was made, and then this machine crashed. */
        if (r == 0 && salts_newest(salts, &newest) && newest > last) {
                r = write_last(name, newest, err);
                last = newest;
        }
        if (r == 0)
                r = salts_expire(salts, now, &any, err);
        if (r == 0 && !salts_find(salts, day)) {
                if (day <= last || !can_begin(day, now))
                        return error_set(err, -ESTALE, _("that day has no salt, and gets none any more"));
                r = salts_make(salts, day, now, err);
                if (r == 0)
                        r = write_last(name, day, err);
        }
        if (r < 0)
                return r;
        memcpy(ret_salt->bytes, salts_find(salts, day), SALT_SIZE);
        ret_salt->age_seconds = now > salts_made(salts, day) ? now - salts_made(salts, day) : 0;
        return 0;
}

int salts_share(const char *path, int32_t day, int64_t now, struct shared_salt *ret_salt, struct error *err)
{
        _cleanup_(fd_closep) int lock = -1;
        struct salts *salts = NULL;
        int r = take_lock(path, &lock, err);

        if (r == 0)
                r = salts_open(path, &salts, err);
        if (r == 0)
                r = find_or_make(salts, path, day, now, ret_salt, err);
        salts_free(salts);
        return r;
}
