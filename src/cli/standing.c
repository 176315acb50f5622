/* standing.c - eligible or not: of a tree, and of the whole server. */
#include "cli/standing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "guard/alive.h"
#include "guard/handover.h"
#include "tree/state.h"

/* ---- a tree ---- */

/* Pulled, proven equal to its release since this machine was started, and nothing found since. */
static const char *find_obstacle(const struct standing *standing)
{
        if (standing->busy)
                return _("a pull or another command is at work on it");
        if (!standing->pulled)
                return _("it was never pulled");
        if (!standing->verified[0])
                return _("it was never verified");
        if (!standing->genuine)
                return _("it differed when it was last looked at: pull, then verify");
        if (!standing->this_boot)
                return _("it was not verified since this machine was started: verify it");
        if (standing->guard_silent)
                return _("its guard does not answer: restart it");
        if (standing->guard_died)
                return _("its guard died, and nobody has looked since: start it again, or verify it");
        if (standing->guard && !json_is_true(json_object_get(standing->guard, "clean")))
                return _("its guard has found something, or is still comparing");
        return NULL;
}

const char *standing_obstacle_since(const struct standing *standing, int64_t since)
{
        if (standing->obstacle || standing->guard || standing->verified_at > since)
                return standing->obstacle;
        return _("it was not verified since this server was withdrawn: verify it");
}

static void ask_guard(const struct state *state, struct standing *standing)
{
        static char text[HANDOVER_TEXT_SIZE];
        struct handover *handover = NULL;
        int r = handover_connect(state->folder, &handover, NULL);

        if (r == 0 && handover)
                r = handover_status(handover, text, NULL);
        if (r == 0 && handover)
                standing->guard = json_loads(text, 0, NULL);
        standing->guard_silent = r < 0;
        handover_close(handover);
}

/* Since its last sign of life anything may have been written; how soon behind that it died nobody knows. */
static bool guard_died(const struct state *state, const char *boot_id)
{
        struct alive alive;

        return alive_read(state->folder, &alive) == 0 && !alive.stopped && text_equal(alive.boot_id, boot_id) &&
               state->verification.time <= alive.time + ALIVE_MS / 1000;
}

/* Whether the program that runs is a file of the tree: after a pull it has to be started again. */
static bool holds_program(const struct state *state)
{
        char program[PATH_MAX];
        ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);

        if (length <= 0)
                return false;
        program[length] = '\0';
        for (size_t i = 0; i < state->root_count; i++) {
                _cleanup_(memory_freep) char *folder = realpath(state->roots[i].folder, NULL);

                if (folder && text_path_inside(program, folder) && access(program, F_OK) == 0)
                        return true;
        }
        return false;
}

int standing_look(const char *state_directory, const char *dest, struct standing *ret_standing, struct error *err)
{
        _cleanup_(state_closep) struct state *state = NULL;
        char boot_id[CLOCK_BOOT_ID_SIZE];
        int r = state_open(state_directory, dest, STATE_READ, &state, err);

        *ret_standing = (struct standing){ .busy = r == -EBUSY };
        if (r < 0 && r != -EBUSY)
                return r;
        if (r == 0) {
                clock_boot_id(boot_id);
                ret_standing->pulled = state->pulled;
                ret_standing->holds_program = holds_program(state);
                ret_standing->pub = state->pub;
                ret_standing->release = state->release;
                snprintf(ret_standing->site, sizeof(ret_standing->site), "%s", state->site);
                ret_standing->verified_at = state->verification.time;
                if (state->verification.time)
                        clock_format_utc(state->verification.time, ret_standing->verified);
                ret_standing->genuine = state->verification.genuine;
                ret_standing->this_boot = text_equal(state->verification.boot_id, boot_id);
                if (state->folder >= 0)
                        ask_guard(state, ret_standing);
                ret_standing->guard_died = state->folder >= 0 && !ret_standing->guard && guard_died(state, boot_id);
        }
        ret_standing->obstacle = find_obstacle(ret_standing);
        return 0;
}

void standing_done(struct standing *standing)
{
        json_decref(standing->guard);
        standing->guard = NULL;
}

/* ---- the server ---- */

void stage_look(const char *state_directory, struct stage *ret_stage)
{
        struct error error = ERROR_NONE;
        int r;

        *ret_stage = (struct stage){ .looked = false };
        r = withdrawal_read(state_directory, &ret_stage->withdrawal, &error);
        ret_stage->unreadable = r < 0;
        if (r < 0 && r != -EBADMSG)
                ret_stage->withdrawal = (struct withdrawal){ .present = true, .ports = filter_web_ports };
        if (r == 0)
                r = filter_look(&ret_stage->withdrawal.ports, &ret_stage->sight, &error);
        ret_stage->looked = r == 0;
        snprintf(ret_stage->words, sizeof(ret_stage->words), "%s", error.text);
}

static bool is_left_behind(const struct stage *stage)
{
        return !stage->withdrawal.present && stage->looked && stage->sight != FILTER_OPEN;
}

const char *stage_obstacle(const struct stage *stage)
{
        if (stage->withdrawal.present)
                return _("this server was withdrawn: understudy withdraw --back");
        if (is_left_behind(stage))
                return _(
                        "the packet filter refuses visitors as if this server were withdrawn, of which the state knows "
                        "nothing: understudy withdraw --back");
        return NULL;
}

json_t *stage_json(const struct stage *stage)
{
        const struct withdrawal *withdrawal = &stage->withdrawal;
        char since[CLOCK_TEXT_SIZE] = "";
        json_t *ports;

        if (!stage_obstacle(stage))
                return json_null();
        ports = json_array();
        for (size_t i = 0; i < withdrawal->ports.count; i++) {
                char port[FILTER_PORT_SIZE];

                filter_port_text(&withdrawal->ports.list[i], port);
                json_array_append_new(ports, json_string(port));
        }
        if (withdrawal->since)
                clock_format_utc(withdrawal->since, since);
        return json_pack("{s:s, s:s, s:s, s:o, s:o}", "since", since, "reason", withdrawal->reason, "actor",
                         withdrawal->actor, "ports", ports, "refused",
                         !stage->looked ? json_null() : json_boolean(stage->sight == FILTER_CLOSED));
}

static void show_filter(const struct stage *stage)
{
        fputs("  ", stdout);
        for (size_t i = 0; i < stage->withdrawal.ports.count; i++) {
                char port[FILTER_PORT_SIZE];

                filter_port_text(&stage->withdrawal.ports.list[i], port);
                printf("%s ", port);
        }
        if (!stage->looked)
                printf(_("- whether they are refused is not known: %s\n"), stage->words);
        else if (stage->sight == FILTER_CLOSED)
                puts(_("- visitors are refused"));
        else if (stage->sight == FILTER_OPEN)
                puts(_("- NOT refused: the packet filter has no such table; run understudy withdraw --again"));
        else
                puts(_("- NOT all refused: the table in the packet filter was changed; run understudy withdraw "
                       "--again"));
}

void stage_show(const struct stage *stage)
{
        const struct withdrawal *withdrawal = &stage->withdrawal;
        char since[CLOCK_TEXT_SIZE] = "?";

        if (!stage_obstacle(stage))
                return;
        if (!withdrawal->present || stage->unreadable) {
                puts(stage->unreadable ? stage->words : stage_obstacle(stage));
                return;
        }
        if (withdrawal->since)
                clock_format_utc(withdrawal->since, since);
        printf(_("This server was withdrawn at %s by %s"), since, withdrawal->actor);
        printf("%s%s\n", *withdrawal->reason ? ": " : "", withdrawal->reason);
        show_filter(stage);
}
