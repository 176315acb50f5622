/* who_resolve.c - the slow step: names of users, the visitors of a web server, and what the system wrote down. */
#include "who_private.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"
#include "who_records.h"

#define WEB_DESCRIPTORS 4096                /* of a web server's process that are looked at */
#define LOG_TAIL        ((size_t)256 << 10) /* bytes at the end of a log: some thousand lines */
#define UTMP_MAXIMUM    4096                /* entries */
#define SLACK_S         2                   /* between a process's start and the record about it, clocks being coarse */

const struct who_places who_system_places = {
        .utmp = "/run/utmp",
        .logind = "/run/systemd/sessions",
        .ftp_log = "/var/log/vsftpd.log",
        .system_log = "/var/log/auth.log",
        .audit_log = "/var/log/audit/audit.log",
};

/* ---- names ---- */

static enum who_why name_user(uid_t uid, char name[static WHO_NAME_SIZE])
{
        char text[4096];
        struct passwd user, *found = NULL;
        int r = getpwuid_r(uid, &user, text, sizeof(text), &found);

        if (r != 0 || !found)
                return r == 0 || r == ENOENT || r == ESRCH ? WHO_WHY_NONE : WHO_WHY_UNREADABLE;
        who_escape(name, WHO_NAME_SIZE, user.pw_name, strlen(user.pw_name));
        return WHO_WHY_KNOWN;
}

static void name_users(struct who *who)
{
        who->why[WHO_USER] = who->why[WHO_UID];
        if (who->why[WHO_UID] == WHO_WHY_KNOWN)
                who->why[WHO_USER] = name_user(who->process.uid, who->user);
        who->why[WHO_LOGIN_USER] = who->why[WHO_LOGIN_UID];
        if (who->why[WHO_LOGIN_UID] == WHO_WHY_KNOWN)
                who->why[WHO_LOGIN_USER] = name_user(who->login_uid, who->login_user);
}

/* ---- a web server's visitors ---- */

/* Which of its connections asked for the program that wrote, only the web server's own log could tell: they are all
 * named, and none as the one. */
static void ask_web_server(struct who *who)
{
        struct who_handle handle = WHO_HANDLE_NONE;
        struct who_sockets sockets;

        who->why[WHO_REMOTE] = WHO_WHY_GONE;
        if (who_handle_open(who->web_process.pid, &handle) < 0)
                return;
        if (handle.stat.start_ticks == who->web_process.start_ticks) {
                who_sockets(&handle, WEB_DESCRIPTORS, true, &sockets);
                who->why[WHO_REMOTE] = sockets.refused             ? WHO_WHY_REFUSED
                                       : sockets.remote.count == 0 ? WHO_WHY_NONE
                                                                   : WHO_WHY_KNOWN;
                who->remote = sockets.remote;
                who->remote.source = WHO_SOURCE_WEB_SOCKET;
                who->remote.trust = WHO_AMBIGUOUS;
        }
        who_handle_done(&handle);
}

/* ---- records ---- */

/* A file below /run or /var/log: *ret_roots when nobody but root could have written to it. */
static int open_record(const char *path, size_t tail, struct buffer *text, bool *ret_roots)
{
        _cleanup_(fd_closep) int fd = -1;
        struct stat st;
        ssize_t n;
        off_t from;

        if (!path)
                return -ENOENT;
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return -EBADMSG;
        from = st.st_size > (off_t)tail ? st.st_size - (off_t)tail : 0;
        if (buffer_reserve(text, tail) < 0)
                return -ENOMEM;
        n = read_full_at(fd, text->data, tail, (uint64_t)from);
        if (n < 0)
                return (int)n;
        text->length = (size_t)n;
        text->data[n] = '\0';
        *ret_roots = st.st_uid == 0 && !(st.st_mode & S_IWOTH);
        return 0;
}

static const struct who_process *ancestor(const struct who *who, pid_t pid)
{
        if (pid <= 0)
                return NULL;
        if (who->process.pid == pid)
                return &who->process;
        for (size_t i = 0; i < who->parent_count; i++)
                if (who->parents[i].pid == pid)
                        return &who->parents[i];
        return who->leader.pid == pid ? &who->leader : NULL;
}

static int64_t start_of(const struct who *who, const struct who_process *process)
{
        int64_t hertz = sysconf(_SC_CLK_TCK);

        return who->started +
               ((int64_t)process->start_ticks - (int64_t)who->process.start_ticks) / (hertz > 0 ? hertz : 100);
}

/* A record belongs to a process when it was written in its lifetime: the number alone may have been another's. */
static bool is_within(const struct who *who, const struct who_process *process, const struct who_record *record)
{
        int64_t from = start_of(who, process) - SLACK_S, until = who->asked_us / 1000000 + SLACK_S;

        return (record->time >= from && record->time <= until) ||
               (record->other_time >= from && record->other_time <= until);
}

static void take_record(struct who *who, const struct who_record *record, enum who_source source, enum who_trust trust)
{
        if (record->account[0])
                memcpy(who->account, record->account, sizeof(who->account));
        if (who->why[WHO_REMOTE] == WHO_WHY_KNOWN)
                return; /* what the kernel said is not replaced */
        who->remote = (struct who_remote){ .source = source, .trust = trust };
        if (record->has_address) {
                who->remote.addresses[0] = record->address;
                who->remote.count = 1;
        }
        memcpy(who->remote.host, record->host, sizeof(who->remote.host));
        who->why[WHO_REMOTE] = WHO_WHY_KNOWN;
}

/* The name of a session of logind is the audit session's number where there is one; else a "c" and a number of its own,
 * which the scope "session-c1.scope" says. */
static void look_at_logind(struct who *who, const char *folder)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(WHO_FILE_SIZE);
        struct who_record record;
        char path[256];
        bool roots;

        if (!folder || who->why[WHO_SESSION] != WHO_WHY_KNOWN)
                return;
        snprintf(path, sizeof(path), "%.200s/%u", folder, who->session);
        if (open_record(path, WHO_FILE_SIZE, &text, &roots) < 0 || !roots)
                return;
        if (who_parse_logind(text.data, text.length, &record) == 0)
                take_record(who, &record, WHO_SOURCE_LOGIND, WHO_RECORDED);
}

static void look_at_utmp(struct who *who, const char *path)
{
        _cleanup_(buffer_done) struct buffer bytes = BUFFER_INIT((size_t)UTMP_MAXIMUM * WHO_UTMP_SIZE);
        const struct who_process *process;
        struct who_record record;
        bool roots;

        if (open_record(path, bytes.maximum, &bytes, &roots) < 0)
                return;
        for (size_t at = 0; at + WHO_UTMP_SIZE <= bytes.length; at += WHO_UTMP_SIZE) {
                if (who_parse_utmp(bytes.data + at, &record) < 0)
                        continue;
                process = ancestor(who, record.pid);
                if (process && is_within(who, process, &record))
                        take_record(who, &record, WHO_SOURCE_UTMP, roots ? WHO_RECORDED : WHO_CLAIMED);
        }
}

/* Numbers of sessions start again at each boot. */
static void look_at_audit(struct who *who, const char *path)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(LOG_TAIL);
        struct who_record record, last;
        struct timespec since_boot;
        const char *cursor, *line;
        bool roots, found = false;
        size_t n;

        if (who->why[WHO_SESSION] != WHO_WHY_KNOWN || open_record(path, LOG_TAIL, &text, &roots) < 0 || !roots)
                return;
        clock_gettime(CLOCK_BOOTTIME, &since_boot);
        cursor = text.data;
        while (text_next_line(&cursor, text.data + text.length, &line, &n)) {
                if (who_parse_audit_line(line, n, &record) < 0 || record.session != who->session ||
                    record.time < who->asked_us / 1000000 - since_boot.tv_sec - SLACK_S)
                        continue;
                last = record;
                found = true;
        }
        if (found)
                take_record(who, &last, WHO_SOURCE_AUDIT, WHO_RECORDED);
}

/*
 * vsftpd's processes live in a process namespace of their own and write the numbers that they have there. So a login is
 * this session's when it came from the address that the control connection has, while the session's process lived; two
 * logins of different names from there in that time say nothing.
 */
static void look_at_ftp_log(struct who *who, const char *path)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(LOG_TAIL);
        struct who_record record, last = { 0 };
        const char *cursor, *line;
        bool roots, found = false;
        size_t n;

        if (who->service != WHO_SERVICE_FTP || who->why[WHO_REMOTE] != WHO_WHY_KNOWN ||
            who->remote.trust != WHO_CERTAIN || open_record(path, LOG_TAIL, &text, &roots) < 0 || !roots)
                return;
        cursor = text.data;
        while (text_next_line(&cursor, text.data + text.length, &line, &n)) {
                if (who_parse_ftp_line(line, n, &record) < 0 || !is_within(who, &who->service_process, &record) ||
                    !who_address_equal(&record.address, &who->remote.addresses[0]))
                        continue;
                if (found && !text_equal(last.account, record.account))
                        return;
                last = record;
                found = true;
        }
        if (found)
                take_record(who, &last, WHO_SOURCE_FTP_LOG, WHO_RECORDED);
}

static void look_at_system_log(struct who *who, const char *path)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(LOG_TAIL);
        const struct who_process *process;
        struct who_record record, last = { 0 };
        const char *cursor, *line;
        bool roots, found = false;
        size_t n;

        if ((who->service != WHO_SERVICE_SSH && who->service != WHO_SERVICE_SFTP) ||
            open_record(path, LOG_TAIL, &text, &roots) < 0)
                return;
        cursor = text.data;
        while (text_next_line(&cursor, text.data + text.length, &line, &n)) {
                if (who_parse_ssh_line(line, n, who->asked_us / 1000000, &record) < 0)
                        continue;
                process = ancestor(who, record.pid);
                if (!process || process->uid != 0 || !is_within(who, process, &record))
                        continue;
                last = record;
                found = true;
        }
        if (found)
                take_record(who, &last, WHO_SOURCE_SSH_LOG, WHO_CLAIMED);
}

/* A web server's visitors are not looked for in the records of logins. */
static bool is_open(const struct who *who)
{
        return who->why[WHO_REMOTE] != WHO_WHY_KNOWN && who->service != WHO_SERVICE_WEB &&
               who->service != WHO_SERVICE_PHP;
}

void who_resolve(struct who *who, const struct who_places *places)
{
        if (!places)
                places = &who_system_places;
        name_users(who);
        if (who->state != WHO_ASKED && who->state != WHO_ENDED && who->state != WHO_EARLIER)
                return;
        if (who->why[WHO_REMOTE] == WHO_WHY_NOT_ASKED && who->web_process.pid)
                ask_web_server(who);
        else if (who->why[WHO_REMOTE] == WHO_WHY_NOT_ASKED)
                who->why[WHO_REMOTE] = who->state == WHO_ASKED ? WHO_WHY_NONE : WHO_WHY_GONE;
        if (is_open(who))
                look_at_logind(who, places->logind);
        if (is_open(who))
                look_at_audit(who, places->audit_log);
        if (is_open(who))
                look_at_utmp(who, places->utmp);
        if (is_open(who) && who->service == WHO_SERVICE_NONE && who->why[WHO_SESSION] == WHO_WHY_KNOWN)
                who_look_at_session(who);
        look_at_ftp_log(who, places->ftp_log);
        look_at_system_log(who, places->system_log);
}
