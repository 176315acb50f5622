/* reference.c - manifests and companions from the state or from a file, with their signatures checked again. */
#include "tree/reference.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/signature.h"
#include "manifest/trust.h"
#include "tree/reference_private.h"

#define ENDING_MANIFEST  ".mtree"
#define ENDING_COMPANION ".companion.json"
#define ENDING_SIGNATURE ".minisig"

struct reference *reference_new(void)
{
        struct reference *reference = memory_new(1, sizeof(*reference));

        for (size_t i = 0; reference && i < RELEASE_ROOTS_MAXIMUM; i++)
                reference->roots[i].manifest = -1;
        return reference;
}

void reference_free(struct reference *reference)
{
        if (!reference)
                return;
        for (size_t i = 0; i < RELEASE_ROOTS_MAXIMUM; i++) {
                fd_close(&reference->roots[i].manifest);
                companion_done(&reference->roots[i].companion);
        }
        free(reference);
}

void reference_freep(struct reference **reference)
{
        reference_free(*reference);
}

static void free_trust(struct trust **trust)
{
        free(*trust);
}

int reference_add_companion(struct reference_root *root, const struct release_root *released, const struct buffer *text,
                            const char *file, struct error *err)
{
        struct digest digest;
        int r = digest_of_bytes(buffer_text(text), text->length, &digest, err);

        if (r < 0)
                return r;
        if (text->length != released->companion_size || !digest_equal(&digest, &released->companion_digest))
                return error_set(err, -EBADMSG, _("%s is not the one that the release names; pull again"), file);
        r = companion_parse(buffer_text(text), text->length, &root->companion, err);
        if (r < 0)
                error_prefix(err, "%s", file);
        return r;
}

/* Takes the descriptor on success. */
int reference_add_manifest(struct reference_root *root, const struct release_root *released, int *fd, struct error *err)
{
        struct digest digest;
        uint64_t size = 0;
        int r;

        release_manifest_file(released->name, root->file);
        r = digest_of_fd(*fd, released->manifest_size, &digest, &size, err);
        if (r == -E2BIG ||
            (r == 0 && (size != released->manifest_size || !digest_equal(&digest, &released->manifest_digest))))
                return error_set(err, -EBADMSG, _("%s is not the one that the release names; pull again"), root->file);
        if (r < 0)
                return r;
        snprintf(root->name, sizeof(root->name), "%s", released->name);
        root->digest = digest;
        root->files = released->files;
        root->manifest = fd_steal(fd);
        return 0;
}

/* ---- the state ---- */

static int read_kept(int folder, const char *name, struct buffer *text, struct error *err)
{
        int r = file_read(folder, name, text, err);

        if (r < 0)
                error_prefix(err, _("the kept release is damaged; pull again"));
        return r;
}

static int read_keys(int folder, const struct public_key *pub, struct trust *trust, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(KEYS_MAXIMUM);
        _cleanup_(buffer_done) struct buffer signature = BUFFER_INIT(SIGNATURE_MAXIMUM);
        int r = read_kept(folder, "keys.json", &text, err);

        if (r == 0)
                r = read_kept(folder, "keys.json" ENDING_SIGNATURE, &signature, err);
        return r < 0 ? r : trust_init_root(trust, pub, &text, &signature, err);
}

/* Of the keys.json that came with the release in place and one that was seen since, the newer decides: a key that was
 * withdrawn meanwhile vouches for nothing. */
static int kept_trust(const struct state *state, int kept, const struct public_key *pub, struct trust *trust,
                      struct error *err)
{
        _cleanup_(memory_freep) struct trust *seen = NULL;
        int r;

        if (!state->root_mode) {
                trust_init_single(trust, pub);
                return 0;
        }
        seen = memory_new(1, sizeof(*seen));
        if (!seen)
                return error_memory(err);
        r = read_keys(kept, pub, trust, err);
        if (r == 0 && read_keys(state->folder, pub, seen, NULL) == 0 && seen->keys.version > trust->keys.version)
                *trust = *seen;
        return r;
}

static int kept_release(const struct state *state, int kept, uint64_t number, const struct trust *trust,
                        struct release *ret_release, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(RELEASE_MAXIMUM);
        _cleanup_(buffer_done) struct buffer signature = BUFFER_INIT(SIGNATURE_MAXIMUM);
        int r = read_kept(kept, "release.json", &text, err);

        if (r == 0)
                r = read_kept(kept, "release.json" ENDING_SIGNATURE, &signature, err);
        return r < 0 ? r : trust_release(trust, &text, &signature, number, state->site, ret_release, err);
}

static int kept_root(int kept, const struct release_root *released, struct reference_root *root, struct error *err)
{
        _cleanup_(buffer_done) struct buffer companion = BUFFER_INIT(COMPANION_MAXIMUM);
        _cleanup_(fd_closep) int fd = -1;
        char file[RELEASE_FILE_SIZE];
        int r;

        release_manifest_file(released->name, file);
        fd = fault_point(FAULT_OPEN) ? -1 : openat(kept, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return error_errno(err, errno, _("cannot open the kept %s; pull again"), file);
        r = reference_add_manifest(root, released, &fd, err);
        if (r < 0)
                return r;
        release_companion_file(released->name, file);
        r = read_kept(kept, file, &companion, err);
        return r < 0 ? r : reference_add_companion(root, released, &companion, file, err);
}

int reference_staged(const struct state *state, int folder, uint64_t number, const struct public_key *pub,
                     struct reference **ret_reference, struct error *err)
{
        _cleanup_(reference_freep) struct reference *reference = reference_new();
        _cleanup_(free_trust) struct trust *trust = memory_new(1, sizeof(*trust));
        _cleanup_(release_done) struct release release = { 0 };
        int r;

        if (!reference || !trust)
                return error_memory(err);
        r = kept_trust(state, folder, pub, trust, err);
        if (r == 0)
                r = kept_release(state, folder, number, trust, &release, err);
        for (size_t i = 0; i < release.root_count && r == 0; i++) {
                r = kept_root(folder, &release.roots[i], &reference->roots[i], err);
                reference->root_count++;
        }
        if (r < 0)
                return r;
        reference->number = release.number;
        *ret_reference = reference;
        reference = NULL;
        return 0;
}

int reference_kept(const struct state *state, const struct public_key *pub, struct reference **ret_reference,
                   struct error *err)
{
        _cleanup_(fd_closep) int kept = open_beneath(state->folder, "kept", O_RDONLY | O_DIRECTORY, 0, BENEATH_STRICT);

        if (kept < 0)
                return error_errno(err, -kept, _("cannot open the kept release of %s; pull again"), state->dest);
        return reference_staged(state, kept, state->release, pub, ret_reference, err);
}

/* ---- a manifest file ---- */

/* Opens a file and checks the signature beside it, which is parsed for what its comment says: a descriptor, -ENOENT
 * when the file is not there. */
static int open_signed(const char *path, const struct trust *trust, struct signature *ret_signature, struct error *err)
{
        _cleanup_(buffer_done) struct buffer name = BUFFER_INIT(PATH_MAX + 16);
        _cleanup_(buffer_done) struct buffer signature = BUFFER_INIT(SIGNATURE_MAXIMUM);
        _cleanup_(fd_closep) int fd = -1;
        int r;

        fd = fault_point(FAULT_OPEN) ? -1 : open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return error_errno(err, errno, _("cannot open %s"), path);
        if (buffer_printf(&name, "%s" ENDING_SIGNATURE, path) < 0)
                return error_memory(err);
        r = file_read(AT_FDCWD, name.data, &signature, err);
        if (r < 0)
                return r == -ENOENT
                               ? error_set(err, -EKEYREJECTED, _("%s is not signed: there is no %s"), path, name.data)
                               : r;
        r = trust_check_fd(trust, ROLE_RELEASE, clock_now(), &signature, fd, path, err);
        if (r == 0)
                r = signature_parse(buffer_text(&signature), signature.length, ret_signature, err);
        return r < 0 ? r : fd_steal(&fd);
}

/* "understudy site=S release=N file=F": no file of another release may lie beside a manifest, where it could ignore
 * more. Comments of minisign's own say nothing about that. */
static bool same_release(const char *a, const char *b)
{
        const char *file_a = strstr(a, " file="), *file_b = strstr(b, " file=");

        if (!text_starts(a, "understudy ") && !text_starts(b, "understudy "))
                return true;
        return file_a && file_b && file_a - a == file_b - b && memcmp(a, b, (size_t)(file_a - a)) == 0;
}

static int file_companion(const char *path, const struct trust *trust, const struct signature *of_manifest,
                          struct reference_root *root, struct error *err)
{
        struct signature signature;
        _cleanup_(buffer_done) struct buffer name = BUFFER_INIT(PATH_MAX + 16);
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(COMPANION_MAXIMUM);
        _cleanup_(fd_closep) int fd = -1;
        size_t length = strlen(path);
        int r;

        if (!text_ends(path, ENDING_MANIFEST))
                return 0;
        r = buffer_append(&name, path, length - strlen(ENDING_MANIFEST));
        if (r < 0 || buffer_append_text(&name, ENDING_COMPANION) < 0)
                return error_memory(err);
        fd = open_signed(name.data, trust, &signature, err);
        if (fd == -ENOENT)
                return 0;
        if (fd >= 0 && !same_release(of_manifest->comment, signature.comment))
                return error_set(err, -EBADMSG, _("%s belongs to another release than %s: it says '%s', not '%s'"),
                                 name.data, path, signature.comment, of_manifest->comment);
        r = fd < 0 ? fd : read_to_end(fd, &text);
        if (fd >= 0 && r < 0)
                return error_errno(err, -r, _("cannot read %s"), name.data);
        if (r == 0)
                r = companion_parse(buffer_text(&text), text.length, &root->companion, err);
        return r;
}

int reference_file(const char *path, const struct public_key *pub, struct reference **ret_reference, struct error *err)
{
        _cleanup_(reference_freep) struct reference *reference = reference_new();
        _cleanup_(free_trust) struct trust *trust = memory_new(1, sizeof(*trust));
        struct signature signature;
        struct reference_root *root;
        uint64_t size;
        int r;

        if (!reference || !trust)
                return error_memory(err);
        trust_init_single(trust, pub);
        root = &reference->roots[0];
        reference->root_count = 1;
        snprintf(root->name, sizeof(root->name), "%s", RELEASE_DOCROOT);
        snprintf(root->file, sizeof(root->file), "%s", "manifest");
        root->manifest = open_signed(path, trust, &signature, err);
        if (root->manifest < 0)
                return root->manifest;
        r = digest_of_fd(root->manifest, UINT64_MAX, &root->digest, &size, err);
        if (r == 0)
                r = file_companion(path, trust, &signature, root, err);
        if (r < 0)
                return r;
        *ret_reference = reference;
        reference = NULL;
        return 0;
}
