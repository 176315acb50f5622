/* test_carry.c - carrying mutable areas over: each case of the decision, lists from another server, and the book. */
#include "tests.h"

#include <string.h>
#include <sys/stat.h>

#include "base/attributes.h"
#include "carry/book.h"
#include "carry/entry.h"
#include "carry/merge.h"

static struct carry_entry file(const char *path, uint8_t content)
{
        struct carry_entry entry = { .path = (char *)(uintptr_t)path, .path_length = strlen(path), .type = CARRY_FILE,
                                     .mode = 0644, .size = 10, .time = 1246870800 };

        memset(entry.digest.bytes, content, sizeof(entry.digest.bytes));
        return entry;
}

/* ---- the decision ---- */

/* x, y, z: versions of a file; "-": none; "!": refused. */
static const struct {
        char stage, rest, agreed;
        enum carry_deed one_way, two_ways;
        bool conflict;
} table[] = {
        { 'x', 'x', 'x', CARRY_AGREE, CARRY_AGREE, false },       { 'x', 'x', 'y', CARRY_AGREE, CARRY_AGREE, false },
        { 'x', 'x', '-', CARRY_AGREE, CARRY_AGREE, false },       { 'x', '-', '-', CARRY_TO_REST, CARRY_TO_REST, false },
        { 'x', '-', 'x', CARRY_TO_REST, CARRY_TO_REST, false },   { 'x', '-', 'y', CARRY_TO_REST, CARRY_TO_REST, false },
        { 'x', 'y', 'y', CARRY_TO_REST, CARRY_TO_REST, false },   { 'x', 'y', 'x', CARRY_REPLACE, CARRY_TO_STAGE, false },
        { 'x', 'y', 'z', CARRY_REPLACE, CARRY_REPLACE, true },    { 'x', 'y', '-', CARRY_REPLACE, CARRY_REPLACE, true },
        { '-', 'x', 'x', CARRY_KEEP, CARRY_KEEP, false },         { '-', 'x', '-', CARRY_KEEP, CARRY_TO_STAGE, false },
        { '-', 'x', 'y', CARRY_KEEP, CARRY_KEEP, true },          { '-', '-', 'x', CARRY_FORGET, CARRY_FORGET, false },
        { '!', 'x', 'x', CARRY_LEAVE, CARRY_LEAVE, false },       { '!', '-', '-', CARRY_LEAVE, CARRY_LEAVE, false },
        { '!', 'x', '-', CARRY_LEAVE, CARRY_LEAVE, false },       { 'x', '!', 'x', CARRY_LEAVE, CARRY_LEAVE, false },
        { '-', '!', 'x', CARRY_LEAVE, CARRY_LEAVE, false },       { '!', '!', '-', CARRY_LEAVE, CARRY_LEAVE, false },
};

static const struct carry_entry *version(char which, struct carry_entry *room)
{
        *room = file("a.jpg", (uint8_t)which);
        if (which == '!')
                room->type = CARRY_REFUSED;
        return which == '-' ? NULL : room;
}

static void each_case(void **context _unused_)
{
        for (size_t i = 0; i < LENGTH(table); i++) {
                struct carry_entry room[3];
                const struct carry_entry *stage = version(table[i].stage, &room[0]), *rest = version(table[i].rest, &room[1]),
                                         *agreed = version(table[i].agreed, &room[2]);
                const struct carry_verdict one = carry_decide(stage, rest, agreed, false);
                const struct carry_verdict both = carry_decide(stage, rest, agreed, true);

                if (one.deed != table[i].one_way || one.conflict || both.deed != table[i].two_ways ||
                    both.conflict != table[i].conflict)
                        fail_msg("%c %c %c: %d %d, conflict %d", table[i].stage, table[i].rest, table[i].agreed, one.deed, both.deed,
                                 both.conflict);
        }
}

/* Whatever there is: what was on stage alone is never moved aside, and what rests is never lost without being kept. */
static void nothing_is_lost(void **context _unused_)
{
        static const char kinds[] = { 'x', 'y', 'z', '-', '!' };

        for (size_t i = 0; i < 5 * 5 * 4 * 2; i++) {
                const char s = kinds[i % 5], r = kinds[i / 5 % 5], a = kinds[i / 25 % 4];
                struct carry_entry room[3];
                const struct carry_entry *stage = version(s, &room[0]), *rest = version(r, &room[1]), *agreed = version(a, &room[2]);
                const enum carry_deed deed = carry_decide(stage, rest, agreed, i / 100).deed;

                if (deed == CARRY_TO_REST)
                        assert_true(stage && (!rest || r == a)); /* what it replaces is known to both */
                if (deed == CARRY_TO_STAGE)
                        assert_true(rest && (!stage || s == a) && i / 100);
                if (deed == CARRY_FORGET)
                        assert_true(!stage && !rest);
                if (s == '!' || r == '!')
                        assert_int_equal(deed, CARRY_LEAVE);
        }
}

static void folders_and_owners(void **context _unused_)
{
        struct carry_entry stage = file("a", 1), rest = file("a", 1);

        rest.uid = 33;
        assert_int_equal(carry_decide(&stage, &rest, &rest, false).deed, CARRY_TO_REST);
        rest.time = stage.time = 0; /* no time decides */
        rest.uid = 0;
        stage.time = 99;
        assert_int_equal(carry_decide(&stage, &rest, NULL, true).deed, CARRY_AGREE);
        stage.type = rest.type = CARRY_FOLDER;
        rest.mode = 0700;
        assert_int_equal(carry_decide(&stage, &rest, NULL, true).deed, CARRY_TO_REST); /* the stage's, without a conflict */
        rest.type = CARRY_FILE;
        assert_int_equal(carry_decide(&stage, &rest, NULL, false).deed, CARRY_REPLACE);
}

/* ---- lists ---- */

static int parse(const char *text, unsigned int bucket, struct carry_list *list)
{
        json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        struct error error = ERROR_NONE;
        int r = carry_list_parse(list, bucket, json, &error);

        assert_true(r == 0 || error.text[0]);
        json_decref(json);
        return r;
}

#define FILE_JSON(path, more) "{\"path\":\"" path "\",\"type\":\"file\",\"uid\":33,\"gid\":33,\"size\":1,\"time\":1," \
        "\"sha256\":\"0000000000000000000000000000000000000000000000000000000000000000\"," more "}"

static void any_name_comes_back(void **context _unused_)
{
        char long_name[256];
        const char *const names[] = { "a", "with space", "line\nfeed", "\xff\xfe", "back\\slash", "\xe3\x81\x82/b", "'\"", "-rf", long_name };

        memset(long_name, 'n', 255);
        long_name[255] = '\0';
        for (size_t i = 0; i < LENGTH(names); i++) {
                _cleanup_(carry_list_done) struct carry_list list = CARRY_LIST_EMPTY;
                const struct carry_entry entry = file(names[i], 5);
                json_t *page = json_array();
                char *text;

                json_array_append_new(page, carry_entry_json(&entry));
                text = json_dumps(page, 0);
                assert_int_equal(parse(text, carry_bucket(names[i], strlen(names[i])), &list), 0);
                assert_int_equal(list.count, 1);
                assert_string_equal(list.entries[0].path, names[i]);
                assert_true(carry_same(&list.entries[0], &entry));
                free(text);
                json_decref(page);
        }
}

static void what_cannot_be_is_refused(void **context _unused_)
{
        static const char *const wrong[] = {
                "{}", "[1]", "[{}]",
                "[" FILE_JSON("..", "\"mode\":\"0644\"") "]", "[" FILE_JSON("/etc/passwd", "\"mode\":\"0644\"") "]",
                "[" FILE_JSON("a/../b", "\"mode\":\"0644\"") "]", "[" FILE_JSON("", "\"mode\":\"0644\"") "]",
                "[" FILE_JSON("a//b", "\"mode\":\"0644\"") "]", "[" FILE_JSON("a\\\\000b", "\"mode\":\"0644\"") "]",
                "[" FILE_JSON("a", "\"mode\":\"4755\"") "]", "[" FILE_JSON("a", "\"mode\":\"0644\",\"more\":1") "]",
                "[" FILE_JSON("a", "\"mode\":644") "]", "[" FILE_JSON("a", "\"mode\":\"0644\"") "," FILE_JSON("a", "\"mode\":\"0644\"") "]",
                "[{\"path\":\"a\",\"type\":\"symlink\",\"mode\":\"0777\",\"uid\":0,\"gid\":0}]",
                "[{\"path\":\"a\",\"type\":\"folder\",\"mode\":\"0755\",\"uid\":-1,\"gid\":0}]",
                "[{\"path\":\"a\",\"type\":\"folder\",\"mode\":\"4755\",\"uid\":0,\"gid\":0}]",
                "[{\"path\":\"a\",\"type\":\"file\",\"mode\":\"0644\",\"uid\":0,\"gid\":0}]",
        };
        _cleanup_(carry_list_done) struct carry_list good = CARRY_LIST_EMPTY;

        for (size_t i = 0; i < LENGTH(wrong); i++)
                for (unsigned int bucket = 0; bucket < CARRY_BUCKETS; bucket++) {
                        _cleanup_(carry_list_done) struct carry_list list = CARRY_LIST_EMPTY;

                        if (parse(wrong[i], bucket, &list) != -EBADMSG)
                                fail_msg("%s is taken", wrong[i]);
                }
        assert_int_equal(parse("[" FILE_JSON("a", "\"mode\":\"0644\"") "]", carry_bucket("a", 1), &good), 0);
        assert_int_equal(parse("[" FILE_JSON("a", "\"mode\":\"0644\"") "]", carry_bucket("a", 1) + 1, &good), -EBADMSG);
}

static void a_digest_is_of_what_counts(void **context _unused_)
{
        struct carry_entry entries[2] = { file("a", 1), file("b", 2) };
        struct carry_list list = { entries, 2 };
        struct digest first, second;

        assert_int_equal(carry_list_digest(&list, &first, NULL), 0);
        entries[0].time = 7;
        assert_int_equal(carry_list_digest(&list, &second, NULL), 0);
        assert_true(digest_equal(&first, &second));
        entries[0].mode = 0600;
        assert_int_equal(carry_list_digest(&list, &second, NULL), 0);
        assert_false(digest_equal(&first, &second));
        entries[0].mode = 0644;
        entries[1].type = CARRY_REFUSED;
        list.count = 1;
        assert_int_equal(carry_list_digest(&list, &first, NULL), 0);
        list.count = 2;
        assert_int_equal(carry_list_digest(&list, &second, NULL), 0);
        assert_true(digest_equal(&first, &second));
}

/* ---- the book ---- */

static void the_book_remembers(void **context _unused_)
{
        struct carry_book book = CARRY_BOOK_NONE, other = CARRY_BOOK_NONE;
        char folder[TESTS_FOLDER_SIZE];
        struct error error = ERROR_NONE;
        struct carry_entry entry = file("a", 1);
        const struct carry_list one = { &entry, 1 };
        const unsigned int bucket = carry_bucket("a", 1);
        struct carry_sums sums;

        close(tests_folder(folder));
        assert_int_equal(carry_book_read(&other, folder, NULL), -ENOENT);
        assert_int_equal(carry_book_open(&book, folder, 0, &error), 0);
        assert_string_equal(book.stage, "");
        assert_int_equal(carry_book_open(&other, folder, 0, &error), -EBUSY);
        carry_book_close(&other);
        assert_int_equal(carry_sums_open(&book, "docroot:uploads", &sums, &error), 0);
        assert_int_equal(carry_sums_count(&sums), 0);
        assert_int_equal(carry_sums_set(&sums, bucket, &one, &error), 0);
        assert_int_equal(carry_sums_save(&sums, &error), 0);
        carry_sums_close(&sums);
        book.files = 3;
        assert_int_equal(carry_book_record(&book, "production", &error), 0);
        carry_book_close(&book);

        book = (struct carry_book)CARRY_BOOK_NONE;
        assert_int_equal(carry_book_open(&book, folder, 0, &error), 0);
        assert_string_equal(book.stage, "production");
        assert_int_equal(book.files, 3);
        assert_int_equal(carry_sums_open(&book, "docroot:uploads", &sums, &error), 0);
        assert_int_equal(carry_sums_count(&sums), 1);
        {
                _cleanup_(carry_list_done) struct carry_list list = CARRY_LIST_EMPTY;

                assert_int_equal(carry_sums_list(&sums, bucket, &list, &error), 0);
                assert_int_equal(list.count, 1);
                assert_true(carry_same(&list.entries[0], &entry));
        }
        carry_sums_close(&sums);
        carry_book_close(&book);
        tests_folder_remove(folder);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_case),
                cmocka_unit_test(nothing_is_lost),
                cmocka_unit_test(folders_and_owners),
                cmocka_unit_test(any_name_comes_back),
                cmocka_unit_test(what_cannot_be_is_refused),
                cmocka_unit_test(a_digest_is_of_what_counts),
                cmocka_unit_test(the_book_remembers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
