/*
 * countries.h - which country an address is of, by a database in MaxMind's format (GeoLite2-Country, DB-IP and others;
 * https://maxmind.github.io/MaxMind-DB/). The only includer of libmaxminddb.
 *
 * Asked while a line is counted; the address goes nowhere else. One handle may be asked by any number of threads.
 */
#ifndef ANALYZE_COUNTRIES_H
#define ANALYZE_COUNTRIES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define COUNTRY_SIZE 8

struct countries;

int countries_open(const char *path, struct countries **ret_countries, struct error *err);
void countries_close(struct countries *countries); /* NULL is fine */
void countries_closep(struct countries **countries);

/* ISO 3166-1 code ("JP"); false when the database does not know the address. IPv4 as ::ffff:a.b.c.d. */
bool countries_find(const struct countries *countries, const uint8_t address[static 16],
                    char ret_code[static COUNTRY_SIZE]);

#endif
