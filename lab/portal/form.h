/*
 * form.h - what a browser sent: one field of a form, one cookie. Bytes from strangers; sizes are the caller's.
 */
#ifndef PORTAL_FORM_H
#define PORTAL_FORM_H

#include <stdbool.h>
#include <stddef.h>

/* The field of an application/x-www-form-urlencoded body (WHATWG URL, 5.1), decoded. false when it is not there, does not
 * fit, or has a NUL in it; ret_value is then "". */
bool form_field(const char *body, const char *name, char *ret_value, size_t size);

/* The cookie of that name in a Cookie header (RFC 6265, 4.2); header may be NULL. false as above. */
bool form_cookie(const char *header, const char *name, char *ret_value, size_t size);

#endif
