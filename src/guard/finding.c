/*
 * finding.c - what is done about something that differs, in this order: its bytes are copied, it is written down and told,
 * the copy is on the disk, the state says that the server is not eligible, what is still held open of it is made harmless,
 * and a pull is asked for. Before the copy is on the disk nothing is done to what was found. What is known already is only
 * counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fnv1a.h"
#include "base/i18n.h"
#include "base/io.h"
#include "guard/guard_private.h"
#include "guard/quarantine.h"
#include "manifest/difference.h"
#include "manifest/inode.h"

#define FRESH_MS 1000
#define BACK_MS  60000 /* what comes and goes is written down once a minute at most */
#define AREA_HASH_LIMIT (UINT64_C(64) << 20) /* other bytes under the same name are another finding */

/* ---- what is known already ---- */

/* Two findings that meet in one hash would be told as one: the server is not eligible and healed all the same. */
static uint64_t hash_of(const struct site_tree *tree, const struct look *look, uint32_t reason)
{
        uint64_t hash = FNV1A_START;
        const uint32_t only_reason = look->findings.kinds ? 0 : reason;

        hash = fnv1a(hash, &tree->number, sizeof(tree->number));
        hash = fnv1a(hash, &look->findings.kinds, sizeof(look->findings.kinds));
        hash = fnv1a(hash, &only_reason, sizeof(only_reason));
        if (look->hashed)
                hash = fnv1a(hash, look->digest.bytes, DIGEST_SIZE);
        return fnv1a(hash, look->path, look->path_length);
}

static uint64_t hash_of_path(const struct site_tree *tree, const char *path, size_t length)
{
        return fnv1a(fnv1a(FNV1A_START, &tree->number, sizeof(tree->number)), path, length);
}

bool finding_is_fresh(const struct guarded *guarded, const struct site_tree *tree, const char *path, size_t length)
{
        uint64_t hash = hash_of_path(tree, path, length);
        int64_t now = clock_monotonic_ms();

        for (size_t i = 0; i < guarded->known_count; i++)
                if (guarded->known[i].path == hash && now - guarded->known[i].looked_ms < FRESH_MS)
                        return true;
        return false;
}

/* True when it is new. A full list makes everything known but counted: an intruder must not fill the journal. */
static bool is_new(struct guarded *guarded, uint64_t hash, uint64_t path)
{
        int64_t now = clock_monotonic_ms();

        for (size_t i = 0; i < guarded->known_count; i++)
                if (guarded->known[i].hash == hash) {
                        const bool back = guarded->known[i].restored && now - guarded->known[i].told_ms >= BACK_MS;

                        guarded->known[i].again++;
                        guarded->known[i].looked_ms = now;
                        if (back)
                                guarded->known[i].told_ms = now;
                        guarded->known[i].restored = guarded->known[i].restored && !back;
                        return back;
                }
        if (guarded->known_count == GUARD_KNOWN)
                return false;
        guarded->known[guarded->known_count++] = (struct known){ .hash = hash, .path = path, .looked_ms = now, .told_ms = now };
        if (guarded->known_count == GUARD_KNOWN)
                chronicle(guarded->guard, guarded, CHRONICLE_URGENT, "findings_limit", NULL, NULL,
                          N_("%s has more than %d different findings since it was last clean: further ones are not "
                             "written one by one"),
                          guarded->site.state->dest, GUARD_KNOWN - 1);
        return true;
}

void finding_forget(struct guarded *guarded)
{
        guarded->known_count = 0;
        guarded->found_ms = 0;
        guarded->marked = false;
        names_clear(&guarded->names);
}

static void forget_path(void *context, uint64_t path)
{
        struct guarded *guarded = context;
        size_t left = 0;

        for (size_t i = 0; i < guarded->known_count; i++)
                if (guarded->known[i].path != path)
                        guarded->known[left++] = guarded->known[i];
        guarded->known_count = left;
}

/* Somebody put it right; should he put it back later, that is told again. */
static void note_restored(struct guarded *guarded, const struct site_tree *tree, const char *path, size_t length)
{
        const uint64_t hash = guarded->known_count ? hash_of_path(tree, path, length) : 0;

        for (size_t i = 0; i < guarded->known_count; i++)
                guarded->known[i].restored = guarded->known[i].restored || guarded->known[i].path == hash;
}

void finding_mended(struct guarded *guarded)
{
        names_mended(&guarded->names, forget_path, guarded);
        guarded->marked = false;
        if (guarded->names.count == 0)
                guarded->found_ms = 0;
}

int finding_open_parent(const struct site_tree *tree, const char *path, const char **ret_name)
{
        const char *slash = strrchr(path, '/');
        char folder[PATH_MAX];

        snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
        *ret_name = slash ? slash + 1 : path;
        return open_beneath(tree->root, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, BENEATH_STRICT);
}

/* ---- what is done ---- */

/* Not eligible from here on, until a pull has put it right and a verification has shown it. A pull that is under way
 * has the lock, and writes what it found itself. */
static void mark_state(struct guarded *guarded)
{
        struct state *state = NULL;

        if (guarded->marked ||
            state_open(guarded->guard->options->state_directory, guarded->site.state->dest, STATE_WRITE, &state, NULL) <
                    0)
                return;
        state->verification = (struct state_verification){ .time = clock_now(), .genuine = false };
        clock_boot_id(state->verification.boot_id);
        guarded->marked = state_save(state, NULL) == 0;
        state_close(state);
}

/*
 * Makes what a web server may still hold open of it harmless: it is empty from now on. Only what can be nobody else's:
 * a file with this one name, or one that this guard knew as the release's own; and only when its bytes are kept.
 */
static bool neutralise(const struct site_tree *tree, const struct look *look)
{
        char path[32];
        _cleanup_(fd_closep) int file = -1;
        struct stat st;

        if (tree->mode != GUARD_HEAL || look->file < 0 || !(look->findings.kinds & (DIFFERENCE_CONTENT | DIFFERENCE_EXTRA)))
                return false;
        if (fstat(look->file, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1)
                return false;
        snprintf(path, sizeof(path), "/proc/self/fd/%d", look->file);
        file = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
        return file >= 0 && ftruncate(file, 0) == 0; /* immutable, perhaps: the exchange takes it away */
}

/*
 * In a mutable area nothing is exchanged: what breaks its rules is taken out. What is kept, or has no bytes (where a link
 * led is in the record), is removed; folders, and files for whose bytes there was no room, are moved away whole. A mount
 * stays: it is not looked at, and the server is not eligible. True when it is gone.
 */
static bool take_out(const struct guarded *guarded, const struct site_tree *tree, const struct look *look, bool kept)
{
        const bool has_bytes = S_ISREG(look->stx.stx_mode) || S_ISDIR(look->stx.stx_mode);
        struct error error = ERROR_NONE;
        const char *name;
        _cleanup_(fd_closep) int parent = finding_open_parent(tree, look->path, &name);

        if (parent < 0 || tree->mode != GUARD_HEAL || look->findings.kinds & DIFFERENCE_MOUNT)
                return false;
        if (kept || !has_bytes)
                return unlinkat(parent, name, 0) == 0;
        if (quarantine_take(tree->real, parent, name, &error) == 0)
                return true;
        guarded->guard->options->say(guarded->guard->options->context, error.text);
        return false;
}

/*
 * A link that the release has not, or that leads elsewhere. The gate cannot refuse an open through it: what is opened is
 * the target, under the target's own name, perhaps on another file system. So the name itself goes at once, before the
 * pull has built its tree. Where it led is in the record.
 */
static void remove_link(const struct site_tree *tree, const struct look *look)
{
        const char *name;
        _cleanup_(fd_closep) int parent = -1;
        struct stat st;

        if (tree->mode != GUARD_HEAL || tree->area || !look->exists || !S_ISLNK(look->stx.stx_mode) ||
            !(look->findings.kinds & (DIFFERENCE_EXTRA | DIFFERENCE_LINK | DIFFERENCE_TYPE)))
                return;
        parent = finding_open_parent(tree, look->path, &name);
        if (parent >= 0 && fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
                (void)unlinkat(parent, name, 0);
}

/* Evidence that cannot be had is said, and holds up nothing. */
static bool is_done(struct guarded *guarded, int r, const struct error *error)
{
        if (r < 0 && error->code)
                guarded->guard->options->say(guarded->guard->options->context, error->text);
        else if (r < 0 && !guarded->full_told)
                chronicle(guarded->guard, guarded, CHRONICLE_URGENT, "evidence_full", NULL, NULL,
                          N_("there is no more room for evidence of %s: what was found is written down, its bytes are "
                             "not kept. Take away what you don't need of the state's folder found/"),
                          guarded->site.state->dest);
        guarded->full_told = guarded->full_told || (r < 0 && !error->code);
        return r == 0;
}

static bool copy_bytes(struct guarded *guarded, const struct look *look, struct kept *ret_kept)
{
        struct error error = ERROR_NONE;

        return look->file >= 0 && look->findings.kinds &&
               is_done(guarded, keep_copy(&guarded->keep, look->file, ret_kept, &error), &error);
}

static bool settle_bytes(struct guarded *guarded, struct kept *kept)
{
        struct error error = ERROR_NONE;

        return is_done(guarded, keep_settle(&guarded->keep, kept, &error), &error);
}

static bool is_healed_by_pull(const struct site_tree *tree)
{
        return tree->mode == GUARD_HEAL && !tree->area;
}

static bool keep_now(struct guarded *guarded, const struct look *look)
{
        struct kept evidence;

        return copy_bytes(guarded, look, &evidence) && settle_bytes(guarded, &evidence);
}

/* What was told already. In an area it is taken out as often as it comes; a pull would not do that. */
static void act_again(struct guarded *guarded, struct site_tree *tree, const struct look *look)
{
        /* In a storm of them they are moved away: a copy of each would have to be waited for. */
        if (tree->area && tree->mode == GUARD_HEAL)
                (void)take_out(guarded, tree, look, guarded->known_count < GUARD_KNOWN && keep_now(guarded, look));
        if (tree->mode == GUARD_HEAL && guarded->heal.phase == HEAL_QUIET && !tree->area)
                pulls_step(guarded, HEAL_FINDING);
}

/* That it is empty now is this guard's doing, and no finding. */
static void know_emptied(struct guarded *guarded, const struct site_tree *tree, struct look *look, uint32_t reason,
                         uint64_t path)
{
        look->hashed = digest_of_bytes("", 0, &look->digest, NULL) == 0;
        if (look->hashed)
                (void)is_new(guarded, hash_of(tree, look, reason), path);
}

static void act(struct guarded *guarded, struct site_tree *tree, struct look *look, const struct who *who,
                uint32_t reason)
{
        const uint64_t path = hash_of_path(tree, look->path, look->path_length);
        struct kept evidence;
        bool kept, asked, out = false;

        guarded->clean = false;
        guarded->disturbed = true;
        if (!guarded->found_ms)
                guarded->found_ms = clock_monotonic_ms();
        if (is_healed_by_pull(tree))
                names_add(&guarded->names, path, tree->name, look->path);
        if (!is_new(guarded, hash_of(tree, look, reason), path)) {
                act_again(guarded, tree, look);
                return;
        }
        asked = finding_inquire(guarded, tree, look, who, reason);
        kept = copy_bytes(guarded, look, &evidence);
        finding_tell(guarded, tree, look, who, reason, !asked,
                     kept           ? &evidence.digest
                     : look->hashed ? &look->digest
                                    : NULL);
        chronicle_settle(guarded->guard);
        kept = kept && settle_bytes(guarded, &evidence);
        mark_state(guarded);
        if (tree->area)
                out = take_out(guarded, tree, look, kept);
        else if (kept && neutralise(tree, look))
                know_emptied(guarded, tree, look, reason, path);
        else if (!kept)
                remove_link(tree, look);
        /* Behind what was taken out a pull compares everything, and the server is eligible again. */
        if (is_healed_by_pull(tree) || out)
                pulls_step(guarded, HEAL_FINDING);
}

/* ---- looking ---- */

/* In an area one look is one file, or a whole folder that appeared. */

struct area_context {
        struct guarded *guarded;
        struct site_tree *tree;
        const struct who *who;
        uint32_t reason;
        bool found;
};

static int on_area_breach(void *context, const char *path)
{
        struct area_context *area = context;
        struct look look;
        unsigned int kind;
        const char *name;
        _cleanup_(fd_closep) int parent = -1;

        look_init(&look);
        if (snprintf(look.path, sizeof(look.path), "%s", path) >= (int)sizeof(look.path))
                return 0;
        look.path_length = strlen(look.path);
        kind = examine_area_name(area->tree, path, &look.stx);
        if (!kind)
                return 0;
        look.exists = true;
        parent = finding_open_parent(area->tree, path, &name);
        if (parent >= 0 && kind == DIFFERENCE_EXTRA && S_ISREG(look.stx.stx_mode))
                look.file = open_beneath(parent, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0,
                                         BENEATH_STRICT);
        if (look.file < 0)
                look.file = -1;
        else
                look.hashed = digest_of_fd(look.file, AREA_HASH_LIMIT, &look.digest, NULL, NULL) == 0;
        if (findings_add(&look.findings, kind, NULL,
                         kind == DIFFERENCE_MOUNT ? inode_type_name(look.stx.stx_mode) : "breaks the rules of a mutable area") == 0) {
                area->found = true;
                act(area->guarded, area->tree, &look, area->who, area->reason);
        }
        look_done(&look);
        return 0;
}

static bool look_in_area(struct guarded *guarded, struct site_tree *tree, const char *path, const struct who *who,
                         uint32_t reason)
{
        struct area_context context = { guarded, tree, who, reason, false };
        _cleanup_(fd_closep) int folder = -1;
        struct error error = ERROR_NONE;

        if (tree->root < 0)
                return false;
        (void)on_area_breach(&context, path);
        folder = open_beneath(tree->root, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, BENEATH_STRICT);
        if (folder >= 0)
                (void)examine_area(tree, folder, path, guarded->guard->watch, on_area_breach, &context, &error);
        return context.found;
}

/* The tree's own place: is it still the folder that was opened? */
static bool root_is_in_place(const struct site_tree *tree)
{
        struct stat st;

        return tree->root >= 0 && lstat(tree->real, &st) == 0 && S_ISDIR(st.st_mode) && st.st_ino == tree->inode;
}

static void look_at_place(struct guarded *guarded, struct site_tree *tree, struct look *look, const struct who *who,
                          uint32_t reason)
{
        (void)findings_add(&look->findings, DIFFERENCE_TYPE, "directory", NULL);
        trees_look_again(guarded); /* first: from here on what stands there now is refused */
        act(guarded, tree, look, who, reason);
        pulls_examine(guarded);
}

bool finding_places(struct guarded *guarded)
{
        bool differs = false;

        for (size_t i = 0; i < guarded->site.tree_count && guarded->exchanging < 0; i++) {
                struct site_tree *tree = &guarded->site.trees[i];

                if (!tree->area && !tree->gone && !root_is_in_place(tree))
                        differs = finding_look(guarded, tree, "", 0, NULL, 0);
        }
        return differs;
}

bool finding_look(struct guarded *guarded, struct site_tree *tree, const char *path, size_t length,
                  const struct who *who, uint32_t reason)
{
        struct error error = ERROR_NONE;
        struct look_tree look_tree;
        struct look look;
        bool differs = false;

        if (tree->area)
                return look_in_area(guarded, tree, path, who, reason);
        look_init(&look);
        if (length == 0 && !root_is_in_place(tree)) {
                look_at_place(guarded, tree, &look, who, reason);
                differs = true;
        } else if (site_look_tree(&guarded->site, tree, &look_tree)) {
                if (look_at(&look_tree, path, length, &look, &error) < 0) {
                        guarded->guard->options->say(guarded->guard->options->context, error.text);
                        pulls_examine(guarded); /* nothing is known, which counts as bad */
                } else if (look.findings.kinds == DIFFERENCE_HARDLINK && !who && !reason &&
                           pulls_is_under_way(guarded)) {
                        /* Nobody was seen to do it: a pull that takes files over by link has the old tree's name yet. */
                        guarded->links_deferred = true;
                } else if (look.findings.kinds || reason == GATE_WRITER) {
                        act(guarded, tree, &look, who, reason);
                        differs = true;
                } else {
                        note_restored(guarded, tree, look.path, look.path_length);
                }
        }
        look_done(&look);
        return differs;
}
