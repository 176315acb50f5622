/* countries.c - libmaxminddb behind one question. */
#include "countries.h"

#include <errno.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/i18n.h"
#include "base/memory.h"

struct countries {
        MMDB_s database;
};

int countries_open(const char *path, struct countries **ret_countries, struct error *err)
{
        struct countries *countries = memory_new(1, sizeof(*countries));
        int status;

        if (!countries)
                return error_memory(err);
        status = MMDB_open(path, MMDB_MODE_MMAP, &countries->database);
        if (status == MMDB_SUCCESS) {
                *ret_countries = countries;
                return 0;
        }
        free(countries);
        if (status == MMDB_FILE_OPEN_ERROR)
                return error_errno(err, errno ? errno : EIO, _("cannot open the database of countries %s"), path);
        return error_set(err, -EBADMSG, _("%s is no database of countries in MaxMind's format: %s"), path,
                         MMDB_strerror(status));
}

void countries_close(struct countries *countries)
{
        if (!countries)
                return;
        MMDB_close(&countries->database);
        free(countries);
}

void countries_closep(struct countries **countries)
{
        countries_close(*countries);
}

static MMDB_lookup_result_s look_up(const struct countries *countries, const uint8_t address[static 16], int *ret_error)
{
        static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
        struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
        struct sockaddr_in four = { .sin_family = AF_INET };

        if (memcmp(address, mapped, sizeof(mapped)) == 0) {
                memcpy(&four.sin_addr, address + sizeof(mapped), sizeof(four.sin_addr));
                return MMDB_lookup_sockaddr(&countries->database, (const struct sockaddr *)&four, ret_error);
        }
        memcpy(&six.sin6_addr, address, sizeof(six.sin6_addr));
        return MMDB_lookup_sockaddr(&countries->database, (const struct sockaddr *)&six, ret_error);
}

bool countries_find(const struct countries *countries, const uint8_t address[static 16],
                    char ret_code[static COUNTRY_SIZE])
{
        int error = MMDB_SUCCESS;
        MMDB_lookup_result_s found = look_up(countries, address, &error);
        MMDB_entry_data_s value;

        if (error != MMDB_SUCCESS || !found.found_entry ||
            MMDB_get_value(&found.entry, &value, "country", "iso_code", (const char *)NULL) != MMDB_SUCCESS ||
            !value.has_data || value.type != MMDB_DATA_TYPE_UTF8_STRING || !value.data_size ||
            value.data_size >= COUNTRY_SIZE)
                return false;
        memcpy(ret_code, value.utf8_string, value.data_size);
        ret_code[value.data_size] = '\0';
        return true;
}
