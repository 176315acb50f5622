/* finding_record.c - how a finding is written down and told: what differs, in which words, and who it was. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "guard/guard_private.h"
#include "guard/who.h"
#include "manifest/difference.h"

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
        _cleanup_(fd_closep) int parent = finding_open_parent(tree, look->path, &name);
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

static void write_finding(const struct site_tree *tree, const char *name, const char *what, const struct who *who,
                          const char *by, bool english, struct buffer *out)
{
        const bool known = who && who->state <= WHO_EARLIER;
        bool before = i18n_english(english);

        (void)(!*by    ? buffer_printf(out, _("%s/%s is not as in its release (%s)"), tree->folder, name, what)
               : known ? buffer_printf(out, _("%s/%s is not as in its release (%s); by %s"), tree->folder, name, what, by)
                       : buffer_printf(out, _("%s/%s is not as in its release (%s); who wrote it: %s"), tree->folder, name,
                                       what, by));
        (void)i18n_english(before);
}

void finding_tell(struct guarded *guarded, const struct site_tree *tree, const struct look *look, const struct who *who,
                  uint32_t reason, bool not_asked, const struct digest *evidence)
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
        write_finding(tree, buffer_text(&name), what, who, words_of(who, true, &by_english), true, &english);
        write_finding(tree, buffer_text(&name), what, who, words_of(who, false, &by), false, &told);
        chronicle_both(guarded->guard, guarded, CHRONICLE_URGENT, "finding", evidence, details, buffer_text(&english),
                       buffer_text(&told));
}

/* ---- who it was ---- */

/*
 * Asks beside the loop what takes longer to look up: names of users, records of logins, logs; where no event said who it
 * was, whoever holds the file open for writing. The answer is a record of its own. False when too many wait already.
 */
bool finding_inquire(struct guarded *guarded, const struct site_tree *tree, const struct look *look, const struct who *who,
                     uint32_t reason)
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
