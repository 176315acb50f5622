/* list.c - a journal's file `witnesses`. */
#include "witness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "journal/files.h"

static int bad_line(const char *line, size_t length, struct error *err)
{
        return error_set(err, -EBADMSG,
                         _("the journal's file 'witnesses' has a line that is neither a folder's absolute path nor an "
                           "http(s) address with a witness's key behind it: %.*s"),
                         (int)(length < 200 ? length : 200), line);
}

/* "https://HOST/PREFIX [KEY]" without slashes at the prefix's end. */
static int read_address(struct witness_entry *entry, const char *line, size_t length, struct error *err)
{
        const char *space = memchr(line, ' ', length);
        size_t address = space ? (size_t)(space - line) : length;

        if (space) {
                int r = note_key_parse(space + 1, length - address - 1, &entry->key, err);

                if (r < 0 || entry->key.algorithm != NOTE_COSIGNATURE)
                        return bad_line(line, length, err);
                entry->has_key = true;
        }
        while (address > 0 && line[address - 1] == '/')
                address--;
        entry->address = memory_copy(line, address);
        return entry->address ? 0 : error_memory(err);
}

static int read_line(struct witness_list *list, const char *line, size_t length, struct error *err)
{
        struct witness_entry *entry = &list->entries[list->count];
        int r;

        if (list->count == WITNESSES_MAXIMUM)
                return error_set(err, -EBADMSG, _("the journal's file 'witnesses' names more than %d"),
                                 WITNESSES_MAXIMUM);
        memset(entry, 0, sizeof(*entry));
        if (*line == '/') {
                entry->is_folder = true;
                entry->address = memory_copy(line, length);
                r = entry->address ? 0 : error_memory(err);
        } else if ((length > 7 && memcmp(line, "http://", 7) == 0) ||
                   (length > 8 && memcmp(line, "https://", 8) == 0)) {
                r = read_address(entry, line, length, err);
        } else {
                r = bad_line(line, length, err);
        }
        if (r == 0)
                list->count++;
        return r;
}

int witness_list_read(int journal, struct witness_list *ret_list, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(64 * 1024);
        struct witness_list list = { .count = 0 };
        const char *cursor, *end, *line;
        size_t length;
        int r = files_read(journal, JOURNAL_WITNESSES, &text, err);

        if (r == -ENOENT) {
                if (err)
                        *err = ERROR_NONE;
                *ret_list = list;
                return 0;
        }
        cursor = buffer_text(&text);
        end = cursor + text.length;
        while (r == 0 && text_next_line(&cursor, end, &line, &length))
                if (length > 0 && *line != '#')
                        r = read_line(&list, line, length, err);
        if (r < 0)
                witness_list_done(&list);
        else
                *ret_list = list;
        return r;
}

void witness_list_done(struct witness_list *list)
{
        for (size_t i = 0; i < list->count; i++)
                free(list->entries[i].address);
        list->count = 0;
}
