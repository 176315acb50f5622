/* analyze_required.c - whether all that an analysis server consists of is proven. */
#include "analyze_required.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "cli/standing.h"
#include "spread/outside.h"
#include "tree/state.h"

#define SCRIPT_MS       5000
#define SCRIPT_AGAIN_MS 60000 /* each fetch is a line of the log that is followed */

int required_begin(struct required *required, struct error *err)
{
        return required->pub ? public_key_read(required->pub, &required->key, err) : 0;
}

static const char *obstacle_of(const struct required *required, const struct standing *standing)
{
        if (standing->obstacle)
                return standing->obstacle;
        if (required->pub && !public_key_equal(&standing->pub, &required->key))
                return _("it was pulled with another key than that of --pub");
        return NULL;
}

bool required_any(const struct required *required)
{
        return required->count > 0 || required->script;
}

static void look_at_trees(struct required *required)
{
        bool program = false;

        for (size_t i = 0; i < required->count; i++) {
                struct error error = ERROR_NONE;
                struct standing standing = { 0 };
                int r = standing_look(state_directory(required->state), required->trees[i], &standing, &error);
                const char *obstacle = r < 0 ? error.text : obstacle_of(required, &standing);

                if (obstacle)
                        snprintf(required->obstacle, sizeof(required->obstacle), "%s: %s", required->trees[i],
                                 obstacle);
                program |= standing.holds_program;
                standing_done(&standing);
                if (obstacle)
                        return;
        }
        if (required->count && !program)
                snprintf(required->obstacle, sizeof(required->obstacle), "%s",
                         _("the program that runs is not in the trees of --require as they are in place; start the one "
                           "that is"));
}

static void look_outside(struct required *required)
{
        struct outside_look look = { .server = required->server, .place = required->script, .error = ERROR_NONE };
        struct error error = ERROR_NONE;

        int64_t now = clock_monotonic_ms();

        if (required->script_ms && now < required->script_ms)
                return;
        required->script_ms = 0;
        if (outside_look(&look, 1, SCRIPT_MS, &error) < 0)
                snprintf(required->obstacle, sizeof(required->obstacle), "%s", error.text);
        else if (look.result < 0)
                snprintf(required->obstacle, sizeof(required->obstacle), "%s", look.error.text);
        else
                required->script_ms = now + SCRIPT_AGAIN_MS;
}

void required_look(struct required *required)
{
        required->obstacle[0] = '\0';
        look_at_trees(required);
        if (!required->obstacle[0] && required->script)
                look_outside(required);
}
