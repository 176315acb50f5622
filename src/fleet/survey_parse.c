/* survey_parse.c - formats of others: dpkg, sshd, the kernel. */
#include "fleet/survey_parse.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "fleet/facts.h"

#define FILES_MAXIMUM 50 /* altered files that are named */
#define KEY_BYTES     4096

bool survey_add(json_t *list, json_t *value)
{
        if (!value || json_array_size(list) >= FACTS_MEMBERS) {
                json_decref(value);
                return false;
        }
        return json_array_append_new(list, value) == 0;
}

json_t *survey_text(const char *text, size_t length)
{
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(FACTS_TEXT);

        /* An escaped byte is four: what does not fit is cut off whole. */
        for (size_t take = length < FACTS_TEXT ? length : FACTS_TEXT; take > 0; take = take * 3 / 4) {
                buffer_clear(&out);
                if (text_escape(&out, text, take) == 0)
                        break;
        }
        return json_string(buffer_text(&out));
}

bool survey_word(const char **at, const char *end, const char **ret_word, size_t *ret_length)
{
        const char *c = *at;
        bool quoted = false;

        while (c < end && (*c == ' ' || *c == '\t'))
                c++;
        *ret_word = c;
        for (; c < end && (quoted || (*c != ' ' && *c != '\t')); c++)
                if (*c == '"')
                        quoted = !quoted;
                else if (*c == '\\' && c + 1 < end)
                        c++;
        *ret_length = (size_t)(c - *ret_word);
        *at = c;
        return *ret_length > 0;
}

/* ---- dpkg ---- */

int64_t survey_dpkg_verify(const char *text, size_t length, json_t *files)
{
        const char *cursor = text, *end = text + length, *line;
        int64_t count = 0;
        size_t size;

        while (text_next_line(&cursor, end, &line, &size)) {
                const bool missing = size > 7 && memcmp(line, "missing", 7) == 0;
                const char *path = memchr(line, '/', size), *at = line, *word;
                size_t word_length, path_length;
                _cleanup_(buffer_done) struct buffer words = BUFFER_INIT(2 * FACTS_TEXT);

                if (!path || !survey_word(&at, path, &word, &word_length))
                        continue;
                if (survey_word(&at, path, &word, &word_length) && *word == 'c')
                        continue;
                count++;
                path_length = (size_t)(line + size - path);
                if (json_array_size(files) < FILES_MAXIMUM && path_length < FACTS_TEXT &&
                    buffer_append(&words, path, path_length) == 0 &&
                    buffer_append_text(&words, missing ? ": missing" : ": content") == 0)
                        survey_add(files, survey_text(buffer_text(&words), words.length));
        }
        return count;
}

/* ---- sshd ---- */

json_t *survey_fingerprint(const char *line, size_t length)
{
        const char *at = line, *end = line + length, *word;
        unsigned char key[KEY_BYTES];
        char fingerprint[64];
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(64);
        struct digest digest;
        size_t size;

        if (!survey_word(&at, end, &word, &size)) /* the type */
                return NULL;
        if (!survey_word(&at, end, &word, &size) || text_unbase64(word, size, key, sizeof(key), &size) < 0 || size < 16 ||
            digest_of_bytes(key, size, &digest, NULL) < 0 || text_base64(&text, digest.bytes, sizeof(digest.bytes)) < 0)
                return NULL;
        snprintf(fingerprint, sizeof(fingerprint), "SHA256:%.*s", (int)strcspn(buffer_text(&text), "="),
                 buffer_text(&text));
        return json_string(fingerprint);
}

static bool is_key_type(const char *word, size_t length)
{
        static const char *const starts[] = { "ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-" };

        for (size_t i = 0; i < LENGTH(starts); i++)
                if (length > strlen(starts[i]) && memcmp(word, starts[i], strlen(starts[i])) == 0)
                        return true;
        return false;
}

static bool contains(const char *text, size_t length, const char *part)
{
        return length >= strlen(part) && memmem(text, length, part, strlen(part));
}

static void add_key(const char *line, size_t size, const char *user, int64_t seen, json_t *keys)
{
        const char *at = line, *end = line + size, *word, *key;
        bool forced = false;
        json_t *fingerprint;
        size_t length;

        if (!survey_word(&at, end, &word, &length) || *word == '#')
                return;
        key = word;
        if (!is_key_type(word, length)) {
                forced = contains(word, length, "command=\"");
                if (!survey_word(&at, end, &key, &length))
                        return;
        }
        fingerprint = survey_fingerprint(key, (size_t)(end - key));
        if (!fingerprint)
                return;
        (void)survey_word(&at, end, &word, &length); /* the key itself */
        while (at < end && *at == ' ')
                at++;
        survey_add(keys, json_pack("{s:o, s:o, s:o, s:b, s:I}", "user", survey_text(user, strlen(user)), "fingerprint",
                                   fingerprint, "comment", survey_text(at, (size_t)(end - at)), "forced", forced,
                                   "seen", (json_int_t)seen));
}

void survey_authorized_keys(const char *text, size_t length, const char *user, int64_t seen, json_t *keys)
{
        const char *cursor = text, *line;
        size_t size;

        while (text_next_line(&cursor, text + length, &line, &size))
                add_key(line, size, user, seen, keys);
}

/* ---- sockets ---- */

/* "0100007F": words of 32 bits, each in the order of this machine. */
static bool parse_socket_address(const char *hex, size_t length, char text[static INET6_ADDRSTRLEN])
{
        uint8_t bytes[16];
        const size_t size = length / 2;

        if ((length != 8 && length != 32))
                return false;
        for (size_t i = 0; i < size; i += 4) {
                char word[9];
                uint32_t value;

                memcpy(word, hex + i * 2, 8);
                word[8] = '\0';
                if (strspn(word, "0123456789ABCDEFabcdef") != 8)
                        return false;
                value = (uint32_t)strtoul(word, NULL, 16);
                memcpy(bytes + i, &value, 4);
        }
        return inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes, text, INET6_ADDRSTRLEN);
}

void survey_sockets(const char *text, size_t length, const char *protocol, json_t *listening)
{
        const char *wanted = text_equal(protocol, "udp") ? "07" : "0A"; /* TCP_CLOSE: not connected; TCP_LISTEN */
        const char *cursor = text, *line;
        size_t size;

        while (text_next_line(&cursor, text + length, &line, &size)) {
                const char *at = line, *end = line + size, *words[4], *colon;
                char address[INET6_ADDRSTRLEN], port[8];
                size_t lengths[4], count = 0;

                while (count < 4 && survey_word(&at, end, &words[count], &lengths[count]))
                        count++;
                colon = count == 4 ? memchr(words[1], ':', lengths[1]) : NULL;
                if (!colon || lengths[3] != 2 || memcmp(words[3], wanted, 2) != 0 ||
                    words[1] + lengths[1] - colon != 5 ||
                    !parse_socket_address(words[1], (size_t)(colon - words[1]), address))
                        continue;
                memcpy(port, colon + 1, 4);
                port[4] = '\0';
                survey_add(listening, json_pack("{s:s, s:s, s:I}", "protocol", protocol, "address", address, "port",
                                                (json_int_t)strtoul(port, NULL, 16)));
        }
}
