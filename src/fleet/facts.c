/* facts.c - an agent's answer, member by member. */
#include "fleet/facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"

/* What a member of an object must be. */
enum kind { TEXT, TIME, NUMBER, FLAG };

struct member {
        const char *name;
        enum kind kind;
        size_t offset; /* in the struct */
};

/* A list of objects. */
struct list {
        const char *name;
        const struct member *members;
        size_t member_count, size, list_offset, count_offset;
};

#define AT(type, name) offsetof(struct type, name)

static const struct member user_members[] = {
        {"name",          TEXT,   AT(facts_user, name)        },
        { "uid",          NUMBER, AT(facts_user, uid)         },
        { "password_set", TIME,   AT(facts_user, password_set)},
};
static const struct member key_members[] = {
        {"user",         TEXT, AT(facts_key, user)       },
        { "fingerprint", TEXT, AT(facts_key, fingerprint)},
        { "comment",     TEXT, AT(facts_key, comment)    },
        { "seen",        TIME, AT(facts_key, seen)       },
        { "forced",      FLAG, AT(facts_key, forced)     },
};
static const struct member port_members[] = {
        {"protocol", TEXT,   AT(facts_port, protocol)},
        { "address", TEXT,   AT(facts_port, address) },
        { "port",    NUMBER, AT(facts_port, port)    },
};
static const struct member name_members[] = {
        {"source",   TEXT, AT(facts_name, source) },
        { "where",   TEXT, AT(facts_name, where)  },
        { "address", TEXT, AT(facts_name, address)},
};
static const struct member tree_members[] = {
        {"dest",      TEXT, AT(facts_tree, dest)    },
        { "eligible", FLAG, AT(facts_tree, eligible)},
        { "verified", TIME, AT(facts_tree, verified)},
};

#define LIST(name, members, type, list, count)                                                                         \
        {                                                                                                              \
                name, members, LENGTH(members), sizeof(struct type), AT(facts, list), AT(facts, count)                 \
        }

static const struct list lists[] = {
        LIST("users", user_members, facts_user, users, user_count),
        LIST("keys", key_members, facts_key, keys, key_count),
        LIST("listening", port_members, facts_port, ports, port_count),
        LIST("names", name_members, facts_name, names, name_count),
        LIST("trees", tree_members, facts_tree, trees, tree_count),
};

/* ---- values ---- */

static int bad(struct error *err, const char *name)
{
        return error_set(err, -EBADMSG,
                         _("what its agent says of the server cannot be read: '%s' is not as it must be"), name);
}

static bool is_text(const json_t *value)
{
        return json_is_string(value) && json_string_length(value) <= FACTS_TEXT &&
               text_is_printable(json_string_value(value), json_string_length(value));
}

static bool is_number(const json_t *value)
{
        return json_is_integer(value) && json_integer_value(value) >= 0 &&
               json_integer_value(value) <= UINT32_MAX * INT64_C(4);
}

/* A member that is missing or null leaves what is there: zero, and for a text "". */
static int take_member(const json_t *object, const struct member *member, char *slot, struct error *err)
{
        const json_t *value = json_object_get(object, member->name);
        const bool missing = !value || json_is_null(value);

        switch (member->kind) {
        case TEXT:
                if (!missing && !is_text(value))
                        return bad(err, member->name);
                *(const char **)(void *)(slot + member->offset) = missing ? "" : json_string_value(value);
                return 0;
        case TIME:
        case NUMBER:
                if (!missing && !is_number(value))
                        return bad(err, member->name);
                *(int64_t *)(void *)(slot + member->offset) = missing ? 0 : json_integer_value(value);
                return 0;
        case FLAG:
                if (!missing && !json_is_boolean(value))
                        return bad(err, member->name);
                *(bool *)(void *)(slot + member->offset) = json_is_true(value);
                return 0;
        }
        return 0;
}

static int take_list(const json_t *json, const struct list *list, struct facts *facts, struct error *err)
{
        const json_t *values = json_object_get(json, list->name);
        size_t count = json_array_size(values);
        char *items;

        if (values && (!json_is_array(values) || count > FACTS_MEMBERS))
                return bad(err, list->name);
        if (count == 0)
                return 0;
        items = memory_new(count, list->size);
        if (!items)
                return error_memory(err);
        *(char **)(void *)((char *)facts + list->list_offset) = items;
        *(size_t *)(void *)((char *)facts + list->count_offset) = count;
        for (size_t i = 0; i < count; i++) {
                if (!json_is_object(json_array_get(values, i)))
                        return bad(err, list->name);
                for (size_t j = 0; j < list->member_count; j++) {
                        int r = take_member(json_array_get(values, i), &list->members[j], items + i * list->size, err);

                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

static int take_texts(const json_t *json, const char *name, const char ***ret_list, size_t *ret_count,
                      struct error *err)
{
        const json_t *values = json_object_get(json, name);
        size_t count = json_array_size(values);

        if (values && (!json_is_array(values) || count > FACTS_MEMBERS))
                return bad(err, name);
        if (count == 0)
                return 0;
        *ret_list = memory_new(count, sizeof(**ret_list));
        if (!*ret_list)
                return error_memory(err);
        *ret_count = count;
        for (size_t i = 0; i < count; i++) {
                if (!is_text(json_array_get(values, i)))
                        return bad(err, name);
                (*ret_list)[i] = json_string_value(json_array_get(values, i));
        }
        return 0;
}

/* ---- the whole ---- */

/* Of the objects "build" and "packages". */
static int take_build(const json_t *json, struct facts *facts, struct error *err)
{
        static const struct member build_members[] = {
                {"name", TEXT, AT(facts, build)},
                { "os",  TEXT, AT(facts, os)   },
        };
        static const struct member package_members[] = {
                {"digest",    TEXT,   AT(facts, packages)         },
                { "verified", FLAG,   AT(facts, packages_verified)},
                { "altered",  NUMBER, AT(facts, altered)          },
        };
        const json_t *build = json_object_get(json, "build"), *packages = json_object_get(json, "packages");
        int r = 0;

        if ((build && !json_is_object(build)) || (packages && !json_is_object(packages)))
                return bad(err, "build");
        for (size_t i = 0; i < LENGTH(build_members) && r == 0; i++)
                r = take_member(build, &build_members[i], (char *)facts, err);
        for (size_t i = 0; i < LENGTH(package_members) && r == 0; i++)
                r = take_member(packages, &package_members[i], (char *)facts, err);
        return r < 0 ? r : take_texts(packages, "files", &facts->altered_files, &facts->altered_file_count, err);
}

int facts_parse(json_t *json, struct facts *ret_facts, struct error *err)
{
        struct facts facts = { 0 };
        int r;

        if (!json_is_object(json))
                return bad(err, "{}");
        facts.json = json_incref(json);
        r = take_build(json, &facts, err);
        for (size_t i = 0; i < LENGTH(lists) && r == 0; i++)
                r = take_list(json, &lists[i], &facts, err);
        if (r == 0)
                r = take_texts(json, "host_keys", &facts.host_keys, &facts.host_key_count, err);
        if (r == 0)
                r = take_texts(json, "addresses", &facts.addresses, &facts.address_count, err);
        if (r == 0)
                r = take_texts(json, "problems", &facts.problems, &facts.problem_count, err);
        if (r < 0) {
                facts_done(&facts);
                return r;
        }
        *ret_facts = facts;
        return 0;
}

int facts_read(const char *text, size_t length, struct facts *ret_facts, struct error *err)
{
        json_t *json = length <= FACTS_BYTES ? json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL) : NULL;
        int r = json ? facts_parse(json, ret_facts, err) : bad(err, "{}");

        json_decref(json);
        return r;
}

void facts_done(struct facts *facts)
{
        free(facts->altered_files);
        free(facts->host_keys);
        free(facts->addresses);
        free(facts->problems);
        free(facts->users);
        free(facts->keys);
        free(facts->ports);
        free(facts->names);
        free(facts->trees);
        json_decref(facts->json);
        *facts = (struct facts){ 0 };
}

bool facts_listens(const struct facts *facts, const uint64_t *ports, size_t count)
{
        for (size_t i = 0; i < facts->port_count; i++) {
                const struct facts_port *port = &facts->ports[i];

                if (text_starts(port->address, "127.") || text_equal(port->address, "::1"))
                        continue;
                for (size_t j = 0; j < count; j++)
                        if ((uint64_t)port->port == ports[j])
                                return true;
        }
        return false;
}
