/* mariadb_rules.c - locking accounts, and seeing that they are locked (mariadb.h). */
#include <errno.h>
#include <mysqld_error.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <jansson.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "mariadb_private.h"

#define MEMORY_FILE    "accounts.json"
#define MEMORY_MAXIMUM (1U << 20)
#define FORMAT         1
#define CANARY         "understudy_canary"
#define SECRET_SIZE    40
#define CANARY_SECONDS 5U

/* For what is in the account table: a value of JSON that is true reads as 1. */
#define LOCKED "ifnull(json_value(priv, '$.account_locked'), 0) = 1"
#define A_ROLE "ifnull(json_value(priv, '$.is_role'), 0) = 1"

/* ---------------------------------------------------------------- names in statements */

/* Appends 'user'@'host'. */
static int append_account(struct mariadb *mariadb, struct buffer *out, const char *user, const char *host)
{
        char quoted[2 * (MARIADB_USER_SIZE + MARIADB_HOST_SIZE)];
        size_t user_length = strlen(user), host_length = strlen(host);
        int r;

        if (user_length >= MARIADB_USER_SIZE || host_length >= MARIADB_HOST_SIZE)
                return -E2BIG;
        mysql_real_escape_string(mariadb->connection, quoted, user, user_length);
        r = buffer_printf(out, "'%s'@", quoted);
        if (r < 0)
                return r;
        mysql_real_escape_string(mariadb->connection, quoted, host, host_length);
        return buffer_printf(out, "'%s'", quoted);
}

/* BEFORE 'user'@'host' AFTER. */
static int change(struct mariadb *mariadb, const char *before, const char *user, const char *host, const char *after,
                  struct error *err)
{
        _cleanup_(buffer_done) struct buffer name = BUFFER_INIT(MARIADB_STATEMENT);

        if (append_account(mariadb, &name, user, host) < 0)
                return error_memory(err);
        return mariadb_ask(mariadb, NULL, err, "%s %s %s", before, buffer_text(&name), after);
}

/* A password that nobody knows, and that every rule about passwords takes. */
static int make_secret(char secret[static SECRET_SIZE], struct error *err)
{
        uint8_t random[16];
        char hex[2 * sizeof(random) + 1];

        if (getrandom(random, sizeof(random), 0) != sizeof(random))
                return error_errno(err, errno, _("cannot get random bytes from the system"));
        text_hex(random, sizeof(random), hex);
        snprintf(secret, SECRET_SIZE, "uS-1%s", hex);
        return 0;
}

static int make_locked(struct mariadb *mariadb, const char *user, const char *host, const char *secret, struct error *err)
{
        char after[SECRET_SIZE + 64];

        snprintf(after, sizeof(after), "identified by '%s' account lock", secret);
        return change(mariadb, "create user if not exists", user, host, after, err);
}

/* ---------------------------------------------------------------- which accounts are our doing */

static int load(struct mariadb *mariadb, json_t **ret_accounts, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(MEMORY_MAXIMUM);
        _cleanup_(json_decrefp) json_t *all = NULL;
        json_t *accounts;
        int r = file_read(mariadb->folder, MEMORY_FILE, &text, err);

        if (r < 0 && r != -ENOENT)
                return r;
        all = r == -ENOENT ? json_pack("{s:i, s:[]}", "format", FORMAT, "accounts")
                           : json_loadb(buffer_text(&text), text.length, JSON_REJECT_DUPLICATES, NULL);
        accounts = json_object_get(all, "accounts");
        r = json_is_array(accounts) && json_integer_value(json_object_get(all, "format")) == FORMAT;
        for (size_t i = 0; r && i < json_array_size(accounts); i++)
                r = json_is_string(json_object_get(json_array_get(accounts, i), "user")) &&
                    json_is_string(json_object_get(json_array_get(accounts, i), "host"));
        if (!r)
                return error_set(err, -EBADMSG,
                                 _("%s in the fence's folder is damaged: it is not known which accounts the fence has locked; "
                                   "remove the file, and unlock by hand those that it should not have locked"),
                                 MEMORY_FILE);
        *ret_accounts = json_incref(accounts);
        return 0;
}

static int save(struct mariadb *mariadb, json_t *accounts, struct error *err)
{
        _cleanup_(json_decrefp) json_t *all = json_pack("{s:i, s:O}", "format", FORMAT, "accounts", accounts);
        char *text = all ? json_dumps(all, JSON_INDENT(2)) : NULL;
        int r = text ? file_replace(mariadb->folder, MEMORY_FILE, text, strlen(text), 0600, err) : error_memory(err);

        free(text);
        return r;
}

struct account {
        const char *user, *host; /* borrowed from the list */
        bool made;               /* by us: there was none */
};

static struct account account_at(const json_t *accounts, size_t index)
{
        const json_t *one = json_array_get(accounts, index);

        return (struct account){ json_string_value(json_object_get(one, "user")), json_string_value(json_object_get(one, "host")),
                                 json_is_true(json_object_get(one, "made")) };
}

static bool knows(const json_t *accounts, const char *user, const char *host)
{
        for (size_t i = 0; i < json_array_size(accounts); i++) {
                struct account one = account_at(accounts, i);

                if (text_equal(one.user, user) && text_equal(one.host, host))
                        return true;
        }
        return false;
}

static int remember(json_t *accounts, const char *user, const char *host, bool made)
{
        if (knows(accounts, user, host))
                return 0;
        return json_array_append_new(accounts, json_pack("{s:s, s:s, s:b}", "user", user, "host", host, "made", made));
}

/* ---------------------------------------------------------------- who is out */

struct outside {
        const struct peer *const *peers;
        size_t count;
        struct buffer list; /* of their addresses, for IN; it never is empty */
};

static void outside_done(struct outside *outside)
{
        buffer_done(&outside->list);
}

static bool is_outside(const struct outside *outside, const char *host)
{
        struct peer_address address;

        if (peer_address_parse(host, &address, NULL) < 0)
                return false;
        for (size_t i = 0; i < outside->count; i++)
                if (peer_has(outside->peers[i], address.family, address.bytes))
                        return true;
        return false;
}

/* Accounts of these very addresses that may enter, and addresses whose nameless account is missing: both will be our
 * doing. */
static int find_open(struct mariadb *mariadb, const struct outside *outside, json_t *accounts, struct error *err)
{
        _cleanup_(mariadb_result_clearp) MYSQL_RES *result = NULL;
        int r = mariadb_ask(mariadb, &result, err, "select user, host from mysql.global_priv where not " A_ROLE " and not " LOCKED
                                                   " and host in (%s)", buffer_text(&outside->list));
        MYSQL_ROW row;

        while (r == 0 && result && (row = mysql_fetch_row(result)))
                if (remember(accounts, row[0], row[1], false) < 0)
                        r = error_memory(err);
        for (size_t i = 0; r == 0 && i < outside->count; i++)
                for (size_t j = 0; r == 0 && j < outside->peers[i]->address_count; j++) {
                        char text[PEER_ADDRESS_TEXT];
                        size_t there = 0;

                        peer_address_text(&outside->peers[i]->addresses[j], text);
                        r = mariadb_ask_number(mariadb, &there, err,
                                               "select count(*) from mysql.global_priv where user = '' and host = '%s'", text);
                        if (r == 0 && !there && remember(accounts, "", text, true) < 0)
                                r = error_memory(err);
                }
        return r;
}

static int lock_one(struct mariadb *mariadb, const struct account *account, struct error *err)
{
        char secret[SECRET_SIZE];
        int r = account->made ? make_secret(secret, err) : 0;

        if (r == 0 && account->made)
                r = make_locked(mariadb, account->user, account->host, secret, err);
        return r < 0 ? r : change(mariadb, "alter user if exists", account->user, account->host, "account lock", err);
}

static int unlock_one(struct mariadb *mariadb, const struct account *account, struct error *err)
{
        return account->made ? change(mariadb, "drop user if exists", account->user, account->host, "", err)
                             : change(mariadb, "alter user if exists", account->user, account->host, "account unlock", err);
}

/* Those that are let in are taken from the list when all of it is done. */
static int change_all(struct mariadb *mariadb, const struct outside *outside, json_t *accounts, struct error *err)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < json_array_size(accounts); i++) {
                struct account account = account_at(accounts, i);

                r = is_outside(outside, account.host) ? lock_one(mariadb, &account, err) : unlock_one(mariadb, &account, err);
        }
        return r;
}

static void forget_insiders(const struct outside *outside, json_t *accounts)
{
        for (size_t i = json_array_size(accounts); i > 0; i--)
                if (!is_outside(outside, account_at(accounts, i - 1).host))
                        json_array_remove(accounts, i - 1);
}

/* ---------------------------------------------------------------- seeing it */

static int see_memory(struct mariadb *mariadb, const char *user, const char *host, struct error *err)
{
        _cleanup_(mariadb_result_clearp) MYSQL_RES *result = NULL;
        _cleanup_(buffer_done) struct buffer name = BUFFER_INIT(MARIADB_STATEMENT);
        MYSQL_ROW row;
        int r;

        if (append_account(mariadb, &name, user, host) < 0)
                return error_memory(err);
        r = mariadb_ask(mariadb, &result, err, "show create user %s", buffer_text(&name));
        row = r == 0 && result ? mysql_fetch_row(result) : NULL;
        if (r == 0 && (!row || !row[0] || !strstr(row[0], " ACCOUNT LOCK")))
                return error_set(err, -EIO, _("the database server was told to lock the account %s, but does not go by it"),
                                 buffer_text(&name));
        return r;
}

static int see_accounts(struct mariadb *mariadb, const struct outside *outside, struct error *err)
{
        _cleanup_(mariadb_result_clearp) MYSQL_RES *result = NULL;
        size_t open = 0, addresses = 0, nameless = 0;
        MYSQL_ROW row;
        int r = mariadb_ask_number(mariadb, &open, err, "select count(*) from mysql.global_priv where not " A_ROLE " and not "
                                                        LOCKED " and host in (%s)", buffer_text(&outside->list));

        if (r == 0)
                r = mariadb_ask_number(mariadb, &nameless, err, "select count(*) from mysql.global_priv where user = '' and " LOCKED
                                                                " and host in (%s)", buffer_text(&outside->list));
        for (size_t i = 0; i < outside->count; i++)
                addresses += outside->peers[i]->address_count;
        if (r == 0 && (open || nameless < addresses))
                return error_set(err, -EIO, _("the database server was told to lock the accounts of who is shut out, but %zu of "
                                              "them are not locked; somebody else may be changing them"),
                                 open + (addresses - nameless));
        if (r == 0)
                r = mariadb_ask(mariadb, &result, err, "select user, host from mysql.global_priv where host in (%s)",
                                buffer_text(&outside->list));
        while (r == 0 && result && (row = mysql_fetch_row(result)))
                r = see_memory(mariadb, row[0], row[1], err);
        return r;
}

/* What the server says to the canary: an error of its own, 0 when it is let in, or one of the library's (CR_..., 2000 and
 * more) when it does not answer. */
static unsigned int ask_canary(struct mariadb *mariadb, const char *from, const char *secret)
{
        const unsigned int seconds = CANARY_SECONDS, protocol = MYSQL_PROTOCOL_TCP, off = 0;
        const my_bool secure = 1;
        MYSQL *connection = mysql_init(NULL);
        char listen[PEER_ADDRESS_TEXT];
        unsigned int said;

        if (!connection)
                return ER_OUTOFMEMORY;
        peer_address_text(&mariadb->listen, listen);
        mysql_options(connection, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
        mysql_options(connection, MYSQL_OPT_READ_TIMEOUT, &seconds);
        mysql_options(connection, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
        mysql_options(connection, MYSQL_OPT_LOCAL_INFILE, &off);
        mysql_options(connection, MYSQL_OPT_PROTOCOL, &protocol);
        mysql_options(connection, MYSQL_OPT_BIND, from);
        if (mariadb->secure_only)
                mysql_options(connection, MYSQL_OPT_SSL_ENFORCE, &secure);
        said = mysql_real_connect(connection, listen, CANARY, secret, NULL, mariadb->port, NULL, 0) ? 0 : mysql_errno(connection);
        mysql_close(connection);
        return said;
}

static int drop_canaries(struct mariadb *mariadb, struct error *err)
{
        _cleanup_(mariadb_result_clearp) MYSQL_RES *result = NULL;
        MYSQL_ROW row;
        int r = mariadb_ask(mariadb, &result, err, "select host from mysql.global_priv where user = '" CANARY "'");

        while (r == 0 && result && (row = mysql_fetch_row(result)))
                r = change(mariadb, "drop user if exists", CANARY, row[0], "", err);
        return r;
}

/* That it is locked is said only to one who knows its password; so the answer is about the lock, and about nothing else. */
static int see_canary(struct mariadb *mariadb, struct error *err)
{
        char secret[SECRET_SIZE], from[INET_ADDRSTRLEN];
        unsigned int said = 0;
        uint8_t random[3];
        struct error second = ERROR_NONE;
        int r = make_secret(secret, err);

        if (r == 0 && getrandom(random, sizeof(random), 0) != sizeof(random))
                r = error_errno(err, errno, _("cannot get random bytes from the system"));
        if (r < 0)
                return r;
        snprintf(from, sizeof(from), "127.%u.%u.%u", 1 + random[0] % 254U, random[1], 1 + random[2] % 254U);
        r = make_locked(mariadb, CANARY, from, secret, err);
        if (r == 0)
                said = ask_canary(mariadb, from, secret);
        if (r == 0 && said != ER_ACCOUNT_HAS_BEEN_LOCKED)
                r = error_set(err, -EIO, _("the database server was told to lock accounts, but whether it refuses them could not be "
                                           "seen: one that is locked, at port %u from this host, was answered with %u"),
                              mariadb->port, said);
        if (drop_canaries(mariadb, &second) < 0 && r == 0)
                r = error_set(err, second.code, "%s", second.text);
        return r;
}

/* ---------------------------------------------------------------- all of it */

/* A session of theirs may hold a lock on the tables of the accounts, and would keep us waiting. */
static int terminate_all(struct mariadb *mariadb, const struct outside *outside, struct error *err)
{
        size_t count = 0;
        int r = 0;

        for (size_t i = 0; r == 0 && i < outside->count; i++)
                r = mariadb_terminate(mariadb, outside->peers[i], &count, err);
        return r;
}

static int put_in_force(struct mariadb *mariadb, const struct outside *outside, json_t *accounts, struct error *err)
{
        int r = terminate_all(mariadb, outside, err);

        if (r == 0)
                r = drop_canaries(mariadb, err);
        if (r == 0)
                r = find_open(mariadb, outside, accounts, err);
        if (r == 0)
                r = save(mariadb, accounts, err); /* before the first is touched */
        if (r == 0)
                r = change_all(mariadb, outside, accounts, err);
        if (r == 0) /* somebody may have edited the tables: the server goes by what we see from here on */
                r = mariadb_ask(mariadb, NULL, err, "flush local privileges");
        if (r == 0)
                r = see_accounts(mariadb, outside, err);
        if (r == 0)
                r = see_canary(mariadb, err);
        if (r < 0)
                return r;
        forget_insiders(outside, accounts);
        return save(mariadb, accounts, err);
}

int mariadb_rules(struct mariadb *mariadb, const struct peer *const *out, size_t out_count, struct error *err)
{
        _cleanup_(outside_done) struct outside outside = { out, out_count, BUFFER_INIT(MARIADB_STATEMENT) };
        _cleanup_(json_decrefp) json_t *accounts = NULL;
        int r = buffer_append_text(&outside.list, "'-'"); /* nobody's */

        if (mariadb->listen.family != AF_INET)
                return error_usage(err, _("name an IPv4 address at which the database server listens on this host"));
        for (size_t i = 0; r == 0 && i < out_count; i++)
                r = mariadb_list(&outside.list, out[i]);
        if (r < 0)
                return error_memory(err);
        r = load(mariadb, &accounts, err);
        return r < 0 ? r : put_in_force(mariadb, &outside, accounts, err);
}

/* ---------------------------------------------------------------- who may enter otherwise */

int mariadb_accounts(struct mariadb *mariadb, void (*each)(void *context, const char *user, const char *host), void *context,
                     struct error *err)
{
        _cleanup_(mariadb_result_clearp) MYSQL_RES *result = NULL;
        int r = mariadb_ask(mariadb, &result, err, "select user, host from mysql.global_priv where not " A_ROLE " and not " LOCKED
                                                   " and host not in ('', 'localhost', '127.0.0.1', '::1') order by host, user");
        MYSQL_ROW row;

        while (r == 0 && result && (row = mysql_fetch_row(result)))
                each(context, row[0], row[1]);
        return r;
}

static int remark_one(struct mariadb *mariadb, const char *server, const char *address,
                      void (*tell)(void *context, const char *sentence), void *context, struct error *err)
{
        _cleanup_(mariadb_result_clearp) MYSQL_RES *result = NULL;
        int r = mariadb_ask(mariadb, &result, err,
                            "select user, host from mysql.global_priv where not " A_ROLE " and not " LOCKED
                            " and host like '%%/%%' and inet_aton('%s') & inet_aton(substring_index(host, '/', -1)) = "
                            "inet_aton(substring_index(host, '/', 1)) order by host, user",
                            address);
        MYSQL_ROW row;

        while (r == 0 && result && (row = mysql_fetch_row(result))) {
                char sentence[ERROR_TEXT_SIZE];

                snprintf(sentence, sizeof(sentence),
                         _("'%s'@'%s' lets %s in by a netmask, which no locked account comes before: only the packet filter would "
                           "shut it out; give the account an address or a pattern as '192.0.2.%%'"),
                         row[0], row[1], server);
                tell(context, sentence);
        }
        return r;
}

int mariadb_remarks(struct mariadb *mariadb, const struct peer *peers, size_t peer_count,
                    void (*tell)(void *context, const char *sentence), void *context, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < peer_count; i++)
                for (size_t j = 0; r == 0 && j < peers[i].address_count; j++) {
                        char text[PEER_ADDRESS_TEXT];

                        peer_address_text(&peers[i].addresses[j], text);
                        if (peers[i].addresses[j].family == AF_INET)
                                r = remark_one(mariadb, peers[i].name, text, tell, context, err);
                }
        return r;
}
