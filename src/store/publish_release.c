/* publish_release.c - the draft of a release is written, signed, read again as a stranger would, and made the release.
 */
#include "store/publish_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "crypto/signature.h"
#include "manifest/mtree.h"

int publish_draft_new(const struct publish_place *place, struct publish_draft *ret_draft, struct error *err)
{
        struct publish_draft draft = { .place = place, .folder = -1 };
        int r = publish_temporary_name(draft.name, err);

        if (r < 0)
                return r;
        if (fault_point(FAULT_WRITE) || mkdirat(place->releases, draft.name, 0755) < 0)
                return error_errno(err, errno, _("cannot make a folder for the new release in the repository %s"),
                                   place->repository.path);
        draft.folder = open_beneath(place->releases, draft.name, O_RDONLY | O_DIRECTORY, 0, BENEATH_STRICT);
        if (draft.folder < 0) {
                unlinkat(place->releases, draft.name, AT_REMOVEDIR);
                return error_errno(err, -draft.folder, _("cannot open the new release's folder in the repository %s"),
                                   place->repository.path);
        }
        *ret_draft = draft;
        return 0;
}

void publish_draft_done(struct publish_draft *draft)
{
        if (draft->name[0])
                (void)tree_remove(draft->place->releases, draft->name, NULL); /* the next run tries again */
        draft->name[0] = '\0';
        fd_close(&draft->folder);
}

int publish_draft_open(const struct publish_draft *draft, const char *name, struct error *err)
{
        int fd = fault_point(FAULT_OPEN)
                         ? -1
                         : openat(draft->folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);

        return fd < 0 ? error_errno(err, errno, _("cannot write %s of the new release"), name) : fd;
}

int publish_draft_write(const struct publish_draft *draft, const char *name, const struct buffer *text,
                        struct error *err)
{
        _cleanup_(fd_closep) int fd = publish_draft_open(draft, name, err);
        int r;

        if (fd < 0)
                return fd;
        r = write_full(fd, buffer_text(text), text->length);
        if (r == 0)
                r = fd_sync(fd);
        return r < 0 ? error_errno(err, -r, _("cannot write %s of the new release"), name) : 0;
}

/* --- signing --- */

static int sign_file(const struct publish_draft *draft, const struct release *release, const struct secret_key *key,
                     const char *name, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(SIGNATURE_MAXIMUM);
        _cleanup_(fd_closep) int fd = -1;
        char comment[RELEASE_COMMENT_SIZE], signature[RELEASE_FILE_SIZE + 16];
        int r;

        fd = open_beneath(draft->folder, name, O_RDONLY, 0, BENEATH_STRICT);
        if (fd < 0)
                return error_errno(err, -fd, _("cannot read %s again to sign it"), name);
        release_comment(release->site, release->number, name, comment);
        r = signature_make_fd(key, fd, comment, &text, err);
        if (r < 0)
                return r;
        snprintf(signature, sizeof(signature), "%s.minisig", name);
        return publish_draft_write(draft, signature, &text, err);
}

/* --- reading it again --- */

static int check_manifest(const struct publish_draft *draft, const struct release_root *root, const char *name,
                          struct error *err)
{
        _cleanup_(mtree_reader_freep) struct mtree_reader *reader = NULL;
        _cleanup_(fd_closep) int fd = -1;
        struct digest digest;
        struct entry entry;
        int r;

        fd = open_beneath(draft->folder, name, O_RDONLY, 0, BENEATH_STRICT);
        if (fd < 0)
                return error_errno(err, -fd, _("cannot read %s again"), name);
        r = mtree_reader_new_fd(fd, name, &reader, err);
        if (r < 0)
                return r;
        do
                r = mtree_reader_next(reader, &entry, err);
        while (r > 0);
        if (r == 0)
                r = mtree_reader_digest(reader, &digest, err);
        if (r == 0 && !digest_equal(&digest, &root->manifest_digest))
                r = error_set(err, -EBADMSG, _("%s is not what was written; is the disk damaged?"), name);
        return r;
}

/* release.json and its signature as they are on the disk, with the public half of the key. */
static int check_release(const struct publish_draft *draft, const struct release *release, const struct secret_key *key,
                         struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(RELEASE_MAXIMUM),
                                             minisig = BUFFER_INIT(SIGNATURE_MAXIMUM);
        _cleanup_(release_done) struct release again = { .packs = NULL };
        struct signature signature;
        int r = file_read(draft->folder, "release.json", &text, err);

        if (r == 0)
                r = file_read(draft->folder, "release.json.minisig", &minisig, err);
        if (r == 0)
                r = signature_parse(buffer_text(&minisig), minisig.length, &signature, err);
        if (r == 0)
                r = signature_verify(&signature, secret_key_public(key), text.data, text.length, "release.json", err);
        if (r == 0)
                r = release_parse(buffer_text(&text), text.length, &again, err);
        if (r == 0 && (again.number != release->number || strcmp(again.site, release->site) != 0))
                r = error_set(err, -EBADMSG, _("release.json is not what was written; is the disk damaged?"));
        return r;
}

int publish_draft_sign(const struct publish_draft *draft, const struct release *release, const struct secret_key *key,
                       struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(RELEASE_MAXIMUM);
        int r = release_format(release, &text, err);

        if (r == 0)
                r = publish_draft_write(draft, "release.json", &text, err);
        if (r == 0)
                r = sign_file(draft, release, key, "release.json", err);
        for (size_t i = 0; i < release->root_count && r == 0; i++) {
                char manifest[RELEASE_FILE_SIZE], companion[RELEASE_FILE_SIZE];

                release_manifest_file(release->roots[i].name, manifest);
                release_companion_file(release->roots[i].name, companion);
                r = sign_file(draft, release, key, manifest, err);
                if (r == 0)
                        r = sign_file(draft, release, key, companion, err);
                if (r == 0)
                        r = check_manifest(draft, &release->roots[i], manifest, err);
        }
        if (r == 0)
                r = check_release(draft, release, key, err);
        if (r < 0)
                return error_prefix(err, _("release %" PRIu64 " was not made"), release->number);
        r = fd_sync(draft->folder);
        return r < 0 ? error_errno(err, -r, _("cannot make sure that the new release survives a crash")) : 0;
}

/* --- the one step --- */

int publish_draft_release(struct publish_draft *draft, uint64_t number, struct error *err)
{
        int releases = draft->place->releases, r;
        char name[32], latest[34];

        snprintf(name, sizeof(name), "%" PRIu64, number);
        r = rename_at(releases, draft->name, releases, name, RENAME_NOREPLACE);
        if (r == -EINVAL) /* NFS and others don't know the flag; a folder never replaces one that is not empty */
                r = rename_at(releases, draft->name, releases, name, 0);
        if (r == -EEXIST || r == -ENOTEMPTY)
                return error_set(err, -EEXIST,
                                 _("another publisher made release %s meanwhile; run the same command again"), name);
        if (r < 0)
                return error_errno(err, -r, _("cannot make release %s in the repository %s"), name,
                                   draft->place->repository.path);
        draft->name[0] = '\0';
        r = fd_sync(releases);
        if (r < 0)
                return error_errno(err, -r, _("release %s was made, but may not survive a crash"), name);
        snprintf(latest, sizeof(latest), "%s\n", name);
        r = file_replace(draft->place->repository.fd, "latest", latest, strlen(latest), 0644, err);
        return r < 0 ? error_prefix(err,
                                    _("release %s was made, but the file latest does not say so yet; run the same "
                                      "command again, or write the number into that file"),
                                    name)
                     : 0;
}
