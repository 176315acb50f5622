/* survey.c - where the facts lie on a Debian server. */
#include "fleet/survey.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <pwd.h>
#include <shadow.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "fleet/facts.h"
#include "fleet/survey_parse.h"

#define OUTPUT_MAXIMUM (8U << 20) /* bytes of another program's answer: 100,000 packages */
#define FILE_MAXIMUM   (1U << 20)
#define QUICK_MS       20000
#define DAY_S          86400
#define PATHS_MAXIMUM  1000 /* files of one pattern */

static void problem(json_t *result, const struct error *why)
{
        survey_add(json_object_get(result, "problems"), survey_text(why->text, strlen(why->text)));
}

/* Standard output of a program that must end in 0 or `also`. */
static int ask(const char *const argv[], int timeout_ms, int also, struct buffer *output, struct error *err)
{
        static const char *const environment[] = { "LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
        const struct child_options options = {
                .environment = environment, .input = -1, .timeout_ms = timeout_ms, .output = output
        };
        int r = child_run(argv, &options, err);

        if (r < 0)
                return r;
        if (r != 0 && r != also)
                return error_set(err, -EIO, _("%s ended with status %d: %.200s"), argv[0], r, buffer_text(output));
        if (output->length >= output->maximum - 4096)
                return error_set(err, -E2BIG, _("%s printed more than is read of it"), argv[0]);
        return 0;
}

/* A file that root or another program wrote: its name may be a link, as in sites-enabled. */
static int read_file(const char *path, struct buffer *text, struct stat *ret_stat)
{
        _cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

        buffer_clear(text);
        if (fd < 0)
                return -errno;
        if (fstat(fd, ret_stat) < 0 || !S_ISREG(ret_stat->st_mode))
                return -EINVAL;
        return read_to_end(fd, text);
}

static json_t *new_list(json_t *result, const char *name)
{
        json_object_set_new(result, name, json_array());
        return json_object_get(result, name);
}

/* ---- build and packages ---- */

/* PRETTY_NAME of os-release(5). */
static json_t *operating_system(void)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(FILE_MAXIMUM);
        const char *cursor, *line;
        struct stat stat;
        size_t size;

        if (read_file("/etc/os-release", &text, &stat) < 0)
                return json_string("");
        cursor = buffer_text(&text);
        while (text_next_line(&cursor, text.data + text.length, &line, &size))
                if (size > 14 && memcmp(line, "PRETTY_NAME=\"", 13) == 0)
                        return survey_text(line + 13, size - 14);
        return json_string("");
}

static void look_at_build(json_t *result)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(FILE_MAXIMUM);
        struct stat stat;
        size_t length = 0;

        if (read_file(SURVEY_BUILD_FILE, &text, &stat) == 0)
                length = strcspn(buffer_text(&text), "\r\n");
        json_object_set_new(
                result, "build",
                json_pack("{s:o, s:o}", "name", survey_text(buffer_text(&text), length), "os", operating_system()));
}

static int look_at_packages(const struct survey_options *options, json_t *packages, struct error *err)
{
        static const char *const list[] = { "dpkg-query", "-W", "-f",
                                            "${binary:Package} ${Version} ${db:Status-Status}\n", NULL };
        static const char *const verify[] = { "dpkg", "--verify", NULL };
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(OUTPUT_MAXIMUM);
        char hex[DIGEST_HEX_SIZE];
        struct digest digest;
        int64_t count = 0;
        json_t *files;
        int r = ask(list, QUICK_MS, 0, &text, err);

        if (r == 0)
                r = digest_of_bytes(buffer_text(&text), text.length, &digest, err);
        if (r < 0)
                return r;
        for (size_t i = 0; i < text.length; i++)
                count += text.data[i] == '\n';
        digest_hex(&digest, hex);
        json_object_set_new(packages, "count", json_integer(count));
        json_object_set_new(packages, "digest", json_string(hex));
        buffer_clear(&text);
        r = ask(verify, options->timeout_ms, 1, &text, err);
        if (r < 0)
                return r;
        files = new_list(packages, "files");
        json_object_set_new(packages, "altered",
                            json_integer(survey_dpkg_verify(buffer_text(&text), text.length, files)));
        json_object_set_new(packages, "verified", json_true());
        return 0;
}

/* ---- who may enter ---- */

#define KEY_FILES 8

/* What sshd goes by, as it says itself. */
struct sshd {
        struct buffer text;
        const char *key_files[KEY_FILES]; /* "%h/.ssh/authorized_keys", ".ssh/authorized_keys" */
        size_t key_file_count;
};

static void split_key_files(struct sshd *sshd, char *words)
{
        char *rest = NULL;

        for (char *word = strtok_r(words, " ", &rest); word && sshd->key_file_count < KEY_FILES;
             word = strtok_r(NULL, " ", &rest))
                if (!text_equal(word, "none"))
                        sshd->key_files[sshd->key_file_count++] = word;
}

static void add_host_key(const char *path, json_t *host_keys)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(FILE_MAXIMUM);
        char public_path[PATH_MAX];
        struct stat stat;

        snprintf(public_path, sizeof(public_path), "%.4000s.pub", path);
        if (read_file(public_path, &text, &stat) == 0)
                survey_add(host_keys, survey_fingerprint(buffer_text(&text), strcspn(buffer_text(&text), "\n")));
}

static void ask_sshd(struct sshd *sshd, json_t *result)
{
        static const char *const argv[] = { "/usr/sbin/sshd", "-T", NULL };
        json_t *host_keys = new_list(result, "host_keys");
        struct error error = ERROR_NONE;
        char *rest = NULL;

        if (ask(argv, QUICK_MS, 0, &sshd->text, &error) < 0)
                problem(result, &error);
        for (char *line = sshd->text.data ? strtok_r(sshd->text.data, "\n", &rest) : NULL; line;
             line = strtok_r(NULL, "\n", &rest)) {
                if (text_starts(line, "authorizedkeysfile "))
                        split_key_files(sshd, line + strlen("authorizedkeysfile "));
                else if (text_starts(line, "hostkey "))
                        add_host_key(line + strlen("hostkey "), host_keys);
        }
        if (sshd->key_file_count == 0) {
                sshd->key_files[0] = ".ssh/authorized_keys";
                sshd->key_files[1] = ".ssh/authorized_keys2";
                sshd->key_file_count = 2;
        }
}

/* sshd_config(5), TOKENS: %h, %u, %%; what is not absolute is below the home. */
static bool key_path(const char *pattern, const struct passwd *user, char path[static PATH_MAX])
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(PATH_MAX - 1);
        int r = *pattern == '/' || text_starts(pattern, "%h") ? 0 : buffer_printf(&text, "%s/", user->pw_dir);

        for (const char *c = pattern; *c && r == 0; c++) {
                if (*c != '%')
                        r = buffer_append_byte(&text, *c);
                else if (*++c == 'h' || *c == 'u')
                        r = buffer_append_text(&text, *c == 'h' ? user->pw_dir : user->pw_name);
                else if (*c == '%')
                        r = buffer_append_byte(&text, '%');
                else
                        return false;
        }
        snprintf(path, PATH_MAX, "%s", buffer_text(&text));
        return r == 0;
}

static void look_at_keys(const struct sshd *sshd, const struct passwd *user, json_t *result)
{
        for (size_t i = 0; i < sshd->key_file_count; i++) {
                _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(FILE_MAXIMUM);
                char path[PATH_MAX];
                struct stat stat;
                struct error error = ERROR_NONE;
                int r;

                if (!key_path(sshd->key_files[i], user, path))
                        continue;
                r = read_file(path, &text, &stat);
                if (r == 0) {
                        survey_authorized_keys(buffer_text(&text), text.length, user->pw_name, stat.st_mtime,
                                               json_object_get(result, "keys"));
                } else if (r != -ENOENT && r != -ENOTDIR) {
                        error_errno(&error, -r, _("cannot read %s"), path);
                        problem(result, &error);
                }
        }
}

static bool may_log_in(const struct passwd *user)
{
        return user->pw_uid == 0 || !(text_ends(user->pw_shell, "/nologin") || text_ends(user->pw_shell, "/false"));
}

/* shadow(5): a hash begins with a letter, a digit, "." , "/" or "$". */
static int64_t password_set(const char *name)
{
        const struct spwd *entry = getspnam(name);

        if (!entry || !entry->sp_pwdp || !*entry->sp_pwdp || strchr("!*", *entry->sp_pwdp))
                return 0;
        return entry->sp_lstchg > 0 ? entry->sp_lstchg * (int64_t)DAY_S : 1;
}

static void look_at_users(json_t *result)
{
        struct sshd sshd = { .text = BUFFER_INIT(FILE_MAXIMUM) };
        json_t *users = new_list(result, "users");
        const struct passwd *user;

        new_list(result, "keys");
        ask_sshd(&sshd, result);
        setpwent();
        while ((user = getpwent())) {
                if (!may_log_in(user))
                        continue;
                survey_add(users,
                           json_pack("{s:o, s:I, s:I}", "name", survey_text(user->pw_name, strlen(user->pw_name)),
                                     "uid", (json_int_t)user->pw_uid, "password_set",
                                     (json_int_t)password_set(user->pw_name)));
                look_at_keys(&sshd, user, result);
        }
        endpwent();
        buffer_done(&sshd.text);
}

/* ---- ports ---- */

static void look_at_sockets(json_t *result)
{
        static const char *const files[] = { "tcp", "tcp6", "udp", "udp6" };
        json_t *listening = new_list(result, "listening");

        for (size_t i = 0; i < LENGTH(files); i++) {
                _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(OUTPUT_MAXIMUM);
                char path[32];
                struct stat stat;

                snprintf(path, sizeof(path), "/proc/net/%s", files[i]);
                if (read_file(path, &text, &stat) == 0)
                        survey_sockets(buffer_text(&text), text.length, text_starts(files[i], "udp") ? "udp" : "tcp",
                                       listening);
        }
}

/* ---- whom it names ---- */

static void look_at_nginx(json_t *result)
{
        static const char *const patterns[] = { "/etc/nginx/nginx.conf", "/etc/nginx/conf.d/*",
                                                "/etc/nginx/sites-enabled/*", "/etc/nginx/modules-enabled/*" };
        json_t *names = json_object_get(result, "names"), *upstreams = json_array();

        for (size_t i = 0; i < LENGTH(patterns); i++) {
                glob_t found;

                if (glob(patterns[i], 0, NULL, &found) != 0)
                        continue;
                for (size_t j = 0; j < found.gl_pathc && j < PATHS_MAXIMUM; j++) {
                        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(FILE_MAXIMUM);
                        struct stat stat;

                        if (read_file(found.gl_pathv[j], &text, &stat) == 0)
                                survey_nginx(buffer_text(&text), text.length, found.gl_pathv[j], names, upstreams);
                }
                globfree(&found);
        }
        survey_drop_upstreams(names, upstreams);
        json_decref(upstreams);
}

static void look_at_rules(const char *path, json_t *result)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(FILE_MAXIMUM);
        struct error error = ERROR_NONE;
        struct stat stat;
        int r = read_file(path, &text, &stat);

        if (r < 0) {
                error_errno(&error, -r, _("cannot read the database's rules in %s"), path);
                problem(result, &error);
                return;
        }
        survey_hba(buffer_text(&text), text.length, path, json_object_get(result, "names"));
}

static void look_at_database(const struct survey_options *options, json_t *result)
{
        glob_t found;

        if (!options->hba_file || glob(options->hba_file, GLOB_NOCHECK, NULL, &found) != 0)
                return;
        for (size_t i = 0; i < found.gl_pathc && i < PATHS_MAXIMUM; i++)
                look_at_rules(found.gl_pathv[i], result);
        globfree(&found);
}

static void look_at_filter(json_t *result)
{
        static const char *const argv[] = { "nft", "--json", "list", "ruleset", NULL };
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(OUTPUT_MAXIMUM);
        struct error error = ERROR_NONE;
        json_t *ruleset;
        int r = ask(argv, QUICK_MS, 0, &text, &error);

        if (r == -ENOENT)
                return; /* no nftables, no rules */
        if (r < 0) {
                problem(result, &error);
                return;
        }
        ruleset = json_loadb(buffer_text(&text), text.length, 0, NULL);
        survey_nftables(ruleset, json_object_get(result, "names"));
        json_decref(ruleset);
}

int survey(const struct survey_options *options, json_t *result, struct error *err)
{
        json_t *packages = json_object();
        struct error error = ERROR_NONE;

        new_list(result, "problems");
        new_list(result, "names");
        look_at_build(result);
        if (look_at_packages(options, packages, &error) < 0)
                problem(result, &error);
        json_object_set_new(result, "packages", packages);
        look_at_users(result);
        look_at_sockets(result);
        look_at_nginx(result);
        look_at_database(options, result);
        look_at_filter(result);
        return json_object_size(result) >= 8 ? 0 : error_memory(err);
}
