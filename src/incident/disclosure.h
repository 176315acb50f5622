/*
 * disclosure.h - the record of an incident as a text: for the public, for a regulator, for those who check it.
 *
 * Everything in it comes from the casebook: intervals, the last exposure, and facts that a person entered. What nobody
 * has entered says "under investigation"; nothing is guessed. Addresses that do harm are defanged in every form. In the
 * technical form each sentence names the rows that it stands on. No account is in any of them.
 *
 * The language is that of gettext at the time of the call.
 */
#ifndef INCIDENT_DISCLOSURE_H
#define INCIDENT_DISCLOSURE_H

#include <jansson.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/error.h"
#include "incident/casebook.h"

#define DISCLOSURE_MAXIMUM (8U << 20)

enum disclosure_form { DISCLOSURE_PUBLIC, DISCLOSURE_REGULATOR, DISCLOSURE_TECHNICAL };
enum disclosure_format { DISCLOSURE_MARKDOWN, DISCLOSURE_HTML, DISCLOSURE_JSON };

/* false: there is no such form or format. */
bool disclosure_form_by_name(const char *name, enum disclosure_form *ret_form);
bool disclosure_format_by_name(const char *name, enum disclosure_format *ret_format);
const char *disclosure_form_name(enum disclosure_form form);

/* ---- the text, before it has a format ---- */

struct disclosure_paragraph {
        char *text; /* owned; escaped as text_escape(), defanged */
        char *rows; /* owned; "fact 3, interval 1"; NULL: none */
};

struct disclosure_section {
        const char *key; /* for programs; "what", "gdpr_a", "appi_1"; borrowed, of a kept report from `kept` */
        char *title;     /* owned */
        struct disclosure_paragraph *paragraphs;
        size_t count;
};

struct disclosure {
        char *title;
        struct disclosure_section *sections;
        size_t count;
        bool with_rows;
        struct json_t *kept; /* a report that was read back; NULL */
        int code; /* 0, or -ENOMEM: nothing is added any more */
};

void disclosure_done(struct disclosure *report);

void disclosure_section(struct disclosure *report, const char *key, const char *title);
/* A paragraph of the last section. `rows` may be NULL. */
void disclosure_say(struct disclosure *report, const char *rows, const char *format, ...) _printf_(3, 4);

/* ---- its making ---- */

/* Fills the report from the casebook. */
int disclosure_make(struct casebook *book, const struct casebook_incident *incident, enum disclosure_form form,
                struct disclosure *ret_report, struct error *err);

/* A revision that was kept, from its JSON: what stands in it is escaped and defanged already. */
int disclosure_read(const char *json, struct disclosure *ret_report, struct error *err);

/* The whole as a text in this format. `extra` is about the report itself (revision, time): name and value pairs. */
int disclosure_render(const struct disclosure *report, enum disclosure_format format, const char *language, int64_t revision,
                  int64_t time_us, struct buffer *out, struct error *err);

/* Appends the text with URLs and IPv4 addresses made harmless: hxxp://bad[.]example/x, 192[.]0[.]2[.]7. */
int disclosure_defang(struct buffer *out, const char *text);

/* Times by which something must be done, from when one became aware. */
struct disclosure_deadline {
        const char *what; /* translated */
        int64_t due_us;
        const char *key;  /* of the fact that a person enters when it is done */
};
#define DISCLOSURE_DEADLINES 4
void disclosure_deadlines(int64_t aware_us, struct disclosure_deadline deadlines[static DISCLOSURE_DEADLINES]);

#endif
