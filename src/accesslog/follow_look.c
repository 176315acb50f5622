/* follow_look.c - what became of a log since the last look: its file grew, was renamed, copied and truncated, replaced.
 */
#include "accesslog/follow_private.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"

/* -1 and *ret_r 0 when it is not there. */
static int open_log(const char *path, struct stat *ret_status, int *ret_r, struct error *err)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

        *ret_r = 0;
        if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
                return -1;
        if (fd < 0 || fstat(fd, ret_status) < 0)
                *ret_r = error_errno(err, errno, _("cannot open the log %s"), path);
        else if (!S_ISREG(ret_status->st_mode))
                *ret_r = error_set(err, -EINVAL, _("%s is no file; only files can be followed"), path);
        if (*ret_r < 0 && fd >= 0)
                fd_close(&fd);
        return *ret_r < 0 ? -1 : fd;
}

/*
 * What lies beside a log that was never looked at is from before, and is not read. The newest of it is the first
 * generation, done: by it all that comes is told from what was there, also when the log was empty, or was not there
 * yet, and has been rotated before a line of it was read.
 */
static int begin_log(struct follow *follow, struct log *log, struct error *err)
{
        struct found found = { .fd = -1 };
        struct generation *before;
        struct stat now;
        int r;

        if (stat(log->path, &now) < 0)
                now = (struct stat){ 0 };
        r = find_newest(follow, log, &now, &found, err);
        if (r < 0)
                return r;
        before = generation_add(log, log_next_number(log));
        r = before ? 0 : error_memory(err);
        if (before && found.fd >= 0)
                r = generation_open(follow, before, fd_steal(&found.fd), found.path, found.packed, err);
        if (before) {
                before->mark.first_us = found.first_us;
                before->mark.rotated = before->mark.done = before->changed = true;
                before->kept = before->mark;
        }
        found_done(&found);
        return r;
}

int log_compare(int fd, const struct stat *status, const struct log_mark *mark, struct follow_sight *ret_sight)
{
        *ret_sight = (struct follow_sight){
                .exists = true,
                .same_inode = status->st_dev == mark->device && status->st_ino == mark->inode,
                .size = (uint64_t)status->st_size,
        };
        return find_matches(fd, mark, &ret_sight->head, &ret_sight->tail);
}

/* A generation that an earlier run did not finish: it has the log's name still, or lies beside it, or is lost. */
static int attach(struct follow *follow, struct log *log, struct generation *one, struct error *err)
{
        struct found found = { .fd = -1 };
        struct follow_sight sight;
        struct stat status;
        int r = 0, fd = -1;

        /* Of a file that was empty the name says nothing: others may have had it since. */
        if (!one->mark.rotated && one->mark.head_length)
                fd = open_log(log->path, &status, &r, err);
        if (r < 0)
                return r;
        if (fd >= 0) {
                enum follow_verdict verdict = FOLLOW_REPLACED;

                if (find_is_packed(fd))
                        verdict = status.st_ino == one->mark.inode ? FOLLOW_GROWN : FOLLOW_REPLACED;
                else if (log_compare(fd, &status, &one->mark, &sight) == 0)
                        verdict = follow_decide(&one->mark, &sight);
                if (verdict == FOLLOW_IDLE || verdict == FOLLOW_GROWN || verdict == FOLLOW_MOVED)
                        return generation_open(follow, one, fd, log->path, find_is_packed(fd), err);
                fd_close(&fd);
        }
        r = find_rest(follow, log, &one->mark, &found, err);
        if (r < 0)
                return r;
        one->mark.rotated = true;
        one->changed = true;
        if (found.fd >= 0) {
                r = generation_open(follow, one, fd_steal(&found.fd), found.path, found.packed, err);
                found_done(&found);
                return r;
        }
        one->mark.done = true;
        if (one->mark.head_length)
                follow_say(follow,
                           _("the rest of %s from before the last stop was not found beside it; lines that were "
                             "written to it since may be missing"),
                           log->path);
        return 0;
}

bool log_is_nothing(const struct log *log, size_t index)
{
        const struct log_mark *mark = &log->generations[index].mark;

        return index > 0 && mark->done && mark->head_length == 0;
}

static int attach_all(struct follow *follow, struct log *log, struct error *err)
{
        int r = 0;

        log->attached = true;
        for (size_t i = 0; i < log->count && r == 0; i++)
                if (!log->generations[i].mark.done)
                        r = attach(follow, log, &log->generations[i], err);
        while (r == 0 && log->count && log_is_nothing(log, log->count - 1))
                log->count--; /* its number goes to whatever has the first line */
        return r;
}

/*
 * Since when files are wanted that came in between: the newest that is known, which is known by its first bytes as well
 * as by its time; where that was so long ago that it was forgotten, only those that came after it.
 */
static int64_t wanted_since(const struct log *log)
{
        int64_t since = log_newest_first_line(log);

        for (size_t i = 0; i < log->count; i++) {
                const struct log_mark *mark = &log->generations[i].mark;

                if (mark->first_us == since && mark->head_length && (mark->offset || mark->done))
                        return since;
        }
        return since + 1;
}

int log_catch_up(struct follow *follow, struct log *log, int now_fd, const struct stat *now, struct error *err)
{
        int64_t since = wanted_since(log);
        int r = 0;

        while (r == 0) {
                struct found found = { .fd = -1 };

                r = find_between(follow, log, since, now_fd, now, &found, err);
                if (r < 0 || found.fd < 0)
                        break;
                r = generation_begin(follow, log, fd_steal(&found.fd), found.path, found.packed, true, err);
                found_done(&found);
        }
        return r;
}

/* The generation that has the log's name, as far as is known. */
static struct generation *current_of(const struct log *log)
{
        for (size_t i = log->count; i-- > 0;)
                if (!log->generations[i].mark.rotated && !log->generations[i].mark.done && log->generations[i].fd >= 0)
                        return &log->generations[i];
        return NULL;
}

/* Another file has the name now; takes the descriptor. */
static int take_new(struct follow *follow, struct log *log, int fd, const struct stat *status, struct error *err)
{
        const struct log *owner;
        struct generation *known = find_known(follow, fd, status, &owner);
        int r;

        if (known && owner != log) { /* access.log.1 is followed by its name as well */
                fd_close(&fd);
                return 0;
        }
        if (known) { /* a symbolic link that was switched back */
                known->mark.rotated = known->mark.done = false;
                return generation_open(follow, known, fd, log->path, known->unpack != NULL, err);
        }
        r = log_catch_up(follow, log, fd, status, err);
        if (r < 0) {
                fd_close(&fd);
                return r;
        }
        return generation_begin(follow, log, fd, log->path, find_is_packed(fd), false, err);
}

static bool is_packed_and_read(const struct log *log, const struct stat *status)
{
        const struct generation *last = log->count ? &log->generations[log->count - 1] : NULL;

        return last && last->mark.done && !last->mark.rotated && last->mark.inode == status->st_ino &&
               last->mark.device == status->st_dev;
}

int log_look(struct follow *follow, struct log *log, struct error *err)
{
        struct generation *current;
        struct follow_sight sight;
        struct stat status;
        int fd, r = log->attached ? 0 : attach_all(follow, log, err);

        if (r == 0 && log->count == 0)
                r = begin_log(follow, log, err);
        if (r < 0)
                return r;
        current = current_of(log);
        if (stat(log->path, &status) == 0 &&
            ((current && status.st_dev == current->mark.device && status.st_ino == current->mark.inode) ||
             is_packed_and_read(log, &status)))
                return 0; /* whether its content is the same is seen when it is read */
        fd = open_log(log->path, &status, &r, err);
        if (fd < 0)
                return r;
        watch_add(follow->watch, log->path);
        if (!current || current->unpack)
                return take_new(follow, log, fd, &status, err);
        if (log_compare(fd, &status, &current->mark, &sight) < 0) {
                fd_close(&fd);
                return error_set(err, -EIO, _("cannot read %s"), log->path);
        }
        switch (follow_decide(&current->mark, &sight)) {
        case FOLLOW_MOVED: return generation_open(follow, current, fd, log->path, false, err);
        case FOLLOW_REPLACED:
                current->mark.rotated = true;
                current->changed = true;
                current->quiet_since = 0;
                return take_new(follow, log, fd, &status, err);
        default: fd_close(&fd); return 0; /* it changed back in between */
        }
}
