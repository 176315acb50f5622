/* machine_dest.c - DEST and what is around it: who may move names, what its file system can, who serves it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "tree/above.h"
#include "tree/check_file.h"
#include "tree/machine_parts.h"
#include "tree/mounts.h"
#include "tree/pull_run.h"

/* ---- the folder above ---- */

static void check_parent(const struct machine_report *report, const struct place *place)
{
        char sentence[ERROR_TEXT_SIZE];
        struct stat st;

        if (above_steers(place->parent, place->folder, sentence))
                machine_find(report, "above", FINDING_WARNING, "%s", sentence);

        if (fstat(place->parent, &st) < 0)
                return;
        if (faccessat(place->parent, ".", W_OK | X_OK, AT_EACCESS) < 0)
                machine_find(report, "parent", FINDING_PROBLEM,
                             _("the folder above %s cannot be written, so nothing can be built there; run as root"),
                             place->folder);
        else if (st.st_uid != 0 && st.st_uid != geteuid())
                machine_find(
                        report, "parent", FINDING_WARNING,
                        _("the folder above %s belongs to user %u, who may move names while a pull is at work; make "
                          "root its owner"),
                        place->folder, st.st_uid);
        else if ((st.st_mode & 022) && !(st.st_mode & S_ISVTX))
                machine_find(report, "parent", FINDING_WARNING,
                             _("others may write in the folder above %s (mode %04o) and move names while a pull is at "
                               "work; take that right away"),
                             place->folder, st.st_mode & 07777U);
        else
                machine_find(report, "parent", FINDING_OK, _("only its owner may move names in the folder above %s"),
                             place->folder);
}

/* ---- what the file system can, tried in a folder of ours beside DEST ---- */

struct trial {
        int exchange; /* 0 or a negative errno */
        bool lease, clone;
};

static void try_in(int folder, struct trial *trial)
{
        _cleanup_(fd_closep) int one = -1, other = -1, reading = -1;

        trial->exchange = -EIO;
        if (mkdirat(folder, "a", 0700) == 0 && mkdirat(folder, "b", 0700) == 0)
                trial->exchange = rename_at(folder, "a", folder, "b", RENAME_EXCHANGE);
        one = openat(folder, "one", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        other = openat(folder, "other", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (one < 0 || other < 0 || write_full(one, "x", 1) < 0)
                return;
        trial->clone = ioctl(other, FICLONE, one) == 0;
        fd_close(&one);
        reading = openat(folder, "one", O_RDONLY | O_CLOEXEC);
        trial->lease = reading >= 0 && leases_hold(folder) && fcntl(reading, F_SETLEASE, F_RDLCK) == 0;
}

static int try_beside(const struct place *place, struct trial *trial)
{
        char name[64];
        int folder;

        snprintf(name, sizeof(name), ".understudy-check.%d", (int)getpid());
        if (mkdirat(place->parent, name, 0700) < 0)
                return -errno;
        folder = openat(place->parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (folder >= 0) {
                try_in(folder, trial);
                close(folder);
        }
        return tree_remove(place->parent, name, NULL);
}

static void check_file_system(const struct machine_report *report, const struct place *place)
{
        struct trial trial = { .exchange = -EIO };
        int r = try_beside(place, &trial);

        if (r < 0) {
                machine_find(report, "filesystem", FINDING_PROBLEM, _("nothing can be made beside %s: %s"),
                             place->folder, strerror(-r));
                return;
        }
        if (trial.exchange < 0)
                machine_find(report, "filesystem", FINDING_PROBLEM,
                             _("the file system of %s cannot exchange two folders in one step (%s); use ext4, XFS or "
                               "btrfs"),
                             place->folder, strerror(-trial.exchange));
        else
                machine_find(report, "filesystem", FINDING_OK, _("the file system of %s exchanges folders in one step"),
                             place->folder);
        machine_find(report, "leases", trial.lease ? FINDING_OK : FINDING_WARNING,
                     trial.lease ? _("the file system of %s gives leases")
                                 : _("the file system of %s gives no leases: each pull builds the tree fresh"),
                     place->folder);
        machine_find(report, "reflink", FINDING_OK,
                     trial.clone ? _("the file system of %s shares blocks between copies")
                                 : _("the file system of %s does not share blocks: unchanged files are copied"),
                     place->folder);
}

/* ---- DEST ---- */

static void check_dest(const struct machine_report *report, const struct place *place)
{
        int mounts;

        if (!place->exists) {
                machine_find(report, "dest", FINDING_OK, _("%s is not there yet; the first pull makes it"),
                             place->folder);
                return;
        }
        if (place->live < 0) {
                machine_find(report, "dest", FINDING_WARNING,
                             _("%s is a %s, not a folder; a pull replaces it, and what a link led to is left alone"),
                             place->folder, inode_type_name(place->found.stx_mode));
                return;
        }
        machine_find(report, "dest", FINDING_OK, _("%s is a folder and no mount point"), place->folder);
        mounts = mounts_count(place->live, NULL);
        if (mounts > 0)
                machine_find(report, "mounts", FINDING_WARNING,
                             _("%d mounts lie inside %s; a pull finds and detaches them"), mounts, place->folder);
        else
                machine_find(report, "mounts", FINDING_OK, _("nothing is mounted inside %s"), place->folder);
}

/* Bytes of the release in place, from the state; 0 when there is none. */
static uint64_t release_bytes(const struct state *state)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(RELEASE_MAXIMUM);
        struct release release;
        uint64_t bytes = 0;

        if (!state || !state->pulled || file_read(state->folder, "kept/release.json", &text, NULL) < 0 ||
            release_parse(buffer_text(&text), text.length, &release, NULL) < 0)
                return 0;
        for (size_t i = 0; i < release.root_count; i++)
                bytes += release.roots[i].bytes;
        release_done(&release);
        return bytes;
}

static void check_room(const struct machine_report *report, const struct place *place, const struct state *state)
{
        uint64_t need = release_bytes(state), available;
        struct statvfs vfs;

        if (fstatvfs(place->parent, &vfs) < 0)
                return;
        available = (uint64_t)vfs.f_frsize * (geteuid() == 0 ? vfs.f_bfree : vfs.f_bavail);
        if (need > available)
                machine_find(report, "space", FINDING_PROBLEM,
                             _("%" PRIu64 " MB are free beside %s, but a second tree needs %" PRIu64 " MB; make room"),
                             available >> 20, place->folder, need >> 20);
        else
                machine_find(report, "space", FINDING_OK, _("%" PRIu64 " MB are free beside %s"), available >> 20,
                             place->folder);
}

static void check_pinned(const struct machine_report *report, const struct place *place, const struct state *state)
{
        char time[CLOCK_TEXT_SIZE];

        if (!state || !state->pulled) {
                machine_find(report, "release", FINDING_OK, _("%s was never pulled"), place->folder);
                return;
        }
        clock_format_utc(state->verification.time, time);
        if (state->intent.present)
                machine_find(report, "release", FINDING_WARNING,
                             _("a pull of %s to release %" PRIu64 " was interrupted; pull again"), place->folder,
                             state->intent.to);
        else
                machine_find(report, "release", state->verification.genuine ? FINDING_OK : FINDING_WARNING,
                             state->verification.genuine
                                     ? _("%s is release %" PRIu64 " of the site %s, last found genuine %s")
                                     : _("%s was pulled to release %" PRIu64 " of the site %s, but differed %s; pull "
                                         "again"),
                             place->folder, state->release, state->site, time);
}

/* ---- caches that go on serving old files after an exchange ---- */

/* The value that a line of a configuration gives to `word`; NULL when it is about something else. */
static const char *value_of(const char *line, const char *word)
{
        size_t length = strlen(word);

        line += strspn(line, " \t");
        if (strncmp(line, word, length) != 0 || !strchr(" \t=", line[length]))
                return NULL;
        line += length;
        return line + strspn(line, " \t=");
}

static bool is_off(const char *value)
{
        static const char *const words[] = { "off", "0", "no", "false", "\"0\"" };

        for (size_t i = 0; i < LENGTH(words); i++)
                if (strncasecmp(value, words[i], strlen(words[i])) == 0)
                        return true;
        return false;
}

static bool file_sets(const char *path, const char *word, bool off)
{
        FILE *file = fopen(path, "re");
        char *line = NULL;
        size_t size = 0;
        bool found = false;

        while (file && !found && getline(&line, &size, file) > 0) {
                const char *value = value_of(line, word);

                found = value && is_off(value) == off;
        }
        free(line);
        if (file)
                fclose(file);
        return found;
}

/* The first file of the patterns that turns `word` on or off. */
static bool any_sets(const char *const patterns[], const char *word, bool off, char path[static PATH_MAX])
{
        bool found = false;

        for (size_t i = 0; patterns[i] && !found; i++) {
                glob_t paths = { 0 };

                if (glob(patterns[i], 0, NULL, &paths) == 0)
                        for (size_t k = 0; k < paths.gl_pathc && !found; k++) {
                                found = file_sets(paths.gl_pathv[k], word, off);
                                snprintf(path, PATH_MAX, "%s", paths.gl_pathv[k]);
                        }
                globfree(&paths);
        }
        return found;
}

static void check_caches(const struct machine_report *report)
{
        static const char *const nginx[] = { "/etc/nginx/nginx.conf", "/etc/nginx/conf.d/*.conf",
                                             "/etc/nginx/sites-enabled/*", NULL };
        static const char *const php[] = { "/etc/php/*/*/php.ini", "/etc/php/*/*/conf.d/*.ini",
                                           "/etc/php/*/fpm/pool.d/*.conf", NULL };
        char path[PATH_MAX];

        if (any_sets(nginx, "open_file_cache", false, path))
                machine_find(report, "nginx", FINDING_WARNING,
                             _("%s sets open_file_cache, with which nginx goes on serving files of the old tree for a "
                               "while; turn it off, or reload nginx with --reload"),
                             path);
        else
                machine_find(report, "nginx", FINDING_OK, _("no open_file_cache is set in /etc/nginx"));
        if (any_sets(php, "opcache.validate_timestamps", true, path))
                machine_find(report, "php", FINDING_WARNING,
                             _("%s turns opcache.validate_timestamps off, so PHP goes on running the old programs; "
                               "reload PHP with --reload"),
                             path);
        else
                machine_find(report, "php", FINDING_OK, _("PHP's opcache looks at time stamps"));
}

static void check_servers(const struct machine_report *report, const struct place *place)
{
        struct error error = ERROR_NONE;

        if (namespaces_check(place, &error) < 0)
                machine_find(report, "namespaces", FINDING_PROBLEM, "%s", error.text);
        else
                machine_find(report, "namespaces", FINDING_OK,
                             _("no web server in another mount namespace has %s as a mount of its own"), place->folder);
}

void machine_check_dest(const struct machine_report *report, const char *state_directory, const char *dest)
{
        struct state *state = NULL;
        struct error error = ERROR_NONE;
        struct place place;
        int r = state_open(state_directory, dest, STATE_READ, &state, &error);

        if (r < 0)
                machine_find(report, "state", r == -EBUSY ? FINDING_WARNING : FINDING_PROBLEM, "%s", error.text);
        place_init(&place);
        r = place_open(&place, RELEASE_DOCROOT, dest, &error);
        if (place.parent >= 0) {
                check_parent(report, &place);
                if (faccessat(place.parent, ".", W_OK | X_OK, AT_EACCESS) == 0)
                        check_file_system(report, &place);
                check_room(report, &place, state);
        }
        if (r < 0) {
                machine_find(report, "dest", FINDING_PROBLEM, "%s", error.text);
        } else {
                check_dest(report, &place);
                check_pinned(report, &place, state);
                check_servers(report, &place);
        }
        check_caches(report);
        place_done(&place);
        state_close(state);
}
