/* w3c.c - fields in the order in which the last #Fields directive named them. */
#include "w3c.h"

#include <string.h>
#include <strings.h>

#include "accesslog/scan.h"
#include "base/attributes.h"

enum field {
        F_OTHER,
        F_DATE,
        F_TIME,
        F_ADDRESS,
        F_METHOD,
        F_STEM,
        F_QUERY,
        F_STATUS,
        F_BYTES,
        F_DURATION_MS,
        F_AGENT,
        F_REFERRER,
        F_HOST,
        F_USER,
        F_PROTOCOL,
};

static const struct {
        const char *name;
        enum field field;
} names[] = {
        {"date",            F_DATE       },
        { "time",           F_TIME       },
        { "c-ip",           F_ADDRESS    },
        { "cs-method",      F_METHOD     },
        { "cs-uri-stem",    F_STEM       },
        { "cs-uri",         F_STEM       },
        { "cs-uri-query",   F_QUERY      },
        { "sc-status",      F_STATUS     },
        { "sc-bytes",       F_BYTES      },
        { "time-taken",     F_DURATION_MS},
        { "cs(User-Agent)", F_AGENT      },
        { "cs(Referer)",    F_REFERRER   },
        { "cs(Host)",       F_HOST       },
        { "cs-host",        F_HOST       },
        { "cs-username",    F_USER       },
        { "cs-version",     F_PROTOCOL   },
};

static enum field field_of(const char *name, size_t length)
{
        for (size_t i = 0; i < LENGTH(names); i++)
                if (strlen(names[i].name) == length && strncasecmp(names[i].name, name, length) == 0)
                        return names[i].field;
        return F_OTHER;
}

/* The next word of a line; false at its end. */
static bool next_word(const char **at, const char *end, struct span *ret_word)
{
        const char *begin, *stop;

        while (*at < end && (**at == ' ' || **at == '\t'))
                (*at)++;
        if (*at == end)
                return false;
        begin = *at;
        for (stop = begin; stop < end && *stop != ' ' && *stop != '\t'; stop++)
                ;
        *at = stop;
        *ret_word = span_of(begin, stop);
        return true;
}

bool w3c_has_fields(const char *lines, size_t length)
{
        static const char word[] = "#Fields:";
        const char *at = lines;

        while ((at = memmem(at, length - (size_t)(at - lines), word, sizeof(word) - 1))) {
                if (at == lines || at[-1] == '\n')
                        return true;
                at++;
        }
        return false;
}

void w3c_directive(struct log_format *format, const char *line, size_t length)
{
        static const char fields[] = "#Fields:";
        const char *at = line + sizeof(fields) - 1, *end = line + length;
        struct span word;

        if (length < sizeof(fields) - 1 || strncasecmp(line, fields, sizeof(fields) - 1) != 0)
                return;
        format->kind = LOG_W3C;
        format->w3c_count = 0;
        while (format->w3c_count < LOG_W3C_FIELDS_MAXIMUM && next_word(&at, end, &word))
                format->w3c_fields[format->w3c_count++] = (uint8_t)field_of(word.text, word.length);
}

static struct span plus_to_space(struct span word, char **scratch)
{
        char *out = *scratch;

        if (word.length == 0 || !memchr(word.text, '+', word.length))
                return word;
        for (uint32_t i = 0; i < word.length; i++)
                out[i] = word.text[i] == '+' ? ' ' : word.text[i];
        *scratch += word.length;
        return (struct span){ out, word.length };
}

struct stamp {
        struct span date, time;
};

static bool set_number(struct log_line *line, enum field field, struct span word)
{
        uint64_t number;

        if (word.length == 0)
                return true;
        if (!scan_number(word.text, word.length, &number))
                return false;
        if (field == F_STATUS) {
                line->status = (uint16_t)number;
                line->present |= LOG_HAS_STATUS;
                return number <= 999;
        }
        if (field == F_BYTES) {
                line->bytes = number;
                line->present |= LOG_HAS_BYTES;
        } else {
                line->duration_us = (int64_t)number * 1000;
                line->present |= LOG_HAS_DURATION;
        }
        return true;
}

static bool set(struct log_line *line, enum field field, struct span word, struct stamp *stamp, char **scratch)
{
        word = scan_field(word.text, word.text + word.length);
        switch (field) {
        case F_DATE: stamp->date = word; return true;
        case F_TIME: stamp->time = word; return true;
        case F_ADDRESS: scan_address(word.text, word.length, line); return word.length > 0;
        case F_METHOD: line->method = word; return true;
        case F_STEM: scan_target(word, line); return true;
        case F_QUERY: line->query = word; return true;
        case F_AGENT: line->agent = plus_to_space(word, scratch); return true;
        case F_REFERRER: line->referrer = word; return true;
        case F_HOST: line->host = word; return true;
        case F_USER: line->user = word; return true;
        case F_PROTOCOL: line->protocol = word; return true;
        case F_STATUS:
        case F_BYTES:
        case F_DURATION_MS: return set_number(line, field, word);
        default: return true;
        }
}

static bool set_time(struct log_line *line, const struct stamp *stamp)
{
        char text[40];

        if (stamp->date.length != 10 || stamp->time.length < 8 || stamp->time.length > 20)
                return false;
        memcpy(text, stamp->date.text, 10);
        text[10] = ' ';
        memcpy(text + 11, stamp->time.text, stamp->time.length);
        return scan_time(text, 11 + stamp->time.length, &line->time_us);
}

bool w3c_parse(const struct log_format *format, const char *line, size_t length, char *scratch,
               struct log_line *ret_line)
{
        const char *at = line, *end = line + length;
        struct span query = { 0 };
        struct stamp stamp = { 0 };
        struct span word;
        unsigned int i = 0;

        *ret_line = (struct log_line){ 0 };
        if (format->w3c_count == 0)
                return false;
        for (; i < format->w3c_count && next_word(&at, end, &word); i++) {
                if (!set(ret_line, (enum field)format->w3c_fields[i], word, &stamp, &scratch))
                        return false;
                if (format->w3c_fields[i] == F_QUERY)
                        query = ret_line->query;
        }
        if (query.length)
                ret_line->query = query; /* the stem may come behind it */
        return i == format->w3c_count && !next_word(&at, end, &word) && ret_line->address_text.length &&
               set_time(ret_line, &stamp);
}
