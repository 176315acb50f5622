#include "fence_state.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/text.h"

#define FORMAT 1

static const char *const place_names[] = {
        [FENCE_OUT] = "out",
        [FENCE_CLOSING] = "closing",
        [FENCE_OPENING] = "opening",
        [FENCE_IN] = "in",
};

const char *fence_place_name(enum fence_place place)
{
        return place_names[place];
}

enum fence_place fence_place_of(const struct fence_state *state, const char *name)
{
        for (size_t i = 0; i < state->member_count; i++)
                if (text_equal(state->members[i].name, name))
                        return state->members[i].place;
        return FENCE_OUT;
}

int fence_place_set(struct fence_state *state, const char *name, enum fence_place place)
{
        size_t i = 0;

        while (i < state->member_count && !text_equal(state->members[i].name, name))
                i++;
        if (i == PEER_HOSTS || strlen(name) >= PEER_NAME_SIZE)
                return -E2BIG;
        if (i == state->member_count) {
                memset(&state->members[i], 0, sizeof(state->members[i]));
                memcpy(state->members[i].name, name, strlen(name));
                state->member_count++;
        }
        state->members[i].place = place;
        return 0;
}

/* ---------------------------------------------------------------- the rules */

static int rule_flips(const struct fence_state *state, const struct fence_limits *limits, int64_t now,
                      struct error *err)
{
        char last[CLOCK_TEXT_SIZE];
        unsigned int within = 0;

        if (state->flip_count == 0)
                return 0;
        clock_format_utc(state->flips[state->flip_count - 1], last);
        /* A clock that was set back must not end the hold-down: time that is missing counts as too soon. */
        if (now - state->flips[state->flip_count - 1] < limits->hold_down_s)
                return error_refuse(err,
                                    _("refused: the last failover was at %s, and the next one may come %lld seconds "
                                      "after it at the earliest (hold-down); a planned switch is possible at any time"),
                                    last, (long long)limits->hold_down_s);
        for (size_t i = 0; i < state->flip_count; i++)
                within += now - state->flips[i] < limits->window_s;
        if (limits->flips > 0 && within >= limits->flips)
                return error_refuse(
                        err,
                        _("refused: there were %u failovers within %lld seconds, the last one at %s, which is "
                          "as many as are allowed; find out why, and use a planned switch"),
                        within, (long long)limits->window_s, last);
        return 0;
}

int fence_rule_claim(const struct fence_state *state, const struct fence_claim *claim,
                     const struct fence_limits *limits, int64_t now, struct error *err)
{
        if (claim->epoch == state->epoch && text_equal(claim->holder, state->holder))
                return 0;
        if (claim->seen != state->epoch)
                return error_refuse(err,
                                    _("refused: the stage was given to %s in epoch %" PRIu64
                                      ", and this claim only knows of epoch %" PRIu64
                                      "; look at the state again first"),
                                    state->holder, state->epoch, claim->seen);
        if (claim->epoch <= state->epoch)
                return error_refuse(err, _("refused: epoch %" PRIu64 " is not newer than %" PRIu64), claim->epoch,
                                    state->epoch);
        if (claim->planned || text_equal(claim->holder, state->holder))
                return 0;
        return rule_flips(state, limits, now, err);
}

void fence_state_claim(struct fence_state *state, const struct fence_claim *claim, int64_t now)
{
        bool flip = !claim->planned && !text_equal(claim->holder, state->holder);

        state->epoch = claim->epoch;
        memset(state->holder, 0, sizeof(state->holder));
        memcpy(state->holder, claim->holder, strnlen(claim->holder, sizeof(state->holder) - 1));
        if (!flip)
                return;
        fence_state_stage(state, "");
        if (state->flip_count == FENCE_FLIPS) {
                memmove(state->flips, state->flips + 1, (FENCE_FLIPS - 1) * sizeof(state->flips[0]));
                state->flip_count--;
        }
        state->flips[state->flip_count++] = now;
}

int fence_rule_act(const struct fence_state *state, uint64_t epoch, struct error *err)
{
        if (epoch == state->epoch)
                return 0;
        return error_refuse(err,
                            _("refused: epoch %" PRIu64 " is over, the stage was given to %s in epoch %" PRIu64
                              "; whoever speaks for the old one must stop"),
                            epoch, state->holder, state->epoch);
}

int fence_rule_admit(const struct fence_state *state, const char *name, bool overlap, struct error *err)
{
        for (size_t i = 0; i < state->member_count; i++) {
                const struct fence_member *other = &state->members[i];

                if (text_equal(other->name, name) || other->place == FENCE_OUT || (overlap && other->place == FENCE_IN))
                        continue;
                if (other->place == FENCE_CLOSING)
                        return error_refuse(
                                err,
                                _("%s was not admitted to the database: it is not proven that %s is shut out; "
                                  "shut it out first"),
                                name, other->name);
                return error_refuse(err, _("%s was not admitted to the database: %s is in; shut it out first"), name,
                                    other->name);
        }
        return 0;
}

int fence_rule_stage(const struct fence_state *state, const char *name, struct error *err)
{
        if (fence_place_of(state, name) == FENCE_IN)
                return 0;
        return error_refuse(err, _("refused: %s is not let in at the database, so it may not have the service's address"),
                            name);
}

void fence_state_stage(struct fence_state *state, const char *name)
{
        memset(state->stage, 0, sizeof(state->stage));
        memcpy(state->stage, name, strnlen(name, sizeof(state->stage) - 1));
}

/* ---------------------------------------------------------------- as a file */

int fence_state_write(const struct fence_state *state, struct buffer *text)
{
        _cleanup_(json_decrefp) json_t *members = json_object(), *flips = json_array(), *all = NULL;
        char *dumped;
        int r;

        for (size_t i = 0; i < state->member_count; i++)
                if (json_object_set_new(members, state->members[i].name,
                                        json_string(place_names[state->members[i].place])) < 0)
                        return -ENOMEM;
        for (size_t i = 0; i < state->flip_count; i++)
                if (json_array_append_new(flips, json_integer(state->flips[i])) < 0)
                        return -ENOMEM;
        all = json_pack("{s:i, s:I, s:s, s:s, s:O, s:O}", "format", FORMAT, "epoch", (json_int_t)state->epoch, "holder",
                        state->holder, "stage", state->stage, "flips", flips, "servers", members);
        dumped = all ? json_dumps(all, JSON_INDENT(2)) : NULL;
        if (!dumped)
                return -ENOMEM;
        r = buffer_printf(text, "%s\n", dumped);
        free(dumped);
        return r;
}

static int read_members(json_t *from, struct fence_state *state)
{
        const char *name;
        json_t *value;

        json_object_foreach(from, name, value)
        {
                size_t place = 0;

                while (place < LENGTH(place_names) &&
                       !text_equal(json_string_value(value) ? json_string_value(value) : "", place_names[place]))
                        place++;
                if (place == LENGTH(place_names) || *name == '\0' ||
                    fence_place_set(state, name, (enum fence_place)place) < 0)
                        return -EINVAL;
        }
        return 0;
}

static int read_flips(json_t *from, struct fence_state *state)
{
        if (json_array_size(from) > FENCE_FLIPS)
                return -EINVAL;
        for (size_t i = 0; i < json_array_size(from); i++) {
                if (!json_is_integer(json_array_get(from, i)))
                        return -EINVAL;
                state->flips[state->flip_count++] = json_integer_value(json_array_get(from, i));
        }
        return 0;
}

int fence_state_read(const char *text, size_t length, struct fence_state *ret_state, struct error *err)
{
        _cleanup_(json_decrefp) json_t *all = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
        json_t *flips = NULL, *members = NULL;
        struct fence_state state = { 0 };
        const char *holder = NULL, *stage = NULL; /* files from before there were leases have no stage */
        json_int_t epoch = 0;
        int format = 0;

        if (!all ||
            json_unpack(all, "{s:i, s:I, s:s, s?:s, s:o, s:o !}", "format", &format, "epoch", &epoch, "holder", &holder,
                        "stage", &stage, "flips", &flips, "servers", &members) < 0 ||
            format != FORMAT || epoch < 1 || strlen(holder) >= sizeof(state.holder) ||
            (stage && strlen(stage) >= sizeof(state.stage)) || !json_is_array(flips) ||
            !json_is_object(members) || read_flips(flips, &state) < 0 || read_members(members, &state) < 0)
                return error_set(err, -EINVAL,
                                 _("the fence's state is damaged, or of another version; nobody is admitted to the "
                                   "database until the fence is begun anew"));
        state.epoch = (uint64_t)epoch;
        memcpy(state.holder, holder, strlen(holder));
        fence_state_stage(&state, stage ? stage : holder);
        *ret_state = state;
        return 0;
}
