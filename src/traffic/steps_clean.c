/*
 * steps_clean.c - has anything been found on the server that comes? Its own status, asked for this move.
 *
 * The answer takes a program's start there. In a failover it is asked when the site is first suspected (lookout.h) or, when it
 * was not, when the move is decided; and awaited when the step comes.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "steps_private.h"

#define QUICK_MS INT64_C(3000)

/* An answer that is under way. It belongs to whoever comes last: the answer, or the steps. */
struct steps_early {
        bool answered, abandoned;
        json_t *result; /* NULL: `error` says why */
        struct error error;
};

static void early_free(struct steps_early *early)
{
        json_decref(early->result);
        free(early);
}

static void hear(void *context, const json_t *result, const struct error *err)
{
        struct steps_early *early = context;

        if (early->abandoned) {
                early_free(early);
                return;
        }
        early->answered = true;
        early->result = json_incref((json_t *)(uintptr_t)result);
        early->error = *err;
}

/* As steps_options.standing, once; later answers are asked for. */
static int standing(struct steps *steps, const json_t **ret_result)
{
        const struct steps_options *options = &steps->options;

        return options->standing && !steps->heard ? options->standing(options->context, ret_result) : -EAGAIN;
}

void steps_clean_ask(struct steps *steps)
{
        struct agent_client *client = steps->agents[STEPS_TO];
        struct steps_early *early;
        const json_t *said;

        if (standing(steps, &said) >= 0)
                return;
        early = memory_new(1, sizeof(*early));
        if (!early || !client ||
            agent_client_send(client, "status", NULL, QUICK_MS, NULL, hear, early, NULL, NULL) < 0) {
                free(early);
                return;
        }
        steps->early = early;
        agent_client_tick(client);
}

void steps_clean_forget(struct steps *steps)
{
        if (steps->early && steps->early->answered)
                early_free(steps->early);
        else if (steps->early)
                steps->early->abandoned = true;
        steps->early = NULL;
}

static void wait_for_it(const struct steps *steps)
{
        struct agent_client *client = steps->agents[STEPS_TO];
        struct pollfd fds[AGENT_CLIENT_POLLS];

        (void)poll(fds, agent_client_poll(client, fds), agent_client_wait_ms(client));
        agent_client_tick(client);
}

/* What was asked before, if it was; the early answer, once; else, and later, it is asked. */
static int ask(struct steps *steps, json_t **ret_result, struct error *err)
{
        struct steps_early *early = steps->early;
        const json_t *said = NULL;
        int r;

        while (steps->agents[STEPS_TO] && (r = standing(steps, &said)) == 0)
                wait_for_it(steps);
        steps->heard = true;
        if (said) {
                *ret_result = json_incref((json_t *)(uintptr_t)said);
                return 0;
        }
        if (!early)
                return steps_ask(steps, STEPS_TO, "status", NULL, QUICK_MS, ret_result, err);
        while (!early->answered)
                wait_for_it(steps);
        *ret_result = json_incref(early->result);
        r = early->result ? 0 : early->error.code;
        if (r < 0 && err)
                *err = early->error;
        steps_clean_forget(steps);
        return r;
}

/* Every tree of the server, and there is one. */
static bool all_eligible(const json_t *result)
{
        const json_t *trees = json_object_get(json_object_get(result, "output"), "trees");
        bool all = json_array_size(trees) > 0 && json_integer_value(json_object_get(result, "status")) == 0;

        for (size_t i = 0; i < json_array_size(trees); i++)
                all = all && json_is_true(json_object_get(json_array_get(trees, i), "eligible"));
        return all;
}

enum event steps_clean_look(struct steps *steps, struct error *err)
{
        json_t *result = NULL;
        bool eligible;

        if (ask(steps, &result, err) < 0)
                return EVENT_SEEN_NOTHING;
        eligible = all_eligible(result);
        json_decref(result);
        if (eligible)
                return EVENT_SEEN_WANTED;
        error_set(err, -EPERM, _("%s is not eligible for visitors; 'understudy status' there says why"), steps->to->name);
        return EVENT_SEEN_BEFORE;
}
