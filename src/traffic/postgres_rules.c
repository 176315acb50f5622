/* postgres_rules.c - writing the access rules, and seeing them in force (postgres.h). */
#include "postgres_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "hba.h"

/* Between two looks whether the new rules are in force: a reload takes some milliseconds. */
#define LOOK_PAUSE_US 1000

/* For a connection to this machine itself to stand: the kernel makes it in the call. */
#define PREPARE_MS 5
#define WARM_MS    500
#define AHEAD_MS   1000

static void result_clearp(PGresult **result)
{
        PQclear(*result);
}

/* ---------------------------------------------------------------- the canary */

/* A connected socket from that address of the loopback network to the server, or a negative errno. */
static int connect_from(const struct postgres *postgres, const uint8_t from[static 4], int64_t deadline)
{
        struct sockaddr_in here = { .sin_family = AF_INET };
        struct sockaddr_in there = { .sin_family = AF_INET, .sin_port = htons(postgres->port) };
        _cleanup_(fd_closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int failed = 0;
        socklen_t size = sizeof(failed);

        memcpy(&here.sin_addr, from, 4);
        memcpy(&there.sin_addr, postgres->listen.bytes, 4);
        if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof(here)) < 0)
                return -errno;
        if (connect(fd, (struct sockaddr *)&there, sizeof(there)) < 0 && errno != EINPROGRESS)
                return -errno;
        if (fd_wait(fd, POLLOUT, deadline) < 0)
                return -ETIMEDOUT;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) < 0)
                return -errno;
        return failed ? -failed : fd_steal(&fd);
}

/* A connection from there on which is asked to be let in, or a negative errno without words. */
static int begin_from(const struct postgres *postgres, const uint8_t from[static 4], int64_t deadline)
{
        _cleanup_(fd_closep) int fd = connect_from(postgres, from, deadline);
        uint8_t packet[256];
        int r;

        if (fd < 0)
                return fd;
        r = write_full(fd, packet, postgres_startup(HBA_CANARY, HBA_CANARY, packet));
        return r < 0 ? r : fd_steal(&fd);
}

/* How the server answers there: enum postgres_answer, or a negative errno without words. */
static int hear_on(int fd, int64_t deadline)
{
        uint8_t answer[POSTGRES_ANSWER_MAXIMUM + 1];
        enum postgres_answer said = POSTGRES_UNCLEAR;
        size_t length = 0;
        int r = 0;

        while (r == 0 && said == POSTGRES_UNCLEAR && length < sizeof(answer)) {
                ssize_t n;

                if (fd_wait(fd, POLLIN, deadline) < 0)
                        return -ETIMEDOUT;
                n = recv(fd, answer + length, sizeof(answer) - length, 0);
                if (n == 0)
                        break;
                if (n < 0 && errno != EINTR && errno != EAGAIN)
                        r = -errno;
                length += n > 0 ? (size_t)n : 0;
                said = postgres_answer_read(answer, length);
        }
        return r < 0 ? r : (int)said;
}

static int ask_from(const struct postgres *postgres, const uint8_t from[static 4], int64_t deadline)
{
        _cleanup_(fd_closep) int fd = begin_from(postgres, from, deadline);

        return fd < 0 ? fd : hear_on(fd, deadline);
}

/* The address for a new canary: no rule of anybody's names it, but for one about the whole loopback network. */
static int choose(uint8_t canary[static 4])
{
        uint8_t random[3];

        if (getrandom(random, sizeof(random), 0) != sizeof(random))
                return -errno;
        canary[0] = 127;
        canary[1] = (uint8_t)(1 + random[0] % 254);
        canary[2] = random[1];
        canary[3] = (uint8_t)(1 + random[2] % 254);
        return 0;
}

static int wait_for(const struct postgres *postgres, const uint8_t canary[static 4], enum postgres_answer wanted,
                    struct error *err)
{
        int64_t deadline = clock_monotonic_ms() + postgres->timeout_ms;
        int said;

        do {
                said = ask_from(postgres, canary, deadline);
                if (said == (int)wanted)
                        return 0;
                usleep(LOOK_PAUSE_US);
        } while (clock_monotonic_ms() < deadline);
        if (said < 0)
                return error_errno(err, -said,
                                   _("the database server was told to load its access rules, but whether they are in "
                                     "force could not be seen"));
        return error_set(
                err, -ETIMEDOUT,
                _("the database server was told to load its access rules, but did not go by them within %d ms; "
                  "its log says why"),
                postgres->timeout_ms);
}

/* ---------------------------------------------------------------- the file */

struct rules_file {
        char path[PATH_MAX];
        struct stat status;
        struct buffer text;
};

static void rules_file_done(struct rules_file *file)
{
        buffer_done(&file->text);
}

static int find_file(struct postgres *postgres, struct rules_file *file, struct error *err)
{
        _cleanup_(result_clearp) PGresult *result = NULL;
        const char *name = postgres->hba_file;
        int r;

        if (!name && *postgres->hba_path) /* a server that is started with another one ends the connection */
                name = postgres->hba_path;
        if (!name) {
                r = postgres_query(postgres, "select current_setting('hba_file')", NULL, &result, err);
                if (r < 0)
                        return r;
                name = PQntuples(result) == 1 ? PQgetvalue(result, 0, 0) : "";
        }
        if (name[0] != '/' || !realpath(name, file->path))
                return error_errno(err, name[0] == '/' ? errno : EINVAL, _("cannot find the database's rules %s"),
                                   name);
        memcpy(postgres->hba_path, file->path, sizeof(postgres->hba_path));
        return 0;
}

/* The server says where its rules are, and this process may be root: only a file of the server's own, or of root's, is
 * touched. */
static int read_file(struct postgres *postgres, struct rules_file *file, struct error *err)
{
        int r = find_file(postgres, file, err);

        if (r == 0)
                r = file_read(AT_FDCWD, file->path, &file->text, err);
        if (r < 0)
                return r;
        if (lstat(file->path, &file->status) < 0)
                return error_errno(err, errno, _("cannot read %s"), file->path);
        if (!S_ISREG(file->status.st_mode) || (file->status.st_uid != postgres->uid && file->status.st_uid != 0))
                return error_refuse(err,
                                    _("%s was not changed: it belongs neither to the database's user nor to root; name "
                                      "the right file in the configuration"),
                                    file->path);
        return 0;
}

static int write_file(const struct rules_file *file, const struct buffer *text, struct error *err)
{
        return file_replace_like(AT_FDCWD, file->path, buffer_text(text), text->length, &file->status, err);
}

/* A file with an error in it would not be loaded at all. */
static int check_file(struct postgres *postgres, const struct rules_file *file, struct error *err)
{
        _cleanup_(result_clearp) PGresult *result = NULL;
        struct error second = ERROR_NONE;
        int r;

        r = postgres_query(postgres,
                           "select line_number, error from pg_hba_file_rules where error is not null "
                           "order by line_number limit 1",
                           NULL, &result, err);
        if (r == 0 && PQntuples(result) == 0)
                return 0;
        if (r == 0)
                r = error_set(err, -EINVAL, _("%s, line %s: %s; the file is as it was before"), file->path,
                              PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1));
        if (write_file(file, &file->text, &second) < 0)
                r = error_set(err, second.code, _("%s has an error and could not be put back: %s"), file->path,
                              second.text);
        return r;
}

static int reload(struct postgres *postgres, struct error *err)
{
        _cleanup_(result_clearp) PGresult *result = NULL;
        int r = postgres_query(postgres, "select pg_reload_conf()", NULL, &result, err);

        if (r < 0)
                return r;
        if (PQntuples(result) != 1 || !text_equal(PQgetvalue(result, 0, 0), "t"))
                return error_set(err, -EIO, _("the database server could not be told to load its access rules"));
        return 0;
}

/* ---------------------------------------------------------------- ahead */

static const char *method_behind(enum postgres_answer before)
{
        return before == POSTGRES_REJECTED ? "password" : "reject";
}

void postgres_rules_forget(struct postgres *postgres)
{
        struct postgres_ahead *ahead = &postgres->ahead;

        fd_close(&ahead->asked);
        draft_free(ahead->draft);
        ahead->draft = NULL;
        buffer_clear(&ahead->text);
}

void postgres_rules_prepare(struct postgres *postgres, uint64_t epoch, const struct peer *const *out, size_t out_count)
{
        _cleanup_(rules_file_done) struct rules_file file = { .text = BUFFER_INIT(HBA_MAXIMUM) };
        struct hba_block block = { .epoch = epoch, .out = out, .out_count = out_count };
        struct postgres_ahead *ahead = &postgres->ahead;

        postgres_rules_forget(postgres);
        if (postgres->usually == POSTGRES_UNCLEAR || !*postgres->hba_path || choose(ahead->canary) < 0)
                return;
        ahead->asked_ms = clock_monotonic_ms();
        ahead->asked = begin_from(postgres, ahead->canary, clock_monotonic_ms() + PREPARE_MS);
        if (ahead->asked < 0 || read_file(postgres, &file, NULL) < 0)
                return;
        memcpy(block.canary, ahead->canary, sizeof(block.canary));
        block.canary_method = method_behind(postgres->usually);
        if (hba_compose(buffer_text(&file.text), file.text.length, &block, &ahead->text, NULL) == 0)
                (void)draft_begin(AT_FDCWD, file.path, buffer_text(&ahead->text), ahead->text.length, 0, &file.status, &ahead->draft, NULL);
}

void postgres_rules_warm(struct postgres *postgres)
{
        struct rules_file file = { 0 };
        uint8_t canary[4];
        int said;

        if (find_file(postgres, &file, NULL) < 0 || choose(canary) < 0)
                return;
        said = ask_from(postgres, canary, clock_monotonic_ms() + WARM_MS);
        if (said >= 0)
                postgres->usually = (enum postgres_answer)said;
}

/* The answer to what was asked ahead, or to the same question now. */
static int ask_before(struct postgres *postgres, const uint8_t canary[static 4])
{
        const int64_t deadline = clock_monotonic_ms() + postgres->timeout_ms;
        int said = postgres->ahead.asked >= 0 ? hear_on(postgres->ahead.asked, deadline) : -ENOTCONN;

        fd_close(&postgres->ahead.asked);
        return said > POSTGRES_UNCLEAR ? said : ask_from(postgres, canary, deadline);
}

/* By the draft, if it is what is to be written; in that case its folder goes to the disk meanwhile. */
static int put_text(struct postgres *postgres, const struct rules_file *file, const struct buffer *text, struct error *err)
{
        const struct postgres_ahead *ahead = &postgres->ahead;

        if (ahead->draft && ahead->text.length == text->length &&
            memcmp(buffer_text(&ahead->text), buffer_text(text), text->length) == 0 && draft_put(ahead->draft, NULL) == 0)
                return 0;
        return write_file(file, text, err);
}

static int put_in_force(struct postgres *postgres, struct rules_file *file, struct hba_block *block, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(HBA_MAXIMUM);
        int before, r;

        before = ask_before(postgres, block->canary);
        if (before < 0)
                return error_errno(err, -before, _("cannot connect to the database server at port %u"), postgres->port);
        if (before == POSTGRES_UNCLEAR)
                return error_set(
                        err, -EAGAIN,
                        _("the database server takes no connections now (it may be starting, or have too many)"));
        postgres->usually = (enum postgres_answer)before;
        block->canary_method = method_behind(postgres->usually);
        r = hba_compose(buffer_text(&file->text), file->text.length, block, &text, err);
        if (r == 0)
                r = put_text(postgres, file, &text, err);
        if (r == 0)
                r = check_file(postgres, file, err);
        if (r == 0)
                r = reload(postgres, err);
        if (r == 0)
                r = draft_settle(err);
        if (r < 0)
                return r;
        return wait_for(postgres, block->canary, before == POSTGRES_REJECTED ? POSTGRES_ASKED : POSTGRES_REJECTED, err);
}

static int rules(struct postgres *postgres, uint64_t epoch, const struct peer *const *out, size_t out_count, struct error *err)
{
        _cleanup_(rules_file_done) struct rules_file file = { .text = BUFFER_INIT(HBA_MAXIMUM) };
        struct hba_block block = { .epoch = epoch, .out = out, .out_count = out_count };
        int r;

        if (postgres->listen.family != AF_INET)
                return error_usage(err, _("name an IPv4 address at which the database server listens on this host"));
        r = read_file(postgres, &file, err);
        if (r < 0)
                return r;
        r = postgres->ahead.asked >= 0 ? 0 : choose(block.canary);
        if (r < 0)
                return error_errno(err, -r, _("cannot get random bytes from the system"));
        if (postgres->ahead.asked >= 0)
                memcpy(block.canary, postgres->ahead.canary, sizeof(block.canary));
        return put_in_force(postgres, &file, &block, err);
}

int postgres_rules(struct postgres *postgres, uint64_t epoch, const struct peer *const *out, size_t out_count,
                   struct error *err)
{
        int r;

        if (clock_monotonic_ms() - postgres->ahead.asked_ms > AHEAD_MS)
                postgres_rules_forget(postgres);
        r = rules(postgres, epoch, out, out_count, err);
        postgres_rules_forget(postgres);
        return r;
}

int postgres_rules_remove(struct postgres *postgres, struct error *err)
{
        _cleanup_(rules_file_done) struct rules_file file = { .text = BUFFER_INIT(HBA_MAXIMUM) };
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(HBA_MAXIMUM);
        int r = read_file(postgres, &file, err);

        if (r == 0)
                r = hba_compose(buffer_text(&file.text), file.text.length, NULL, &text, err);
        if (r == 0)
                r = write_file(&file, &text, err);
        return r < 0 ? r : reload(postgres, err);
}
