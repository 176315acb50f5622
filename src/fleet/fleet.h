/*
 * fleet.h - the register of servers, as data: what was entered once, and what was measured last.
 *
 * In July 2009 an analysis server served an injected script: the first one had been moved to the in-house build, the
 * second was forgotten. Nobody kept a list by which that could be seen. This is that list; rules.h are its rules,
 * register.h is where it is kept, facts.h is what the agents say.
 */
#ifndef FLEET_FLEET_H
#define FLEET_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "fleet/facts.h"

#define FLEET_SERVERS   256
#define FLEET_ITEMS     64  /* of one server */
#define FLEET_NAME_SIZE 65  /* with NUL */
#define FLEET_TEXT_SIZE 201 /* with NUL */

enum fleet_origin { FLEET_UNKNOWN, FLEET_IN_HOUSE, FLEET_OUTSOURCED };
const char *fleet_origin_name(enum fleet_origin origin); /* "in-house" */
bool fleet_origin_parse(const char *text, enum fleet_origin *ret_origin);

enum fleet_item_kind {
        FLEET_ADDRESS,
        FLEET_CREDENTIAL, /* a name, as "ftp upload"; two servers with the same name share it */
        FLEET_KEY,        /* fingerprint of a key that may log in */
        FLEET_HOST_KEY    /* fingerprint of its own */
};

struct fleet_item {
        enum fleet_item_kind kind;
        char text[FLEET_TEXT_SIZE];
        int64_t time_s; /* a credential was last changed, another was entered */
};

struct fleet_server {
        char name[FLEET_NAME_SIZE];
        int role;   /* enum config_role; CONFIG_ROLE_UNSAID: none (any more, or yet) */
        int origin; /* enum fleet_origin */
        char owner[FLEET_TEXT_SIZE], contractor[FLEET_TEXT_SIZE];
        char build[FLEET_TEXT_SIZE];    /* the in-house build that it is; "": none */
        char replaces[FLEET_NAME_SIZE]; /* whose role it is to take over; "": it has a role of its own */
        char replaced_by[FLEET_NAME_SIZE];
        int64_t contract_end_s, build_since_s, added_s, retired_s; /* 0: none, not */
        struct fleet_item *items;
        size_t item_count;
        /* Measured. */
        int64_t asked_s, facts_s;      /* last asked, last answered; 0: never */
        char failure[FLEET_TEXT_SIZE]; /* why the last question was not answered; "": it was */
        struct facts *facts;           /* owned; NULL: never answered */
};

struct fleet {
        struct fleet_server *servers;
        size_t count;
        struct facts named; /* what the controller itself found named, in DNS: only its names count */
        int64_t named_s;    /* when; 0: never */
};

void fleet_done(struct fleet *fleet);
struct fleet_server *fleet_find(const struct fleet *fleet, const char *name);

/* NULL when it is not among the items. */
const struct fleet_item *fleet_item_find(const struct fleet_server *server, enum fleet_item_kind kind,
                                         const char *text);

/* Why an incident on one server is a task for another: they have the same build, contractor, credential or key. The
 * word ("build", "contractor", "credential", "key") and what it is, NULL when they share nothing. */
const char *fleet_shares(const struct fleet_server *one, const struct fleet_server *other, const char **ret_what);

#endif
