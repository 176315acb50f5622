#include "form.h"

#include <string.h>

static int digit(char byte)
{
        if (byte >= '0' && byte <= '9')
                return byte - '0';
        if (byte >= 'a' && byte <= 'f')
                return byte - 'a' + 10;
        return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
}

/* One byte of the encoded value at *at; -1 for a NUL. What is no escape stands for itself. */
static int decode(const char **at, const char *end)
{
        const char *p = (*at)++;

        if (*p == '+')
                return ' ';
        if (*p != '%' || end - p < 3 || digit(p[1]) < 0 || digit(p[2]) < 0)
                return (unsigned char)*p;
        *at = p + 3;
        return digit(p[1]) * 16 + digit(p[2]) ? digit(p[1]) * 16 + digit(p[2]) : -1;
}

static bool decode_all(const char *at, const char *end, char *ret_value, size_t size)
{
        size_t length = 0;

        while (at < end) {
                int byte = decode(&at, end);

                if (byte < 0 || length + 1 >= size) {
                        ret_value[0] = '\0';
                        return false;
                }
                ret_value[length++] = (char)byte;
        }
        ret_value[length] = '\0';
        return true;
}

bool form_field(const char *body, const char *name, char *ret_value, size_t size)
{
        const size_t length = strlen(name);

        ret_value[0] = '\0';
        for (const char *at = body; *at;) {
                const char *end = at + strcspn(at, "&");

                if ((size_t)(end - at) > length && memcmp(at, name, length) == 0 && at[length] == '=')
                        return decode_all(at + length + 1, end, ret_value, size);
                at = *end ? end + 1 : end;
        }
        return false;
}

bool form_cookie(const char *header, const char *name, char *ret_value, size_t size)
{
        const size_t length = strlen(name);

        ret_value[0] = '\0';
        for (const char *at = header ? header : ""; *at;) {
                const char *end;

                at += strspn(at, " ");
                end = at + strcspn(at, ";");
                if ((size_t)(end - at) > length && memcmp(at, name, length) == 0 && at[length] == '=') {
                        const size_t value = (size_t)(end - at) - length - 1;

                        if (value >= size)
                                return false;
                        memcpy(ret_value, at + length + 1, value);
                        ret_value[value] = '\0';
                        return true;
                }
                at = *end ? end + 1 : end;
        }
        return false;
}
