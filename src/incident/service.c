/* service.c - a poll loop over short lines. */
#include "service.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "incident/intern.h"

#define ANSWER_MAXIMUM (256U << 10) /* waiting for one connection; more is not read from it until it takes these */
#define IDLE_MS        60000
#define GIVEN_MAXIMUM  64
#define LANGUAGES      2   /* English, Japanese */
#define LOOK_MS        200 /* how late a notice that was approved may be seen */
#define NONE           "{\"notice\":null}"

struct connection {
        int fd;
        size_t length; /* of the lines so far */
        int64_t heard_ms;
        struct buffer out;
        size_t sent;
        char in[SERVICE_LINE_MAXIMUM];
};

/* A notice that was given out, and that is written down when the answers of this round are sent. */
struct given {
        int64_t number;
        char *account; /* owned */
        size_t length;
};

struct service {
        struct casebook *book;
        const struct service_options *options;
        int listener, signals;
        struct intern noticed; /* accounts that may have a notice: most have none, and need no question to the casebook */
        int64_t version, looked_ms;
        int64_t words_number; /* the incident whose words are kept; 0: none. Forgotten when somebody writes to the casebook */
        json_t *words[LANGUAGES];
        struct given given[GIVEN_MAXIMUM];
        size_t given_count;
        struct connection *connections[SERVICE_CONNECTIONS];
        size_t count;
};

/* ---- answers ---- */

static void tell(const struct service *service, const char *kind, int64_t number)
{
        if (service->options->news)
                service->options->news(service->options->context, kind, number);
}

static void note(const struct service *service, const char *sentence)
{
        if (service->options->note)
                service->options->note(service->options->context, sentence);
}

static json_t *words_of(struct service *service, int64_t number, const char *key, struct error *err)
{
        struct casebook_fact fact;
        json_t *json = json_null();

        if (casebook_fact(service->book, number, key, &fact, err) == 0 && fact.text)
                json = json_string(fact.text);
        casebook_fact_done(&fact);
        return json;
}

static void forget_words(struct service *service)
{
        for (size_t i = 0; i < LANGUAGES; i++) {
                json_decref(service->words[i]);
                service->words[i] = NULL;
        }
        service->words_number = 0;
}

static void learn_words(struct service *service, int64_t number, struct error *err)
{
        static const char *const keys[LANGUAGES] = { "notice_en", "notice_ja" };

        if (service->words_number == number)
                return;
        forget_words(service);
        for (size_t i = 0; i < LANGUAGES; i++)
                service->words[i] = words_of(service, number, keys[i], err);
        if (!err->code) /* what could not be read is asked for again */
                service->words_number = number;
}

/* ---- who may have one ---- */

static int on_noticed(void *context, const char *account, size_t length, struct error *err)
{
        uint32_t number;

        return intern_add(context, account, length, &number, err);
}

static int load_noticed(struct service *service, struct error *err)
{
        struct intern noticed;
        int r = intern_init(&noticed, UINT32_MAX, err);

        if (r < 0)
                return r;
        r = casebook_noticed(service->book, on_noticed, &noticed, err);
        if (r < 0) {
                intern_done(&noticed);
                return r;
        }
        intern_done(&service->noticed);
        service->noticed = noticed;
        return 0;
}

/* From time to time: whether a notice was approved meanwhile. What cannot be read is asked for again. */
static void look_again(struct service *service)
{
        int64_t now = clock_monotonic_ms(), version;
        struct error error = ERROR_NONE;

        if (now - service->looked_ms < LOOK_MS)
                return;
        service->looked_ms = now;
        version = casebook_version(service->book, &error);
        if (version == service->version)
                return;
        forget_words(service);
        if (version < 0 || load_noticed(service, &error) < 0)
                note(service, error.text);
        else
                service->version = version;
}

/* ---- what was given out ---- */

static void write_given(struct service *service)
{
        for (size_t i = 0; i < service->given_count; i++) {
                struct given *given = &service->given[i];
                struct error error = ERROR_NONE;

                if (casebook_notice_shown(service->book, given->number, given->account, given->length,
                                          clock_now() * 1000000, &error) < 0)
                        note(service, error.text);
                else
                        tell(service, "incident_notice_shown", given->number);
                free(given->account);
        }
        service->given_count = 0;
}

static int add_given(struct service *service, int64_t number, const char *account, size_t length, struct error *err)
{
        char *copy = memory_copy(account, length);

        if (!copy)
                return error_memory(err);
        if (service->given_count == GIVEN_MAXIMUM)
                write_given(service);
        service->given[service->given_count++] = (struct given){ number, copy, length };
        return 0;
}

/* ---- the two questions ---- */

static json_t *answer_notice(struct service *service, const char *account, size_t length, struct error *err)
{
        int64_t number = 0;
        bool shown = false;
        int r = casebook_find_notice(service->book, account, length, &number, &shown, err);

        if (r == 0)
                return json_pack("{s:n}", "notice");
        if (r > 0 && !shown)
                r = add_given(service, number, account, length, err);
        if (r < 0)
                return NULL;
        learn_words(service, number, err);
        return json_pack("{s:{s:I, s:O, s:O}}", "notice", "incident", (json_int_t)number, "en", service->words[0], "ja",
                         service->words[1]);
}

static json_t *answer_acknowledge(struct service *service, const char *account, size_t length, struct error *err)
{
        int64_t number = 0;
        bool shown = false;
        int count = 0, r;

        write_given(service);
        r = casebook_find_notice(service->book, account, length, &number, &shown, err);
        if (r > 0)
                r = casebook_acknowledge(service->book, account, length, clock_now() * 1000000, &count, err);
        if (r < 0)
                return NULL;
        if (count)
                tell(service, "incident_notice_acknowledged", number);
        return json_pack("{s:i}", "acknowledged", count);
}

static int answer(struct service *service, struct connection *connection, const char *line, size_t length)
{
        char account[SERVICE_LINE_MAXIMUM];
        struct error error = ERROR_NONE;
        json_t *json = NULL;
        size_t account_length = 0;
        char *text;
        int r;

        switch (service_parse(line, length, account, &account_length)) {
        case SERVICE_NOTICE:
                if (!intern_find(&service->noticed, account, account_length))
                        return buffer_append_text(&connection->out, NONE "\n");
                json = answer_notice(service, account, account_length, &error);
                break;
        case SERVICE_ACKNOWLEDGE: json = answer_acknowledge(service, account, account_length, &error); break;
        case SERVICE_NONE: json = json_pack("{s:s}", "error", "write 'notice ACCOUNT' or 'acknowledge ACCOUNT'"); break;
        }
        if (!json) {
                note(service, error.text);
                json = json_pack("{s:s}", "error", "the casebook cannot be read");
        }
        text = json ? json_dumps(json, JSON_COMPACT) : NULL;
        json_decref(json);
        if (!text)
                return -ENOMEM;
        r = buffer_append_text(&connection->out, text);
        free(text);
        return r < 0 ? r : buffer_append_byte(&connection->out, '\n');
}

/* ---- connections ---- */

static void drop(struct service *service, size_t index)
{
        struct connection *connection = service->connections[index];

        fd_close(&connection->fd);
        buffer_done(&connection->out);
        free(connection);
        service->connections[index] = service->connections[--service->count];
}

/* Somebody holds all of them: the one that was silent for the longest time makes room, or no login would be told. */
static void drop_idlest(struct service *service)
{
        size_t idlest = 0;

        for (size_t i = 1; i < service->count; i++)
                if (service->connections[i]->heard_ms < service->connections[idlest]->heard_ms)
                        idlest = i;
        drop(service, idlest);
}

static void take_connection(struct service *service)
{
        int fd = accept4(service->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        struct connection *connection;

        if (fd < 0)
                return;
        if (service->count == SERVICE_CONNECTIONS)
                drop_idlest(service);
        connection = memory_new(1, sizeof(*connection));
        if (!connection) {
                close(fd);
                return;
        }
        connection->fd = fd;
        connection->heard_ms = clock_monotonic_ms();
        connection->out = (struct buffer)BUFFER_INIT(2 * ANSWER_MAXIMUM);
        service->connections[service->count++] = connection;
}

/* Answers all whole lines that are there; negative when it is to be closed. */
static int answer_lines(struct service *service, struct connection *connection)
{
        const char *cursor = connection->in, *end = connection->in + connection->length, *newline;
        int r = 0;

        while (r == 0 && (newline = memchr(cursor, '\n', (size_t)(end - cursor)))) {
                size_t length = (size_t)(newline - cursor);

                if (length && newline[-1] == '\r')
                        length--;
                r = answer(service, connection, cursor, length);
                cursor = newline + 1;
        }
        connection->length = (size_t)(end - cursor);
        memmove(connection->in, cursor, connection->length);
        return connection->length == sizeof(connection->in) ? -E2BIG : r;
}

static int hear(struct service *service, struct connection *connection)
{
        ssize_t n = read(connection->fd, connection->in + connection->length,
                         sizeof(connection->in) - connection->length);

        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (n == 0)
                return -EPIPE;
        connection->length += (size_t)n;
        connection->heard_ms = clock_monotonic_ms();
        return answer_lines(service, connection);
}

static int send_out(struct connection *connection)
{
        while (connection->sent < connection->out.length) {
                ssize_t n = send(connection->fd, connection->out.data + connection->sent,
                                 connection->out.length - connection->sent, MSG_NOSIGNAL);

                if (n < 0)
                        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
                connection->sent += (size_t)n;
        }
        buffer_clear(&connection->out);
        connection->sent = 0;
        return 0;
}

static int serve_connection(struct service *service, struct connection *connection, short events)
{
        int r = 0;

        if (events & (POLLIN | POLLHUP | POLLERR))
                r = hear(service, connection);
        if (connection->out.length) {
                int sent = send_out(connection);

                r = r < 0 ? r : sent;
        }
        if (r == 0 && clock_monotonic_ms() - connection->heard_ms > IDLE_MS)
                r = -ETIMEDOUT;
        return r;
}

/* ---- the socket ---- */

/* A socket that a killed service left behind is taken away, one that somebody answers on is not. */
static int remove_stale(const struct sockaddr_un *address, struct error *err)
{
        _cleanup_(fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct stat st;

        if (lstat(address->sun_path, &st) < 0)
                return 0;
        if (!S_ISSOCK(st.st_mode))
                return error_set(err, -EEXIST, _("%s is there and no socket"), address->sun_path);
        if (fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
                return error_set(err, -EADDRINUSE, _("another process serves notices on %s"), address->sun_path);
        return unlink(address->sun_path) < 0 ? error_errno(err, errno, _("cannot remove %s"), address->sun_path) : 0;
}

static int listen_on(const char *path, int *ret_fd, struct error *err)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_(fd_closep) int fd = -1;
        mode_t mask;
        int r;

        if (snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >= (int)sizeof(address.sun_path))
                return error_usage(err, _("the path of the socket %s is longer than %zu bytes"), path,
                                   sizeof(address.sun_path) - 1);
        r = remove_stale(&address, err);
        if (r < 0)
                return r;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        mask = umask(0117);
        if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 128) < 0)
                r = error_errno(err, errno, _("cannot listen on %s"), path);
        umask(mask);
        if (r == 0)
                *ret_fd = fd_steal(&fd);
        return r;
}

static int serve(struct service *service, struct error *err)
{
        struct pollfd polled[SERVICE_CONNECTIONS + 2];

        for (;;) {
                size_t count = service->count;

                polled[0] = (struct pollfd){ service->signals, POLLIN, 0 };
                polled[1] = (struct pollfd){ service->listener, POLLIN, 0 };
                for (size_t i = 0; i < count; i++) {
                        const struct connection *connection = service->connections[i];
                        size_t waiting = connection->out.length - connection->sent;
                        short events = (short)((waiting ? POLLOUT : 0) | (waiting < ANSWER_MAXIMUM ? POLLIN : 0));

                        polled[i + 2] = (struct pollfd){ connection->fd, events, 0 };
                }
                if (poll(polled, count + 2, count ? IDLE_MS / 4 : -1) < 0 && errno != EINTR)
                        return error_errno(err, errno, _("cannot wait for questions about notices"));
                if (polled[0].revents)
                        return 0;
                look_again(service);
                for (size_t i = count; i-- > 0;)
                        if (serve_connection(service, service->connections[i], polled[i + 2].revents) < 0)
                                drop(service, i);
                write_given(service);
                if (polled[1].revents)
                        take_connection(service);
        }
}

int service_run(struct casebook *book, const struct service_options *options, struct error *err)
{
        struct service *service = memory_new(1, sizeof(*service));
        sigset_t signals, before;
        int r;

        if (!service)
                return error_memory(err);
        *service = (struct service){ .book = book, .options = options, .listener = -1, .signals = -1 };
        sigemptyset(&signals);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SIGINT);
        sigprocmask(SIG_BLOCK, &signals, &before);
        service->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
        r = service->signals < 0 ? error_errno(err, errno, _("cannot wait for signals"))
                                 : listen_on(options->path, &service->listener, err);
        if (r == 0) {
                service->version = casebook_version(book, err);
                r = service->version < 0 ? (int)service->version : load_noticed(service, err);
        }
        if (r == 0) {
                options->ready(options->context);
                r = serve(service, err);
                (void)unlink(options->path);
        }
        while (service->count)
                drop(service, 0);
        intern_done(&service->noticed);
        forget_words(service);
        fd_close(&service->listener);
        fd_close(&service->signals);
        sigprocmask(SIG_SETMASK, &before, NULL);
        free(service);
        return r;
}
