/* Any bytes as records of logins: what is accepted has an address or a host in it, no text that could write to a
 * terminal, and an address that stands in the line itself. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "guard/who_private.h"
#include "guard/who_records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char text[static WHO_NAME_SIZE])
{
        size_t length = strnlen(text, WHO_NAME_SIZE);

        if (length == WHO_NAME_SIZE)
                abort();
        for (size_t i = 0; i < length; i++)
                if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
                        abort();
}

static void check_record(const struct who_record *record)
{
        char shown[WHO_ADDRESS_SIZE] = "";

        check_text(record->account);
        check_text(record->host);
        if (!record->has_address && !*record->host)
                abort();
        if (record->pid < 0)
                abort();
        if (record->has_address) {
                who_address_text(&record->address, shown);
                if (!*shown)
                        abort();
        }
}

/* A line of a log that names a login must say at its end where from: text put in front of it changes nothing. */
static void check_line(const char *line, size_t length)
{
        struct who_record record;

        if (who_parse_audit_line(line, length, &record) == 0)
                check_record(&record);
        if (who_parse_ssh_line(line, length, 1785142430, &record) == 0) {
                check_record(&record);
                if (!*record.account || !record.has_address)
                        abort();
        }
        if (who_parse_ftp_line(line, length, &record) == 0) {
                check_record(&record);
                if (!*record.account || !record.has_address || line[length - 1] != '"')
                        abort();
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const char *text = (const char *)data, *cursor = text, *line;
        struct who_record record;
        size_t length;

        for (size_t at = 0; at + WHO_UTMP_SIZE <= size; at += WHO_UTMP_SIZE)
                if (who_parse_utmp(text + at, &record) == 0)
                        check_record(&record);
        if (who_parse_logind(text, size, &record) == 0)
                check_record(&record);
        while (text_next_line(&cursor, text + size, &line, &length))
                check_line(line, length);
        return 0;
}
