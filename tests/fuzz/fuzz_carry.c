/* Any bytes as what another server's agent lists of a mutable area, in whatever bucket, and beside any other such list: what is
 * taken can be written again, has one digest, and there is a decision about each name. */
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "carry/entry.h"
#include "carry/merge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bucket of the first entry: otherwise nothing would ever be taken. */
static unsigned int bucket_of(const json_t *page)
{
        const char *text = json_string_value(json_object_get(json_array_get(page, 0), "path"));
        size_t length = 0;
        char *path = NULL;
        unsigned int bucket = 0;

        if (text && carry_path_parse(text, &path, &length, NULL) == 0)
                bucket = carry_bucket(path, length);
        free(path);
        return bucket;
}

static void check(const struct carry_list *list, unsigned int bucket)
{
        _cleanup_(carry_list_done) struct carry_list again = CARRY_LIST_EMPTY;
        struct digest one, other;
        json_t *page = json_array();

        for (size_t i = 0; i < list->count; i++) {
                const struct carry_entry *entry = &list->entries[i], *next = i + 1 < list->count ? entry + 1 : NULL;

                if (entry->path_length == 0 || entry->path[0] == '/' || strlen(entry->path) != entry->path_length)
                        abort();
                json_array_append_new(page, carry_entry_json(entry));
                (void)carry_decide(entry, next, next, i % 2);
                (void)carry_decide(next, entry, entry, i % 2);
        }
        if (carry_list_parse(&again, bucket, page, NULL) < 0 || again.count != list->count ||
            carry_list_digest(list, &one, NULL) < 0 || carry_list_digest(&again, &other, NULL) < 0 || !digest_equal(&one, &other))
                abort();
        json_decref(page);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(carry_list_done) struct carry_list list = CARRY_LIST_EMPTY;
        json_t *page = size > 20000 ? NULL : json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);

        if (page && carry_list_parse(&list, bucket_of(page), page, NULL) == 0)
                check(&list, bucket_of(page));
        json_decref(page);
        return 0;
}
