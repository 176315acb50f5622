/*
 * schema.h - what may stand in the configuration: the table.
 *
 * A new key is a member of a struct in config.h and a line in schema.c; a new section is an array of keys there and a
 * line in config_sections[]. understudy.conf(5) and data/site.conf must name it, or the test fails.
 */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a value is written, and what it is stored as. */
enum value_kind {
        VALUE_TEXT,      /* char *: printable UTF-8, not empty */
        VALUE_COMMAND,   /* char *: the same, for sh */
        VALUE_NAME,      /* char *: [a-z0-9][a-z0-9._-]* */
        VALUE_SERVER,    /* char *: a VALUE_NAME, of a server of the file */
        VALUE_INTERFACE, /* char *: of the network */
        VALUE_DOMAIN,    /* char *: a name of the DNS, without a dot at its end */
        VALUE_PATH,      /* char *: absolute, without . and .. */
        VALUE_URL,       /* char *: http:// or https:// */
        VALUE_REPOSITORY,/* char *: the same, file:// or an absolute path */
        VALUE_SSH,       /* char *: USER@HOST, HOST, or ssh://USER@HOST:PORT */
        VALUE_NUMBER,    /* uint64_t */
        VALUE_DURATION,  /* int64_t, milliseconds; the limits, too */
        VALUE_WORD,      /* int: one of `words` */
        VALUE_ADDRESS,   /* struct config_address: alone */
        VALUE_NETWORK,   /* struct config_address: with /PREFIX */
        VALUE_ROOT,      /* struct config_root */
};

struct config_word {
        const char *name;
        int value;
};

struct config_key {
        const char *name;
        enum value_kind kind;
        bool required;
        size_t offset;        /* in the section's struct */
        size_t count_offset;  /* of a list's count; 0: not a list */
        size_t items_maximum; /* of a list */
        uint64_t minimum, maximum;
        const struct config_word *words; /* ends with a NULL name */
        const char *fallback;            /* value when it is not said; NULL: zero */
        const char *example;             /* what to write, for the words; NULL: the kind says it */
        const char *gone;                /* it was a key once, and this says why it is none: refused, and stored nowhere */
};

struct config_section {
        const char *name;   /* "" for what stands outside of any */
        const char *inside; /* the section that it stands in, which has no title; NULL: in none */
        const struct config_key *keys;
        size_t key_count;
        size_t offset;         /* of its struct in struct config */
        size_t size;           /* of that struct */
        size_t present_offset; /* of a bool in it that says that it was there; SIZE_MAX: none */
        size_t count_offset;   /* in struct config; not 0: it has a title, its struct is an array, the name comes first */
        size_t items_maximum;
};

extern const struct config_section config_sections[];
extern const size_t config_section_count;

extern const struct config_word config_roles[];

/* NULL when there is none. */
const struct config_section *config_section_find(const char *name);
const struct config_key *config_key_find(const struct config_section *section, const char *name);

#endif
