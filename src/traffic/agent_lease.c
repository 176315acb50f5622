/* agent_lease.c - the arbiter of the stage, for the keepers and for the controller: answered in microseconds. */
#include <unistd.h>

#include "agent_site.h"
#include "agent_stage.h"
#include "base/attributes.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "fence.h"
#include "grant.h"

static int tell_lease(struct agent_call *call, const struct fence_state *state, bool granted, struct error *err)
{
        json_t *told = json_pack("{s:b, s:I, s:s}", "granted", granted, "epoch", (json_int_t)state->epoch, "stage", state->stage);
        int r = told ? json_object_update(call->result, told) : -1;

        json_decref(told);
        return r < 0 ? error_memory(err) : 0;
}

int agent_lease(struct agent_call *call, struct error *err)
{
        const struct agent_site *site = call->context;
        _cleanup_(fd_closep) int folder = -1;
        _cleanup_(grant_close) struct grant grant = { 0 };
        struct fence_state state;
        bool granted;
        int r;

        if (!site->asker)
                return error_usage(err, _("a lease is asked for by the keeper of a server; its line in authorized_keys has "
                                          "--for NAME"));
        folder = r = agent_fence_folder(site->state, err);
        if (r >= 0)
                r = grant_open(folder, site->asker, &grant, err);
        if (r < 0)
                return r;
        grant_begin(&grant);
        r = fence_peek(folder, &state, err);
        granted = r == 0 && text_equal(state.stage, site->asker);
        if (!granted)
                grant_revoke(&grant);
        return r < 0 ? r : tell_lease(call, &state, granted, err);
}

static json_t *tell_members(const struct agent_site *site, int folder, const struct fence_state *state)
{
        json_t *list = json_array();

        for (size_t i = 0; i < state->member_count; i++) {
                const struct fence_member *member = &state->members[i];
                int64_t last = 0;

                if (!config_find_server(site->config, member->name) || grant_last(folder, member->name, &last, NULL) < 0)
                        last = 0;
                json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "server", member->name, "place",
                                                      fence_place_name(member->place), "granted_ms",
                                                      (json_int_t)(last ? grant_now_ms() - last : -1)));
        }
        return list;
}

int agent_arbiter(struct agent_call *call, struct error *err)
{
        const struct agent_site *site = call->context;
        _cleanup_(fd_closep) int folder = -1;
        struct fence_state state;
        json_t *flips, *told;
        int r = agent_fence_folder(site->state, err);

        folder = r;
        if (r >= 0)
                r = fence_peek(folder, &state, err);
        if (r < 0)
                return r;
        flips = json_array();
        for (size_t i = 0; i < state.flip_count; i++)
                json_array_append_new(flips, json_integer(clock_now() - state.flips[i]));
        told = json_pack("{s:I, s:s, s:s, s:o, s:o}", "epoch", (json_int_t)state.epoch, "holder", state.holder, "stage",
                         state.stage, "flips", flips, "members", tell_members(site, folder, &state));
        r = told ? json_object_update(call->result, told) : -1;
        json_decref(told);
        return r < 0 ? error_memory(err) : 0;
}
