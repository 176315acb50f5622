/* mariadb_none.c - a build without MariaDB Connector/C: nothing can be opened, so nothing else is called. */
#include "mariadb.h"

#include <errno.h>

#include "base/attributes.h"
#include "base/i18n.h"

int mariadb_open(const struct mariadb_options *options _unused_, struct mariadb **ret_mariadb _unused_, struct error *err)
{
        return error_set(err, -ENOTSUP, _("this build of Understudy has no MariaDB; build it with the package libmariadb-dev"));
}

void mariadb_close(struct mariadb *mariadb _unused_)
{
}

void mariadb_closep(struct mariadb **mariadb _unused_)
{
}

bool mariadb_lives(struct mariadb *mariadb _unused_)
{
        return false;
}

void mariadb_set_folder(struct mariadb *mariadb _unused_, int folder _unused_)
{
}

int mariadb_rules(struct mariadb *mariadb _unused_, const struct peer *const *out _unused_, size_t out_count _unused_,
                  struct error *err)
{
        return mariadb_open(NULL, NULL, err);
}

int mariadb_sessions(struct mariadb *mariadb _unused_, const struct peer *peer _unused_, size_t *ret_count _unused_,
                     struct error *err)
{
        return mariadb_open(NULL, NULL, err);
}

int mariadb_terminate(struct mariadb *mariadb _unused_, const struct peer *peer _unused_, size_t *ret_count _unused_,
                      struct error *err)
{
        return mariadb_open(NULL, NULL, err);
}

pid_t mariadb_server(struct mariadb *mariadb _unused_)
{
        return 0;
}

int mariadb_remarks(struct mariadb *mariadb _unused_, const struct peer *peers _unused_, size_t peer_count _unused_,
                    void (*tell)(void *context, const char *sentence) _unused_, void *context _unused_, struct error *err)
{
        return mariadb_open(NULL, NULL, err);
}

int mariadb_accounts(struct mariadb *mariadb _unused_,
                     void (*each)(void *context, const char *user, const char *host) _unused_, void *context _unused_,
                     struct error *err)
{
        return mariadb_open(NULL, NULL, err);
}
