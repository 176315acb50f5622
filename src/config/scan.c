#include "scan.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/i18n.h"
#include "base/text.h"

#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:/@%[]"

/* What is wrong with a character between texts, NULL when it may stand there. */
static const char *wrong_between(const char *text, size_t left)
{
        unsigned char c = (unsigned char)*text;

        if (strchr(" \t{}=,", c) && c)
                return NULL;
        if (c == '$')
                return _("'$' has no meaning here, and nothing is taken from the environment; write the value itself");
        if (c == '\'')
                return _("write \"double quotes\" around a text, not single ones");
        if (c == ';')
                return _("a line has no ';' at its end; leave it out");
        if (c == '/' && left > 1 && (text[1] == '/' || text[1] == '*'))
                return _("comments begin with '#'; put a URL in double quotes");
        if (c && strchr(PLAIN, c))
                return NULL;
        if (c == '+' || c == '(' || c == ')' || (c > ' ' && c != 0x7f))
                return _("this character may stand only within double quotes");
        return _("there is a control character; write a plain line of text");
}

/* Length of a text in quotes with both of them; 0 with what is wrong. */
static size_t quoted_length(const char *text, size_t left, const char **ret_wrong)
{
        size_t i = 1;

        while (i < left && text[i] != '"') {
                size_t step = text_utf8_length(text + i, left - i);
                unsigned char c = (unsigned char)text[i];

                if (c == '\n')
                        break;
                if (c == '$') {
                        *ret_wrong = _("'$' has no meaning here, and nothing is taken from the environment; a command "
                                       "that needs it belongs in a script of its own");
                        return 0;
                }
                if (c == '\\' && (i + 1 >= left || (text[i + 1] != '"' && text[i + 1] != '\\'))) {
                        *ret_wrong = _("a backslash is written twice, and \\\" is a quote; there is no other escape");
                        return 0;
                }
                if (step == 0 || c < ' ' || c == 0x7f) {
                        *ret_wrong = _("there is a control character, or a byte that is not UTF-8, in a text");
                        return 0;
                }
                i += c == '\\' ? 2 : step;
        }
        if (i >= left || text[i] != '"') {
                *ret_wrong = _("a text ends on the line where it began; close it with \"");
                return 0;
        }
        return i + 1;
}

/* The first thing that is wrong in a line without its newline, NULL when nothing is. Its comment becomes blanks. */
static const char *wrong_in_line(char *line, size_t length)
{
        for (size_t i = 0; i < length;) {
                const char *wrong = NULL;

                if (line[i] == '#') {
                        memset(line + i, ' ', length - i);
                        return NULL;
                }
                if (line[i] == '"') {
                        size_t step = quoted_length(line + i, length - i, &wrong);

                        if (step == 0)
                                return wrong;
                        i += step;
                        continue;
                }
                wrong = wrong_between(line + i, length - i);
                if (wrong)
                        return wrong;
                i++;
        }
        return NULL;
}

int config_scan(char *text, size_t length, struct config_problems *problems)
{
        const char *cursor = text, *end = text + length, *line = NULL;
        unsigned int before = problems->count, number = 0;
        size_t line_length = 0;

        while (text_next_line(&cursor, end, &line, &line_length)) {
                const char *wrong = wrong_in_line(text + (line - text), line_length);

                number++;
                if (wrong)
                        config_problem(problems, number, "%s", wrong);
        }
        return problems->count == before ? 0 : -EINVAL;
}
