/* analyze_required.c - whether all that an analysis server consists of is proven. */
#include "analyze_required.h"

#include <stdio.h>

#include "base/i18n.h"
#include "cli/standing.h"
#include "tree/state.h"

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

void required_look(struct required *required)
{
        bool program = false;

        required->obstacle[0] = '\0';
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
