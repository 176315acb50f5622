/*
 * repository.c - the side with rights: asks the helper, checks what comes back, and believes none of it.
 *
 * What it takes from the helper is the head of a frame (ipc/frame.h), plain bytes, and the words of an error. Every
 * wait has an end: a helper that says nothing for a minute, or takes longer than the signed sizes allow at 10 KB/s, is
 * given up. Order and sizes of what is delivered are held here, contents are hashed by whoever writes them.
 */

#include "repository.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/signature.h"
#include "fetch.h"
#include "ipc/frame.h"
#include "repository_url.h"

#define SOCKET_BUFFER    (4 << 20) /* lets the helper unpack while the caller writes */
#define CA_FILE_MAXIMUM  (4U << 20)
#define LATEST_MAXIMUM   32
#define SIGNED_TRIES     4
#define SIGNED_PAUSE_MS  300
#define MUCH             (UINT64_C(1) << 48) /* bytes: no pack is larger, and sums do not overflow */
#define BASES_PER_OBJECT 2                   /* a helper that asks more often is up to something */

struct repository {
        struct repository_url url;
        int stall_ms, tries;
        char *user, *ca_bytes;
        size_t ca_length;
        int folder; /* -1: HTTP */
        int socket;
        pid_t pid;
        uint8_t *body; /* of the frame received last; FRAME_BODY_MAXIMUM */
        bool broken;   /* the conversation has ended; nothing more can be asked */
        struct repository_traffic traffic;

        /* Of the request that is being answered. */
        const char *path;
        const struct release *release;
        const struct wanted *wanted;
        size_t wanted_count;
        struct wanted file_base; /* the base of a large file, as if it was a wanted object */
        uint64_t bases_left;
        int64_t patience_ms; /* that is left for waiting */
};

/* ---- The helper's life ---- */

static void end_helper(struct repository *repository)
{
        fd_close(&repository->socket);
        repository->broken = true;
        if (repository->pid <= 0)
                return;
        kill(repository->pid, SIGKILL); /* it holds nothing that would have to be put in order */
        while (waitpid(repository->pid, NULL, 0) < 0 && errno == EINTR)
                ;
        repository->pid = 0;
}

/* It ended by itself: why? */
static int helper_is_gone(struct repository *repository, struct error *err)
{
        int status = 0;
        pid_t pid;

        fd_close(&repository->socket);
        repository->broken = true;
        kill(repository->pid, SIGKILL); /* a helper that only closed its socket is of no use either */
        while ((pid = waitpid(repository->pid, &status, 0)) < 0 && errno == EINTR)
                ;
        repository->pid = 0;
        if (pid > 0 && WIFSIGNALED(status))
                return error_set(err, -EPIPE,
                                 _("the helper that reads %s was ended by signal %d (%s); if nobody ended it, the "
                                   "repository may have attacked it: tell the developers"),
                                 repository->url.shown, WTERMSIG(status), strsignal(WTERMSIG(status)));
        return error_set(err, -EPIPE, _("the helper that reads %s has ended unexpectedly"), repository->url.shown);
}

static int broke_rules(struct repository *repository, struct error *err)
{
        end_helper(repository);
        return error_set(
                err, -EBADMSG,
                _("the helper that reads %s broke the rules of its conversation; the repository may have taken "
                  "it over: nothing that it said was used"),
                repository->url.shown);
}

static int start_helper(struct repository *repository, struct error *err)
{
        const struct fetch_options options = { .base = repository->folder < 0 ? repository->url.address : NULL,
                                               .shown = repository->url.shown,
                                               .ca_bytes = repository->ca_bytes,
                                               .ca_length = repository->ca_length,
                                               .stall_ms = repository->stall_ms,
                                               .tries = repository->tries,
                                               .user = repository->user };
        _cleanup_(fd_closep) int ours = -1, theirs = -1;
        struct timeval patience = { .tv_sec = FETCH_SILENCE_MS / 1000 };
        int ends[2], size = SOCKET_BUFFER;

        if (fault_point(FAULT_OPEN) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
                return error_errno(err, errno, _("cannot start the helper that reads %s"), repository->url.shown);
        ours = ends[0];
        theirs = ends[1];
        for (int i = 0; i < 2; i++) { /* as much as we may: with FORCE when root */
                if (setsockopt(ends[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
                        setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        }
        setsockopt(ours, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
        repository->pid = fault_point(FAULT_FORK) ? -1 : fork();
        if (repository->pid < 0)
                return error_errno(err, errno, _("cannot start the helper that reads %s"), repository->url.shown);
        if (repository->pid == 0)
                fetch_helper_run(theirs, &options);
        repository->socket = fd_steal(&ours);
        return 0;
}

/* ---- The conversation ---- */

static int ask(struct repository *repository, uint8_t verb, uint64_t argument, const void *body, size_t length,
               struct error *err)
{
        int r;

        if (repository->broken)
                return error_set(err, -EPIPE, _("the helper that reads %s has ended; run the command again"),
                                 repository->url.shown);
        r = frame_send(repository->socket, verb, argument, body, length);
        if (r == -EPIPE)
                return helper_is_gone(repository, err);
        if (r < 0) {
                end_helper(repository);
                return error_errno(err, -r, _("cannot talk to the helper that reads %s"), repository->url.shown);
        }
        return 0;
}

void fetch_pack_path(const struct digest *id, const char *suffix, char path[static FETCH_PACK_PATH_SIZE])
{
        char hex[DIGEST_HEX_SIZE];

        digest_hex(id, hex);
        snprintf(path, FETCH_PACK_PATH_SIZE, "packs/%s.%s", hex, suffix);
}

/* The path of a file that the helper means; false when there is no such file. */
static bool handle_path(const struct repository *repository, uint64_t handle, char *path, size_t size)
{
        char pack_path[FETCH_PACK_PATH_SIZE];
        uint64_t number;

        if (handle == FETCH_HANDLE_PATH) {
                if (!repository->path)
                        return false;
                snprintf(path, size, "%s", repository->path);
                return true;
        }
        number = (handle - 1) / 2;
        if (!repository->release || number >= repository->release->pack_count)
                return false;
        fetch_pack_path(&repository->release->packs[number].id, handle % 2 ? "index" : "pack", pack_path);
        snprintf(path, size, "%s", pack_path);
        return true;
}

/* Opens a file of a folder repository for the helper: only for reading, only a regular file, never through a link. */
static int open_for_helper(struct repository *repository, uint64_t handle, struct error *err)
{
        _cleanup_(fd_closep) int fd = -1;
        char path[FETCH_PATH_MAXIMUM + 64];
        struct stat st;
        int r = 0;

        if (repository->folder < 0 || !handle_path(repository, handle, path, sizeof(path)))
                return broke_rules(repository, err);
        fd = open_beneath(repository->folder, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, BENEATH_ANY_MOUNT);
        if (fd < 0)
                r = -fd;
        else if (fstat(fd, &st) < 0)
                r = errno;
        else if (!S_ISREG(st.st_mode))
                r = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
        r = frame_send_fd(repository->socket, FETCH_OPENED, (uint64_t)r, NULL, 0, r == 0 ? fd : -1);
        return r == -EPIPE ? helper_is_gone(repository, err) : r < 0 ? broke_rules(repository, err) : 0;
}

/* Sends the content that a difference refers to. It is what the helper may see of a tree, as bytes. */
static int send_base(struct repository *repository, uint64_t index, struct error *err)
{
        _cleanup_(memory_freep) char *bytes = NULL;
        const struct wanted *wanted;
        uint64_t done = 0;
        int r = 0;

        if (index >= repository->wanted_count || repository->wanted[index].base_fd < 0 || repository->bases_left == 0)
                return broke_rules(repository, err);
        wanted = &repository->wanted[index];
        repository->bases_left--;
        bytes = memory_new(FRAME_BODY_MAXIMUM, 1);
        if (!bytes)
                return error_memory(err);
        while (r == 0 && done < wanted->base_size) {
                uint64_t left = wanted->base_size - done;
                ssize_t n =
                        read_at(wanted->base_fd, bytes, left < FRAME_BODY_MAXIMUM ? left : FRAME_BODY_MAXIMUM, done);

                if (n <= 0) /* it became shorter, or cannot be read: the object comes whole then */
                        break;
                r = ask(repository, FETCH_BASE, 0, bytes, (size_t)n, err);
                done += (uint64_t)n;
        }
        if (r < 0)
                return r;
        return ask(repository, FETCH_BASE_END, done == wanted->base_size, NULL, 0, err);
}

static int failed(struct repository *repository, const struct frame *frame, struct error *err)
{
        uint64_t code = frame->argument;

        if (code == 0 || code > 4095 || frame->length >= ERROR_TEXT_SIZE)
                return broke_rules(repository, err);
        return error_set(err, -(int)code, "%.*s", (int)frame->length, (const char *)repository->body);
}

/* The next frame that belongs to the answer of a request: 0, or negative with words. All that is the same for every
 * request is done here. */
static int next_frame(struct repository *repository, struct frame *ret_frame, struct error *err)
{
        for (;;) {
                int64_t before = clock_monotonic_ms(), patience = repository->patience_ms;
                int r;

                if (patience > FETCH_SILENCE_MS)
                        patience = FETCH_SILENCE_MS;
                r = frame_receive(repository->socket, ret_frame, repository->body, (int)(patience < 0 ? 0 : patience));
                repository->patience_ms -= clock_monotonic_ms() - before;
                /* What brings no bytes costs patience, too: a helper that was taken over could send such frames for
                 * ever, and nobody would ever wait. An honest one sends few. */
                if (r > 0 && ret_frame->length == 0 && --repository->patience_ms < 0)
                        r = -ETIMEDOUT;
                if (r == 0)
                        return helper_is_gone(repository, err);
                if (r == -ETIMEDOUT) {
                        end_helper(repository);
                        return error_set(err, r,
                                         _("reading %s takes too long; check the network, then run the command again"),
                                         repository->url.shown);
                }
                if (r < 0)
                        return broke_rules(repository, err);
                switch (ret_frame->verb) {
                case FETCH_ALIVE: r = 0; break;
                case FETCH_RECEIVED:
                        repository->traffic.bytes += ret_frame->argument;
                        r = 0;
                        break;
                case FETCH_REQUESTED:
                        repository->traffic.requests += ret_frame->argument;
                        r = 0;
                        break;
                case FETCH_OPEN: r = open_for_helper(repository, ret_frame->argument, err); break;
                case FETCH_NEED_BASE: r = send_base(repository, ret_frame->argument, err); break;
                case FETCH_FAILED: return failed(repository, ret_frame, err);
                default: return 0;
                }
                if (r < 0)
                        return r;
        }
}

/* How long to wait altogether when so many bytes and requests are to be expected: longer than the helper itself does,
 * whose words are the better ones. */
static void set_patience(struct repository *repository, uint64_t bytes, uint64_t requests)
{
        repository->patience_ms =
                2 * (FETCH_GRACE_MS + (int64_t)requests * FETCH_REQUEST_MS + (int64_t)(bytes / FETCH_SLOWEST) * 1000);
}

/* ---- Opening ---- */

static int read_ca_file(struct repository *repository, const char *path, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(CA_FILE_MAXIMUM);
        _cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        int r = fd < 0 ? -errno : read_to_end(fd, &text);

        if (r < 0)
                return error_errno(err, -r, _("cannot read the TLS roots %s"), path);
        repository->ca_length = text.length;
        repository->ca_bytes = buffer_steal(&text);
        return repository->ca_bytes ? 0 : error_memory(err);
}

static int open_folder(struct repository *repository, struct error *err)
{
        repository->folder = open(repository->url.address, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (repository->folder < 0 && errno == ENOENT)
                return error_set(err, -ENOENT, _("there is no repository %s; give a folder, or http:// or https://"),
                                 repository->url.shown);
        if (repository->folder < 0)
                return error_errno(err, errno, _("cannot open the repository %s"), repository->url.shown);
        return 0;
}

int repository_open(const char *url, const struct repository_options *options, struct repository **ret_repository,
                    struct error *err)
{
        static const struct repository_options plain = { 0 };
        _cleanup_(repository_closep) struct repository *repository = memory_new(1, sizeof(*repository));
        struct frame frame;
        int r;

        if (!repository)
                return error_memory(err);
        if (!options)
                options = &plain;
        repository->folder = repository->socket = -1;
        repository->stall_ms = options->stall_ms > 0 ? options->stall_ms : FETCH_STALL_MS;
        repository->tries = options->tries > 0 ? options->tries : FETCH_TRIES;
        r = repository_url_parse(url, &repository->url, err);
        if (r < 0)
                return r;
        repository->body = memory_new(FRAME_BODY_MAXIMUM, 1);
        if (!repository->body || (options->user && !(repository->user = memory_string(options->user))))
                return error_memory(err);
        if (options->ca_file)
                r = read_ca_file(repository, options->ca_file, err);
        if (r == 0 && repository->url.is_folder)
                r = open_folder(repository, err);
        if (r == 0)
                r = start_helper(repository, err);
        if (r < 0)
                return r;
        set_patience(repository, 0, 1);
        r = next_frame(repository, &frame, err);
        if (r == 0 && frame.verb != FETCH_READY)
                r = broke_rules(repository, err);
        if (r < 0)
                return r;
        *ret_repository = repository;
        repository = NULL;
        return 0;
}

void repository_close(struct repository *repository)
{
        if (!repository)
                return;
        end_helper(repository);
        fd_close(&repository->folder);
        repository_url_done(&repository->url);
        free(repository->user);
        free(repository->ca_bytes);
        free(repository->body);
        free(repository);
}

void repository_closep(struct repository **repository)
{
        repository_close(*repository);
}

int repository_folder(const struct repository *repository)
{
        return repository->folder;
}

const char *repository_url(const struct repository *repository)
{
        return repository->url.shown;
}

void repository_traffic(const struct repository *repository, struct repository_traffic *ret_traffic)
{
        *ret_traffic = repository->traffic;
}

/* ---- Small files ---- */

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
        set_patience(repository, maximum, 1);
        r = ask(repository, FETCH_GET, maximum, path, strlen(path), err);
        while (r == 0) {
                struct frame frame;

                r = next_frame(repository, &frame, err);
                if (r == 0 && frame.verb == FETCH_DONE)
                        break;
                if (r == 0 && (frame.verb != FETCH_DATA || frame.length > maximum - (buffer->length - start)))
                        r = broke_rules(repository, err);
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

int repository_get_signed(struct repository *repository, const char *path, struct buffer *text,
                          struct buffer *signature, repository_check_function *check, void *context, struct error *err)
{
        char signature_path[FETCH_PATH_MAXIMUM];
        size_t text_start = text->length, signature_start = signature->length;

        snprintf(signature_path, sizeof(signature_path), "%s.minisig", path);
        for (int tries = 1;; tries++) {
                int r = repository_get(repository, path, text, err);

                if (r == 0)
                        r = repository_get(repository, signature_path, signature, err);
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
                int r = next_frame(repository, &frame, err);

                if (r < 0)
                        return r;
                if (frame.verb == FETCH_DONE)
                        return 0;
                if (frame.verb != FETCH_DATA || frame.length > receiving->size - receiving->done)
                        return broke_rules(repository, err);
                receiving->done += frame.length;
                if (hasher_add(receiving->hasher, repository->body, frame.length) < 0) {
                        end_helper(repository);
                        return error_set(err, -EIO, "%s", _("cannot hash what was fetched: OpenSSL failed"));
                }
                r = write_full(receiving->fd, repository->body, frame.length);
                if (r < 0) {
                        end_helper(repository);
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
        for (unsigned int i = 0; i < 8; i++)
                request[1 + i] = (uint8_t)(repository->file_base.base_size >> (8 * i));
        memcpy(request + 9, path, length);
        repository->path = path;
        set_patience(repository, size, 1);
        r = ask(repository, FETCH_FILE, size, request, length + 9, err);
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

/* ---- Objects ---- */

static void write_u64(uint8_t *bytes, uint64_t value)
{
        for (unsigned int i = 0; i < 8; i++)
                bytes[i] = (uint8_t)(value >> (8 * i));
}

static void format_pack(const struct release_pack *pack, uint8_t record[static FETCH_PACK_SIZE])
{
        memcpy(record, pack->id.bytes, DIGEST_SIZE);
        write_u64(record + 32, pack->size);
        memcpy(record + 40, pack->index_digest.bytes, DIGEST_SIZE);
        write_u64(record + 72, pack->index_size);
        write_u64(record + 80, pack->delta_base);
}

static void format_wanted(const struct wanted *wanted, uint8_t record[static FETCH_WANTED_SIZE])
{
        bool base = wanted->base_fd >= 0 && wanted->base_size <= FETCH_BASE_MAXIMUM;

        memcpy(record, wanted->object.bytes, DIGEST_SIZE);
        write_u64(record + 32, wanted->size);
        write_u64(record + 40, base ? wanted->base_size : UINT64_MAX);
        memcpy(record + 48, wanted->base.bytes, DIGEST_SIZE);
        memset(record + 80, 0, 8);
}

/* Sends all records, as many in a frame as fit. */
static int send_request(struct repository *repository, const struct release *release, const struct wanted *wanted,
                        size_t count, struct error *err)
{
        _cleanup_(memory_freep) uint8_t *records = memory_new(FRAME_BODY_MAXIMUM, 1);
        size_t length = 0;
        int r = 0;

        if (!records)
                return error_memory(err);
        for (size_t i = 0; r == 0 && i < release->pack_count; i++) {
                format_pack(&release->packs[i], records + length);
                length += FETCH_PACK_SIZE;
                if (i + 1 == release->pack_count || length + FETCH_PACK_SIZE > FRAME_BODY_MAXIMUM) {
                        r = ask(repository, FETCH_PACKS, 0, records, length, err);
                        length = 0;
                }
        }
        for (size_t i = 0; r == 0 && i < count; i++) {
                format_wanted(&wanted[i], records + length);
                length += FETCH_WANTED_SIZE;
                if (i + 1 == count || length + FETCH_WANTED_SIZE > FRAME_BODY_MAXIMUM) {
                        r = ask(repository, FETCH_WANTED, 0, records, length, err);
                        length = 0;
                }
        }
        return r == 0 ? ask(repository, FETCH_OBJECTS, 0, NULL, 0, err) : r;
}

/* Which objects have come, and which one is coming. */
struct delivery {
        const struct wanted *wanted;
        size_t count, left;
        uint8_t *done;                /* one byte an object */
        const struct wanted *current; /* NULL between two of them */
        uint64_t received;            /* bytes of the current one */
        const struct repository_sink *sink;
};

/* Whether the frame may come now: objects one after the other, each once, with the size that it must have. */
static bool in_order(const struct delivery *delivery, const struct frame *frame)
{
        uint64_t index = frame->argument >> 2;
        bool first = frame->argument & FETCH_OBJECT_FIRST, last = frame->argument & FETCH_OBJECT_LAST;
        uint64_t received = first ? 0 : delivery->received;

        if (frame->verb != FETCH_OBJECT || index >= delivery->count || delivery->done[index])
                return false;
        if (first ? delivery->current != NULL : delivery->current != &delivery->wanted[index])
                return false;
        if (frame->length > delivery->wanted[index].size - received)
                return false;
        return !last || received + frame->length == delivery->wanted[index].size;
}

/* Passes one frame on to the sink. */
static int deliver(struct delivery *delivery, const struct frame *frame, const uint8_t *body, struct error *err)
{
        const struct repository_sink *sink = delivery->sink;
        uint64_t index = frame->argument >> 2;
        const struct wanted *wanted = &delivery->wanted[index];
        int r = 0;

        if (frame->argument & FETCH_OBJECT_FIRST) {
                delivery->current = wanted;
                delivery->received = 0;
                r = sink->begin(sink->context, wanted, err);
        }
        delivery->received += frame->length;
        if (r == 0 && frame->length > 0)
                r = sink->data(sink->context, wanted, body, frame->length, err);
        if (r == 0 && frame->argument & FETCH_OBJECT_LAST) {
                delivery->done[index] = 1;
                delivery->left--;
                delivery->current = NULL;
                r = sink->end(sink->context, wanted, err);
        }
        return r;
}

static int receive_objects(struct repository *repository, struct delivery *delivery, struct error *err)
{
        for (;;) {
                struct frame frame;
                int r = next_frame(repository, &frame, err);

                if (r < 0) {
                        if (delivery->current) /* the sink waits for more of an object: it must not go on as if */
                                repository->broken = true;
                        return r;
                }
                if (frame.verb == FETCH_DONE && delivery->left == 0)
                        return 0;
                if (!in_order(delivery, &frame))
                        return broke_rules(repository, err);
                r = deliver(delivery, &frame, repository->body, err);
                if (r < 0) {
                        end_helper(repository); /* it would go on sending */
                        return r;
                }
        }
}

int repository_objects(struct repository *repository, const struct release *release, const struct wanted *wanted,
                       size_t count, const struct repository_sink *sink, struct error *err)
{
        _cleanup_(memory_freep) uint8_t *done = NULL;
        struct delivery delivery = { .wanted = wanted, .count = count, .left = count, .sink = sink };
        uint64_t bytes = 0;
        int r;

        if (count == 0)
                return 0;
        if (count > UINT32_MAX)
                return error_set(err, -E2BIG, "%s", _("too many objects are wanted at once"));
        delivery.done = done = memory_new(count, 1);
        if (!done)
                return error_memory(err);
        for (size_t i = 0; i < release->pack_count; i++)
                bytes += release->packs[i].size % MUCH + release->packs[i].index_size % MUCH;
        repository->release = release;
        repository->wanted = wanted;
        repository->wanted_count = count;
        repository->bases_left = BASES_PER_OBJECT * (uint64_t)count;
        r = send_request(repository, release, wanted, count, err);
        set_patience(repository, 2 * bytes, 2 * (FETCH_RANGES_MAXIMUM + 1) * (uint64_t)release->pack_count);
        if (r == 0)
                r = receive_objects(repository, &delivery, err);
        repository->release = NULL;
        repository->wanted = NULL;
        repository->wanted_count = 0;
        return r;
}
