/* guard_private.h - what the files of the guard's main loop share: guard.c, finding.c, finding_record.c, pulls.c, pulls_handover.c, chronicle.c. */
#ifndef GUARD_GUARD_PRIVATE_H
#define GUARD_GUARD_PRIVATE_H

#include "base/attributes.h"
#include "guard/examine.h"
#include "guard/guard.h"
#include "guard/heal.h"
#include "guard/inquiry.h"
#include "guard/keep.h"
#include "guard/keeper.h"
#include "guard/names.h"
#include "guard/pulse.h"
#include "guard/site.h"
#include "guard/watch.h"
#include "journal/journal.h"

#define GUARD_KNOWN        4096 /* findings that are remembered until the site is clean again */
#define GUARD_CONNECTIONS  4    /* of pulls and `status`, at once, per site */

/* A finding that was told: the same again is only counted. */
struct known {
        uint64_t hash; /* of tree, path, kinds and content */
        uint64_t path; /* hash of tree and path alone */
        int64_t looked_ms, told_ms;
        bool restored; /* and it was as in the release in between */
        uint64_t again;
};

struct guarded {
        struct guard *guard;
        struct site site;
        struct keep keep;
        int lock;   /* guard.lock: one guard per DEST */
        int listen; /* handover.h */
        int connections[GUARD_CONNECTIONS];
        pid_t peers[GUARD_CONNECTIONS]; /* whose connections they are */
        int exchanging; /* the connection of a pull between its two messages; -1: none */
        bool asked_status[GUARD_CONNECTIONS]; /* who asks that is no pull */
        bool links_deferred;   /* a comparison saw what may have been second names of a pull that is under way */
        bool pulled_meanwhile; /* a pull ended since the examination began: what it saw may be gone */
        struct heal heal;
        pid_t pull;      /* that heals; 0: none */
        int pull_pidfd;
        int pull_output; /* memfd with what it said */
        int64_t pull_started_ms;
        int64_t healing_since_ms; /* when what it heals was found */
        int64_t mark_due_ms;      /* when its folders are to be marked again; 0: they are */
        int64_t exchanged_ms;     /* when its new tree, or names that it mended, came into place; 0: not yet */
        struct names names;       /* what is to be mended */
        struct examination *examination;
        int examined_fd; /* readable when it is over */
        bool examine_again;
        bool examined;           /* once at least: a tree that somebody changes all the while is compared again and again */
        bool clean;              /* proven by an examination, and nothing found since */
        bool disturbed;          /* something was found since the examination that runs began */
        bool marked;             /* the state says that it differs */
        int64_t found_ms;        /* monotonic: first finding since it was clean */
        int64_t roots_due_ms;    /* monotonic: when the state is asked where the roots lie; 0: it need not be */
        struct known known[GUARD_KNOWN];
        size_t known_count;
        uint64_t findings, refused, heals, overflows, not_asked; /* not_asked: writers, for too many were waiting */
        bool full_told;       /* that there is no more room for evidence */
        int64_t last_finding; /* seconds since 1970 */
        char last_path[512];
};

struct guard {
        const struct guard_options *options;
        struct journal *journal;
        uint64_t ticket; /* of the last record */
        struct watch *watch;
        struct keeper *keeper; /* NULL: every tree is only observed */
        struct pulse *pulse;     /* NULL: no peers */
        struct inquiry *inquiry; /* who it was */
        struct who_memory *who; /* of the last writers: a closing event often comes when they have ended */
        int mounts;            /* /proc/self/mountinfo */
        uint64_t mounts_hash;  /* of what it says of the trees */
        int signals;
        int serving;   /* guard.serving, held while this guard is the one */
        bool ready, stop;
        int64_t rescan_due_ms, alive_due_ms;
        int64_t wall_s;  /* the wall clock less the monotonic one, as it was last; 0: not looked at yet */
        int64_t slow_ms; /* when verifiers that hung were replaced last */
        bool journal_failed; /* it was said */
        struct site_plan plan;
        struct guarded sites[GUARD_SITES];
        size_t site_count;
};

/* ---- chronicle.c: the journal, the log and the news ---- */

int chronicle_open(struct guard *guard, struct error *err);
void chronicle_close(struct guard *guard);

/* One record; takes the reference of details. The format is marked by N_(): the journal has it in English, the operator
 * in his language. `news`: also told to the operator, urgent or not. */
enum chronicle_news { CHRONICLE_QUIET, CHRONICLE_TELL, CHRONICLE_URGENT };
void chronicle(struct guard *guard, const struct guarded *guarded, enum chronicle_news news, const char *kind,
               const struct digest *evidence, json_t *details, const char *format, ...) _printf_(7, 8);

/* When this guard was last known to be alive is kept in the state, so that the next one can tell the gap. */
void chronicle_alive(struct guard *guard, bool stopping);
void chronicle_gap(struct guard *guard, struct guarded *guarded);

/* Whether the wall clock was set since the last call: times of records are by it, and an incident's intervals are. */
void chronicle_clock(struct guard *guard);

/* The same with sentences that were made already: one in English, one in the operator's language. */
void chronicle_both(struct guard *guard, const struct guarded *guarded, enum chronicle_news news, const char *kind,
                    const struct digest *evidence, json_t *details, const char *english, const char *told);

/*
 * Waits a moment for what was written last to be in the journal. Whoever makes the disk wait for something else behind
 * it calls this before: two that sync at once wait for each other, in ext4 for each other's whole commits. When more
 * events wait nobody does, and the records of a storm are committed together.
 */
void chronicle_settle(struct guard *guard);

/* Urgent news of what could not be done, with the error's words behind it in either language. */
void chronicle_failure(struct guard *guard, const struct guarded *guarded, const char *kind, json_t *details,
                       const struct error *error, const char *format, ...) _printf_(6, 7);

/* A name as JSON, as text_escape() makes it. */
json_t *chronicle_name(const char *name, size_t length);

/* ---- finding.c: what is done about something that differs ---- */

struct who;

/* Looks at one path and does what has to be done. `who` NULL: not known. `reason` (enum gate_reason) says why the gate
 * refused an open of it; 0: nobody tried. Returns whether it differs. */
bool finding_look(struct guarded *guarded, struct site_tree *tree, const char *path, size_t length,
                  const struct who *who, uint32_t reason);

/* Looks whether each tree still is where its path leads: a folder above it may have been moved away whole. */
bool finding_places(struct guarded *guarded);

/* Whether this path differs, as is known, and was looked at within the last second: who writes a large file in small
 * pieces must not keep the guard busy with hashing it anew each time. */
bool finding_is_fresh(const struct guarded *guarded, const struct site_tree *tree, const char *path, size_t length);

/* All is as in the release again: what was found is history. */
void finding_forget(struct guarded *guarded);

/* The names that a pull was told of are: whatever is found there from now on is new. */
void finding_mended(struct guarded *guarded);

/* The folder that holds a path, and the name in it; negative when it is not there as such. */
int finding_open_parent(const struct site_tree *tree, const char *path, const char **ret_name);

/* ---- finding_record.c: how it is written down and told ---- */

/* `not_asked`: nobody asks who it was (finding_inquire()); `evidence` NULL: there are no bytes of it. */
void finding_tell(struct guarded *guarded, const struct site_tree *tree, const struct look *look, const struct who *who,
                  uint32_t reason, bool not_asked, const struct digest *evidence);

/* Asks beside the loop who it was; the answer is a record of its own. False when too many wait already. */
bool finding_inquire(struct guarded *guarded, const struct site_tree *tree, const struct look *look, const struct who *who,
                     uint32_t reason);

/* Writes down who it was, as far as it was found out meanwhile. */
void finding_answers(struct guard *guard);

/* ---- trees.c: which trees are under guard, at the start and as releases change it ---- */

enum guard_mode trees_mode_of(const void *options, const char *root);

/* Whether some tree may come to be refused: then a gate is needed from the start, for it cannot be started later. */
bool trees_want_gate(const struct guard *guard);

/* The kernel asks from here on. */
int trees_close_gate(struct guard *guard, struct error *err);

/* Takes up what the release in place has, and tells verifiers and gate where everything lies now. */
void trees_follow(struct guarded *guarded);

/* Asks the state where the roots lie, once a pull is over; wait_ms: how long until then, -1 when there is nothing to
 * ask. */
void trees_tick(struct guarded *guarded);
int64_t trees_wait_ms(const struct guarded *guarded, int64_t now_ms);

/* What the trees' paths lead to now is what is guarded, and the gate knows it. */
void trees_look_again(struct guarded *guarded);

/* An area's folder came, went, or is another one now. */
void trees_area_moved(struct guarded *guarded, struct site_tree *tree);

/* ---- pulls.c: healing, and the comparison that proves it ---- */

/* Steps the healing machine, and does what it says. */
void pulls_step(struct guarded *guarded, enum heal_event event);

/* Goes on with what a guard that died had begun to heal, so that it comes to its end and is told. */
void pulls_resume(struct guarded *guarded);

/* The pull that heals has ended. */
void pulls_ended(struct guarded *guarded);

/* Starts an examination, or notes that another one is needed after the one that runs. */
void pulls_examine(struct guarded *guarded);
void pulls_examined(struct guarded *guarded);

/* Verifiers with the releases that count now. */
int pulls_verifiers(struct guard *guard, struct error *err);

/* ---- pulls_handover.c: pulls that announce themselves ---- */

void pulls_accept(struct guarded *guarded);
/* Whether this process is connected: a pull, which takes files of the tree over by link and says so by that. */
bool pulls_is_peer(struct guarded *guarded, pid_t pid);
/* Whether a pull is connected, from before it touches anything until it has taken the old names away. */
bool pulls_is_under_way(struct guarded *guarded);
void pulls_message(struct guarded *guarded, int *connection);

#endif
