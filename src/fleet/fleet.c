/* fleet.c - the register as data: finding in it. */
#include "fleet/fleet.h"

#include <stdlib.h>

#include "base/attributes.h"
#include "base/text.h"

static const char *const origins[] = {
        [FLEET_UNKNOWN] = "unknown", [FLEET_IN_HOUSE] = "in-house", [FLEET_OUTSOURCED] = "outsourced"
};

const char *fleet_origin_name(enum fleet_origin origin)
{
        return origins[origin];
}

bool fleet_origin_parse(const char *text, enum fleet_origin *ret_origin)
{
        for (size_t i = 0; i < LENGTH(origins); i++)
                if (text_equal(origins[i], text)) {
                        *ret_origin = (enum fleet_origin)i;
                        return true;
                }
        return false;
}

void fleet_done(struct fleet *fleet)
{
        for (size_t i = 0; i < fleet->count; i++) {
                free(fleet->servers[i].items);
                if (fleet->servers[i].facts)
                        facts_done(fleet->servers[i].facts);
                free(fleet->servers[i].facts);
        }
        free(fleet->servers);
        facts_done(&fleet->named);
        *fleet = (struct fleet){ 0 };
}

struct fleet_server *fleet_find(const struct fleet *fleet, const char *name)
{
        for (size_t i = 0; i < fleet->count; i++)
                if (text_equal(fleet->servers[i].name, name))
                        return &fleet->servers[i];
        return NULL;
}

const struct fleet_item *fleet_item_find(const struct fleet_server *server, enum fleet_item_kind kind, const char *text)
{
        for (size_t i = 0; i < server->item_count; i++)
                if (server->items[i].kind == kind && text_equal(server->items[i].text, text))
                        return &server->items[i];
        return NULL;
}

/* A key that was measured on the one may log in at the other, whether or not somebody entered it. */
static const char *shared_key(const struct fleet_server *one, const struct fleet_server *other)
{
        for (size_t i = 0; one->facts && i < one->facts->key_count; i++) {
                const struct facts_key *key = &one->facts->keys[i];

                if (key->forced)
                        continue;
                for (size_t j = 0; other->facts && j < other->facts->key_count; j++)
                        if (!other->facts->keys[j].forced &&
                            text_equal(other->facts->keys[j].fingerprint, key->fingerprint))
                                return key->fingerprint;
        }
        return NULL;
}

/* The controller's own key is on each server, bound to the agent: nobody gets from one to the other by it. */
static bool is_forced(const struct fleet_server *server, const char *fingerprint)
{
        for (size_t i = 0; server->facts && i < server->facts->key_count; i++)
                if (server->facts->keys[i].forced && text_equal(server->facts->keys[i].fingerprint, fingerprint))
                        return true;
        return false;
}

const char *fleet_shares(const struct fleet_server *one, const struct fleet_server *other, const char **ret_what)
{
        const char *key = shared_key(one, other);

        for (size_t i = 0; i < one->item_count; i++) {
                const struct fleet_item *item = &one->items[i];

                if ((item->kind == FLEET_CREDENTIAL ||
                     (item->kind == FLEET_KEY && !is_forced(one, item->text) && !is_forced(other, item->text))) &&
                    fleet_item_find(other, item->kind, item->text)) {
                        *ret_what = item->text;
                        return item->kind == FLEET_KEY ? "key" : "credential";
                }
        }
        if (key) {
                *ret_what = key;
                return "key";
        }
        if (*one->contractor && text_equal(one->contractor, other->contractor)) {
                *ret_what = one->contractor;
                return "contractor";
        }
        if (*one->build && text_equal(one->build, other->build)) {
                *ret_what = one->build;
                return "build";
        }
        return NULL;
}
