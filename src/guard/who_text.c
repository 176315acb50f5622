/* who_text.c - a writer in one sentence, for a person. */
#include <string.h>

#include "base/i18n.h"
#include "base/text.h"
#include "who_private.h"

static const char *not_asked(enum who_state state)
{
        switch (state) {
        case WHO_GONE: return _("gone before it could be asked");
        case WHO_NOHANDLE: return _("not asked: the kernel gave no handle on it");
        case WHO_OUTSIDE: return _("a process outside of this process namespace");
        default: return NULL;
        }
}

/* "php-fpm8.2", or "cp (started by php-fpm8.2)" when the writer is a child of the service. */
static int add_program(const struct who *who, struct buffer *out)
{
        const char *name = strrchr(who->process.exe, '/');

        name = name ? name + 1 : who->process.exe[0] ? who->process.exe : who->process.comm;
        if (who->service == WHO_SERVICE_NONE || who->service == WHO_SERVICE_SFTP || text_equal(name, who->service_name))
                return buffer_append_text(out, name);
        return buffer_printf(out, _("%s (started by %s)"), name, who->service_name);
}

static int add_user(const struct who *who, struct buffer *out)
{
        int r;

        if (who->why[WHO_UID] != WHO_WHY_KNOWN)
                return buffer_append_text(out, _(", user not known"));
        if (who->why[WHO_USER] == WHO_WHY_KNOWN)
                r = buffer_printf(out, _(", user %s (uid %u)"), who->user, who->process.uid);
        else
                r = buffer_printf(out, _(", uid %u"), who->process.uid);
        if (r == 0 && who->why[WHO_LOGIN_USER] == WHO_WHY_KNOWN && who->login_uid != who->process.uid)
                r = buffer_printf(out, _(", logged in as %s"), who->login_user);
        return r;
}

static const char *session_name(enum who_service service)
{
        switch (service) {
        case WHO_SERVICE_SSH: return _("SSH session");
        case WHO_SERVICE_SFTP: return _("SFTP session");
        case WHO_SERVICE_FTP: return _("FTP session");
        case WHO_SERVICE_WEB:
        case WHO_SERVICE_PHP: return _("web request");
        default: return _("login session");
        }
}

static int add_candidates(const struct who *who, struct buffer *out)
{
        size_t shown = who->remote.count < WHO_CANDIDATES ? who->remote.count : WHO_CANDIDATES;
        char address[WHO_ADDRESS_SIZE];
        int r = buffer_printf(out,
                              i18n_plural(", %s from the only address connected then: ",
                                          ", %s from one of %zu addresses connected then: ", who->remote.count),
                              session_name(who->service), who->remote.count);

        for (size_t i = 0; i < shown && r == 0; i++) {
                who_address_text(&who->remote.addresses[i], address);
                r = buffer_printf(out, "%s%s", i ? ", " : "", address);
        }
        return r < 0 || shown == who->remote.count ? r : buffer_append_text(out, ", ...");
}

static int add_remote(const struct who *who, struct buffer *out)
{
        const struct who_remote *remote = &who->remote;
        char address[WHO_ADDRESS_SIZE], source[80];

        if (who->why[WHO_REMOTE] != WHO_WHY_KNOWN)
                return who->service == WHO_SERVICE_NONE
                               ? 0
                               : buffer_printf(out, _(", %s from an address that is not known"),
                                               session_name(who->service));
        if (remote->trust == WHO_AMBIGUOUS)
                return add_candidates(who, out);
        if (remote->count)
                who_address_text(&remote->addresses[0], address);
        who_source_text(who, source, sizeof(source));
        if (remote->trust == WHO_CERTAIN)
                return buffer_printf(out, _(", %s from %s"), session_name(who->service), address);
        return buffer_printf(out, _(", %s from %s according to %s"), session_name(who->service),
                             remote->count ? address : remote->host, source);
}

int who_text(const struct who *who, struct buffer *out)
{
        const char *words = not_asked(who->state);
        int r;

        if (words)
                return buffer_append_text(out, words);
        r = add_program(who, out);
        if (r == 0)
                r = add_user(who, out);
        if (r == 0)
                r = add_remote(who, out);
        if (r == 0 && who->state == WHO_EARLIER)
                r = buffer_append_text(out, _("; asked at an earlier event, it has ended"));
        if (r == 0 && who->state == WHO_ENDED)
                r = buffer_append_text(out, _("; it ended while it was asked"));
        return r;
}
