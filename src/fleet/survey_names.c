/* survey_names.c - the addresses that are named by what a server runs: nginx, PostgreSQL, MariaDB, nftables. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "base/text.h"
#include "fleet/survey_parse.h"

#define WORD_SIZE 256

static bool copy_word(char word[static WORD_SIZE], const char *text, size_t length)
{
        if (length >= WORD_SIZE || memchr(text, '\0', length))
                return false;
        memcpy(word, text, length);
        word[length] = '\0';
        return true;
}

static void add_name(json_t *names, const char *source, const char *where, const char *text, size_t length)
{
        if (length == 0 || length >= WORD_SIZE || !text_is_printable(text, length))
                return;
        survey_add(names, json_pack("{s:s, s:o, s:o}", "source", source, "where", survey_text(where, strlen(where)),
                                    "address", survey_text(text, length)));
}

/* ---- nginx ---- */

/* A token: a word, or one of ; { }. */
struct tokens {
        const char *at, *end;
        unsigned int line;
};

static void skip_space(struct tokens *tokens)
{
        while (tokens->at < tokens->end) {
                if (*tokens->at == '#') {
                        while (tokens->at < tokens->end && *tokens->at != '\n')
                                tokens->at++;
                } else if (*tokens->at == '\n') {
                        tokens->line++;
                        tokens->at++;
                } else if (*tokens->at == ' ' || *tokens->at == '\t' || *tokens->at == '\r') {
                        tokens->at++;
                } else {
                        return;
                }
        }
}

/* A NUL does not: it makes a word that is none (copy_word()). */
static bool ends_word(char byte)
{
        return byte && strchr(" \t\r\n;{}", byte);
}

static bool next_token(struct tokens *tokens, const char **ret_word, size_t *ret_length)
{
        const char *start;
        char quote = 0;

        skip_space(tokens);
        start = tokens->at;
        if (start == tokens->end)
                return false;
        if (*start == ';' || *start == '{' || *start == '}') {
                tokens->at++;
        } else {
                if (*start == '"' || *start == '\'')
                        quote = *start++, tokens->at++;
                while (tokens->at < tokens->end && (quote ? *tokens->at != quote : !ends_word(*tokens->at))) {
                        tokens->line += *tokens->at == '\n';
                        tokens->at++;
                }
        }
        *ret_word = start;
        *ret_length = (size_t)(tokens->at - start);
        if (quote && tokens->at < tokens->end)
                tokens->at++;
        return true;
}

/* The host of "http://192.0.2.1:80/x", "192.0.2.1:80", "[2001:db8::1]:80"; a variable is none that could be told. */
static void add_upstream(json_t *names, const char *path, unsigned int line, const char *text, size_t length)
{
        const char *start = memmem(text, length, "://", 3), *end = text + length, *stop;
        char where[WORD_SIZE + 20];

        start = start ? start + 3 : text;
        if (memchr(text, '$', length))
                return;
        if (end - start > 5 && memcmp(start, "unix:", 5) == 0)
                return;
        if (start < end && *start == '[') {
                start++;
                stop = memchr(start, ']', (size_t)(end - start));
        } else {
                for (stop = start; stop < end && *stop != ':' && *stop != '/'; stop++)
                        ;
        }
        snprintf(where, sizeof(where), "%.240s:%u", path, line);
        if (stop)
                add_name(names, "upstream", where, start, (size_t)(stop - start));
}

static bool is_pass(const char *word)
{
        static const char *const words[] = { "proxy_pass", "fastcgi_pass", "uwsgi_pass",
                                             "scgi_pass",  "grpc_pass",    "memcached_pass" };

        for (size_t i = 0; i < LENGTH(words); i++)
                if (text_equal(words[i], word))
                        return true;
        return false;
}

void survey_nginx(const char *text, size_t length, const char *path, json_t *names, json_t *upstreams)
{
        struct tokens tokens = { text, text + length, 1 };
        char first[WORD_SIZE] = "", second[WORD_SIZE] = "";
        unsigned int depth = 0, upstream_depth = 0, count = 0, line = 1;
        const char *word;
        size_t size;

        while (next_token(&tokens, &word, &size)) {
                if (size == 1 && (*word == ';' || *word == '{')) {
                        depth += *word == '{';
                        if (*word == '{' && text_equal(first, "upstream") && count >= 2 && !upstream_depth) {
                                upstream_depth = depth;
                                survey_add(upstreams, json_string(second));
                        } else if (*word == ';' && count >= 2 &&
                                   (is_pass(first) || (upstream_depth && text_equal(first, "server")))) {
                                add_upstream(names, path, line, second, strlen(second));
                        }
                        count = 0;
                } else if (size == 1 && *word == '}') {
                        if (depth && depth-- == upstream_depth)
                                upstream_depth = 0;
                        count = 0;
                } else if (count++ < 2 && !copy_word(count == 1 ? first : second, word, size)) {
                        *(count == 1 ? first : second) = '\0';
                }
                if (count == 0)
                        *first = *second = '\0';
                else if (count == 1)
                        line = tokens.line;
        }
}

void survey_drop_upstreams(json_t *names, const json_t *upstreams)
{
        for (size_t i = json_array_size(names); i-- > 0;) {
                const char *address = json_string_value(json_object_get(json_array_get(names, i), "address"));

                for (size_t j = 0; address && j < json_array_size(upstreams); j++)
                        if (text_equal(json_string_value(json_array_get(upstreams, j)), address)) {
                                json_array_remove(names, i);
                                break;
                        }
        }
}

/* ---- PostgreSQL ---- */

/* The prefix of a mask "255.255.255.0"; a mask with holes counts as a network. */
static int prefix_of(const char *mask)
{
        uint8_t bytes[16];
        const size_t size = inet_pton(AF_INET, mask, bytes) == 1 ? 4 : inet_pton(AF_INET6, mask, bytes) == 1 ? 16 : 0;
        int bits = 0;

        for (size_t i = 0; i < size; i++)
                for (int bit = 7; bit >= 0; bit--) {
                        if (!(bytes[i] >> bit & 1))
                                return bits;
                        bits++;
                }
        return size ? bits : -1;
}

void survey_hba(const char *text, size_t length, const char *path, json_t *names)
{
        const char *cursor = text, *line;
        unsigned int number = 0;
        size_t size;

        while (text_next_line(&cursor, text + length, &line, &size)) {
                char words[6][WORD_SIZE] = { "" }, where[WORD_SIZE + 20], network[WORD_SIZE + 12];
                const char *at = line, *end = line + size, *word;
                size_t count = 0, word_length;
                int prefix;

                number++;
                while (count < LENGTH(words) && survey_word(&at, end, &word, &word_length) && *word != '#' &&
                       copy_word(words[count], word, word_length))
                        count++;
                if (count < 5 || !text_starts(words[0], "host"))
                        continue;
                prefix = count == 6 ? prefix_of(words[4]) : -1;
                if (text_equal(words[prefix < 0 ? 4 : 5], "reject") || text_equal(words[3], "samehost"))
                        continue;
                snprintf(where, sizeof(where), "%.240s:%u", path, number);
                if (text_equal(words[3], "all") || text_equal(words[3], "samenet"))
                        snprintf(network, sizeof(network), "0.0.0.0/0");
                else if (prefix >= 0)
                        snprintf(network, sizeof(network), "%s/%d", words[3], prefix);
                else
                        snprintf(network, sizeof(network), "%s", words[3]);
                add_name(names, "database", where, network, strlen(network));
        }
}

/* ---- MariaDB ---- */

/* "192.0.2.%" is 192.0.2.0/24: what stands before the first number with a wildcard in it. */
static void network_of_pattern(const char *host, char network[static WORD_SIZE])
{
        const size_t exact = strcspn(host, "%_");
        unsigned int numbers[4] = { 0 };
        size_t count = 0;

        for (const char *at = host; at < host + exact && count < 3; count++) {
                const char *dot = memchr(at, '.', (size_t)(host + exact - at));
                uint64_t number = 0;

                if (!dot || text_parse_u64(at, (size_t)(dot - at), 255, &number) < 0)
                        break;
                numbers[count] = (unsigned int)number;
                at = dot + 1;
        }
        snprintf(network, WORD_SIZE, "%u.%u.%u.%u/%zu", numbers[0], numbers[1], numbers[2], numbers[3], 8 * count);
}

void survey_mariadb(const char *user, const char *host, json_t *names)
{
        const char *slash = strchr(host, '/');
        char where[2 * WORD_SIZE + 20], network[WORD_SIZE];

        if (strlen(host) >= WORD_SIZE - 8 || strlen(user) >= WORD_SIZE)
                return;
        snprintf(where, sizeof(where), "'%s'@'%s'", user, host);
        if (slash && prefix_of(slash + 1) >= 0)
                snprintf(network, sizeof(network), "%.*s/%d", (int)(slash - host), host, prefix_of(slash + 1));
        else if (strpbrk(host, "%_") || !*host)
                network_of_pattern(host, network);
        else
                snprintf(network, sizeof(network), "%s", host);
        add_name(names, "database", where, network, strlen(network));
}

/* ---- nftables ---- */

#define SET_DEPTH 3 /* sets in ranges in sets: none of these needs more */

static const json_t *find_set(const json_t *ruleset, const char *name)
{
        const json_t *list = json_object_get(ruleset, "nftables");

        for (size_t i = 0; i < json_array_size(list); i++) {
                const json_t *set = json_object_get(json_array_get(list, i), "set");
                const char *own = json_string_value(json_object_get(set, "name"));

                if (own && text_equal(own, name))
                        return json_object_get(set, "elem");
        }
        return NULL;
}

static void add_right(const json_t *ruleset, const json_t *right, const char *where, json_t *names, int depth)
{
        const char *text = json_string_value(right);
        const json_t *prefix = json_object_get(right, "prefix"), *set = json_object_get(right, "set");
        const char *address = json_string_value(json_object_get(prefix, "addr"));
        char network[WORD_SIZE + 12];

        if (depth > SET_DEPTH)
                return;
        if (text && *text == '@') {
                add_right(ruleset, find_set(ruleset, text + 1), where, names, depth + 1);
        } else if (text) {
                add_name(names, "filter", where, text, strlen(text));
        } else if (address && strlen(address) < WORD_SIZE) {
                snprintf(network, sizeof(network), "%s/%d", address,
                         (int)json_integer_value(json_object_get(prefix, "len")));
                add_name(names, "filter", where, network, strlen(network));
        } else if (json_object_get(right, "elem")) { /* with a timeout or a comment */
                add_right(ruleset, json_object_get(json_object_get(right, "elem"), "val"), where, names, depth + 1);
        } else {
                const json_t *list = json_is_array(right) ? right : set;

                for (size_t i = 0; i < json_array_size(list); i++)
                        add_right(ruleset, json_array_get(list, i), where, names, depth + 1);
        }
}

static bool accepts(const json_t *expressions)
{
        for (size_t i = 0; i < json_array_size(expressions); i++)
                if (json_object_get(json_array_get(expressions, i), "accept"))
                        return true;
        return false;
}

static void add_rule(const json_t *ruleset, const json_t *rule, json_t *names)
{
        const json_t *expressions = json_object_get(rule, "expr");
        const char *table = json_string_value(json_object_get(rule, "table"));
        const char *chain = json_string_value(json_object_get(rule, "chain"));
        char where[WORD_SIZE];

        if (!accepts(expressions))
                return;
        snprintf(where, sizeof(where), "nft %.100s %.100s", table ? table : "?", chain ? chain : "?");
        for (size_t i = 0; i < json_array_size(expressions); i++) {
                const json_t *match = json_object_get(json_array_get(expressions, i), "match");
                const json_t *payload = json_object_get(json_object_get(match, "left"), "payload");
                const char *field = json_string_value(json_object_get(payload, "field"));
                const char *operation = json_string_value(json_object_get(match, "op"));

                if (field && (text_equal(field, "saddr") || text_equal(field, "daddr")) && operation &&
                    !text_equal(operation, "!="))
                        add_right(ruleset, json_object_get(match, "right"), where, names, 0);
        }
}

void survey_nftables(const json_t *ruleset, json_t *names)
{
        const json_t *list = json_object_get(ruleset, "nftables");

        for (size_t i = 0; i < json_array_size(list); i++) {
                const json_t *rule = json_object_get(json_array_get(list, i), "rule");

                if (rule)
                        add_rule(ruleset, rule, names);
        }
}
