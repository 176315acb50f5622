/*
 * repository.c - the side with rights: asks the helper, checks what comes back, and believes none of it.
 *
 * What it takes from the helper is the head of a frame (ipc/frame.h), plain bytes, and the words of an error. Every
 * wait has an end: a helper that says nothing for a minute, or takes longer than the signed sizes allow at 10 KB/s, is
 * given up. Order and sizes of what is delivered are held here, contents are hashed by whoever writes them.
 */

#include "repository_private.h"

#include <errno.h>
#include <fcntl.h>
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
#include "fetch.h"
#include "ipc/frame.h"
#include "repository_url.h"

#define SOCKET_BUFFER   (4 << 20) /* lets the helper unpack while the caller writes */
#define CA_FILE_MAXIMUM (4U << 20)

/* ---- The helper's life ---- */

void repository_end_helper(struct repository *repository)
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

int repository_broke_rules(struct repository *repository, struct error *err)
{
        repository_end_helper(repository);
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

int repository_ask(struct repository *repository, uint8_t verb, uint64_t argument, const void *body, size_t length,
                   struct error *err)
{
        int r;

        if (repository->broken)
                return error_set(err, -EPIPE, _("the helper that reads %s has ended; run the same command again"),
                                 repository->url.shown);
        r = frame_send(repository->socket, verb, argument, body, length);
        if (r == -EPIPE)
                return helper_is_gone(repository, err);
        if (r < 0) {
                repository_end_helper(repository);
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
                return repository_broke_rules(repository, err);
        fd = open_beneath(repository->folder, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, BENEATH_ANY_MOUNT);
        if (fd < 0)
                r = -fd;
        else if (fstat(fd, &st) < 0)
                r = errno;
        else if (!S_ISREG(st.st_mode))
                r = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
        r = frame_send_fd(repository->socket, FETCH_OPENED, (uint64_t)r, NULL, 0, r == 0 ? fd : -1);
        return r == -EPIPE ? helper_is_gone(repository, err) : r < 0 ? repository_broke_rules(repository, err) : 0;
}

/* Sends the content that a difference refers to. It is what the helper may see of a tree, as bytes. */
static int send_base(struct repository *repository, uint64_t index, struct error *err)
{
        _cleanup_(memory_freep) char *bytes = NULL;
        const struct wanted *wanted;
        uint64_t done = 0;
        int r = 0;

        if (index >= repository->wanted_count || repository->wanted[index].base_fd < 0 || repository->bases_left == 0)
                return repository_broke_rules(repository, err);
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
                r = repository_ask(repository, FETCH_BASE, 0, bytes, (size_t)n, err);
                done += (uint64_t)n;
        }
        if (r < 0)
                return r;
        return repository_ask(repository, FETCH_BASE_END, done == wanted->base_size, NULL, 0, err);
}

static int failed(struct repository *repository, const struct frame *frame, struct error *err)
{
        uint64_t code = frame->argument;

        if (code == 0 || code > 4095 || frame->length >= ERROR_TEXT_SIZE)
                return repository_broke_rules(repository, err);
        return error_set(err, -(int)code, "%.*s", (int)frame->length, (const char *)repository->body);
}

/* The next frame that belongs to the answer of a request: 0, or negative with words. All that is the same for every
 * request is done here. */
int repository_next_frame(struct repository *repository, struct frame *ret_frame, struct error *err)
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
                        repository_end_helper(repository);
                        return error_set(
                                err, r,
                                _("reading %s takes too long; check the network, then run the same command again"),
                                repository->url.shown);
                }
                if (r < 0)
                        return repository_broke_rules(repository, err);
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
void repository_set_patience(struct repository *repository, uint64_t bytes, uint64_t requests)
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
                return error_errno(err, -r, _("cannot read the TLS certificates in %s"), path);
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
        repository_set_patience(repository, 0, 1);
        r = repository_next_frame(repository, &frame, err);
        if (r == 0 && frame.verb != FETCH_READY)
                r = repository_broke_rules(repository, err);
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
        repository_end_helper(repository);
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
