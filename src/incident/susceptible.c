/* susceptible.c - terms with commas between them. */
#include "susceptible.h"

#include <stdio.h>
#include <string.h>

#include "base/i18n.h"
#include "base/text.h"

static int parse_term(struct susceptible *condition, char *term, struct error *err)
{
        static const char agent[] = "agent=";

        if (text_equal(term, "fresh"))
                condition->fresh = true;
        else if (text_equal(term, "logged-out"))
                condition->logged_out = true;
        else if (text_starts(term, agent) && term[sizeof(agent) - 1] && condition->agent_count < SUSCEPTIBLE_AGENTS)
                condition->agents[condition->agent_count++] = term + sizeof(agent) - 1;
        else
                return error_usage(err, _("'%s' is no condition; write agent=TEXT, fresh, logged-out, with commas between"),
                                   term);
        return 0;
}

int susceptible_parse(const char *text, struct susceptible *ret_susceptible, struct error *err)
{
        struct susceptible *condition = ret_susceptible;
        char *at, *comma;
        int r = 0;

        *condition = (struct susceptible){ 0 };
        if (strlen(text) >= sizeof(condition->text))
                return error_usage(err, _("the condition is longer than %d bytes"), SUSCEPTIBLE_TEXT - 1);
        snprintf(condition->text, sizeof(condition->text), "%s", text);
        snprintf(condition->words, sizeof(condition->words), "%s", text);
        for (at = condition->words; r == 0 && at; at = comma ? comma + 1 : NULL) {
                comma = strchr(at, ',');
                if (comma)
                        *comma = '\0';
                r = parse_term(condition, at, err);
        }
        return r;
}

bool susceptible_holds(const struct susceptible *susceptible, const char *agent, size_t length, unsigned int status,
                       bool logged_out)
{
        bool is_agent = susceptible->agent_count == 0;

        for (size_t i = 0; i < susceptible->agent_count && !is_agent; i++)
                is_agent = memmem(agent, length, susceptible->agents[i], strlen(susceptible->agents[i])) != NULL;
        return is_agent && (!susceptible->fresh || status != 304) && (!susceptible->logged_out || logged_out);
}
