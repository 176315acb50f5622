/* logins.c - RFC 4180, read strictly: a quote inside of a plain field and a field that does not end are invalid. */
#include "logins.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "accesslog/scan.h"
#include "base/attributes.h"
#include "base/i18n.h"

enum column { COLUMN_TIME, COLUMN_ACCOUNT, COLUMN_ADDRESS, COLUMN_AGENT, COLUMN_TAG, COLUMNS, COLUMN_OTHER = COLUMNS };

static const char *const names[COLUMNS] = { "time", "account", "address", "agent", "tag" };

#define FIELDS_MAXIMUM 64

struct csv {
        const char *at, *end;
        char scratch[LOGINS_LINE_MAXIMUM]; /* of quoted fields of one row, without their quotes */
        size_t scratch_used;
        struct span fields[FIELDS_MAXIMUM];
        size_t count;
        bool damaged; /* the row is none */
};

static bool is_end_of_field(const struct csv *csv)
{
        return csv->at == csv->end || *csv->at == ',' || *csv->at == '\n' ||
               (*csv->at == '\r' && (csv->at + 1 == csv->end || csv->at[1] == '\n'));
}

static struct span plain_field(struct csv *csv)
{
        const char *begin = csv->at;

        while (!is_end_of_field(csv)) {
                if (*csv->at == '"')
                        csv->damaged = true;
                csv->at++;
        }
        return (struct span){ begin, (uint32_t)(csv->at - begin) };
}

static struct span quoted_field(struct csv *csv)
{
        char *begin = csv->scratch + csv->scratch_used, *out = begin;
        bool closed = false;

        for (csv->at++; csv->at < csv->end && !closed; csv->at++) {
                if (*csv->at == '"' && !(csv->at + 1 < csv->end && csv->at[1] == '"')) {
                        closed = true;
                        continue;
                }
                if (*csv->at == '"')
                        csv->at++;
                if (out == csv->scratch + sizeof(csv->scratch)) {
                        csv->damaged = true;
                        continue;
                }
                *out++ = *csv->at;
        }
        if (!closed || !is_end_of_field(csv))
                csv->damaged = true;
        csv->scratch_used = (size_t)(out - csv->scratch);
        while (!is_end_of_field(csv))
                csv->at++;
        return (struct span){ begin, (uint32_t)(out - begin) };
}

/* False at the end. */
static bool next_row(struct csv *csv)
{
        if (csv->at == csv->end)
                return false;
        csv->count = 0;
        csv->scratch_used = 0;
        csv->damaged = false;
        for (;;) {
                struct span field = *csv->at == '"' ? quoted_field(csv) : plain_field(csv);

                if (field.length > LOGINS_LINE_MAXIMUM)
                        csv->damaged = true;
                if (csv->count < FIELDS_MAXIMUM)
                        csv->fields[csv->count++] = field;
                if (csv->at < csv->end && *csv->at == ',') {
                        csv->at++;
                        if (csv->at == csv->end)
                                return true;
                        continue;
                }
                if (csv->at < csv->end && *csv->at == '\r')
                        csv->at++;
                if (csv->at < csv->end)
                        csv->at++;
                return true;
        }
}

static enum column column_of(struct span field)
{
        for (unsigned int i = 0; i < COLUMNS; i++)
                if (field.length == strlen(names[i]) && strncasecmp(field.text, names[i], field.length) == 0)
                        return (enum column)i;
        return COLUMN_OTHER;
}

static bool parse_time(struct span text, int64_t *ret_us)
{
        return text.length && (scan_time(text.text, text.length, ret_us) || scan_seconds(text.text, text.length, ret_us));
}

static bool fill(const struct csv *csv, const enum column *columns, size_t column_count, struct login_row *row)
{
        struct span fields[COLUMNS + 1] = { 0 };

        for (size_t i = 0; i < csv->count && i < column_count; i++)
                fields[columns[i]] = csv->fields[i];
        if (csv->damaged || fields[COLUMN_ACCOUNT].length == 0 || !parse_time(fields[COLUMN_TIME], &row->time_us))
                return false;
        row->account = fields[COLUMN_ACCOUNT];
        row->address = fields[COLUMN_ADDRESS];
        row->agent = fields[COLUMN_AGENT];
        row->tag = fields[COLUMN_TAG];
        return true;
}

static int parse_names(struct csv *csv, const char *name, enum column columns[static FIELDS_MAXIMUM], size_t *ret_count,
                       struct error *err)
{
        bool time = false, account = false;

        if (next_row(csv))
                for (size_t i = 0; i < csv->count; i++) {
                        columns[i] = column_of(csv->fields[i]);
                        time = time || columns[i] == COLUMN_TIME;
                        account = account || columns[i] == COLUMN_ACCOUNT;
                }
        if (!time || !account)
                return error_set(err, -EBADMSG,
                                 _("%s holds no login records: its first line must name the columns, among them time "
                                   "and account"),
                                 name);
        *ret_count = csv->count;
        return 0;
}

int logins_parse(const char *bytes, size_t length, const char *name, login_row_function *each, void *context,
                 uint64_t *ret_rows, uint64_t *ret_invalid, struct error *err)
{
        static _Thread_local struct csv csv;
        enum column columns[FIELDS_MAXIMUM];
        uint64_t rows = 0, invalid = 0;
        size_t count = 0;
        int r;

        csv.at = bytes;
        csv.end = bytes + length;
        r = parse_names(&csv, name, columns, &count, err);
        while (r == 0 && next_row(&csv)) {
                struct login_row row = { 0 };

                if (csv.count == 1 && csv.fields[0].length == 0)
                        continue; /* an empty line */
                if (fill(&csv, columns, count, &row)) {
                        rows++;
                        r = each(context, &row, err);
                } else {
                        invalid++;
                }
        }
        if (r < 0)
                return r;
        *ret_rows = rows;
        *ret_invalid = invalid;
        return 0;
}
