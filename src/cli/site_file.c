#include "site_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "crypto/signature.h"
#include "manifest/trust.h"
#include "notify/target.h"
#include "tree/state.h"

#define SIGNATURE_SUFFIX ".minisig"
#define ACCEPTED_MAXIMUM 256

void site_file_done(struct site_file *file)
{
        config_freep(&file->config);
        buffer_done(&file->problems);
}

int site_file_fail(const struct site_file *file, const struct error *err)
{
        fputs(buffer_text(&file->problems), stderr);
        return command_fail(err);
}

/* ---- reading ---- */

/* The one thing in it that src/config cannot know. */
static int check_alerts(struct site_file *file, const char *path, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < file->config->alerts.count; i++) {
                struct notify_target target;
                struct error error = ERROR_NONE;

                if (notify_target_parse(file->config->alerts.items[i], &target, &error) == 0)
                        continue;
                if (buffer_printf(&file->problems, "%s: alerts: %s\n", path, error.text) < 0)
                        return error_memory(err);
                r = error_usage(err, _("%s cannot be used: it names a target for alerts that is none"), path);
        }
        return r;
}

static int load(struct site_file *file, const char *path, struct buffer *text, struct error *err)
{
        int r = file_read(AT_FDCWD, path, text, err);

        if (r == -ENOENT)
                return error_usage(err, _("there is no configuration %s; 'understudy init' writes one"), path);
        return r == 0 ? digest_of_bytes(buffer_text(text), text->length, &file->digest, err) : r;
}

static int parse(struct site_file *file, const char *path, const struct buffer *text, struct error *err)
{
        int r = config_parse(buffer_text(text), text->length, path, &file->problems, &file->config, err);

        return r == 0 ? check_alerts(file, path, err) : r;
}

/* ---- whose it is ---- */

/* NAME in the folder of `path`. */
static void beside(const char *path, const char *name, char out[static PATH_MAX])
{
        const char *slash = strrchr(path, '/');

        snprintf(out, PATH_MAX, "%.*s%s", slash ? (int)(slash - path + 1) : 0, path, name);
}

/* -ENOENT without words when either is not there. */
static int read_pair(const char *path, struct buffer *text, struct buffer *signature, struct error *err)
{
        char name[PATH_MAX + sizeof(SIGNATURE_SUFFIX)];
        int r = text ? file_read(AT_FDCWD, path, text, err) : 0;

        snprintf(name, sizeof(name), "%s%s", path, SIGNATURE_SUFFIX);
        return r == 0 ? file_read(AT_FDCWD, name, signature, err) : r;
}

/* Single key, or a root key with the list that lies beside the file. */
static int make_trust(const char *path, const struct public_key *pub, struct trust *trust, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(KEYS_MAXIMUM);
        _cleanup_(buffer_done) struct buffer signature = BUFFER_INIT(SIGNATURE_MAXIMUM);
        char keys[PATH_MAX];
        int r;

        beside(path, "keys.json", keys);
        r = read_pair(keys, &text, &signature, NULL);
        if (r == -ENOENT && text.length == 0) {
                trust_init_single(trust, pub);
                return 0;
        }
        if (r < 0)
                return error_errno(err, -r, _("cannot read %s and its signature"), keys);
        return trust_init_root(trust, pub, &text, &signature, err);
}

static int check_signature(const char *path, const struct public_key *pub, const struct buffer *text,
                           struct error *err)
{
        _cleanup_(buffer_done) struct buffer signature = BUFFER_INIT(SIGNATURE_MAXIMUM);
        _cleanup_(memory_freep) struct trust *trust = memory_new(1, sizeof(*trust));
        int r;

        if (!trust)
                return error_memory(err);
        r = read_pair(path, NULL, &signature, NULL);
        if (r < 0)
                return error_set(err, -ENOENT,
                                 _("%s has no signature %s%s; sign it with 'understudy publish --config %s --key FILE'"),
                                 path, path, SIGNATURE_SUFFIX, path);
        r = make_trust(path, pub, trust, err);
        if (r == 0)
                r = trust_check(trust, ROLE_RELEASE, clock_now(), &signature, buffer_text(text), text->length, path, err);
        return r;
}

/* ---- never back to an older one ---- */

static int check_serial(const struct site_file *file, const char *path, const char *state_directory, struct error *err)
{
        _cleanup_(buffer_done) struct buffer before = BUFFER_INIT(ACCEPTED_MAXIMUM);
        char name[RELEASE_NAME_SIZE + 16], folder[PATH_MAX], hex[DIGEST_HEX_SIZE], now[ACCEPTED_MAXIMUM];
        char hex_before[DIGEST_HEX_SIZE] = "";
        _cleanup_(fd_closep) int state = -1;
        uint64_t serial_before = 0;
        int r;

        digest_hex(&file->digest, hex);
        snprintf(now, sizeof(now), "%" PRIu64 " %s\n", file->config->serial, hex);
        snprintf(name, sizeof(name), "config/%s", file->config->site);
        snprintf(folder, sizeof(folder), "%s", state_directory);
        r = directory_make(AT_FDCWD, folder, 0700, err);
        if (r < 0)
                return r;
        state = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (state < 0)
                return error_errno(err, errno, _("cannot open the state folder %s"), folder);
        r = file_read(state, name, &before, NULL);
        if (r < 0 && r != -ENOENT)
                return error_errno(err, -r, _("cannot read %s/%s, the last configuration that was accepted"), folder, name);
        if (r == 0 && sscanf(buffer_text(&before), "%" SCNu64 " %64[0-9a-f]", &serial_before, hex_before) != 2)
                return error_set(err, -EBADMSG, _("%s/%s is damaged; restore it from a backup"), folder, name);
        if (file->config->serial < serial_before)
                return error_refuse(err,
                                    _("%s has serial %" PRIu64 ", and this machine has accepted %" PRIu64
                                      " before: it is an old one; give the right one a higher serial and sign it"),
                                    path, file->config->serial, serial_before);
        if (file->config->serial == serial_before && !text_equal(hex, hex_before))
                return error_refuse(err,
                                    _("%s is another configuration with the serial %" PRIu64
                                      " that was accepted before; raise its serial and sign it again"),
                                    path, serial_before);
        if (file->config->serial == serial_before)
                return 0;
        r = directory_make(state, "config", 0700, err);
        return r == 0 ? file_replace(state, name, now, strlen(now), 0600, err) : r;
}

int site_file_read(struct site_file *file, const char *path, const struct public_key *pub, const char *state_directory,
                   struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(CONFIG_FILE_MAXIMUM);
        int r = load(file, path, &text, err);

        if (r == 0 && pub)
                r = check_signature(path, pub, &text, err);
        if (r == 0)
                r = parse(file, path, &text, err);
        if (r == 0 && pub)
                r = check_serial(file, path, state_directory, err);
        return r;
}

int site_file_open(struct site_file *file, const struct common *common, const char *pub_path, struct error *err)
{
        struct public_key pub;
        int r = pub_path ? public_key_read(pub_path, &pub, err) : 0;

        return r < 0 ? r : site_file_read(file, common->config, pub_path ? &pub : NULL, state_directory(common->state), err);
}

/* ---- whom to call ---- */

/* The first ones, as many as fit. */
void site_file_contacts(const struct config *config, char words[static SITE_FILE_CONTACTS])
{
        _cleanup_(buffer_done) struct buffer names = BUFFER_INIT(SITE_FILE_CONTACTS / 2);
        size_t count = 0;

        while (count < config->contacts.count &&
               buffer_printf(&names, "%s%s", count ? ", " : "", config->contacts.items[count]) == 0)
                count++;
        words[0] = '\0';
        if (count)
                snprintf(words, SITE_FILE_CONTACTS, _(" (whom to call: %s)"), buffer_text(&names));
}

/* ---- signing ---- */

/* A server with the root key alone finds out by this list whose signature it sees. */
static int copy_keys(const char *path, const char *repository, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(KEYS_MAXIMUM);
        _cleanup_(buffer_done) struct buffer signature = BUFFER_INIT(SIGNATURE_MAXIMUM);
        char from[PATH_MAX + 16], keys[PATH_MAX], name[PATH_MAX + sizeof(SIGNATURE_SUFFIX)];
        int r;

        snprintf(from, sizeof(from), "%s/keys.json", text_starts(repository, "file://") ? repository + 7 : repository);
        r = read_pair(from, &text, &signature, err);
        if (r == -ENOENT && text.length == 0)
                return 0;
        if (r < 0)
                return r;
        beside(path, "keys.json", keys);
        snprintf(name, sizeof(name), "%s%s", keys, SIGNATURE_SUFFIX);
        r = file_replace(AT_FDCWD, name, buffer_text(&signature), signature.length, 0644, err);
        return r == 0 ? file_replace(AT_FDCWD, keys, buffer_text(&text), text.length, 0644, err) : r;
}

int site_file_sign(struct site_file *file, const char *path, const struct secret_key *key, const char *repository,
                   struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(CONFIG_FILE_MAXIMUM);
        _cleanup_(buffer_done) struct buffer signature = BUFFER_INIT(SIGNATURE_MAXIMUM);
        char comment[RELEASE_COMMENT_SIZE], name[PATH_MAX + sizeof(SIGNATURE_SUFFIX)];
        int r = load(file, path, &text, err);

        if (r == 0)
                r = parse(file, path, &text, err);
        if (r < 0)
                return r;
        snprintf(comment, sizeof(comment), "understudy site=%s config=%" PRIu64, file->config->site,
                 file->config->serial);
        snprintf(name, sizeof(name), "%s%s", path, SIGNATURE_SUFFIX);
        r = signature_make(key, buffer_text(&text), text.length, comment, &signature, err);
        if (r == 0 && repository)
                r = copy_keys(path, repository, err);
        if (r == 0)
                r = file_replace(AT_FDCWD, name, buffer_text(&signature), signature.length, 0644, err);
        return r;
}
