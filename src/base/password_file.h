/*
 * password_file.h - a password that a machine was given in a file: the first line of it.
 *
 * A file that others may read is refused: whoever can read it has the password.
 */
#ifndef BASE_PASSWORD_FILE_H
#define BASE_PASSWORD_FILE_H

#include "buffer.h"
#include "error.h"

#define PASSWORD_MAXIMUM 1024 /* bytes */

/* Appends the first line, which is not empty. `password` has room for it when it was reserved; what was read besides is
 * wiped. -EACCES others may read it. */
int password_file_read(const char *path, struct buffer *password, struct error *err);

#endif
