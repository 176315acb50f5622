/* pulls_handover.c - pulls that announce themselves (handover.h): who is connected, and what each of them is answered. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "guard/guard_private.h"
#include "guard/handover.h"

/* ---- who is connected ---- */

static void take_connection(struct guarded *guarded, int fd)
{
        struct ucred peer = { 0 };
        socklen_t length = sizeof(peer);

        (void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length);
        for (size_t i = 0; i < GUARD_CONNECTIONS; i++)
                if (guarded->connections[i] < 0) {
                        guarded->connections[i] = fd;
                        guarded->peers[i] = peer.pid;
                        guarded->asked_status[i] = false;
                        return;
                }
        fd_close(&fd); /* whoever asks so often can ask again */
}

void pulls_accept(struct guarded *guarded)
{
        int fd;

        while ((fd = accept4(guarded->listen, NULL, NULL, SOCK_CLOEXEC)) >= 0)
                take_connection(guarded, fd);
}

/* A pull connects before it touches anything, but perhaps nobody has taken the connection yet: first that is done. */
bool pulls_is_peer(struct guarded *guarded, pid_t pid)
{
        pulls_accept(guarded);
        for (size_t i = 0; i < GUARD_CONNECTIONS; i++)
                if (guarded->connections[i] >= 0 && guarded->peers[i] == pid && pid > 0)
                        return true;
        return false;
}

bool pulls_is_under_way(struct guarded *guarded)
{
        pulls_accept(guarded);
        for (size_t i = 0; i < GUARD_CONNECTIONS; i++)
                if (guarded->connections[i] >= 0 && !guarded->asked_status[i])
                        return true;
        return false;
}

/* ---- the exchange ---- */

static struct site_tree *tree_of_root(struct site *site, const char *name)
{
        for (size_t i = 0; i < site->tree_count; i++)
                if (!site->trees[i].area && !site->trees[i].gone && strcmp(site->trees[i].name, name) == 0)
                        return &site->trees[i];
        return NULL;
}

/*
 * Around the exchange a file is reached in three places: at DEST, in the tree that stands ready, and in the old one once
 * it is parked. Through another mount only the inodes of folders say which, so the gate must know them before.
 */
static int tell_gate_staged(struct guarded *guarded, const struct handover_message *message, struct error *err)
{
        struct keeper *keeper = guarded->guard->keeper;
        int r = 0;

        for (size_t i = 0; i < message->tree_count && keeper && r == 0; i++) {
                struct site_tree *tree = tree_of_root(&guarded->site, message->trees[i].name);
                char link[32], path[PATH_MAX], *slash;
                ssize_t n;

                if (!tree || tree->mode == GUARD_OBSERVE)
                        continue;
                snprintf(link, sizeof(link), "/proc/self/fd/%d", message->trees[i].folder);
                n = readlink(link, path, sizeof(path) - sizeof("/old"));
                if (n <= 0)
                        return error_errno(err, errno, _("cannot find the tree that stands ready"));
                path[n] = '\0';
                r = keeper_tree(keeper, tree->staged_number, false, path, message->trees[i].folder,
                                guarded->site.generation, err);
                slash = strrchr(path, '/');
                memcpy(slash, "/old", sizeof("/old"));
                if (r == 0 && tree->root >= 0)
                        r = keeper_tree(keeper, tree->parked_number, false, path, tree->root,
                                        guarded->site.generation, err);
        }
        return r;
}

static void staged(struct guarded *guarded, int connection, const struct handover_message *message)
{
        struct site *site = &guarded->site;
        struct reference *reference = NULL;
        struct error error = ERROR_NONE;
        int r = reference_staged(site->state, message->folder, message->release, &guarded->guard->options->pub,
                                 &reference, &error);

        site_release_drop(site->next);
        site->next = NULL;
        if (r == 0)
                r = site_release_new(reference, &site->next, &error);
        if (r == 0)
                r = pulls_verifiers(guarded->guard, &error);
        if (r == 0)
                r = tell_gate_staged(guarded, message, &error);
        if (r == 0)
                guarded->exchanging = connection;
        if (r == 0 && guarded->pull > 0)
                pulls_step(guarded, HEAL_BEGUN);
        (void)handover_answer(connection, r < 0 ? HANDOVER_REFUSED : HANDOVER_OK, error.text);
}

/* The trees stand at their places; what is remembered of the old ones counts no more. */
static void exchanged(struct guarded *guarded, int connection)
{
        struct guard *guard = guarded->guard;
        struct site *site = &guarded->site;

        site_advance(site);
        site->generation++;
        site->state->release = site->release->reference->number;
        site_look_again(site);
        trees_follow(guarded);
        guarded->roots_due_ms = clock_monotonic_ms(); /* where they lie the pull writes down at its end */
        guarded->exchanging = -1;
        guarded->exchanged_ms = clock_monotonic_ms();
        guarded->heal.again = false; /* what was found so far lay in the old tree */
        (void)handover_answer(connection, HANDOVER_OK, "");
        chronicle(guard, guarded, CHRONICLE_QUIET, "guard_release", NULL,
                  json_pack("{s:I}", "release", (json_int_t)site->release->reference->number),
                  N_("%s is guarded by release %" PRIu64), site->state->dest, site->release->reference->number);
        finding_forget(guarded);
        pulls_examine(guarded);
}

static void undone(struct guarded *guarded, int connection)
{
        struct error error = ERROR_NONE;

        site_release_drop(guarded->site.next);
        guarded->site.next = NULL;
        guarded->exchanging = -1;
        if (pulls_verifiers(guarded->guard, &error) < 0)
                guarded->guard->options->say(guarded->guard->options->context, error.text);
        if (connection >= 0) {
                pulls_step(guarded, HEAL_UNDONE);
                (void)handover_answer(connection, HANDOVER_OK, "");
        }
        pulls_examine(guarded);
}

/* ---- names that are mended ---- */

/* What was found until now the pull hears of: it mends that, or builds the fresh tree. */
static void hand_out_names(struct guarded *guarded, int connection)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(HANDOVER_TEXT_SIZE - 1);

        names_hand_out(&guarded->names, &text);
        guarded->heal.again = false;
        (void)handover_answer(connection, HANDOVER_OK, buffer_text(&text));
}

/* What is taken out may still be open somewhere: the gate knows the folder it goes to as that of an old tree. */
static void mending(struct guarded *guarded, int connection, const struct handover_message *message)
{
        struct keeper *keeper = guarded->guard->keeper;
        struct error error = ERROR_NONE;
        int r = 0;

        for (size_t i = 0; i < message->tree_count && keeper && r == 0; i++) {
                struct site_tree *tree = tree_of_root(&guarded->site, message->trees[i].name);
                char path[PATH_MAX];

                if (!tree || tree->mode == GUARD_OBSERVE)
                        continue;
                r = fd_real_path(message->trees[i].folder, path);
                if (r < 0)
                        error_errno(&error, -r, _("cannot find the names that stand ready"));
                else
                        r = keeper_tree(keeper, tree->parked_number, false, path, message->trees[i].folder,
                                        guarded->site.generation, &error);
        }
        if (r == 0 && guarded->pull > 0)
                pulls_step(guarded, HEAL_BEGUN);
        (void)handover_answer(connection, r < 0 ? HANDOVER_REFUSED : HANDOVER_OK, error.text);
}

static void mended(struct guarded *guarded, int connection)
{
        guarded->exchanged_ms = clock_monotonic_ms();
        finding_mended(guarded);
        (void)handover_answer(connection, HANDOVER_OK, "");
}

static void status(const struct guarded *guarded, int connection)
{
        const struct guard *guard = guarded->guard;
        struct gate_counters counters = { 0 };
        char last[CLOCK_TEXT_SIZE] = "", *text;
        json_t *json;

        if (guard->keeper)
                keeper_counters(guard->keeper, &counters);
        if (guarded->last_finding)
                clock_format_utc(guarded->last_finding, last);
        json = json_pack("{s:s, s:i, s:I, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:{s:I, s:I, s:I, s:I, s:I}}", "mode",
                         guard_mode_name(guard->options->mode), "pid", (int)getpid(), "release",
                         (json_int_t)guarded->site.release->reference->number, "clean", guarded->clean, "healing",
                         guarded->pull > 0, "findings", (json_int_t)guarded->findings, "heals",
                         (json_int_t)guarded->heals, "refused", (json_int_t)guarded->refused, "overflows",
                         (json_int_t)guarded->overflows, "not_asked", (json_int_t)guarded->not_asked, "last_finding", last, "last_path", guarded->last_path, "gate",
                         "asked", (json_int_t)counters.asked, "allowed", (json_int_t)counters.allowed, "refused",
                         (json_int_t)counters.refused, "late", (json_int_t)counters.late, "remembered",
                         (json_int_t)counters.remembered);
        text = json ? json_dumps(json, JSON_COMPACT) : NULL;
        (void)handover_answer(connection, text ? HANDOVER_OK : HANDOVER_REFUSED, text ? text : "");
        free(text);
        json_decref(json);
}

/* By now a pull has taken the old names away. What a comparison saw before is compared again. */
static void look_behind_pull(struct guarded *guarded)
{
        if (pulls_is_under_way(guarded))
                return;
        if (guarded->links_deferred)
                pulls_examine(guarded);
        guarded->links_deferred = false;
}

static void is_over(struct guarded *guarded, int *connection)
{
        const bool was_pull = !guarded->asked_status[connection - guarded->connections];

        if (guarded->exchanging == *connection) /* it died in between: what stands there now decides */
                undone(guarded, -1);
        fd_close(connection);
        if (!was_pull)
                return;
        guarded->pulled_meanwhile = guarded->examination != NULL;
        look_behind_pull(guarded);
}

static void answer_status(struct guarded *guarded, const int *connection)
{
        guarded->asked_status[connection - guarded->connections] = true;
        status(guarded, *connection);
        look_behind_pull(guarded);
}

void pulls_message(struct guarded *guarded, int *connection)
{
        struct handover_message message;
        int r = handover_receive(*connection, &message);

        if (r <= 0) {
                is_over(guarded, connection);
                return;
        }
        switch (message.verb) {
        case HANDOVER_STAGED: staged(guarded, *connection, &message); break;
        case HANDOVER_EXCHANGED:
                if (guarded->site.next)
                        exchanged(guarded, *connection);
                else
                        (void)handover_answer(*connection, HANDOVER_REFUSED, "");
                break;
        case HANDOVER_UNDONE: undone(guarded, *connection); break;
        case HANDOVER_NAMES: hand_out_names(guarded, *connection); break;
        case HANDOVER_MENDING: mending(guarded, *connection, &message); break;
        case HANDOVER_MENDED: mended(guarded, *connection); break;
        case HANDOVER_STATUS: answer_status(guarded, connection); break;
        default: (void)handover_answer(*connection, HANDOVER_REFUSED, ""); break;
        }
        handover_message_done(&message);
}
