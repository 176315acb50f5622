/*
 * finding.c - what is done about something that differs, in this order: its bytes are copied, it is written down and told,
 * the copy is on the disk, the state says that the server is not eligible, what is still held open of it is made harmless,
 * and a pull is asked for. Before the copy is on the disk nothing is done to what was found. What is known already is only
 * counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fnv1a.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "guard/guard_private.h"
#include "guard/who.h"
#include "manifest/difference.h"

#define FRESH_MS 1000

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
                        guarded->known[i].again++;
                        guarded->known[i].looked_ms = now;
                        return false;
                }
        if (guarded->known_count == GUARD_KNOWN)
                return false;
        guarded->known[guarded->known_count++] = (struct known){ .hash = hash, .path = path, .looked_ms = now };
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

void finding_mended(struct guarded *guarded)
{
        names_mended(&guarded->names, forget_path, guarded);
        guarded->marked = false;
        if (guarded->names.count == 0)
                guarded->found_ms = 0;
}

/* The folder that holds a path, and the name in it; negative when it is not there as such. */
static int open_parent(const struct site_tree *tree, const char *path, const char **ret_name)
{
        const char *slash = strrchr(path, '/');
        char folder[PATH_MAX];

        snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
        *ret_name = slash ? slash + 1 : path;
        return open_beneath(tree->root, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, BENEATH_STRICT);
}

/* ---- words ---- */

static const char *action_of(const struct site_tree *tree)
{
        switch (tree->mode) {
        case GUARD_OBSERVE: return "observed";
        case GUARD_REFUSE: return "refused";
        case GUARD_HEAL: return "healing";
        }
        return "observed";
}

/* Another word than a kind of difference, where the bytes are still right: somebody holds them open for writing. */
static const char *reason_word(uint32_t reason)
{
        switch (reason) {
        case GATE_WRITER: return "writer";
        case GATE_LATE: return "late";
        case GATE_UNREADABLE: return "unreadable";
        default: return "refused";
        }
}

static const char *first_kind(unsigned int kinds)
{
        return difference_kind_name((enum difference_kind)(kinds & -kinds));
}

static json_t *all_kinds(const struct findings *findings)
{
        json_t *kinds = json_array();

        for (unsigned int bit = 0; kinds && bit < FINDINGS_KINDS; bit++)
                if (findings->kinds & 1U << bit)
                        json_array_append_new(kinds, json_string(difference_kind_name((enum difference_kind)(1U << bit))));
        return kinds;
}

static json_t *text_or_null(const char *text)
{
        return text ? chronicle_name(text, strlen(text)) : json_null();
}

static json_t *link_target(const struct site_tree *tree, const struct look *look)
{
        char target[PATH_MAX];
        const char *name;
        _cleanup_(fd_closep) int parent = open_parent(tree, look->path, &name);
        ssize_t n = parent < 0 ? -1 : readlinkat(parent, name, target, sizeof(target));

        return n < 0 ? json_null() : chronicle_name(target, (size_t)n);
}

static json_t *details_of(const struct site_tree *tree, const struct look *look, const struct who *who,
                          uint32_t reason)
{
        unsigned int kinds = look->findings.kinds, bit = kinds ? (unsigned int)__builtin_ctz(kinds) : 0;
        const char *path = look->path_length ? look->path : ".";
        json_t *details = json_pack(
                "{s:s, s:o, s:s, s:o, s:s, s:o}", "root", tree->name, "path", chronicle_name(path, strlen(path)),
                "difference", kinds ? first_kind(kinds) : reason_word(reason), "differences",
                all_kinds(&look->findings), "action", action_of(tree), "process", who ? who_json(who) : json_null());

        if (details && kinds) {
                json_object_set_new(details, "expected", text_or_null(look->findings.of[bit].expected));
                json_object_set_new(details, "found", text_or_null(look->findings.of[bit].found));
        }
        if (details && look->exists && S_ISLNK(look->stx.stx_mode))
                json_object_set_new(details, "target", link_target(tree, look));
        if (details && tree->area)
                json_object_set_new(details, "area", chronicle_name(tree->folder, strlen(tree->folder)));
        return details;
}

/* Who it was, in English for the journal or in the operator's language. "" when it cannot be said. */
static const char *words_of(const struct who *who, bool english, struct buffer *out)
{
        bool before = i18n_english(english);
        int r = who ? who_text(who, out) : 0;

        (void)i18n_english(before);
        return r < 0 ? "" : buffer_text(out);
}

static void write_finding(const struct site_tree *tree, const char *name, const char *what, const char *by, bool english,
                          struct buffer *out)
{
        bool before = i18n_english(english);

        (void)(*by ? buffer_printf(out, _("%s/%s is not as in its release (%s); by %s"), tree->folder, name, what, by)
                   : buffer_printf(out, _("%s/%s is not as in its release (%s)"), tree->folder, name, what));
        (void)i18n_english(before);
}

static void tell(struct guarded *guarded, const struct site_tree *tree, const struct look *look,
                 const struct who *who, uint32_t reason, bool not_asked, const struct digest *evidence)
{
        _cleanup_(buffer_done) struct buffer by = BUFFER_INIT(2048), by_english = BUFFER_INIT(2048),
                                             name = BUFFER_INIT(5 * PATH_MAX), told = BUFFER_INIT(8 * PATH_MAX),
                                             english = BUFFER_INIT(8 * PATH_MAX);
        json_t *details = details_of(tree, look, who, reason);
        unsigned int kinds = look->findings.kinds;
        const char *what = kinds ? first_kind(kinds) : reason_word(reason);

        (void)text_escape(&name, look->path_length ? look->path : ".", look->path_length ? look->path_length : 1);
        snprintf(guarded->last_path, sizeof(guarded->last_path), "%.500s", buffer_text(&name));
        guarded->last_finding = clock_now();
        guarded->findings++;
        if (details && not_asked)
                json_object_set_new(details, "who", json_string("not asked: too many"));
        write_finding(tree, buffer_text(&name), what, words_of(who, true, &by_english), true, &english);
        write_finding(tree, buffer_text(&name), what, words_of(who, false, &by), false, &told);
        chronicle_both(guarded->guard, guarded, CHRONICLE_URGENT, "finding", evidence, details, buffer_text(&english),
                       buffer_text(&told));
}

/* ---- who it was ---- */

/*
 * Asks beside the loop what takes longer to look up: names of users, records of logins, logs; where no event said who it
 * was, whoever holds the file open for writing. The answer is a record of its own. False when too many wait already.
 */
static bool inquire(struct guarded *guarded, const struct site_tree *tree, const struct look *look,
                    const struct who *who, uint32_t reason)
{
        const bool holder = !who && look->file >= 0 &&
                            (reason == GATE_WRITER || look->findings.kinds & DIFFERENCE_CONTENT);
        const char *path = look->path_length ? look->path : ".";
        _cleanup_(buffer_done) struct buffer shown = BUFFER_INIT(5 * PATH_MAX);
        struct inquiry_case *one;

        if (!holder && (!who || who->state > WHO_EARLIER))
                return true;
        one = inquiry_case_new();
        if (!one)
                return false;
        one->site = (unsigned int)(guarded - guarded->guard->sites);
        snprintf(one->root, sizeof(one->root), "%s", tree->name);
        snprintf(one->path, sizeof(one->path), "%s", path);
        (void)text_escape(&shown, path, strlen(path));
        snprintf(one->shown, sizeof(one->shown), "%.500s", buffer_text(&shown));
        one->found = !holder;
        if (holder)
                one->file = fcntl(look->file, F_DUPFD_CLOEXEC, 3);
        else
                one->who = *who;
        if ((!holder || one->file >= 0) && inquiry_ask(guarded->guard->inquiry, one))
                return true;
        inquiry_case_free(one);
        guarded->not_asked++;
        return false;
}

static void tell_who(struct guarded *guarded, const struct inquiry_case *one)
{
        _cleanup_(buffer_done) struct buffer by = BUFFER_INIT(4096), by_english = BUFFER_INIT(4096);
        char told[8192], english[8192];

        snprintf(english, sizeof(english), "%s was changed by %s", one->shown, words_of(&one->who, true, &by_english));
        snprintf(told, sizeof(told), _("%s was changed by %s"), one->shown, words_of(&one->who, false, &by));
        chronicle_both(guarded->guard, guarded, CHRONICLE_TELL, "who", NULL,
                       json_pack("{s:s, s:o, s:o}", "root", one->root, "path",
                                 chronicle_name(one->path, strlen(one->path)), "process", who_json(&one->who)),
                       english, told);
}

void finding_answers(struct guard *guard)
{
        struct inquiry_case *one;

        while ((one = inquiry_next(guard->inquiry))) {
                if (one->found)
                        tell_who(&guard->sites[one->site], one);
                inquiry_case_free(one);
        }
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
static void neutralise(const struct site_tree *tree, struct look *look)
{
        char path[32];
        _cleanup_(fd_closep) int file = -1;
        struct stat st;

        if (tree->mode != GUARD_HEAL || look->file < 0 || !(look->findings.kinds & (DIFFERENCE_CONTENT | DIFFERENCE_EXTRA)))
                return;
        if (fstat(look->file, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1)
                return;
        snprintf(path, sizeof(path), "/proc/self/fd/%d", look->file);
        file = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
        if (file >= 0 && ftruncate(file, 0) < 0)
                return; /* immutable, perhaps: the exchange takes it away */
}

/* In a mutable area nothing is exchanged: what breaks its rules is taken out. Its bytes are kept by now. */
static void remove_from_area(const struct site_tree *tree, const struct look *look)
{
        const char *name;
        _cleanup_(fd_closep) int parent = open_parent(tree, look->path, &name);

        if (parent >= 0 && tree->mode == GUARD_HEAL)
                (void)unlinkat(parent, name, 0);
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
        parent = open_parent(tree, look->path, &name);
        if (parent >= 0 && fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
                (void)unlinkat(parent, name, 0);
}

/* Evidence that cannot be had is said, and holds up nothing. */
static bool is_done(const struct guarded *guarded, int r, const struct error *error)
{
        if (r < 0)
                guarded->guard->options->say(guarded->guard->options->context,
                                             error->code ? error->text
                                                         : _("there is no more room for evidence: what was found is "
                                                             "written down, its bytes are not kept"));
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

static void act(struct guarded *guarded, struct site_tree *tree, struct look *look, const struct who *who,
                uint32_t reason)
{
        const uint64_t path = hash_of_path(tree, look->path, look->path_length);
        struct kept evidence;
        bool kept, asked;

        guarded->clean = false;
        if (!guarded->found_ms)
                guarded->found_ms = clock_monotonic_ms();
        if (is_healed_by_pull(tree))
                names_add(&guarded->names, path, tree->name, look->path);
        if (!is_new(guarded, hash_of(tree, look, reason), path)) {
                if (is_healed_by_pull(tree) && guarded->heal.phase == HEAL_QUIET)
                        pulls_step(guarded, HEAL_FINDING);
                return;
        }
        asked = inquire(guarded, tree, look, who, reason);
        kept = copy_bytes(guarded, look, &evidence);
        tell(guarded, tree, look, who, reason, !asked,
             kept         ? &evidence.digest
             : look->hashed ? &look->digest
                          : NULL);
        chronicle_settle(guarded->guard);
        kept = kept && settle_bytes(guarded, &evidence);
        mark_state(guarded);
        if (kept && tree->area)
                remove_from_area(tree, look);
        else if (kept)
                neutralise(tree, look);
        else
                remove_link(tree, look);
        if (is_healed_by_pull(tree))
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
        const char *name;
        _cleanup_(fd_closep) int parent = -1;

        look_init(&look);
        if (snprintf(look.path, sizeof(look.path), "%s", path) >= (int)sizeof(look.path))
                return 0;
        look.path_length = strlen(look.path);
        parent = open_parent(area->tree, path, &name);
        if (parent >= 0)
                look.file = open_beneath(parent, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0,
                                         BENEATH_STRICT);
        if (look.file < 0)
                look.file = -1;
        look.exists = true;
        if (findings_add(&look.findings, DIFFERENCE_EXTRA, NULL, "breaks the rules of a mutable area") == 0) {
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
        folder = open_beneath(tree->root, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, BENEATH_STRICT);
        if (folder >= 0)
                (void)examine_area(tree, folder, path, guarded->guard->watch, on_area_breach, &context, &error);
        else if (examine_area_file(tree, path))
                (void)on_area_breach(&context, path);
        return context.found;
}

/* The tree's own place: is it still the folder that was opened? */
static bool root_is_in_place(const struct site_tree *tree)
{
        struct stat st;

        return tree->root >= 0 && lstat(tree->real, &st) == 0 && S_ISDIR(st.st_mode) && st.st_ino == tree->inode;
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
                (void)findings_add(&look.findings, DIFFERENCE_TYPE, "directory", NULL);
                site_look_again(&guarded->site);
                act(guarded, tree, &look, who, reason);
                pulls_examine(guarded);
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
                }
        }
        look_done(&look);
        return differs;
}
