/* steps_describe.c - a move in words, for whoever is about to make it. */
#include <inttypes.h>
#include <stdio.h>

#include "base/i18n.h"
#include "steps.h"

#define SAY(...) snprintf(change, STEPS_WORDS, __VA_ARGS__)
#define BACK(...) snprintf(undo, STEPS_WORDS, __VA_ARGS__)

static const char *first_service(const struct config *config)
{
        return config->service.present && config->service.addresses.count ? config->service.addresses.items[0].text : "-";
}

static bool is_powered_off(const struct config *config, const char *name)
{
        const struct config_server *server = config_find_server(config, name);

        return server && server->standby_rest == CONFIG_POWERED_OFF;
}

void steps_describe(const struct config *config, const struct move *move, enum step step, char change[static STEPS_WORDS],
                    char undo[static STEPS_WORDS])
{
        const char *from = move->from, *to = move->to;

        change[0] = undo[0] = '\0';
        switch (step) {
        case STEP_CLAIM:
                SAY(_("%s gives out a new epoch: %s is to be on stage"), config->database.host, to);
                BACK(_("another epoch for %s"), from);
                break;
        case STEP_LOWER_TTL:
                SAY(_("the TTL of %zu names goes from %" PRIu64 " s to %" PRIu64 " s, and the old one is waited out"),
                    config->dns.names.count, config->dns.ttl, config->dns.move_ttl);
                BACK(_("the TTL of %" PRIu64 " s again"), config->dns.ttl);
                break;
        case STEP_PROVE_OLD: SAY(_("%s is pulled and verified"), from); break;
        case STEP_PROVE_NEW:
                if (is_powered_off(config, to))
                        SAY(_("%s is started where it is powered off, pulled and verified"), to);
                else
                        SAY(_("%s is pulled and verified"), to);
                break;
        case STEP_PREPARE:
                SAY(_("the web server of %s is started where it rests stopped"), to);
                BACK(_("it is stopped again"));
                break;
        case STEP_CARRY:
                SAY(_("what is in the mutable areas of %s is carried over to %s"), from, to);
                BACK(_("what %s was given meanwhile is carried back"), to);
                break;
        case STEP_ADMIT:
                SAY(_("the database on %s lets %s in"), config->database.host, to);
                BACK(_("%s is shut out again"), to);
                break;
        case STEP_PROBE_NEW: SAY(_("%zu checks of pages at %s's own address"), config->check_count, to); break;
        case STEP_RELAY:
                SAY(_("%s is told to hand packets of established connections on to %s, which keeps %s for them on lo"), to, from,
                    first_service(config));
                BACK(_("that is taken away again"));
                break;
        case STEP_STILL_CLEAN: SAY(_("nothing has been found on %s since it was verified"), to); break;
        case STEP_STOP_OLD: SAY(_("%s is told to drop the service's address, if it hears it"), from); break;
        case STEP_ADDRESS:
                SAY(_("%s goes from %s to %s"), first_service(config), from, to);
                BACK(_("and back"));
                break;
        case STEP_DNS:
                SAY(_("%zu names go from the addresses of %s to those of %s"), config->dns.names.count, from, to);
                BACK(_("and back"));
                break;
        case STEP_EXEC:
                SAY(_("\"%.100s\" leads visitors from %s to %s, and \"%.100s\" must see %s on stage"), config->exec.move, from, to,
                    config->exec.look, to);
                BACK(_("the same program, told to lead them to %s"), from);
                break;
        case STEP_PROBE_SITE: SAY(_("%zu checks of pages as a visitor sees them"), config->check_count); break;
        case STEP_DRAIN:
                SAY(_("the connections of %s end, or %" PRId64 " s are over"), from, config->limits.drain_ms / 1000);
                BACK(_("nothing is to be undone"));
                break;
        case STEP_FENCE:
                SAY(_("the database on %s shuts %s out, and that is proven"), config->database.host, from);
                break;
        case STEP_RELAY_END: SAY(_("no more is handed on to %s: a connection that still stands breaks"), from); break;
        case STEP_CARRY_LAST: SAY(_("what %s was still given is carried over to %s"), from, to); break;
        case STEP_RESTORE_TTL: SAY(_("the TTL of %" PRIu64 " s again"), config->dns.ttl); break;
        case STEP_REST: SAY(_("%s is free to be worked on"), from); break;
        case STEPS: break;
        }
}
