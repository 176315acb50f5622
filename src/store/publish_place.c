/* publish_place.c - the repository's folder as the publisher finds it: lock, leftovers, and the release before. */
#include "store/publish_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/signature.h"

#define STRANGE_AGE      (24 * 3600) /* seconds after which another machine's leftover is one */
#define TEMPORARY_PREFIX ".new-"

/* "HOST": a repository on NFS may have publishers on several machines, whose work must not look like our leftovers. */
static int own_prefix(char prefix[static PUBLISH_TEMPORARY_SIZE], struct error *err)
{
        struct utsname host;

        if (uname(&host) < 0)
                return error_errno(err, errno, _("cannot find out the name of this machine"));
        snprintf(prefix, PUBLISH_TEMPORARY_SIZE, TEMPORARY_PREFIX "%.64s.", host.nodename);
        return 0;
}

int publish_temporary_name(char name[static PUBLISH_TEMPORARY_SIZE], struct error *err)
{
        uint64_t salt = 0;
        size_t length;
        int r = own_prefix(name, err);

        if (r < 0)
                return r;
        if (getrandom(&salt, sizeof(salt), 0) < 0)
                return error_errno(err, errno, _("cannot get random bytes from the system"));
        length = strlen(name);
        snprintf(name + length, PUBLISH_TEMPORARY_SIZE - length, "%016" PRIx64, salt);
        return 0;
}

/* --- opening --- */

static int open_part(const struct folder *repository, const char *name, bool *made, struct error *err)
{
        int fd;

        if (mkdirat(repository->fd, name, 0755) == 0)
                *made = true;
        else if (errno != EEXIST)
                return error_errno(err, errno, _("cannot make the folder %s in the repository %s"), name,
                                   repository->path);
        fd = fault_point(FAULT_OPEN) ? -1 : openat(repository->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? error_errno(err, errno, _("cannot open %s of the repository %s"), name, repository->path) : fd;
}

/* --- leftovers --- */

static bool is_leftover(int folder, const char *name, const char *own)
{
        struct stat st;

        if (text_starts(name, own))
                return true; /* we have the lock: whoever made it is gone */
        return text_starts(name, TEMPORARY_PREFIX) && fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
               st.st_mtime < clock_now() - STRANGE_AGE;
}

static int open_list(int folder, DIR **ret_list, struct error *err)
{
        int fd = fault_point(FAULT_OPEN) ? -1 : openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        *ret_list = fd < 0 ? NULL : fdopendir(fd);
        if (!*ret_list) {
                error_errno(err, errno, _("cannot list a folder of the repository"));
                fd_close(&fd);
                return err ? err->code : -EIO;
        }
        return 0;
}

static int remove_leftovers(int folder, struct error *err)
{
        _cleanup_(dir_closep) DIR *list = NULL;
        char own[PUBLISH_TEMPORARY_SIZE];
        const struct dirent *entry;
        int r = own_prefix(own, err);

        if (r == 0)
                r = open_list(folder, &list, err);
        while (r == 0 && (entry = readdir(list)))
                if (is_leftover(folder, entry->d_name, own))
                        r = tree_remove(folder, entry->d_name, err);
        return r < 0 ? error_prefix(err, _("cannot remove what an interrupted run left in the repository")) : 0;
}

int publish_place_open(const char *path, struct publish_place *ret_place, struct error *err)
{
        struct publish_place place = PUBLISH_PLACE_NONE;
        bool made = false;
        int r;

        r = folder_open(path, true, &place.repository, err);
        if (r >= 0)
                r = place.releases = open_part(&place.repository, "releases", &made, err);
        if (r >= 0)
                r = place.packs = open_part(&place.repository, "packs", &made, err);
        if (r >= 0 && made &&
            (fault_point(FAULT_SYNC) || syncfs(place.packs) < 0)) /* folders above it were made, too */
                r = error_errno(err, errno, _("cannot make sure that the repository %s survives a crash"), path);
        if (r >= 0 && place.repository.lock >= 0) {
                r = remove_leftovers(place.releases, err);
                if (r == 0)
                        r = remove_leftovers(place.packs, err);
        }
        if (r < 0) {
                publish_place_close(&place);
                return r;
        }
        *ret_place = place;
        return 0;
}

void publish_place_close(struct publish_place *place)
{
        fd_close(&place->releases);
        fd_close(&place->packs);
        folder_done(&place->repository); /* last: it lets the next one in */
}

/* --- the release before --- */

static int read_signed(int folder, const char *name, size_t maximum, struct buffer *text, struct buffer *signature,
                       struct error *err)
{
        char signature_name[RELEASE_FILE_SIZE + 8];
        int r;

        text->maximum = maximum;
        signature->maximum = SIGNATURE_MAXIMUM;
        snprintf(signature_name, sizeof(signature_name), "%s.minisig", name);
        r = file_read(folder, name, text, err);
        return r < 0 ? r : file_read(folder, signature_name, signature, err);
}

/*
 * Whose signatures count here. With a keys.json it is the list that the root key signed. Without the root's public key
 * that is not proven: anybody who may write in the repository could have made the list, and a release by a key on it.
 */
static int find_trust(const struct publish_place *place, const struct publish_options *options, struct trust *trust,
                      struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(0), signature = BUFFER_INIT(0);
        const struct public_key *own = secret_key_public(options->key);
        int r;

        trust_init_single(trust, own);
        if (options->root_pub) {
                r = read_signed(place->repository.fd, "keys.json", KEYS_MAXIMUM, &text, &signature, err);
                if (r == 0)
                        r = trust_init_root(trust, options->root_pub, &text, &signature, err);
        } else {
                text.maximum = KEYS_MAXIMUM;
                r = file_read(place->repository.fd, "keys.json", &text, err);
                if (r == -ENOENT)
                        return 0;
                if (r == 0)
                        r = keys_parse(buffer_text(&text), text.length, &trust->keys, err);
        }
        if (r < 0)
                return r;
        trust->root_mode = true;
        return trust_may_sign(&trust->keys, own, ROLE_RELEASE, clock_now(), err);
}

/* Whether the publisher's own key signed it; that needs nobody's list. */
static bool is_own(const struct publish_options *options, const struct buffer *text, const struct buffer *signature)
{
        struct signature parsed;

        return signature_parse(buffer_text(signature), signature->length, &parsed, NULL) == 0 &&
               signature_verify(&parsed, secret_key_public(options->key), buffer_text(text), text->length,
                                "release.json", NULL) == 0;
}

/*
 * Reads release.json and decides whether its signature counts. With a single key another one is refused unless it is
 * meant. With a root key it is its list that counts, and this key is on it: a release of a revoked key is followed by
 * this one, which is the remedy.
 */
static int read_release(const struct publish_options *options, const struct trust *trust, uint64_t number,
                        struct publish_previous *previous, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(RELEASE_MAXIMUM), signature = BUFFER_INIT(0);
        int r = read_signed(previous->folder, "release.json", RELEASE_MAXIMUM, &text, &signature, err);

        if (r < 0)
                return r;
        r = digest_of_bytes(text.data, text.length, &previous->digest, err);
        if (r < 0)
                return r;
        r = trust_release(trust, &text, &signature, number, NULL, &previous->release, err);
        if (r == -EKEYREJECTED && !trust->root_mode && !options->new_key)
                return error_refuse(err,
                                    _("release %" PRIu64 " was not signed by this key; use the one that signed it, or "
                                      "say --new-key if the key has changed on purpose"),
                                    number);
        previous->vouched = r == 0 && (!trust->root_mode || options->root_pub || is_own(options, &text, &signature));
        previous->listed = r == 0;
        if (r == -EKEYREJECTED) {
                r = release_parse(buffer_text(&text), text.length, &previous->release, err);
                if (r == 0 && previous->release.number != number)
                        r = error_set(err, -EBADMSG,
                                      _("the release in the folder of release %" PRIu64 " has another number"), number);
        }
        return r;
}

/* What it declared of a root, for the next release to keep. */
static int read_companion(struct publish_previous *previous, size_t i, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(COMPANION_MAXIMUM);
        const struct release_root *root = &previous->release.roots[i];
        char name[RELEASE_FILE_SIZE];
        struct digest digest;
        int r;

        release_companion_file(root->name, name);
        r = file_read(previous->folder, name, &text, err);
        if (r == 0)
                r = digest_of_bytes(text.data, text.length, &digest, err);
        if (r == 0 && !digest_equal(&digest, &root->companion_digest))
                r = error_set(err, -EBADMSG, _("%s of release %" PRIu64 " is not the one that was signed"), name,
                              previous->release.number);
        return r < 0 ? r : companion_parse(buffer_text(&text), text.length, &previous->companions[i], err);
}

int publish_previous_read(const struct publish_place *place, const struct publish_options *options,
                          struct publish_previous *ret_previous, struct error *err)
{
        _cleanup_(memory_freep) struct trust *trust = memory_new(1, sizeof(*trust));
        struct publish_previous previous = { .folder = -1 };
        char name[32];
        uint64_t number = 0;
        int r;

        if (!trust)
                return error_memory(err);
        r = find_trust(place, options, trust, err);
        if (r == 0)
                r = folder_newest(&place->repository, &number, err);
        if (r < 0)
                return r;
        if (number > 0) {
                snprintf(name, sizeof(name), "%" PRIu64, number);
                previous.folder = open_beneath(place->releases, name, O_RDONLY | O_DIRECTORY, 0, BENEATH_ANY_MOUNT);
                if (previous.folder < 0)
                        return error_errno(err, -previous.folder, _("cannot open release %s of the repository %s"),
                                           name, place->repository.path);
                r = read_release(options, trust, number, &previous, err);
                for (size_t i = 0; r == 0 && i < previous.release.root_count; i++)
                        r = read_companion(&previous, i, err);
        }
        if (r < 0) {
                publish_previous_done(&previous);
                if (err && err->status == EXIT_FAILED)
                        error_prefix(err, _("the newest release of the repository %s cannot be built upon"),
                                     place->repository.path);
                return r;
        }
        *ret_previous = previous;
        return 0;
}

void publish_previous_done(struct publish_previous *previous)
{
        release_done(&previous->release);
        for (size_t i = 0; i < RELEASE_ROOTS_MAXIMUM; i++)
                companion_done(&previous->companions[i]);
        fd_close(&previous->folder);
}
