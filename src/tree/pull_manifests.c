/*
 * pull_manifests.c - manifests and companions: of the wanted release into STATE/dest/X/kept.next, and of the release in
 * place for the comparison. Nothing of DEST is touched here.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "manifest/mtree.h"
#include "tree/pull_parts.h"

/* ---- manifests and companions ---- */

/* A file of the release in place, if it still is what release.json of then says. */
static int open_kept(const struct pull_run *run, const char *file, const struct digest *digest, uint64_t size)
{
        char path[RELEASE_FILE_SIZE + 16];
        struct digest found;
        uint64_t length = 0;
        int fd;

        snprintf(path, sizeof(path), "kept/%s", file);
        fd = openat(run->state->folder, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0 && (digest_of_fd(fd, size, &found, &length, NULL) < 0 || !digest_equal(&found, digest)))
                fd_close(&fd);
        return fd;
}

/* A trusted comment of ours says what it is of; one that says something else was made for another file. */
static int check_comment(const struct pull_run *run, const char *file, const struct buffer *text, struct error *err)
{
        struct signature signature;
        char expected[RELEASE_COMMENT_SIZE];
        int r = signature_parse(buffer_text(text), text->length, &signature, err);

        if (r < 0 || !text_starts(signature.comment, "understudy "))
                return r;
        release_comment(run->release.site, run->release.number, file, expected);
        if (text_equal(signature.comment, expected))
                return 0;
        return error_set(err, -EBADMSG, _("the signature of %s says `%s`, not `%s`; publish it again"), file,
                         signature.comment, expected);
}

static int check_signature(struct pull_run *run, const char *file, const char *path, int fd,
                           const struct buffer *signature, struct error *err)
{
        int r = trust_check_fd(run->trust, ROLE_RELEASE, run->release.created, signature, fd, path, err);

        return r < 0 ? r : check_comment(run, file, signature, err);
}

/* The signature of one file of the release, that of the kept file if it holds, into kept.next. */
static int get_signature(struct pull_run *run, const char *file, int fd, struct error *err)
{
        _cleanup_(buffer_done) struct buffer signature = BUFFER_INIT(SIGNATURE_MAXIMUM);
        char path[RELEASE_FILE_SIZE + 64], name[RELEASE_FILE_SIZE + 16];
        int r = -ENOENT;

        snprintf(name, sizeof(name), "%s.minisig", file);
        snprintf(path, sizeof(path), "kept/%s", name);
        if (run->same_release && file_read(run->state->folder, path, &signature, NULL) == 0)
                r = check_signature(run, file, path, fd, &signature, NULL);
        if (r < 0) {
                buffer_clear(&signature);
                snprintf(path, sizeof(path), "releases/%" PRIu64 "/%s", run->release.number, name);
                r = repository_get(run->repository, path, &signature, err);
                if (r == -ENOENT)
                        return error_set(err, -EBADMSG, _("%s/%s is missing; publish it again"),
                                         repository_url(run->repository), path);
                if (r == 0)
                        r = check_signature(run, file, path, fd, &signature, err);
        }
        return r < 0 ? r : pull_keep_text(run, name, &signature, err);
}

/* One file of the release into kept.next: its bytes are those that release.json names, and its own signature holds. */
static int get_file(struct pull_run *run, const char *file, const struct digest *digest, uint64_t size, int base,
                    int *ret_fd, struct error *err)
{
        _cleanup_(fd_closep) int fd = -1, kept = open_kept(run, file, digest, size);
        char path[RELEASE_FILE_SIZE + 64], old[RELEASE_FILE_SIZE + 16];
        int r = 0;

        snprintf(path, sizeof(path), "releases/%" PRIu64 "/%s", run->release.number, file);
        snprintf(old, sizeof(old), "kept/%s", file);
        if (kept >= 0 && linkat(run->state->folder, old, run->kept_next, file, 0) == 0) {
                fd = fd_steal(&kept);
        } else {
                run->kept_differs = true;
                fd = openat(run->kept_next, file, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
                if (fd < 0)
                        return error_errno(err, errno, _("cannot keep %s in the state folder"), file);
                r = repository_get_file(run->repository, path, size, digest, fd, base, run->state->release, err);
                if (r == -ENOENT)
                        return error_set(err, -EBADMSG, _("%s/%s is missing; publish it again"),
                                         repository_url(run->repository), path);
        }
        if (r == 0)
                r = get_signature(run, file, fd, err);
        if (r == 0)
                *ret_fd = fd_steal(&fd);
        return r;
}

static int read_companion(int fd, const char *file, struct companion *ret_companion, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(COMPANION_MAXIMUM);
        int r = lseek(fd, 0, SEEK_SET) < 0 ? -errno : read_to_end(fd, &text);

        if (r < 0)
                return error_errno(err, -r, _("cannot read %s"), file);
        return companion_parse(buffer_text(&text), text.length, ret_companion, err);
}

/* All rules of the dialect, and that no link leaves the tree unless it was declared: before anything is written. */
static int check_manifest(struct pull_run *run, struct pull_root *root, struct error *err)
{
        _cleanup_(mtree_reader_freep) struct mtree_reader *reader = NULL;
        uint64_t files = 0, bytes = 0;
        struct entry entry;
        int r = mtree_reader_new_fd(root->manifest, root->name_manifest, &reader, err);

        while (r >= 0 && (r = mtree_reader_next(reader, &entry, err)) > 0) {
                const struct area *area;

                root->entries++;
                if (entry.type == ENTRY_FILE) {
                        files++;
                        bytes += (uint64_t)entry.size;
                        if (bytes > root->released->bytes) /* at once, so that no sum can overflow */
                                break;
                }
                if (entry.type != ENTRY_LINK ||
                    !link_leaves_tree(entry.path, entry.path_length, entry.target, entry.target_length))
                        continue;
                area = companion_area(&root->companion, entry.path);
                if (!(area && text_equal(area->target, entry.target)) && !companion_link(&root->companion, entry.path))
                        return error_set(err, -EBADMSG,
                                         _("release %" PRIu64 " has a link %s that leads out of the tree and was not "
                                           "declared; it is not taken over"),
                                         run->release.number, entry.path);
        }
        if (r >= 0 && (files != root->released->files || bytes != root->released->bytes))
                return error_set(err, -EBADMSG, _("release %" PRIu64 " does not have the files that it counts"),
                                 run->release.number);
        return r;
}

int pull_get_root(struct pull_run *run, struct pull_root *root, struct error *err)
{
        const struct release_root *released = root->released;
        char file[RELEASE_FILE_SIZE];
        _cleanup_(fd_closep) int companion = -1;
        int r;

        release_manifest_file(released->name, root->name_manifest);
        r = get_file(run, root->name_manifest, &released->manifest_digest, released->manifest_size, root->kept_manifest,
                     &root->manifest, err);
        release_companion_file(released->name, file);
        if (r == 0)
                r = get_file(run, file, &released->companion_digest, released->companion_size, -1, &companion, err);
        if (r == 0)
                r = read_companion(companion, file, &root->companion, err);
        return r < 0 ? r : check_manifest(run, root, err);
}

/* ---- the release in place ---- */

/* The kept release.json, under the keys of today or else under those that were kept with it: a key that was revoked
 * since does not make what it signed unknown, and nothing is put in place on its word. */
static int trust_kept(struct pull_run *run, struct release *ret_release)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(RELEASE_MAXIMUM);
        _cleanup_(buffer_done) struct buffer signature = BUFFER_INIT(SIGNATURE_MAXIMUM);
        _cleanup_(buffer_done) struct buffer keys = BUFFER_INIT(KEYS_MAXIMUM);
        _cleanup_(buffer_done) struct buffer keys_signature = BUFFER_INIT(SIGNATURE_MAXIMUM);
        const struct state *state = run->state;
        struct trust *trust;
        int r;

        if (file_read(state->folder, "kept/release.json", &text, NULL) < 0 ||
            file_read(state->folder, "kept/release.json.minisig", &signature, NULL) < 0)
                return -ENOENT;
        if (trust_release(run->trust, &text, &signature, state->release, state->site, ret_release, NULL) == 0)
                return 0;
        trust = memory_new(1, sizeof(*trust));
        if (!trust)
                return -ENOMEM;
        trust_init_single(trust, &state->pub);
        r = 0;
        if (state->root_mode) {
                r = file_read(state->folder, "kept/keys.json", &keys, NULL);
                if (r == 0)
                        r = file_read(state->folder, "kept/keys.json.minisig", &keys_signature, NULL);
                if (r == 0)
                        r = trust_init_root(trust, &state->pub, &keys, &keys_signature, NULL);
        }
        if (r == 0)
                r = trust_release(trust, &text, &signature, state->release, state->site, ret_release, NULL);
        free(trust);
        return r;
}

static void open_kept_root(struct pull_run *run, const struct release *kept, struct pull_root *root)
{
        const struct release_root *released = release_root(kept, root->released->name);
        char file[RELEASE_FILE_SIZE];
        _cleanup_(fd_closep) int companion = -1;

        if (!released)
                return;
        release_manifest_file(released->name, file);
        root->kept_manifest = open_kept(run, file, &released->manifest_digest, released->manifest_size);
        release_companion_file(released->name, file);
        companion = open_kept(run, file, &released->companion_digest, released->companion_size);
        if (companion < 0 || read_companion(companion, file, &root->kept_companion, NULL) < 0)
                fd_close(&root->kept_manifest);
}

int pull_open_kept(struct pull_run *run, struct error *err)
{
        struct release kept = { 0 };
        int r;

        if (!run->state->pulled)
                return 0;
        r = trust_kept(run, &kept);
        if (r == -ENOMEM)
                return error_memory(err);
        if (r < 0) {
                pull_note(run,
                          _("the manifest of release %" PRIu64 " that was kept for %s is missing or damaged, so "
                            "what differed is told against release %" PRIu64),
                          run->state->release, run->state->dest, run->release.number);
                return 0;
        }
        for (size_t i = 0; i < run->root_count; i++)
                if (run->roots[i].known)
                        open_kept_root(run, &kept, &run->roots[i]);
        release_done(&kept);
        return 0;
}
