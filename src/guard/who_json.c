/* who_json.c - what the journal keeps of a writer. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "who_private.h"

static const char *const field_names[WHO_FIELDS] = {
        [WHO_STARTED] = "started",
        [WHO_COMM] = "comm",
        [WHO_EXE] = "exe",
        [WHO_COMMAND] = "command",
        [WHO_UID] = "uid",
        [WHO_USER] = "user",
        [WHO_LOGIN_UID] = "login_uid",
        [WHO_LOGIN_USER] = "login_user",
        [WHO_SESSION] = "session",
        [WHO_TERMINAL] = "terminal",
        [WHO_CGROUP] = "cgroup",
        [WHO_UNIT] = "unit",
        [WHO_PARENTAGE] = "parents",
        [WHO_LEADER] = "leader",
        [WHO_REMOTE] = "remote",
};

static const char *const why_words[] = {
        [WHO_WHY_NOT_ASKED] = "not asked",
        [WHO_WHY_KNOWN] = NULL,
        [WHO_WHY_GONE] = "gone before it could be asked",
        [WHO_WHY_NONE] = "there is none",
        [WHO_WHY_REFUSED] = "the kernel refused to tell",
        [WHO_WHY_UNREADABLE] = "could not be read",
        [WHO_WHY_ELSEWHERE] = "only the web server that asked over TCP knows",
};

static const char *const state_words[] = {
        [WHO_ASKED] = "asked",
        [WHO_ENDED] = "ended while it was asked",
        [WHO_EARLIER] = "ended, asked at an earlier event",
        [WHO_GONE] = "gone before it could be asked",
        [WHO_NOHANDLE] = "the kernel gave no handle on it",
        [WHO_OUTSIDE] = "outside of this process namespace",
};

static const char *const service_words[] = {
        [WHO_SERVICE_NONE] = "none", [WHO_SERVICE_SSH] = "ssh", [WHO_SERVICE_SFTP] = "sftp",
        [WHO_SERVICE_FTP] = "ftp",   [WHO_SERVICE_WEB] = "web", [WHO_SERVICE_PHP] = "php",
};

static const char *const trust_words[] = {
        [WHO_CERTAIN] = "certain",
        [WHO_RECORDED] = "recorded",
        [WHO_CLAIMED] = "claimed",
        [WHO_AMBIGUOUS] = "ambiguous",
};

void who_source_text(const struct who *who, char *text, size_t size)
{
        static const char *const words[] = {
                [WHO_SOURCE_NONE] = "",         [WHO_SOURCE_WEB_SOCKET] = "web server's connections",
                [WHO_SOURCE_LOGIND] = "logind", [WHO_SOURCE_UTMP] = "utmp",
                [WHO_SOURCE_AUDIT] = "auditd",
        };
        const char *what = who->remote.source == WHO_SOURCE_SOCKET
                                   ? who->service == WHO_SERVICE_FTP ? "control connection" : "socket"
                                   : "log";

        switch (who->remote.source) {
        case WHO_SOURCE_SOCKET:
        case WHO_SOURCE_FTP_LOG:
        case WHO_SOURCE_SSH_LOG: snprintf(text, size, "%s's %s", who->service_name, what); break;
        default: snprintf(text, size, "%s", words[who->remote.source]);
        }
}

/* A value, or null where it is not known. */
static json_t *known(const struct who *who, enum who_field field, json_t *value)
{
        if (who->why[field] == WHO_WHY_KNOWN)
                return value;
        json_decref(value);
        return json_null();
}

static json_t *process_json(const struct who_process *process)
{
        return json_pack("{s:i, s:s, s:s?, s:o}", "pid", (int)process->pid, "comm", process->comm, "exe",
                         process->exe[0] ? process->exe : NULL, "uid",
                         process->uid == (uid_t)-1 ? json_null() : json_integer(process->uid));
}

static json_t *parents_json(const struct who *who)
{
        json_t *parents = json_array();

        for (size_t i = 0; i < who->parent_count; i++)
                json_array_append_new(parents, process_json(&who->parents[i]));
        return parents;
}

static json_t *remote_json(const struct who *who)
{
        const struct who_remote *remote = &who->remote;
        size_t shown = remote->count < WHO_CANDIDATES ? remote->count : WHO_CANDIDATES;
        char address[WHO_ADDRESS_SIZE], source[80];
        json_t *object, *candidates;

        if (who->why[WHO_REMOTE] != WHO_WHY_KNOWN)
                return json_null();
        who_source_text(who, source, sizeof(source));
        object = json_pack("{s:s, s:s}", "source", source, "trust", trust_words[remote->trust]);
        if (remote->host[0])
                json_object_set_new(object, "host", json_string(remote->host));
        if (remote->trust != WHO_AMBIGUOUS && remote->count == 1) {
                who_address_text(&remote->addresses[0], address);
                json_object_set_new(object, "address", json_string(address));
                if (remote->addresses[0].port)
                        json_object_set_new(object, "port", json_integer(remote->addresses[0].port));
        }
        if (remote->trust != WHO_AMBIGUOUS)
                return object;
        /* None of them as "address": a reader that looks no further must not take one for the one. */
        candidates = json_array();
        for (size_t i = 0; i < shown; i++) {
                who_address_text(&remote->addresses[i], address);
                json_array_append_new(candidates, json_string(address));
        }
        json_object_set_new(object, "one_of", json_integer((json_int_t)remote->count));
        json_object_set_new(object, "candidates", candidates);
        return object;
}

static json_t *missing_json(const struct who *who)
{
        json_t *missing = json_object();

        for (size_t i = 0; i < WHO_FIELDS; i++)
                if (why_words[who->why[i]])
                        json_object_set_new(missing, field_names[i], json_string(why_words[who->why[i]]));
        return missing;
}

static json_t *service_json(const struct who *who)
{
        if (who->service == WHO_SERVICE_NONE)
                return json_null();
        return json_pack("{s:s, s:s, s:i, s:s?}", "kind", service_words[who->service], "name", who->service_name, "pid",
                         (int)who->service_process.pid, "account", who->account[0] ? who->account : NULL);
}

/* Takes the value; a negative result when there was no memory for it. */
static int add(json_t *object, const struct who *who, enum who_field field, json_t *value)
{
        return json_object_set_new(object, field_names[field], known(who, field, value));
}

static int add_all(json_t *object, const struct who *who)
{
        char started[CLOCK_TEXT_SIZE];
        int r = 0;

        clock_format_utc(who->started, started);
        r |= json_object_set_new(object, "pid", json_integer(who->pid));
        r |= json_object_set_new(object, "state", json_string(state_words[who->state]));
        r |= add(object, who, WHO_STARTED, json_string(started));
        r |= add(object, who, WHO_COMM, json_string(who->process.comm));
        r |= add(object, who, WHO_EXE, json_string(who->process.exe));
        r |= add(object, who, WHO_COMMAND, json_string(who->command));
        r |= add(object, who, WHO_UID, json_integer(who->process.uid));
        r |= json_object_set_new(object, "euid", known(who, WHO_UID, json_integer(who->euid)));
        r |= json_object_set_new(object, "gid", known(who, WHO_UID, json_integer(who->gid)));
        r |= add(object, who, WHO_USER, json_string(who->user));
        r |= add(object, who, WHO_LOGIN_UID, json_integer(who->login_uid));
        r |= add(object, who, WHO_LOGIN_USER, json_string(who->login_user));
        r |= add(object, who, WHO_SESSION, json_integer(who->session));
        r |= add(object, who, WHO_TERMINAL, json_string(who->terminal));
        r |= add(object, who, WHO_CGROUP, json_string(who->cgroup));
        r |= add(object, who, WHO_UNIT, json_string(who->unit));
        r |= json_object_set_new(object, "parents", parents_json(who));
        r |= add(object, who, WHO_LEADER, process_json(&who->leader));
        r |= json_object_set_new(object, "service", service_json(who));
        r |= json_object_set_new(object, "remote", remote_json(who));
        r |= json_object_set_new(object, "missing", missing_json(who));
        return r;
}

json_t *who_json(const struct who *who)
{
        json_t *object = json_object();

        if (!object || add_all(object, who) == 0)
                return object;
        json_decref(object);
        return NULL;
}
