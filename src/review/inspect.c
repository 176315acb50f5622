/*
 * inspect.c - one look at one name: what it is, who owns it, what it is called, what is in it.
 */
#include "review/private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "manifest/policy.h"
#include "review/checksums.h"

#define EMPTY_PAGE 512 /* bytes of an index.html or index.php that only keeps a folder from being listed */

int inspection_init(struct inspection *inspection, struct review *review, const struct review_options *options,
                    struct error *err)
{
        *inspection = (struct inspection){ .review = review, .options = options };
        inspection->block = memory_new(REVIEW_HEAD_SIZE, 1);
        if (!inspection->block)
                return error_memory(err);
        return hasher_new(&inspection->hasher, err);
}

void inspection_done(struct inspection *inspection)
{
        hasher_free(inspection->hasher);
        free(inspection->block);
        *inspection = (struct inspection){ 0 };
}

/* A file on its way through the checks. */
struct look {
        struct inspection *in;
        const char *name, *path;
        int directory, fd;
        const struct statx *stx;
        const char *text; /* of its beginning, `length` bytes */
        size_t length;
};

static int unreadable(struct look *look, int errnum)
{
        return review_add(look->in->review, FINDING_UNREADABLE, true, look->path, _("it could not be read: %s"),
                          strerror(errnum));
}

/* An empty page or a program that is only a comment: the custom of keeping folders from being listed. */
static bool is_placeholder(const struct look *look)
{
        if (look->stx->stx_size > EMPTY_PAGE || strncasecmp(look->name, "index.", 6) != 0)
                return false;
        for (size_t i = 0; i + 1 < look->length; i++)
                if (look->text[i] == '(' || (look->text[i] == '<' && strncasecmp(look->text + i, "<script", 7) == 0) ||
                    look->text[i] == '`' || look->text[i] == '$')
                        return false;
        return true;
}

static int check_metadata(struct look *look)
{
        struct review *review = look->in->review;
        const struct statx *stx = look->stx;

        if (stx->stx_mode & (S_ISUID | S_ISGID) && S_ISREG(stx->stx_mode) &&
            review_add(review, FINDING_MODE, true, look->path, _("it is setuid or setgid (mode %04o)"),
                       stx->stx_mode & 07777U) < 0)
                return -ENOMEM;
        if (stx->stx_mode & S_IWOTH && !S_ISLNK(stx->stx_mode) && !(stx->stx_mode & S_ISVTX) &&
            review_add(review, FINDING_MODE, false, look->path, _("everybody on the server may write it (mode %04o)"),
                       stx->stx_mode & 07777U) < 0)
                return -ENOMEM;
        return 0;
}

static int check_link(struct look *look)
{
        char target[ENTRY_LINK_MAXIMUM + 1];
        ssize_t n = readlinkat(look->directory, look->name, target, sizeof(target) - 1);

        if (n < 0)
                return unreadable(look, errno);
        target[n] = '\0';
        if (!link_leaves_tree(look->path, strlen(look->path), target, (size_t)n))
                return 0;
        /* A link to the top or to accounts opens the whole server to whoever asks for the page. */
        return review_add(look->in->review, FINDING_LINK,
                          text_equal(target, "/") || text_equal(target, "/etc") || text_equal(target, "/etc/passwd") ||
                                  text_equal(target, "/etc/shadow") || text_starts(target, "/root") ||
                                  text_starts(target, "/proc"),
                          look->path, _("the link leads out of the tree, to %s"), target);
}

static int check_type(struct look *look)
{
        mode_t mode = look->stx->stx_mode;
        bool device = S_ISBLK(mode) || S_ISCHR(mode);

        if (S_ISLNK(mode))
                return check_link(look);
        return review_add(look->in->review, FINDING_TYPE, device, look->path,
                          device           ? _("it is a device, which no web site has")
                          : S_ISFIFO(mode) ? _("it is a FIFO; a release cannot hold it")
                                           : _("it is a socket; a release cannot hold it"));
}

static int check_shadow(struct look *look)
{
        struct statx stx;
        char program[256];

        if (!name_shadows(look->name, program) || is_placeholder(look) ||
            statx(look->directory, program, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &stx) < 0 || !S_ISREG(stx.stx_mode))
                return 0;
        return review_add(look->in->review, FINDING_SHADOW, strncasecmp(look->name, "index.", 6) == 0, look->path,
                          _("visitors may be shown this page instead of what %s makes"), program);
}

static int check_control(struct look *look)
{
        const char *what;
        size_t length = strlen(look->name);

        /* The names that are read; .htaccess.bak and .html are not. */
        if (!(strcasecmp(look->name, ".htaccess") == 0 || strcasecmp(look->name, "web.config") == 0 ||
              (length > 4 && strcasecmp(look->name + length - 4, ".ini") == 0)) ||
            !name_is_control(look->name))
                return 0;
        what = content_control(look->text, look->length);
        if (what)
                return review_add(look->in->review, FINDING_CONTROL, true, look->path, _("it steers the server: %s"),
                                  what);
        return review_add(look->in->review, FINDING_CONTROL, false, look->path, _("it steers the server"));
}

static int check_names(struct look *look)
{
        struct review *review = look->in->review;
        bool code = name_is_code(look->name);

        if (path_is_upload(look->path) && !is_placeholder(look)) {
                if (code)
                        return review_add(review, FINDING_UPLOAD, true, look->path,
                                          _("it is a program in a folder where visitors' files go"));
                if (name_is_static(look->name))
                        return review_add(review, FINDING_UPLOAD, false, look->path,
                                          _("it is a page or script in a folder where visitors' files go"));
        }
        if (name_is_doubled(look->name))
                return review_add(review, FINDING_EXTENSION, name_is_picture(look->name), look->path,
                                  _("its name has the extension of a program before another one, and some servers run "
                                    "it"));
        return 0;
}

/* Code behind the name of a picture or document. */
static int check_disguise(struct look *look)
{
        if (!name_is_picture(look->name) ||
            policy_check(~(unsigned int)ALLOW_CODE, "x", S_IFREG | 0644, look->text, look->length) != BREACH_CODE)
                return 0;
        return review_add(look->in->review, FINDING_DISGUISE, true, look->path,
                          _("its name is that of a picture or document, and it holds a program"));
}

static int check_content(struct look *look)
{
        enum content_language language = content_language(
                look->name, look->text, look->length < POLICY_HEAD_SIZE ? look->length : POLICY_HEAD_SIZE);
        struct review *review = look->in->review;
        struct content content;
        bool page = (language == CONTENT_PAGE || language == CONTENT_SCRIPT) && !name_is_code(look->name);

        content_scan(look->text, look->length, language, &content);
        for (size_t i = 0; i < content.host_count; i++)
                if (review_add_host(review, &content.hosts[i], look->path, page) < 0)
                        return -ENOMEM;
        if (look->in->only_hosts)
                return 0;
        if (content.obfuscated &&
            review_add(review, FINDING_OBFUSCATED, content.planted, look->path, "%s", content.obfuscated) < 0)
                return -ENOMEM;
        if (content.hidden_frame &&
            review_add(review, FINDING_FRAME, true, look->path, "%s: %s", content.hidden_frame, content.frame_host) < 0)
                return -ENOMEM;
        return 0;
}

static int check_checksum(struct look *look)
{
        const struct checksum *checksum = checksums_find(look->in->options->checksums, look->path);
        int same;

        if (!checksum)
                return 0;
        look->in->known_files++;
        same = checksum_check(checksum, look->fd, NULL);
        if (same < 0)
                return unreadable(look, EIO);
        if (same)
                return 0;
        return review_add(look->in->review, FINDING_CHECKSUM, true, look->path,
                          _("it is not what %s says it should be"), checksum->source);
}

/*
 * True in *ret_same when the file's SHA-256 is the expected one: over the very bytes that are looked through, and the
 * rest of the file. (Reading twice would let somebody show us one thing and sign another.)
 */
static int compare_digest(struct look *look, const struct digest *expected, bool *ret_same)
{
        struct hasher *hasher = look->in->hasher;
        char rest[16384];
        struct digest digest;
        ssize_t n;

        if (hasher_begin(hasher) < 0 || hasher_add(hasher, look->text, look->length) < 0)
                return -EIO;
        while ((n = read_full(look->fd, rest, sizeof(rest))) > 0)
                if (hasher_add(hasher, rest, (size_t)n) < 0)
                        return -EIO;
        if (n < 0)
                return (int)n;
        if (hasher_end(hasher, &digest) < 0)
                return -EIO;
        *ret_same = digest_equal(&digest, expected);
        return 0;
}

/* Reads the beginning, and more of it where there is text to look through; with `expected` all, for its SHA-256.
 * Returns 0, a negative errno when the file cannot be read, or 1 when it is not what was expected. */
static int read_file(struct look *look, const struct digest *expected)
{
        char *block = look->in->block;
        ssize_t n = fault_point(FAULT_READ) ? -errno : read_full(look->fd, block, POLICY_HEAD_SIZE), more = 0;
        bool same = true;
        int r = 0;

        if (n == POLICY_HEAD_SIZE && content_language(look->name, block, (size_t)n) != CONTENT_NONE)
                more = read_full(look->fd, block + n, REVIEW_HEAD_SIZE - POLICY_HEAD_SIZE);
        if (n < 0 || more < 0)
                return (int)(n < 0 ? n : more);
        look->text = block;
        look->length = (size_t)(n + more);
        look->in->review->bytes += look->length;
        if (expected)
                r = compare_digest(look, expected, &same);
        return r < 0 ? r : !same;
}

static int check_file(struct look *look, const struct digest *expected)
{
        struct review *review = look->in->review;
        int r;

        review->files++;
        r = read_file(look, expected);
        if (r < 0)
                return unreadable(look, -r);
        if (r > 0 && review_add(review, FINDING_CHANGED, true, look->path,
                                _("it has changed since it was hashed; somebody is writing while you sign")) < 0)
                return -ENOMEM;
        if (look->in->only_hosts)
                return check_content(look);
        look->in->code_files += name_is_code(look->name);
        if (check_shadow(look) < 0 || check_control(look) < 0 || check_names(look) < 0 || check_disguise(look) < 0 ||
            check_content(look) < 0 || check_checksum(look) < 0)
                return -ENOMEM;
        return 0;
}

int inspect(struct inspection *inspection, int directory, const char *name, const char *path, const struct statx *stx,
            const struct digest *expected, struct error *err)
{
        struct look look = { .in = inspection, .name = name, .path = path, .directory = directory, .stx = stx };
        _cleanup_(fd_closep) int fd = -1;
        struct stat st;
        int r;

        if (!inspection->only_hosts && check_metadata(&look) < 0)
                return error_memory(err);
        if (S_ISDIR(stx->stx_mode))
                return 0;
        if (!S_ISREG(stx->stx_mode))
                return !inspection->only_hosts && check_type(&look) < 0 ? error_memory(err) : 0;
        fd = open_beneath(directory, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW, 0, BENEATH_STRICT);
        if (fd < 0)
                r = fd == -EXDEV ? review_add(inspection->review, FINDING_MOUNT, true, path,
                                              _("something is mounted over this file"))
                                 : unreadable(&look, -fd);
        else if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_ino != stx->stx_ino)
                r = review_add(inspection->review, FINDING_CHANGED, true, path, _("it was replaced while it was read"));
        else {
                look.fd = fd;
                r = check_file(&look, expected);
        }
        return r < 0 ? error_memory(err) : 0;
}
