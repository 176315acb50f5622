/*
 * md5.h - MD5 by OpenSSL, for one thing: dpkg's lists of what a package shipped (/var/lib/dpkg/info/NAME.md5sums).
 *
 * It proves nothing against somebody who can make collisions; it shows a person where a file is not the distributor's.
 */
#ifndef CRYPTO_MD5_H
#define CRYPTO_MD5_H

#include <stdint.h>

#include "base/error.h"

#define MD5_SIZE 16

struct md5 {
        uint8_t bytes[MD5_SIZE];
};

/* Of a file from offset 0 to its end (pread). */
int md5_of_fd(int fd, struct md5 *ret_md5, struct error *err);

#endif
