/* mariadb_where.c - where the server is asked, from the configuration. */
#include "mariadb.h"

#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "base/i18n.h"
#include "base/text.h"

struct word {
        const char *key;
        char *to;
        size_t size;
};

/* One word; false when it is none of ours, or too long. */
static bool take(const struct word *words, size_t count, const char *text, size_t length)
{
        for (size_t i = 0; i < count; i++) {
                size_t key = strlen(words[i].key);

                if (length <= key + 1 || memcmp(text, words[i].key, key) != 0 || text[key] != '=')
                        continue;
                return (size_t)snprintf(words[i].to, words[i].size, "%.*s", (int)(length - key - 1), text + key + 1) <
                       words[i].size;
        }
        return false;
}

int mariadb_where_parse(const char *text, struct mariadb_where *ret_where, struct error *err)
{
        struct mariadb_where where = { .socket = "" };
        const struct word words[] = {
                { "socket",        where.socket,        sizeof(where.socket)        },
                { "user",          where.user,          sizeof(where.user)          },
                { "defaults_file", where.defaults_file, sizeof(where.defaults_file) },
        };

        while (*(text += strspn(text, " "))) {
                size_t length = strcspn(text, " ");

                if (!take(words, LENGTH(words), text, length))
                        return error_usage(err, _("the database's connection has \"%.*s\"; write \"socket=/run/mysqld/mysqld.sock "
                                                  "user=root\", or defaults_file=FILE"),
                                           (int)(length < 100 ? length : 100), text);
                text += length;
        }
        if (!where.defaults_file[0] && !where.socket[0])
                snprintf(where.socket, sizeof(where.socket), "/run/mysqld/mysqld.sock");
        if (!where.defaults_file[0] && !where.user[0])
                snprintf(where.user, sizeof(where.user), "root");
        if ((where.socket[0] && where.socket[0] != '/') || (where.defaults_file[0] && where.defaults_file[0] != '/'))
                return error_usage(err, _("the database's connection: socket and defaults_file are absolute paths"));
        *ret_where = where;
        return 0;
}
