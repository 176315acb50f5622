/*
 * rules.h - the register's rules: data to findings. Pure: no I/O, no clock.
 *
 * Each rule has a word, what it found, and what to do. A server that breaks a rule which is not mild is not
 * eligible for visitors nor for analysis; what nobody could look at counts as broken.
 *
 *     not-registered   a server of the configuration, or an address that DNS, an upstream, the database's rules or
 *                     the filter name, that the register does not know
 *     not-managed      it serves or collects, and is not of an in-house build
 *     other-build      it says that it is another build than the register's
 *     build-behind     others of the same service were moved to another build since, it was not
 *     altered          files of its packages are not what the distributor made
 *     packages-differ  the same build, but other packages or versions (mild)
 *     stale            nothing was heard of it for too long, or what it says is incomplete
 *     not-verified     a tree of it is not proven equal to its release, or not lately
 *     host-key         it has another host key than the register's
 *     unknown-key      a key may log in that nobody has entered
 *     contract-over    the contract is over, and its credentials and keys are still there
 *     old-credential   a credential is older than an incident that it may have leaked in
 *     second-root      another user than root has the user id 0
 *     still-named      it is retired, but somebody still sends to it or lets it in
 *     not-taken-over   it is to replace another and has not taken over its role
 *     open-to-network  the database's rules let in a whole network (mild)
 *     nobodys          it has no owner, or a contractor and no end of the contract (mild)
 */
#ifndef FLEET_RULES_H
#define FLEET_RULES_H

#include "fleet/fleet.h"

#define FLEET_WORDS_SIZE 400
#define FLEET_FINDINGS   10000

enum fleet_rule {
        FLEET_NOT_REGISTERED,
        FLEET_NOT_MANAGED,
        FLEET_OTHER_BUILD,
        FLEET_BUILD_BEHIND,
        FLEET_ALTERED,
        FLEET_PACKAGES_DIFFER,
        FLEET_STALE,
        FLEET_NOT_VERIFIED,
        FLEET_HOST_KEY_DIFFERS,
        FLEET_UNKNOWN_KEY,
        FLEET_CONTRACT_OVER,
        FLEET_OLD_CREDENTIAL,
        FLEET_SECOND_ROOT,
        FLEET_STILL_NAMED,
        FLEET_NOT_TAKEN_OVER,
        FLEET_OPEN_TO_NETWORK,
        FLEET_NOBODYS,
        FLEET_RULES
};

const char *fleet_rule_name(enum fleet_rule rule); /* "not-managed" */
bool fleet_rule_shuts_out(enum fleet_rule rule);
const char *fleet_rule_remedy(enum fleet_rule rule); /* translated: what to do */

/* A server was hit: from then on its credentials count as known to others. */
struct fleet_hit {
        char server[FLEET_NAME_SIZE];
        int64_t number, time_s; /* of the incident, and when it began */
};

struct fleet_question {
        const struct config *config; /* the site's servers and service; NULL: the register alone */
        int64_t now_s;
        int64_t stale_s;    /* facts older than that count as none */
        int64_t verified_s; /* trees not verified for so long count as not verified; 0: the configuration's, or 2 h */
        const struct fleet_hit *hits;
        size_t hit_count;
};

struct fleet_finding {
        enum fleet_rule rule;
        char server[FLEET_NAME_SIZE]; /* "": of none, but of an address */
        int64_t incident;             /* old-credential: which; 0 */
        char what[FLEET_WORDS_SIZE];  /* translated */
};

struct fleet_findings {
        struct fleet_finding *list;
        size_t count;
};
void fleet_findings_done(struct fleet_findings *findings);

/* Every rule on every server. -E2BIG past FLEET_FINDINGS. */
int fleet_judge(const struct fleet *fleet, const struct fleet_question *question, struct fleet_findings *ret_findings,
                struct error *err);

/* The first finding that shuts this server out; NULL: it is eligible. A server that is not registered is not. */
const struct fleet_finding *fleet_obstacle(const struct fleet_findings *findings, const char *server);

/* Does it serve visitors or collect their requests: by its role, by its open ports, or because somebody sends there? */
bool fleet_serves(const struct fleet *fleet, const struct fleet_server *server, const struct config *config);

#endif
