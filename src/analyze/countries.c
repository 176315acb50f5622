/* countries.c - libmaxminddb behind one question. */
#include "countries.h"

#include <errno.h>
#include <fcntl.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"

#define DATABASE_MAXIMUM (INT64_C(1) << 30)

struct countries {
        MMDB_s database;
};

/* A copy that nobody else has: the library maps the file, and whoever copies a newer one over it, or cuts it, would end
 * the program in the middle of a look (SIGBUS). */
static int copy_file(const char *path, int *ret_fd, struct error *err)
{
        _cleanup_(fd_closep) int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        _cleanup_(fd_closep) int to = memfd_create("countries", MFD_CLOEXEC);
        struct stat status;
        off_t left;

        if (from < 0 || to < 0 || fstat(from, &status) < 0)
                return error_errno(err, errno, _("cannot open the database of countries %s"), path);
        if (!S_ISREG(status.st_mode) || status.st_size > DATABASE_MAXIMUM)
                return error_set(err, -EBADMSG,
                                 _("%s is no database of countries in MaxMind's format: it is no file, or too large"), path);
        for (left = status.st_size; left > 0;) {
                ssize_t length = sendfile(to, from, NULL, (size_t)left);

                if (length < 0 && errno == EINTR)
                        continue;
                if (length < 0)
                        return error_errno(err, errno, _("cannot open the database of countries %s"), path);
                if (length == 0) /* cut just now: what is missing is judged as such */
                        break;
                left -= length;
        }
        *ret_fd = fd_steal(&to);
        return 0;
}

int countries_open(const char *path, struct countries **ret_countries, struct error *err)
{
        struct countries *countries = memory_new(1, sizeof(*countries));
        _cleanup_(fd_closep) int copy = -1;
        char name[FD_PATH_SIZE];
        int status, r;

        if (!countries)
                return error_memory(err);
        r = copy_file(path, &copy, err);
        if (r < 0) {
                free(countries);
                return r;
        }
        fd_path(copy, name);
        status = MMDB_open(name, MMDB_MODE_MMAP, &countries->database);
        if (status == MMDB_SUCCESS) {
                *ret_countries = countries;
                return 0;
        }
        free(countries);
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
