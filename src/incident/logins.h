/*
 * logins.h - login records: CSV (RFC 4180) with a line of names first, as databases export it.
 *
 *     time,account,address,agent,tag
 *     2009-07-06T10:15:00Z,taro,192.0.2.7,"Mozilla/4.0 (compatible; MSIE 8.0)",9f2c...
 *
 * `time` (RFC 3339, "2009-07-06 10:15:00", or seconds since 1970) and `account` must be there; `address`, `agent` and
 * `tag` (the evidence cookie, data/nginx-evidence.conf) may be missing; other columns are not looked at. With only the
 * last login of each account in the database, time and account is all there is.
 */
#ifndef INCIDENT_LOGINS_H
#define INCIDENT_LOGINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "accesslog/line.h"
#include "base/error.h"

#define LOGINS_LINE_MAXIMUM (64U << 10)

/* One row; spans are empty where there is no such column or nothing in it. */
struct login_row {
        int64_t time_us;
        struct span account, address, agent, tag;
};

/* Calls back for each row with its bytes valid until it returns; a negative result ends it. Rows without a time or an
 * account are counted in *ret_invalid and left out. -EBADMSG with words when the names are not there. */
typedef int login_row_function(void *context, const struct login_row *row, struct error *err);
int logins_parse(const char *bytes, size_t length, const char *name, login_row_function *each, void *context,
                 uint64_t *ret_rows, uint64_t *ret_invalid, struct error *err);

#endif
