/*
 * evidence.c - gathering differences while a tree is compared, and the report about them. What they name is copied in
 * evidence_files.c.
 */
#include "tree/evidence.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "tree/evidence_parts.h"

#define NEXT_NAME     "evidence.next"
#define REPORT_FORMAT "understudy-evidence-1"
#define ROOM_SHARE    4

/* ---- lines of JSON in spools: they are bounded, survive a crash, and cost no memory ---- */

json_t *evidence_json_name(const char *bytes, size_t length)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(SPOOL_LINE_MAXIMUM);

        if (text_escape(&text, bytes, length) < 0)
                return NULL;
        return json_stringn(buffer_text(&text), text.length);
}

int evidence_line(struct evidence *evidence, int spool, json_t *json, struct error *err)
{
        uint64_t *spooled = spool == evidence->files ? &evidence->spooled_files : &evidence->spooled;
        char *text = json ? json_dumps(json, JSON_SORT_KEYS | JSON_COMPACT) : NULL;
        size_t length = text ? strlen(text) : 0;
        int r;

        json_decref(json);
        if (!text)
                return error_memory(err);
        if (*spooled + length > evidence->spool_limit || length + 1 > SPOOL_LINE_MAXIMUM) {
                free(text);
                return 1;
        }
        text[length] = '\n'; /* in the place of the NUL */
        r = write_full(spool, text, length + 1);
        free(text);
        if (r < 0)
                return error_errno(err, -r, _("cannot write evidence into the state folder"));
        *spooled += length + 1;
        return 0;
}

FILE *evidence_read(const struct evidence *evidence, const char *name)
{
        int fd = openat(evidence->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

        if (!file)
                fd_close(&fd);
        return file;
}

/* ---- gathering ---- */

static int open_spools(struct evidence *evidence, struct error *err)
{
        const int flags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC;
        int r;

        evidence->folder = open_beneath(evidence->state->folder, NEXT_NAME, O_RDONLY | O_DIRECTORY, 0, BENEATH_STRICT);
        if (evidence->folder < 0) {
                r = evidence->folder;
                return error_errno(err, -r, _("cannot open %s in the state folder"), NEXT_NAME);
        }
        r = tree_remove(evidence->folder, FILES_FOLDER, err); /* copies that a crashed run had begun */
        if (r < 0)
                return r;
        evidence->differences = openat(evidence->folder, SPOOL_DIFFERENCES, flags, 0600);
        evidence->files = openat(evidence->folder, SPOOL_FILES, flags | O_TRUNC, 0600);
        evidence->mounts = openat(evidence->folder, SPOOL_MOUNTS, flags, 0600);
        if (evidence->differences < 0 || evidence->files < 0 || evidence->mounts < 0)
                return error_errno(err, errno, _("cannot write evidence into the state folder"));
        return hasher_new(&evidence->hasher, err);
}

/* Never more than a quarter of the room that is left: who tampers again before every pull would fill the disk, and then
 * no pull could heal any more. */
static void limit_to_room(struct evidence *evidence)
{
        struct statvfs vfs;
        uint64_t room;

        if (fstatvfs(evidence->state->folder, &vfs) < 0)
                return;
        room = (uint64_t)vfs.f_frsize * vfs.f_bavail / ROOM_SHARE;
        if (evidence->left > room)
                evidence->left = room;
        if (evidence->spool_limit > room / ROOM_SHARE) /* two lists, and the report once more */
                evidence->spool_limit = room / ROOM_SHARE;
}

static int evidence_open(struct state *state, uint64_t limit_bytes, struct evidence **ret_evidence, struct error *err)
{
        struct evidence *evidence = memory_new(1, sizeof(*evidence));
        int r;

        if (!evidence)
                return error_memory(err);
        evidence->state = state;
        evidence->spool_limit = SPOOL_MAXIMUM;
        evidence->left = limit_bytes ? limit_bytes : EVIDENCE_DEFAULT_BYTES;
        evidence->folder = evidence->differences = evidence->files = evidence->mounts = -1;
        r = open_spools(evidence, err);
        limit_to_room(evidence);
        if (r < 0) {
                evidence_free(evidence);
                return r;
        }
        *ret_evidence = evidence;
        return 0;
}

int evidence_begin(struct state *state, uint64_t limit_bytes, struct evidence **ret_evidence, struct error *err)
{
        int r = tree_remove(state->folder, NEXT_NAME, err);

        if (r < 0)
                return r;
        if (fault_point(FAULT_WRITE) || mkdirat(state->folder, NEXT_NAME, 0700) < 0)
                return error_errno(err, errno, _("cannot make %s in the state folder"), NEXT_NAME);
        return evidence_open(state, limit_bytes, ret_evidence, err);
}

int evidence_resume(struct state *state, uint64_t limit_bytes, struct evidence **ret_evidence, struct error *err)
{
        int r;

        if (faccessat(state->folder, NEXT_NAME, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                return 0;
        r = evidence_open(state, limit_bytes, ret_evidence, err);
        return r < 0 ? r : 1;
}

int evidence_add(struct evidence *evidence, const struct difference *difference, struct error *err)
{
        json_t *json;
        int r;

        /* Names that should not be there an intruder can make by the million; what they would crowd out are the genuine
         * ones that he changed. */
        if (difference->kind == DIFFERENCE_EXTRA && evidence->spooled > evidence->spool_limit / 2) {
                evidence->left_out_differences++;
                return 0;
        }
        json = json_pack(
                "{s:s, s:o, s:s, s:o?, s:o?}", "kind", difference_kind_name(difference->kind), "path",
                evidence_json_name(difference->path, difference->path_length), "root", difference->root, "expected",
                difference->expected ? evidence_json_name(difference->expected, strlen(difference->expected)) : NULL,
                "found", difference->found ? evidence_json_name(difference->found, strlen(difference->found)) : NULL);
        r = evidence_line(evidence, evidence->differences, json, err);
        if (r > 0)
                evidence->left_out_differences++;
        return r < 0 ? r : 0;
}

int evidence_mount(struct evidence *evidence, const char *root, const char *line, struct error *err)
{
        int r = evidence_line(
                evidence, evidence->mounts,
                json_pack("{s:o, s:s}", "mountinfo", evidence_json_name(line, strlen(line)), "root", root), err);

        return r < 0 ? r : 0;
}

int evidence_sync(struct evidence *evidence, struct error *err)
{
        int r = fd_sync(evidence->differences);

        if (r == 0)
                r = fd_sync(evidence->folder);
        if (r < 0)
                return error_errno(err, -r, _("cannot make sure that evidence survives a crash"));
        return 0;
}

/* ---- the report ---- */

static void write_spool(const struct evidence *evidence, FILE *report, const char *key, const char *name)
{
        FILE *spool = evidence_read(evidence, name);
        char *line = NULL;
        size_t size = 0;
        const char *between = "\n  ";
        ssize_t length;

        fprintf(report, " \"%s\": [", key);
        while (spool && (length = getline(&line, &size, spool)) > 0) {
                if (line[length - 1] != '\n')
                        break; /* cut by a crash */
                fprintf(report, "%s%.*s", between, (int)length - 1, line);
                between = ",\n  ";
        }
        fprintf(report, "],\n");
        free(line);
        if (spool)
                fclose(spool);
}

static int write_report(struct evidence *evidence, const struct evidence_head *head, FILE *report)
{
        json_t *dest = evidence_json_name(head->dest, strlen(head->dest));
        char *text = dest ? json_dumps(dest, JSON_ENCODE_ANY) : NULL;
        char time[CLOCK_TEXT_SIZE];

        json_decref(dest);
        if (!text)
                return -ENOMEM;
        clock_format_utc(head->time, time);
        fprintf(report, "{\n \"dest\": %s,\n", text);
        free(text);
        write_spool(evidence, report, "differences", SPOOL_DIFFERENCES);
        write_spool(evidence, report, "files", SPOOL_FILES);
        fprintf(report, " \"format\": \"%s\",\n", REPORT_FORMAT);
        fprintf(report,
                " \"left_out\": {\"bytes\": %" PRIu64 ", \"differences\": %" PRIu64 ", \"files\": %" PRIu64 "},\n",
                evidence->left_out_bytes, evidence->left_out_differences, evidence->left_out_files);
        write_spool(evidence, report, "mounts", SPOOL_MOUNTS);
        fprintf(report,
                " \"release\": %" PRIu64 ",\n \"release_before\": %" PRIu64 ",\n \"site\": \"%s\",\n \"time\": \"%s\"\n"
                "}\n",
                head->release, head->release_before, head->site, time);
        return fault_point(FAULT_WRITE) || fflush(report) != 0 || ferror(report) ? -EIO : fd_sync(fileno(report));
}

static int make_report(struct evidence *evidence, const struct evidence_head *head, struct error *err)
{
        int fd = openat(evidence->folder, "report.json", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        FILE *report = fd < 0 ? NULL : fdopen(fd, "w");
        int r;

        if (!report) {
                r = errno;
                fd_close(&fd);
                return error_errno(err, r, _("cannot write the report of the evidence"));
        }
        r = write_report(evidence, head, report);
        fclose(report);
        if (r < 0)
                return error_errno(err, -r, _("cannot write the report of the evidence"));
        return 0;
}

/* "evidence/2009-07-06T09:00:00Z-12", with ".2" and so on behind it when that is taken. */
static int put_in_place(struct evidence *evidence, const struct evidence_head *head, char name[static PATH_MAX],
                        struct error *err)
{
        char time[CLOCK_TEXT_SIZE];
        int r = directory_make(evidence->state->folder, "evidence", 0700, err);

        if (r < 0)
                return r;
        clock_format_utc(head->time, time);
        for (unsigned int attempt = 1; attempt < 1000; attempt++) {
                snprintf(name, PATH_MAX, attempt > 1 ? "evidence/%s-%" PRIu64 ".%u" : "evidence/%s-%" PRIu64, time,
                         head->release, attempt);
                r = rename_at(evidence->state->folder, NEXT_NAME, evidence->state->folder, name, RENAME_NOREPLACE);
                if (r != -EEXIST)
                        break;
        }
        if (r == 0)
                r = fd_sync(evidence->state->folder);
        if (r < 0)
                return error_errno(err, -r, _("cannot put the evidence in its place"));
        return 0;
}

int evidence_finish(struct evidence *evidence, const struct evidence_head *head, char ret_folder[static PATH_MAX],
                    struct error *err)
{
        char name[PATH_MAX], link[FD_PATH_SIZE], base[PATH_MAX];
        ssize_t length;
        int r = make_report(evidence, head, err);

        if (r < 0)
                return r;
        if (evidence->copied > SYNC_ONE_BY_ONE ? syncfs(evidence->folder) < 0 : fd_sync(evidence->folder) < 0)
                return error_errno(err, errno, _("cannot make sure that evidence survives a crash"));
        r = put_in_place(evidence, head, name, err);
        if (r == 0 && (fd_sync(evidence->folder) < 0 || fd_sync(evidence->state->folder) < 0))
                r = error_errno(err, errno, _("cannot make sure that evidence survives a crash"));
        if (r < 0)
                return r;
        /* Only now: a run that was killed before this gathers again from what the spools name. */
        (void)unlinkat(evidence->folder, SPOOL_DIFFERENCES, 0);
        (void)unlinkat(evidence->folder, SPOOL_FILES, 0);
        (void)unlinkat(evidence->folder, SPOOL_MOUNTS, 0);
        fd_path(evidence->state->folder, link);
        length = readlink(link, base, sizeof(base) - 1);
        base[length < 0 ? 0 : length] = '\0';
        if (strlen(base) + strlen(name) + 2 > PATH_MAX)
                base[0] = '\0';
        snprintf(ret_folder, PATH_MAX, "%.*s/%.100s", PATH_MAX - 102, base, name);
        return 0;
}

uint64_t evidence_left_out(const struct evidence *evidence)
{
        return evidence->left_out_files;
}

void evidence_drop(struct evidence *evidence)
{
        (void)tree_remove(evidence->state->folder, NEXT_NAME, NULL);
}

void evidence_free(struct evidence *evidence)
{
        if (!evidence)
                return;
        hasher_free(evidence->hasher);
        fd_close(&evidence->differences);
        fd_close(&evidence->files);
        fd_close(&evidence->mounts);
        fd_close(&evidence->folder);
        free(evidence);
}
