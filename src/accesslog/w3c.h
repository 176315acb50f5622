/*
 * w3c.h - the W3C extended log format, as IIS and others write it (https://www.w3.org/TR/WD-logfile.html; private to
 * accesslog).
 */
#ifndef ACCESSLOG_W3C_H
#define ACCESSLOG_W3C_H

#include "accesslog/format.h"

/* Whether one of these lines is a #Fields line: the lines behind it can only be understood by who has read it. */
bool w3c_has_fields(const char *lines, size_t length);

/* A line that begins with '#'. "#Fields:" changes the format; the other directives say nothing that is needed. */
void w3c_directive(struct log_format *format, const char *line, size_t length);

/* A line of fields as the last #Fields said. Times are UTC; IIS writes '+' for a space in the agent, which is decoded
 * into `scratch`. */
bool w3c_parse(const struct log_format *format, const char *line, size_t length, char *scratch,
               struct log_line *ret_line);

#endif
