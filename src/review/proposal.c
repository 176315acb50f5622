/*
 * proposal.c - a walk that stops at each folder that the application seems to write itself.
 */
#include "review/proposal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "review/private.h"

struct search {
        struct proposal *proposal;
        struct buffer path;
        int64_t web_uid;
        struct proposed *inside; /* the proposed folder that is walked now; NULL: none */
};

void proposal_done(struct proposal *proposal)
{
        for (size_t i = 0; i < proposal->count; i++) {
                free(proposal->folders[i].path);
                free(proposal->folders[i].target);
                free(proposal->folders[i].example);
        }
        free(proposal->folders);
        *proposal = (struct proposal){ 0 };
}

/* "a/b" into "../../mutable/a/b": from the folder of the link up to beside the tree. */
static char *outside_target(const char *path)
{
        _cleanup_(buffer_done) struct buffer target = BUFFER_INIT(ENTRY_LINK_MAXIMUM);

        for (const char *at = path; at; at = strchr(at, '/') ? strchr(at, '/') + 1 : NULL)
                if (buffer_append_text(&target, "../") < 0)
                        return NULL;
        if (buffer_append_text(&target, "mutable/") < 0 || buffer_append_text(&target, path) < 0)
                return NULL;
        return buffer_steal(&target);
}

static bool web_may_write(const struct search *search, const struct statx *stx)
{
        return stx->stx_mode & S_IWOTH ||
               (search->web_uid >= 0 && stx->stx_uid == (uint64_t)search->web_uid && stx->stx_mode & S_IWUSR);
}

enum guess { GUESS_NONE, GUESS_MUTABLE, GUESS_IGNORED };

/* What a folder seems to be; `above` is the folder that it lies in. */
static enum guess guess(const struct search *search, const struct statx *stx, const struct statx *above)
{
        const char *path = buffer_text(&search->path);

        if (text_equal(path, ".well-known/acme-challenge") || path_is_cache(path))
                return GUESS_IGNORED;
        if (path_is_upload(path))
                return GUESS_MUTABLE;
        return web_may_write(search, stx) && !web_may_write(search, above) ? GUESS_MUTABLE : GUESS_NONE;
}

static int propose(struct search *search, enum guess what)
{
        struct proposal *proposal = search->proposal;
        struct proposed *folders, new = { .path = memory_string(buffer_text(&search->path)) };

        if (new.path && what == GUESS_MUTABLE)
                new.target = outside_target(new.path);
        folders = memory_resize(proposal->folders, proposal->count + 1, sizeof(*folders));
        if (folders)
                proposal->folders = folders;
        if (!folders || !new.path || (what == GUESS_MUTABLE && !new.target)) {
                free(new.path);
                free(new.target);
                return -ENOMEM;
        }
        folders[proposal->count] = new;
        search->inside = &folders[proposal->count++];
        return 0;
}

/* A file in a proposed folder, held against the rules that would be in force there. */
static int check(struct search *search, int directory, const char *name, const struct statx *stx)
{
        struct proposed *folder = search->inside;
        char head[POLICY_HEAD_SIZE];
        ssize_t length = 0;
        enum breach breach;

        if (S_ISREG(stx->stx_mode)) {
                _cleanup_(fd_closep) int fd =
                        open_beneath(directory, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0, BENEATH_STRICT);

                length = fd < 0 ? 0 : read_full(fd, head, sizeof(head));
                folder->files++;
        }
        breach = policy_check(0, name, stx->stx_mode, head, length > 0 ? (size_t)length : 0);
        if (breach == BREACH_NONE)
                return 0;
        folder->breaches[breach]++;
        if (folder->example && breach != BREACH_CODE)
                return 0;
        /* A program is the example that matters most. */
        if (!folder->example || folder->breaches[BREACH_CODE] == 1) {
                free(folder->example);
                folder->example = memory_string(buffer_text(&search->path));
                if (!folder->example)
                        return -ENOMEM;
        }
        return 0;
}

/* The folder was walked. One that is called Cache, holds mostly programs and is closed to the web server is part of the
 * application's source. */
static void conclude(struct search *search, bool web_may_write_it)
{
        struct proposed *folder = search->inside;

        search->inside = NULL;
        if (folder->target || web_may_write_it || folder->files == 0 ||
            2 * folder->breaches[BREACH_CODE] < folder->files)
                return;
        free(folder->path);
        free(folder->example);
        search->proposal->count--;
}

static int search_folder(struct search *search, int directory, const struct statx *stx, unsigned int depth);

static int visit(struct search *search, int directory, const char *name, const struct statx *above, unsigned int depth)
{
        _cleanup_(fd_closep) int fd = -1;
        enum guess what = GUESS_NONE;
        struct statx stx;
        int r = 0;

        if (statx(directory, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &stx) < 0)
                return 0;
        if (search->inside)
                r = check(search, directory, name, &stx);
        if (r < 0 || !S_ISDIR(stx.stx_mode) || depth == ENTRY_DEPTH_MAXIMUM)
                return r;
        fd = open_beneath(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, BENEATH_STRICT);
        if (fd < 0)
                return 0; /* the scan has said so */
        if (!search->inside && search->proposal->count < PROPOSAL_MAXIMUM)
                what = guess(search, &stx, above);
        if (what != GUESS_NONE && propose(search, what) < 0)
                return -ENOMEM;
        r = search_folder(search, fd, &stx, depth + 1);
        if (what != GUESS_NONE)
                conclude(search, web_may_write(search, &stx));
        return r;
}

static int search_folder(struct search *search, int directory, const struct statx *stx, unsigned int depth)
{
        _cleanup_(names_done) struct names names = { 0 };
        size_t length = search->path.length;
        int r = names_read(directory, &names);

        if (r < 0)
                return r == -ENOMEM ? r : 0;
        for (size_t i = 0; i < names.count && r == 0; i++) {
                if ((length == 0 || buffer_append_byte(&search->path, '/') == 0) &&
                    buffer_append_text(&search->path, names.list[i]) == 0)
                        r = visit(search, directory, names.list[i], stx, depth);
                if (search->path.data) {
                        search->path.length = length;
                        search->path.data[length] = '\0';
                }
        }
        return r;
}

int proposal_make(int directory, int64_t web_uid, struct proposal *ret_proposal, struct error *err)
{
        _cleanup_(proposal_done) struct proposal proposal = { 0 };
        struct search search = { .proposal = &proposal, .path = BUFFER_INIT(ENTRY_PATH_MAXIMUM), .web_uid = web_uid };
        struct statx stx;
        int r;

        if (statx(directory, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx) < 0)
                return error_errno(err, errno, _("cannot look at the tree"));
        r = search_folder(&search, directory, &stx, 0);
        buffer_done(&search.path);
        if (r < 0)
                return error_memory(err);
        *ret_proposal = proposal;
        proposal = (struct proposal){ 0 };
        return 0;
}
