#include "whereabouts.h"

#include <errno.h>
#include <string.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/i18n.h"
#include "base/text.h"
#include "peer.h"

#define WORD_SHOWN 120

static bool has_address(const struct config_server *server, const struct peer_address *address)
{
        for (size_t i = 0; i < server->addresses.count; i++)
                if (peer_address_is(address, server->addresses.items[i].family, server->addresses.items[i].bytes))
                        return true;
        return false;
}

static const struct config_server *server_of(const struct config *config, const char *word, size_t length)
{
        char text[PEER_ADDRESS_TEXT > 64 ? PEER_ADDRESS_TEXT : 64];
        const struct config_server *server;
        struct peer_address address;

        if (length >= sizeof(text) || memchr(word, '\0', length))
                return NULL;
        memcpy(text, word, length);
        text[length] = '\0';
        server = config_find_server(config, text);
        if (server || peer_address_parse(text, &address, NULL) < 0)
                return server;
        for (size_t i = 0; i < config->server_count; i++)
                if (has_address(&config->servers[i], &address))
                        return &config->servers[i];
        return NULL;
}

static bool is_blank(char byte)
{
        return byte == ' ' || byte == '\t' || byte == '\r';
}

static enum event not_understood(const char *word, size_t length, struct error *err)
{
        _cleanup_(buffer_done) struct buffer shown = BUFFER_INIT(WORD_SHOWN);

        (void)text_escape(&shown, word, length);
        error_set(err, -EBADMSG, _("the program that looks who is on stage printed '%s', which is no server of the configuration "
                                   "and none's address"), buffer_text(&shown));
        return EVENT_SEEN_NOTHING;
}

static enum event judge(bool new, bool old, bool others, const struct config_server *from, const struct config_server *to,
                        struct error *err)
{
        if (!others && new != old)
                return new ? EVENT_SEEN_WANTED : EVENT_SEEN_BEFORE;
        if (others)
                error_set(err, -EBUSY, _("another server than %s and %s is on stage"), from->name, to->name);
        else if (new)
                error_set(err, -EBUSY, _("%s and %s are on stage together"), from->name, to->name);
        else
                error_set(err, -EBUSY, _("neither %s nor %s is on stage"), from->name, to->name);
        return EVENT_SEEN_PART;
}

enum event whereabouts_read(const char *text, size_t length, const struct config *config, const struct config_server *from,
                            const struct config_server *to, struct error *err)
{
        const char *cursor = text, *end = text + length, *line;
        bool new = false, old = false, others = false;
        size_t size;

        while (text_next_line(&cursor, end, &line, &size)) {
                const struct config_server *server;

                while (size > 0 && is_blank(*line))
                        line++, size--;
                while (size > 0 && is_blank(line[size - 1]))
                        size--;
                if (size == 0)
                        continue;
                server = server_of(config, line, size);
                if (!server)
                        return not_understood(line, size, err);
                new = new || server == to;
                old = old || server == from;
                others = others || (server != to && server != from);
        }
        return judge(new, old, others, from, to, err);
}
