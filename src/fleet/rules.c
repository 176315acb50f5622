/* rules.c - one function for each rule. */
#include "fleet/rules.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/naming.h"

#define VERIFIED_S (2 * 60 * 60)

static const char *const rule_names[FLEET_RULES] = {
        [FLEET_NOT_REGISTERED] = "not-registered",
        [FLEET_NOT_MANAGED] = "not-managed",
        [FLEET_OTHER_BUILD] = "other-build",
        [FLEET_BUILD_BEHIND] = "build-behind",
        [FLEET_ALTERED] = "altered",
        [FLEET_PACKAGES_DIFFER] = "packages-differ",
        [FLEET_STALE] = "stale",
        [FLEET_NOT_VERIFIED] = "not-verified",
        [FLEET_HOST_KEY_DIFFERS] = "host-key",
        [FLEET_UNKNOWN_KEY] = "unknown-key",
        [FLEET_CONTRACT_OVER] = "contract-over",
        [FLEET_OLD_CREDENTIAL] = "old-credential",
        [FLEET_SECOND_ROOT] = "second-root",
        [FLEET_STILL_NAMED] = "still-named",
        [FLEET_NOT_TAKEN_OVER] = "not-taken-over",
        [FLEET_OPEN_TO_NETWORK] = "open-to-network",
        [FLEET_NOBODYS] = "nobodys",
};

/* What to do. */
static const char *const remedies[FLEET_RULES] = {
        [FLEET_NOT_REGISTERED] = N_("register it with 'understudy fleet add', or take it out where it is named"),
        [FLEET_NOT_MANAGED] = N_("move it to the in-house build, or replace it: 'fleet add NEW --replaces OLD'"),
        [FLEET_OTHER_BUILD] = N_("build it anew; enter the build only after that"),
        [FLEET_BUILD_BEHIND] = N_("move it to that build too, or retire it"),
        [FLEET_ALTERED] = N_("treat it as broken into: replace it, and open an incident"),
        [FLEET_PACKAGES_DIFFER] = N_("bring both to the same packages"),
        [FLEET_STALE] = N_("mend its agent, then 'understudy fleet check'"),
        [FLEET_NOT_VERIFIED] = N_("run 'understudy pull' and 'understudy verify' there"),
        [FLEET_HOST_KEY_DIFFERS] = N_("find out whose machine answers; enter a new key only then"),
        [FLEET_UNKNOWN_KEY] = N_("remove it there, or enter it: 'fleet add NAME --key'"),
        [FLEET_CONTRACT_OVER] = N_("remove their keys and accounts, change what they knew, then enter the new owner"),
        [FLEET_OLD_CREDENTIAL] = N_("change it, then enter that: 'fleet add NAME --credential NAME=DATE'"),
        [FLEET_SECOND_ROOT] = N_("find out who made that user, and remove it"),
        [FLEET_STILL_NAMED] = N_("take it out there"),
        [FLEET_NOT_TAKEN_OVER] = N_("end it with 'understudy fleet retire OLD --by NEW'"),
        [FLEET_OPEN_TO_NETWORK] = N_("name the servers one by one"),
        [FLEET_NOBODYS] = N_("enter who answers for it: 'fleet add NAME --owner'"),
};

/* Those that are told, and shut nobody out. */
static const bool is_mild[FLEET_RULES] = {
        [FLEET_PACKAGES_DIFFER] = true,
        [FLEET_OPEN_TO_NETWORK] = true,
        [FLEET_NOBODYS] = true,
};

const char *fleet_rule_name(enum fleet_rule rule)
{
        return rule_names[rule];
}

bool fleet_rule_shuts_out(enum fleet_rule rule)
{
        return !is_mild[rule];
}

const char *fleet_rule_remedy(enum fleet_rule rule)
{
        return _(remedies[rule]);
}

/* What the functions of the rules share. */
struct judge {
        const struct fleet *fleet;
        const struct fleet_question *question;
        struct fleet_findings findings;
        bool no_memory, too_many;
};

static void find(struct judge *judge, enum fleet_rule rule, const char *server, const char *format, ...) _printf_(4, 5);
static void find(struct judge *judge, enum fleet_rule rule, const char *server, const char *format, ...)
{
        struct fleet_findings *findings = &judge->findings;
        struct fleet_finding *finding;
        va_list arguments;

        if (findings->count == FLEET_FINDINGS)
                judge->too_many = true;
        else if (memory_grow(&findings->list, findings->count, sizeof(*findings->list)) < 0)
                judge->no_memory = true;
        if (judge->too_many || judge->no_memory)
                return;
        finding = &findings->list[findings->count++];
        finding->rule = rule;
        finding->incident = 0;
        snprintf(finding->server, sizeof(finding->server), "%s", server);
        va_start(arguments, format);
        vsnprintf(finding->what, sizeof(finding->what), format, arguments);
        va_end(arguments);
}

static void format_date(int64_t time_s, char text[static CLOCK_TEXT_SIZE])
{
        clock_format_utc(time_s, text);
        text[strlen("2009-07-06")] = '\0';
}

static bool is_web(int role)
{
        return role == CONFIG_PRODUCTION || role == CONFIG_STANDBY;
}

static bool same_service(const struct fleet_server *one, const struct fleet_server *other)
{
        return one->role == other->role ? one->role != CONFIG_ROLE_UNSAID : is_web(one->role) && is_web(other->role);
}

/* ---- who serves ---- */

static const struct fleet_server *whose(const struct fleet *fleet, const struct facts_name *name,
                                        const struct config *config, enum naming *ret_naming)
{
        const struct fleet_server *server = NULL;

        *ret_naming = naming_of(fleet, config, name->address, &server);
        return server;
}

static bool is_sent_to(const struct facts_name *name)
{
        return text_equal(name->source, "dns") || text_equal(name->source, "upstream");
}

static bool sends_to(const struct fleet *fleet, const struct facts *facts, const struct fleet_server *server,
                     const struct config *config)
{
        enum naming naming;

        for (size_t i = 0; facts && i < facts->name_count; i++)
                if (is_sent_to(&facts->names[i]) && whose(fleet, &facts->names[i], config, &naming) == server)
                        return true;
        return false;
}

bool fleet_serves(const struct fleet *fleet, const struct fleet_server *server, const struct config *config)
{
        static const uint64_t web_ports[] = { 80, 443 };
        const struct config_ports *ports = config && config->service.present ? &config->service.ports : NULL;

        if (is_web(server->role) || server->role == CONFIG_ANALYSIS)
                return true;
        if (server->facts &&
            facts_listens(server->facts, ports ? ports->items : web_ports, ports ? ports->count : LENGTH(web_ports)))
                return true;
        if (sends_to(fleet, &fleet->named, server, config))
                return true;
        for (size_t i = 0; i < fleet->count; i++)
                if (sends_to(fleet, fleet->servers[i].facts, server, config))
                        return true;
        return false;
}

/* ---- what it is built of ---- */

/* The rule that would have found the second analysis server. */
static void judge_managed(struct judge *judge, const struct fleet_server *server)
{
        if (!fleet_serves(judge->fleet, server, judge->question->config))
                return;
        if (server->origin != FLEET_IN_HOUSE)
                find(judge, FLEET_NOT_MANAGED, server->name,
                     _("it serves visitors or collects their requests, and its origin is %s"),
                     fleet_origin_name((enum fleet_origin)server->origin));
        else if (!*server->build)
                find(judge, FLEET_NOT_MANAGED, server->name,
                     _("it serves visitors or collects their requests, and is of no build that was entered"));
}

static void judge_build(struct judge *judge, const struct fleet_server *server)
{
        const struct facts *facts = server->facts;

        if (!facts)
                return;
        if (*server->build && !text_equal(server->build, facts->build))
                find(judge, FLEET_OTHER_BUILD, server->name,
                     _("the register says that it is of the build %s, it says: %s"), server->build,
                     *facts->build ? facts->build : _("none"));
        if (facts->altered > 0)
                find(judge, FLEET_ALTERED, server->name,
                     _("%lld files of its packages are altered or missing, %s among them"), (long long)facts->altered,
                     facts->altered_file_count ? facts->altered_files[0] : "?");
        for (size_t i = 0; i < facts->user_count; i++)
                if (facts->users[i].uid == 0 && !text_equal(facts->users[i].name, "root"))
                        find(judge, FLEET_SECOND_ROOT, server->name, _("the user %s has the user id 0"),
                             facts->users[i].name);
}

static bool is_active(const struct fleet_server *server)
{
        return !server->retired_s && !*server->replaces;
}

/* The in-house build that the service was moved to last: there the others belong. NULL: there is none. */
static const struct fleet_server *find_last(const struct judge *judge, const struct fleet_server *server)
{
        const struct fleet_server *last = server->origin == FLEET_IN_HOUSE && *server->build ? server : NULL;

        for (size_t i = 0; i < judge->fleet->count; i++) {
                const struct fleet_server *other = &judge->fleet->servers[i];

                if (other == server || !is_active(other) || !same_service(server, other) ||
                    other->origin != FLEET_IN_HOUSE || !*other->build)
                        continue;
                /* At the same moment: each is behind the other, until a person decides. */
                if (!last || other->build_since_s > last->build_since_s ||
                    (other->build_since_s == last->build_since_s && !text_equal(other->build, server->build)))
                        last = other;
        }
        return last;
}

static const struct fleet_server *find_other_packages(const struct judge *judge, const struct fleet_server *server)
{
        for (size_t i = 0; i < judge->fleet->count && server->facts && *server->build && *server->facts->packages;
             i++) {
                const struct fleet_server *other = &judge->fleet->servers[i];

                if (other != server && is_active(other) && same_service(server, other) && other->facts &&
                    text_equal(server->build, other->build) && *other->facts->packages &&
                    !text_equal(other->facts->packages, server->facts->packages))
                        return other;
        }
        return NULL;
}

/* Same service on different builds. */
static void judge_service(struct judge *judge, const struct fleet_server *server)
{
        const struct fleet_server *last, *differs;
        char since[CLOCK_TEXT_SIZE];

        if (!is_active(server))
                return;
        last = find_last(judge, server);
        differs = find_other_packages(judge, server);
        if (last && !text_equal(last->build, server->build)) {
                format_date(last->build_since_s, since);
                find(judge, FLEET_BUILD_BEHIND, server->name,
                     _("%s of the same service was moved to the build %s on %s, this one is of %s"), last->name,
                     last->build, since, *server->build ? server->build : _("none"));
        }
        if (differs)
                find(judge, FLEET_PACKAGES_DIFFER, server->name, _("%s has the same build, but not the same packages"),
                     differs->name);
}

/* ---- what was measured, and when ---- */

static void judge_stale(struct judge *judge, const struct fleet_server *server)
{
        const int64_t age = judge->question->now_s - server->facts_s;

        if (!server->facts_s)
                find(judge, FLEET_STALE, server->name, "%s",
                     *server->failure ? server->failure : _("it was never asked"));
        else if (*server->failure)
                find(judge, FLEET_STALE, server->name, _("it did not answer when it was asked last: %s"),
                     server->failure);
        else if (age > judge->question->stale_s || age < 0)
                find(judge, FLEET_STALE, server->name, _("what is known of it is %lld hours old"),
                     (long long)(age / 3600));
        else if (server->facts && !server->facts->packages_verified)
                find(judge, FLEET_STALE, server->name, _("its packages could not be verified: %s"),
                     server->facts->problem_count ? server->facts->problems[0] : "?");
}

static void judge_trees(struct judge *judge, const struct fleet_server *server)
{
        const struct fleet_question *question = judge->question;
        int64_t most = question->verified_s;

        if (!is_web(server->role) || !server->facts)
                return;
        if (!most)
                most = question->config ? question->config->limits.verified_ms / 1000 : VERIFIED_S;
        if (server->facts->tree_count == 0)
                find(judge, FLEET_NOT_VERIFIED, server->name, _("no tree was ever pulled there"));
        for (size_t i = 0; i < server->facts->tree_count; i++) {
                const struct facts_tree *tree = &server->facts->trees[i];

                if (!tree->eligible)
                        find(judge, FLEET_NOT_VERIFIED, server->name, _("visitors may not be sent to %s"), tree->dest);
                else if (question->now_s - tree->verified > most)
                        find(judge, FLEET_NOT_VERIFIED, server->name, _("%s was not verified for %lld minutes"),
                             tree->dest, (long long)((question->now_s - tree->verified) / 60));
        }
}

/* ---- who may enter ---- */

static bool has_items(const struct fleet_server *server, enum fleet_item_kind kind)
{
        for (size_t i = 0; i < server->item_count; i++)
                if (server->items[i].kind == kind)
                        return true;
        return false;
}

static void judge_keys(struct judge *judge, const struct fleet_server *server)
{
        const struct facts *facts = server->facts;

        if (!facts)
                return;
        for (size_t i = 0; i < facts->key_count; i++)
                if (!fleet_item_find(server, FLEET_KEY, facts->keys[i].fingerprint))
                        find(judge, FLEET_UNKNOWN_KEY, server->name, _("the key %s (%s) may log in as %s"),
                             facts->keys[i].fingerprint, facts->keys[i].comment, facts->keys[i].user);
        if (!has_items(server, FLEET_HOST_KEY))
                return;
        if (facts->host_key_count == 0)
                find(judge, FLEET_HOST_KEY_DIFFERS, server->name, _("it says nothing of its host key"));
        for (size_t i = 0; i < facts->host_key_count; i++)
                if (!fleet_item_find(server, FLEET_HOST_KEY, facts->host_keys[i]))
                        find(judge, FLEET_HOST_KEY_DIFFERS, server->name, _("its host key %s is not in the register"),
                             facts->host_keys[i]);
}

static void judge_contract(struct judge *judge, const struct fleet_server *server)
{
        size_t left = server->facts ? server->facts->key_count : 0;
        char end[CLOCK_TEXT_SIZE];

        if (!server->contract_end_s || server->contract_end_s >= judge->question->now_s)
                return;
        for (size_t i = 0; i < server->item_count; i++)
                left += server->items[i].kind == FLEET_CREDENTIAL && server->items[i].time_s <= server->contract_end_s;
        if (left == 0)
                return;
        format_date(server->contract_end_s, end);
        find(judge, FLEET_CONTRACT_OVER, server->name,
             _("the contract with %s ended on %s, and %zu credentials or keys of that time are still good"),
             *server->contractor ? server->contractor : _("its contractor"), end, left);
}

/* On the server that was hit, and on those which have the same credential. */
static void judge_credentials(struct judge *judge, const struct fleet_server *server)
{
        for (size_t i = 0; i < judge->question->hit_count; i++) {
                const struct fleet_hit *hit = &judge->question->hits[i];
                const struct fleet_server *there = fleet_find(judge->fleet, hit->server);

                for (size_t j = 0; there && j < server->item_count; j++) {
                        const struct fleet_item *item = &server->items[j];
                        char changed[CLOCK_TEXT_SIZE];

                        if (item->kind != FLEET_CREDENTIAL || item->time_s > hit->time_s ||
                            (there != server && !fleet_item_find(there, FLEET_CREDENTIAL, item->text)))
                                continue;
                        format_date(item->time_s, changed);
                        find(judge, FLEET_OLD_CREDENTIAL, server->name,
                             _("'%s' was last changed on %s, before incident %lld on %s"), item->text, changed,
                             (long long)hit->number, hit->server);
                        if (judge->findings.count)
                                judge->findings.list[judge->findings.count - 1].incident = hit->number;
                }
        }
}

static void judge_owner(struct judge *judge, const struct fleet_server *server)
{
        if (!*server->owner)
                find(judge, FLEET_NOBODYS, server->name, _("nobody is entered who answers for it"));
        else if (*server->contractor && !server->contract_end_s)
                find(judge, FLEET_NOBODYS, server->name, _("%s has a contract for it, and no end of that is entered"),
                     server->contractor);
}

/* ---- who is named ---- */

static void judge_name(struct judge *judge, const char *teller, const struct facts_name *name)
{
        enum naming naming;
        const struct fleet_server *server = whose(judge->fleet, name, judge->question->config, &naming);

        if (naming == NAMING_NOBODY)
                find(judge, FLEET_NOT_REGISTERED, "",
                     _("%s is named by %s (%s on %s) and belongs to no server of the register"), name->address,
                     name->source, name->where, teller);
        else if (naming == NAMING_NETWORK && text_equal(name->source, "database"))
                find(judge, FLEET_OPEN_TO_NETWORK, teller, _("%s lets in %s, not single servers"), name->where,
                     name->address);
        else if (naming == NAMING_SERVER && server->retired_s)
                find(judge, FLEET_STILL_NAMED, server->name, _("%s is named by %s (%s on %s)"), name->address,
                     name->source, name->where, teller);
}

static void judge_names(struct judge *judge, const char *teller, const struct facts *facts)
{
        for (size_t i = 0; facts && i < facts->name_count; i++)
                judge_name(judge, teller, &facts->names[i]);
}

static void judge_configured(struct judge *judge)
{
        const struct config *config = judge->question->config;

        for (size_t i = 0; config && i < config->server_count; i++) {
                const struct fleet_server *server = fleet_find(judge->fleet, config->servers[i].name);

                if (!server)
                        find(judge, FLEET_NOT_REGISTERED, config->servers[i].name,
                             _("it stands in the site's configuration alone"));
                else if (server->retired_s)
                        find(judge, FLEET_STILL_NAMED, server->name, _("it still stands in the site's configuration"));
        }
}

/* ---- all ---- */

static void judge_server(struct judge *judge, const struct fleet_server *server)
{
        if (server->retired_s)
                return;
        if (*server->replaces)
                find(judge, FLEET_NOT_TAKEN_OVER, server->name, _("it is to replace %s, which has the role still"),
                     server->replaces);
        judge_managed(judge, server);
        judge_build(judge, server);
        judge_service(judge, server);
        judge_stale(judge, server);
        judge_trees(judge, server);
        judge_keys(judge, server);
        judge_contract(judge, server);
        judge_credentials(judge, server);
        judge_owner(judge, server);
}

int fleet_judge(const struct fleet *fleet, const struct fleet_question *question, struct fleet_findings *ret_findings,
                struct error *err)
{
        struct judge judge = { .fleet = fleet, .question = question };

        judge_configured(&judge);
        for (size_t i = 0; i < fleet->count; i++)
                judge_server(&judge, &fleet->servers[i]);
        judge_names(&judge, _("the controller"), &fleet->named);
        for (size_t i = 0; i < fleet->count; i++)
                if (!fleet->servers[i].retired_s)
                        judge_names(&judge, fleet->servers[i].name, fleet->servers[i].facts);
        if (judge.no_memory || judge.too_many) {
                fleet_findings_done(&judge.findings);
                return judge.no_memory
                               ? error_memory(err)
                               : error_set(err, -E2BIG, _("the register has more than %d findings"), FLEET_FINDINGS);
        }
        *ret_findings = judge.findings;
        return 0;
}

void fleet_findings_done(struct fleet_findings *findings)
{
        free(findings->list);
        *findings = (struct fleet_findings){ 0 };
}

const struct fleet_finding *fleet_obstacle(const struct fleet_findings *findings, const char *server)
{
        for (size_t i = 0; i < findings->count; i++)
                if (!is_mild[findings->list[i].rule] && text_equal(findings->list[i].server, server))
                        return &findings->list[i];
        return NULL;
}
