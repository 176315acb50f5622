/*
 * scan.c - the walk through one tree, and what can only be seen of all its files together: the one that was changed
 * long after the others, the one that belongs to the web server.
 */
#include "review/private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"

#define SAMPLE    4096 /* change times that stand for all */
#define NEWEST    40   /* files that were changed last */
#define WEB_OWNED 40   /* programs that the web server's user owns */
#define FEW_FILES 20   /* below that nothing can be said of "the rest" */
#define LATE      (7 * 86400)

struct late_file {
        char *path;
        int64_t changed, modified;
};

struct walk {
        struct inspection inspection;
        struct buffer path; /* of the folder or file that is looked at */
        int64_t sample[SAMPLE];
        struct late_file newest[NEWEST]; /* sorted, newest first */
        size_t newest_count;
        char *web_owned[WEB_OWNED];
        size_t web_owned_count;
        uint64_t web_owned_total, code_total;
        struct error *err;
};

/* ---------------------------------------------------------------- all files together */

static int remember_newest(struct walk *walk, const struct statx *stx)
{
        struct late_file file = { .changed = stx->stx_ctime.tv_sec, .modified = stx->stx_mtime.tv_sec };
        size_t i = walk->newest_count;

        if (i == NEWEST && walk->newest[NEWEST - 1].changed >= file.changed)
                return 0;
        file.path = memory_string(buffer_text(&walk->path));
        if (!file.path)
                return -ENOMEM;
        if (i == NEWEST)
                free(walk->newest[--i].path);
        else
                walk->newest_count++;
        for (; i > 0 && walk->newest[i - 1].changed < file.changed; i--)
                walk->newest[i] = walk->newest[i - 1];
        walk->newest[i] = file;
        return 0;
}

static int remember(struct walk *walk, const char *name, const struct statx *stx)
{
        uint64_t files = walk->inspection.review->files;

        /* Every file has the same chance to be in the sample; multiplying by a large odd number stands for chance. */
        if (files <= SAMPLE)
                walk->sample[files - 1] = stx->stx_ctime.tv_sec;
        else if ((files * UINT64_C(0x9e3779b97f4a7c15) >> 20) % files < SAMPLE)
                walk->sample[(files * UINT64_C(0xd1b54a32d192ed03) >> 20) % SAMPLE] = stx->stx_ctime.tv_sec;
        if (path_is_cache(buffer_text(&walk->path)))
                return 0;
        if (name_is_code(name)) {
                walk->code_total++;
                if (stx->stx_uid == walk->inspection.options->web_uid) {
                        walk->web_owned_total++;
                        if (walk->web_owned_count < WEB_OWNED) {
                                char *copy = memory_string(buffer_text(&walk->path));

                                if (!copy)
                                        return -ENOMEM;
                                walk->web_owned[walk->web_owned_count++] = copy;
                        }
                }
        } else if (!name_is_static(name) && !name_is_control(name)) {
                return 0;
        }
        return remember_newest(walk, stx);
}

static int compare_times(const void *a, const void *b)
{
        int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

        return (x > y) - (x < y);
}

/* A file that was changed (chmod counts, a time stamp that was set back does not help) at least a week after 95 of 100
 * others is worth a look. */
static int judge_times(struct walk *walk)
{
        struct review *review = walk->inspection.review;
        size_t count = review->files < SAMPLE ? review->files : SAMPLE;
        int64_t usual;

        if (count < FEW_FILES)
                return 0;
        qsort(walk->sample, count, sizeof(walk->sample[0]), compare_times);
        usual = walk->sample[count * 95 / 100];
        for (size_t i = 0; i < walk->newest_count; i++) {
                const struct late_file *file = &walk->newest[i];
                char when[CLOCK_TEXT_SIZE], rest[CLOCK_TEXT_SIZE];

                if (file->changed < usual + LATE)
                        break;
                clock_format_utc(file->changed, when);
                clock_format_utc(usual, rest);
                if (review_add(review, FINDING_TIME, false, file->path,
                               file->modified < usual + LATE && file->modified < file->changed - LATE
                                       ? _("it was last changed at %s, long after the rest (%s), and carries an older "
                                           "time stamp")
                                       : _("it was last changed at %s, long after the rest (%s)"),
                               when, rest) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* Where nearly all programs belong to somebody else, one that belongs to the web server was written through it. */
static int judge_owners(struct walk *walk)
{
        if (walk->code_total < FEW_FILES || walk->web_owned_total > walk->web_owned_count ||
            walk->web_owned_total * 20 > walk->code_total)
                return 0;
        for (size_t i = 0; i < walk->web_owned_count; i++)
                if (review_add(walk->inspection.review, FINDING_OWNER, true, walk->web_owned[i],
                               _("it belongs to the web server's user, and nearly all other programs do not: the web "
                                 "server wrote it")) < 0)
                        return -ENOMEM;
        return 0;
}

/* ---------------------------------------------------------------- the walk */

static int walk_folder(struct walk *walk, int directory, unsigned int depth);

/* A folder below: opened without following anything, and not across a mount. */
static int enter(struct walk *walk, int directory, const char *name, unsigned int depth)
{
        _cleanup_(fd_closep) int fd = -1;
        struct review *review = walk->inspection.review;
        const char *path = buffer_text(&walk->path);

        if (depth == ENTRY_DEPTH_MAXIMUM)
                return review_add(review, FINDING_UNREADABLE, true, path, _("it lies too deep"));
        fd = open_beneath(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, BENEATH_STRICT);
        if (fd == -EXDEV)
                return review_add(review, FINDING_MOUNT, false, path,
                                  _("another file system is mounted here; it was not looked into"));
        if (fd < 0)
                return review_add(review, FINDING_UNREADABLE, true, path, _("it could not be opened: %s"),
                                  strerror(-fd));
        return walk_folder(walk, fd, depth + 1);
}

static int visit(struct walk *walk, int directory, const char *name, unsigned int depth)
{
        struct review *review = walk->inspection.review;
        uint64_t files = review->files;
        struct statx stx;
        int r;

        if (statx(directory, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_MNT_ID, &stx) < 0)
                return errno == ENOENT ? 0
                                       : review_add(review, FINDING_UNREADABLE, true, buffer_text(&walk->path),
                                                    _("it could not be looked at: %s"), strerror(errno));
        r = inspect(&walk->inspection, directory, name, buffer_text(&walk->path), &stx, NULL, walk->err);
        if (r < 0)
                return r;
        if (review->files > files) {
                if (walk->inspection.options->progress && review->files % 64 == 0)
                        walk->inspection.options->progress(walk->inspection.options->context, review->files,
                                                           review->bytes);
                return remember(walk, name, &stx);
        }
        return S_ISDIR(stx.stx_mode) ? enter(walk, directory, name, depth) : 0;
}

/* Recurses as deep as paths may be; each level holds one descriptor and the names of its folder. */
static int walk_folder(struct walk *walk, int directory, unsigned int depth)
{
        _cleanup_(names_done) struct names names = { 0 };
        size_t length = walk->path.length;
        int r = names_read(directory, &names);

        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return review_add(walk->inspection.review, FINDING_UNREADABLE, true, buffer_text(&walk->path),
                                  _("the folder could not be read: %s"), strerror(-r));
        walk->inspection.review->folders++;
        for (size_t i = 0; i < names.count; i++) {
                if ((length && buffer_append_byte(&walk->path, '/') < 0) ||
                    buffer_append_text(&walk->path, names.list[i]) < 0)
                        r = review_add(walk->inspection.review, FINDING_UNREADABLE, true, buffer_text(&walk->path),
                                       _("its path is too long"));
                else
                        r = visit(walk, directory, names.list[i], depth);
                if (r < 0)
                        return r;
                walk->path.length = length;
                walk->path.data[length] = '\0';
        }
        return 0;
}

static void walk_done(struct walk *walk)
{
        inspection_done(&walk->inspection);
        buffer_done(&walk->path);
        for (size_t i = 0; i < walk->newest_count; i++)
                free(walk->newest[i].path);
        for (size_t i = 0; i < walk->web_owned_count; i++)
                free(walk->web_owned[i]);
        free(walk);
}

int review_scan(int directory, const struct review_options *options, struct review *ret_review, struct error *err)
{
        _cleanup_(review_done) struct review review = REVIEW_EMPTY;
        struct walk *walk = memory_new(1, sizeof(*walk));
        int r;

        if (!walk)
                return error_memory(err);
        walk->err = err;
        walk->path = (struct buffer)BUFFER_INIT(ENTRY_PATH_MAXIMUM);
        r = inspection_init(&walk->inspection, &review, options, err);
        if (r == 0 && (walk_folder(walk, directory, 0) < 0 || judge_times(walk) < 0 || judge_owners(walk) < 0))
                r = error_memory(err);
        if (r == 0)
                r = review_settle(&review, walk->code_total > 0, err);
        walk_done(walk);
        if (r < 0)
                return r;
        *ret_review = review;
        review = (struct review)REVIEW_EMPTY;
        return 0;
}
