#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/schema.h"
#include "config/value.h"

static void section_done(const struct config_section *section, char *base)
{
        for (size_t i = 0; i < section->key_count; i++) {
                const struct config_key *key = &section->keys[i];
                size_t count = key->gone ? 0 : 1;

                if (key->count_offset)
                        memcpy(&count, base + key->count_offset, sizeof(count));
                for (size_t k = 0; k < count; k++)
                        config_value_done(key, base + key->offset + k * config_value_size(key->kind));
        }
}

void config_free(struct config *config)
{
        if (!config)
                return;
        for (size_t i = 0; i < config_section_count; i++) {
                const struct config_section *section = &config_sections[i];
                size_t count = 1;

                if (section->count_offset)
                        memcpy(&count, (char *)config + section->count_offset, sizeof(count));
                for (size_t k = 0; k < count; k++) {
                        char *base = (char *)config + section->offset + k * section->size;

                        if (section->count_offset)
                                free(*(char **)base); /* its name */
                        section_done(section, base);
                }
        }
        free(config);
}

void config_freep(struct config **config)
{
        config_free(*config);
}

const struct config_server *config_find_server(const struct config *config, const char *name)
{
        for (size_t i = 0; i < config->server_count; i++)
                if (config->servers[i].name && text_equal(config->servers[i].name, name))
                        return &config->servers[i];
        return NULL;
}

const struct config_server *config_first_of(const struct config *config, enum config_role role)
{
        for (size_t i = 0; i < config->server_count; i++)
                if (config->servers[i].role == (int)role)
                        return &config->servers[i];
        return NULL;
}

const char *config_root_dest(const struct config_server *server, const char *root)
{
        for (size_t i = 0; i < server->roots.count; i++)
                if (text_equal(server->roots.items[i].name, root))
                        return server->roots.items[i].dest;
        return NULL;
}

const char *config_role_name(enum config_role role)
{
        for (const struct config_word *word = config_roles; word->name; word++)
                if (word->value == (int)role)
                        return word->name;
        return "";
}
