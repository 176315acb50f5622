/* repository_files.c - small and large files of a repository: the newest number, signed pairs, manifests. */
#include "repository_private.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/little_endian.h"
#include "base/text.h"
#include "crypto/signature.h"

#define LATEST_MAXIMUM  32
#define SIGNED_TRIES    4
#define SIGNED_PAUSE_MS 300

/* Paths are made by our own code, of release numbers and names that were checked; what they must be is asserted. */
static void assert_path(const char *path)
{
        assert(*path && *path != '/' && *path != '.' && !strstr(path, "/.") && strlen(path) < FETCH_PATH_MAXIMUM - 64);
        for (const char *p = path; *p; p++)
                assert(strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/", *p));
}

int repository_get(struct repository *repository, const char *path, struct buffer *buffer, struct error *err)
{
        size_t start = buffer->length, maximum = buffer->maximum - start;
        int r;

        assert_path(path);
        repository->path = path;
        repository_set_patience(repository, maximum, 1);
        r = repository_ask(repository, FETCH_GET, maximum, path, strlen(path), err);
        while (r == 0) {
                struct frame frame;

                r = repository_next_frame(repository, &frame, err);
                if (r == 0 && frame.verb == FETCH_DONE)
                        break;
                if (r == 0 && (frame.verb != FETCH_DATA || frame.length > maximum - (buffer->length - start)))
                        r = repository_broke_rules(repository, err);
                if (r == 0 && buffer_append(buffer, repository->body, frame.length) < 0)
                        r = error_memory(err);
        }
        repository->path = NULL;
        if (r < 0 && buffer->data) {
                buffer->length = start;
                buffer->data[start] = '\0';
        }
        return r;
}

int repository_latest(struct repository *repository, uint64_t *ret_number, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(LATEST_MAXIMUM);
        uint64_t number;
        int r = repository_get(repository, "latest", &text, err);

        if (r == -ENOENT)
                return error_set(err, r,
                                 _("%s is not a repository, or nothing was published there yet: it has no file "
                                   "named latest"),
                                 repository->url.shown);
        if (r == -EFBIG)
                text.length = 0; /* some page, not a number: the words below say so */
        else if (r < 0)
                return r;
        if (text.length < 2 || text.data[text.length - 1] != '\n' ||
            text_parse_u64(text.data, text.length - 1, RELEASE_NUMBER_MAXIMUM, &number) < 0 || number == 0)
                return error_set(err, -EBADMSG,
                                 _("%s/latest does not hold the number of a release; check that the address is that of "
                                   "a repository"),
                                 repository->url.shown);
        *ret_number = number;
        return 0;
}

int repository_get_pair(struct repository *repository, const char *path, struct buffer *text, struct buffer *signature,
                        struct error *err)
{
        char signature_path[FETCH_PATH_MAXIMUM];
        int r = repository_get(repository, path, text, err);

        if (r < 0)
                return r;
        snprintf(signature_path, sizeof(signature_path), "%s.minisig", path);
        r = repository_get(repository, signature_path, signature, err);
        if (r == -ENOENT)
                return error_set(err, -EBADMSG, _("%s/%s has no signature (%s); publish it again"),
                                 repository->url.shown, path, signature_path);
        return r;
}

int repository_get_signed(struct repository *repository, const char *path, struct buffer *text,
                          struct buffer *signature, repository_check_function *check, void *context, struct error *err)
{
        size_t text_start = text->length, signature_start = signature->length;

        for (int tries = 1;; tries++) {
                int r = repository_get_pair(repository, path, text, signature, err);

                if (r == 0)
                        r = check(context, text, signature, err);
                if ((r != -EBADMSG && r != -EKEYREJECTED) || repository->broken || tries == SIGNED_TRIES)
                        return r;
                text->length = text_start;
                signature->length = signature_start;
                usleep(SIGNED_PAUSE_MS * 1000);
        }
}

/* ---- Large files ---- */

/* Where a large file goes, and what came so far. */
struct receiving {
        uint64_t size, done;
        struct hasher *hasher;
        int fd;
};

static int receive_file(struct repository *repository, struct receiving *receiving, struct error *err)
{
        for (;;) {
                struct frame frame;
                int r = repository_next_frame(repository, &frame, err);

                if (r < 0)
                        return r;
                if (frame.verb == FETCH_DONE)
                        return 0;
                if (frame.verb != FETCH_DATA || frame.length > receiving->size - receiving->done)
                        return repository_broke_rules(repository, err);
                receiving->done += frame.length;
                if (hasher_add(receiving->hasher, repository->body, frame.length) < 0) {
                        repository_end_helper(repository);
                        return error_set(err, -EIO, "%s", _("cannot hash what was fetched: OpenSSL failed"));
                }
                r = write_full(receiving->fd, repository->body, frame.length);
                if (r < 0) {
                        repository_end_helper(repository);
                        return error_errno(err, -r, _("cannot write what was fetched from %s"), repository->url.shown);
                }
        }
}

/* One form of the file; -EBADMSG when what came is not it. */
static int get_form(struct repository *repository, const char *path, enum fetch_form form, uint64_t size,
                    const struct digest *digest, int fd, struct error *err)
{
        _cleanup_(hasher_freep) struct hasher *hasher = NULL;
        struct receiving receiving = { .size = size, .fd = fd };
        uint8_t request[FETCH_PATH_MAXIMUM + 9];
        size_t length = strlen(path);
        struct digest found;
        int r = hasher_new(&hasher, err);

        if (r < 0)
                return r;
        receiving.hasher = hasher;
        if (hasher_begin(hasher) < 0)
                return error_set(err, -EIO, "%s", _("cannot hash what was fetched: OpenSSL failed"));
        request[0] = (uint8_t)form;
        le64_store(request + 1, repository->file_base.base_size);
        memcpy(request + 9, path, length);
        repository->path = path;
        repository_set_patience(repository, size, 1);
        r = repository_ask(repository, FETCH_FILE, size, request, length + 9, err);
        if (r == 0)
                r = receive_file(repository, &receiving, err);
        repository->path = NULL;
        if (r < 0)
                return r;
        if (hasher_end(hasher, &found) < 0)
                return error_set(err, -EIO, "%s", _("cannot hash what was fetched: OpenSSL failed"));
        if (receiving.done != size || !digest_equal(&found, digest))
                return error_set(err, -EBADMSG,
                                 _("%s/%s is not the file that the release names; the repository is damaged, or "
                                   "something else answers in its place"),
                                 repository->url.shown, path);
        return 0;
}

/* Back to where the file ended before a form of it turned out to be of no use. */
static int rewind_file(int fd, off_t start, struct error *err)
{
        if (ftruncate(fd, start) < 0 || lseek(fd, start, SEEK_SET) < 0)
                return error_errno(err, errno, _("cannot write what is fetched from the repository"));
        return 0;
}

int repository_get_file(struct repository *repository, const char *path, uint64_t size, const struct digest *digest,
                        int fd, int base_fd, uint64_t base_number, struct error *err)
{
        off_t start = lseek(fd, 0, SEEK_CUR);
        char name[FETCH_PATH_MAXIMUM];
        struct stat st;
        int r = -ENOENT;

        assert_path(path);
        if (start < 0)
                return error_errno(err, errno, _("cannot write what is fetched from the repository"));
        repository->file_base = (struct wanted){ .base_fd = -1 };
        if (base_fd >= 0 && fstat(base_fd, &st) == 0 && st.st_size > 0 && st.st_size <= (off_t)FETCH_BASE_MAXIMUM) {
                repository->file_base.base_fd = base_fd;
                repository->file_base.base_size = (uint64_t)st.st_size;
                repository->wanted = &repository->file_base;
                repository->wanted_count = 1;
                repository->bases_left = 1;
        }
        for (enum fetch_form form = repository->file_base.base_fd >= 0 ? FETCH_DELTA : FETCH_ZSTD; form >= FETCH_PLAIN;
             form--) {
                if (form == FETCH_DELTA)
                        snprintf(name, sizeof(name), "%s.from-%" PRIu64 ".zst", path, base_number);
                else
                        snprintf(name, sizeof(name), "%s%s", path, form == FETCH_ZSTD ? ".zst" : "");
                r = get_form(repository, name, form, size, digest, fd, err);
                if (r == 0 || repository->broken)
                        break;
                if (form != FETCH_PLAIN && r != -ENOENT && r != -EBADMSG && r != -EFBIG && r != -ESTALE)
                        break;
                r = rewind_file(fd, start, err) < 0 ? -EIO : r;
        }
        repository->wanted = NULL;
        repository->wanted_count = 0;
        return r;
}
