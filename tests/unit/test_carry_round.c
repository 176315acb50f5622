/*
 * test_carry_round.c - two servers' areas on this disk, and batches between them without a network: what is carried, what is
 * refused, what is kept, and that nothing that anybody wrote is lost, whatever was cut off.
 */
#include "tests.h"

#include <string.h>
#include <sys/stat.h>

#include "base/attributes.h"
#include "base/memory.h"
#include "base/text.h"
#include "carry/area.h"
#include "carry/round.h"
#include "manifest/walk.h"

#define AREA "docroot:uploads"

/* One server: an area, and its agent, which can be made to fail. */
struct server {
        struct carry_area area;
        int folder;
        unsigned int asked, fail_at; /* the request with this number finds no connection; 0: none does */
        unsigned int writes;
        unsigned int settles;
        const char *before_write, *before_settle; /* this name is written by somebody else before the next such request */
};

static char folder[TESTS_FOLDER_SIZE];
static struct server stage, rest;
static struct carry_book book;

/* ---- the agent ---- */

static const char *text_of(const json_t *json, const char *member)
{
        const char *text = json_string_value(json_object_get(json, member));

        return text ? text : "";
}

static uint64_t number_of(const json_t *json, const char *member)
{
        return (uint64_t)json_integer_value(json_object_get(json, member));
}

static void put_file(const struct server *server, const char *path, const char *text)
{
        int fd = openat(server->folder, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(write_full(fd, text, strlen(text)), 0);
        close(fd);
}

static int do_write(struct server *server, const json_t *arguments, json_t *result, struct error *err)
{
        uint8_t *bytes = memory_new(1, CARRY_CHUNK);
        struct carry_wanted wanted = { .expected = text_of(arguments, "expect"), .offset = number_of(arguments, "offset"), .bytes = bytes,
                                       .hold = json_is_true(json_object_get(arguments, "hold")) };
        const char *data = text_of(arguments, "data"), *mode = text_of(arguments, "mode");
        uint64_t number = 0;
        int r;

        assert_non_null(bytes);
        assert_int_equal(text_unbase64(data, strlen(data), bytes, CARRY_CHUNK, &wanted.length), 0);
        assert_int_equal(text_parse_octal(mode, strlen(mode), 07777, &number), 0);
        assert_int_equal(carry_path_parse(text_of(arguments, "path"), &wanted.entry.path, &wanted.entry.path_length, err), 0);
        wanted.entry.type = text_equal(text_of(arguments, "type"), "folder") ? CARRY_FOLDER : CARRY_FILE;
        wanted.entry.mode = (uint32_t)number;
        wanted.entry.uid = (uint32_t)number_of(arguments, "uid");
        wanted.entry.gid = (uint32_t)number_of(arguments, "gid");
        wanted.entry.size = number_of(arguments, "size");
        wanted.entry.time = (int64_t)number_of(arguments, "time");
        if (wanted.entry.type == CARRY_FILE)
                assert_int_equal(digest_parse(text_of(arguments, "sha256"), 64, &wanted.entry.digest), 0);
        if (server->before_write)
                put_file(server, server->before_write, "somebody else's");
        server->before_write = NULL;
        server->writes++;
        r = carry_write(&server->area, &wanted, result, err);
        free(wanted.entry.path);
        free(bytes);
        return r;
}

static int do_settle(struct server *server, json_t *result, struct error *err)
{
        if (server->before_settle)
                put_file(server, server->before_settle, "somebody else's");
        server->before_settle = NULL;
        server->settles++;
        return carry_settle(&server->area, result, err);
}

static int do_path(struct server *server, const char *verb, const json_t *arguments, json_t *result, struct error *err)
{
        _cleanup_(memory_freep) char *path = NULL;
        size_t length = 0;

        assert_int_equal(carry_path_parse(text_of(arguments, "path"), &path, &length, err), 0);
        if (text_equal(verb, "area-read"))
                return carry_read(&server->area, path, number_of(arguments, "offset"), result, err);
        assert_string_equal(verb, "area-keep");
        return carry_keep(&server->area, path, text_of(arguments, "expect"), result, err);
}

static int ask(void *context, const char *verb, json_t *arguments, int64_t deadline_ms _unused_, json_t **ret_result, struct error *err)
{
        struct server *server = context;
        json_t *result = json_object();
        int r;

        if (++server->asked == server->fail_at)
                r = error_set(err, -ECONNRESET, "the connection ended");
        else if (text_equal(verb, "areas"))
                r = json_object_set_new(result, "areas", json_pack("[s]", AREA));
        else if (text_equal(verb, "area-scan"))
                r = carry_scan(&server->area, result, err);
        else if (text_equal(verb, "area-list"))
                r = carry_list(&server->area, number_of(arguments, "scan"), (unsigned int)number_of(arguments, "bucket"),
                               text_of(arguments, "after"), result, err);
        else if (text_equal(verb, "area-settle"))
                r = do_settle(server, result, err);
        else if (text_equal(verb, "area-write"))
                r = do_write(server, arguments, result, err);
        else
                r = do_path(server, verb, arguments, result, err);
        carry_area_unlock(&server->area);
        json_decref(arguments);
        if (r == 0)
                *ret_result = result;
        else
                json_decref(result);
        return r;
}

/* ---- batches ---- */

static int batch(bool two_ways, bool look, struct carry_result *result, struct error *err)
{
        const struct carry_round round = { .stage = { "web1", ask, &stage }, .rest = { "web2", ask, &rest }, .two_ways = two_ways,
                                           .look = look };

        return carry_round(&book, &round, result, err);
}

/* One that goes through. */
static struct carry_result carry(bool two_ways)
{
        struct carry_result result = { 0 };
        struct error error = ERROR_NONE;

        if (batch(two_ways, false, &result, &error) < 0)
                fail_msg("%s", error.text);
        json_decref(result.notes);
        result.notes = NULL;
        return result;
}

static bool has(const struct server *server, const char *path, const char *text)
{
        _cleanup_(buffer_done) struct buffer found = BUFFER_INIT(1 << 20);

        return file_read(server->folder, path, &found, NULL) == 0 && text_equal(buffer_text(&found), text);
}

static bool is_there(const struct server *server, const char *path)
{
        struct stat st;

        return fstatat(server->folder, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_kept(const struct server *server, const char *text)
{
        char hex[DIGEST_HEX_SIZE], path[DIGEST_HEX_SIZE + 8];
        struct digest digest;

        assert_int_equal(digest_of_bytes(text, strlen(text), &digest, NULL), 0);
        digest_hex(&digest, hex);
        snprintf(path, sizeof(path), "kept/%s", hex);
        return faccessat(server->area.state, path, F_OK, 0) == 0;
}

static void set_up_server(struct server *server, int top, const char *name)
{
        char path[64];

        snprintf(path, sizeof(path), "%s/area", name);
        assert_int_equal(directory_make(top, path, 0755, NULL), 0);
        *server = (struct server){ .area = CARRY_AREA_NONE };
        server->folder = openat(top, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        server->area.folder = openat(top, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        server->area.uid = geteuid();
        server->area.gid = getegid();
        snprintf(path, sizeof(path), "%s/state", name);
        assert_int_equal(directory_make(top, path, 0700, NULL), 0);
        server->area.state = openat(top, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        snprintf(server->area.name, sizeof(server->area.name), AREA);
}

static int set_up(void **context _unused_)
{
        int top = tests_folder(folder);

        set_up_server(&stage, top, "web1");
        set_up_server(&rest, top, "web2");
        close(top);
        book = (struct carry_book)CARRY_BOOK_NONE;
        return carry_book_open(&book, folder, 0, NULL);
}

static int tear_down(void **context _unused_)
{
        carry_book_close(&book);
        carry_area_close(&stage.area);
        carry_area_close(&rest.area);
        close(stage.folder);
        close(rest.folder);
        tests_folder_remove(folder);
        return 0;
}

static int look_at_rest(void)
{
        const struct carry_side side = { "web2", ask, &rest };

        return carry_look(&book, &side, NULL);
}

/* ---- what is carried ---- */

static void uploads_arrive(void **context _unused_)
{
        char long_name[256], text[100001];
        struct carry_result result;
        struct stat st;

        memset(long_name, 'n', 255);
        long_name[255] = '\0';
        memset(text, 'b', 100000);
        text[100000] = '\0';
        assert_int_equal(mkdirat(stage.folder, "2009", 02775), 0);
        assert_int_equal(fchmodat(stage.folder, "2009", 02775, 0), 0);
        put_file(&stage, "2009/large.jpg", text);
        put_file(&stage, "line\nfeed", "newline");
        put_file(&stage, "\xff\xfe", "no UTF-8");
        put_file(&stage, long_name, "255 bytes");
        put_file(&stage, "empty", "");
        assert_int_equal(utimensat(stage.folder, "empty", (struct timespec[2]){ { .tv_sec = 1 }, { .tv_sec = 1246870800 } }, 0), 0);

        result = (struct carry_result){ 0 };
        assert_int_equal(batch(false, true, &result, NULL), 0);
        assert_int_equal(result.to_rest, 5);
        assert_int_equal(result.to_rest_bytes, 100000 + 7 + 8 + 9);
        carry_result_done(&result);
        assert_false(is_there(&rest, "2009")); /* the plan changes nothing */

        result = carry(false);
        assert_int_equal(result.to_rest, 5);
        assert_int_equal(result.left, 0);
        assert_true(has(&rest, "2009/large.jpg", text) && has(&rest, "line\nfeed", "newline") && has(&rest, "\xff\xfe", "no UTF-8") &&
                    has(&rest, long_name, "255 bytes") && has(&rest, "empty", ""));
        assert_int_equal(fstatat(rest.folder, "empty", &st, 0), 0);
        assert_int_equal(st.st_mtime, 1246870800);
        assert_int_equal(fstatat(rest.folder, "2009", &st, 0), 0);
        assert_int_equal(st.st_mode & 07777, 02775);
        assert_int_equal(look_at_rest(), 1);
        rest.writes = 0;
        result = carry(false);
        assert_int_equal(result.to_rest, 0);
        assert_int_equal(rest.writes, 0); /* equal is equal: nothing is sent twice */
}

static void changes_and_deletions(void **context _unused_)
{
        struct carry_result result;

        assert_int_equal(mkdirat(stage.folder, "a", 0755), 0);
        assert_int_equal(mkdirat(stage.folder, "a/b", 0755), 0);
        put_file(&stage, "a/b/gone", "was deleted");
        put_file(&stage, "changed", "first");
        put_file(&stage, "mode", "mode");
        carry(false);
        assert_int_equal(unlinkat(stage.folder, "a/b/gone", 0), 0);
        assert_int_equal(unlinkat(stage.folder, "a/b", AT_REMOVEDIR), 0);
        assert_int_equal(unlinkat(stage.folder, "a", AT_REMOVEDIR), 0);
        put_file(&stage, "changed", "other"); /* the same size, within the second */
        assert_int_equal(fchmodat(stage.folder, "mode", 0600, 0), 0);
        result = carry(false);
        assert_int_equal(result.kept, 1);
        assert_int_equal(result.left, 0);
        assert_false(is_there(&rest, "a"));
        assert_true(is_kept(&rest, "was deleted"));
        assert_true(has(&rest, "changed", "other"));
        assert_int_equal(look_at_rest(), 1);
}

/* One way: what somebody put on the one that rests does not come on stage, and is not lost. */
static void the_stage_decides(void **context _unused_)
{
        put_file(&stage, "mine", "mine");
        carry(false);
        put_file(&rest, "planted", "planted");
        put_file(&rest, "mine", "tampered");
        assert_int_equal(unlinkat(stage.folder, "nothing", 0), -1);
        assert_int_equal(look_at_rest(), 0);
        assert_int_equal(carry(false).kept, 2);
        assert_false(is_there(&stage, "planted") || is_there(&rest, "planted"));
        assert_true(has(&rest, "mine", "mine") && has(&stage, "mine", "mine"));
        assert_true(is_kept(&rest, "planted") && is_kept(&rest, "tampered"));
}

static void both_wrote(void **context _unused_)
{
        struct carry_result result;

        put_file(&stage, "same", "old");
        put_file(&stage, "there", "old");
        put_file(&stage, "both", "old");
        carry(false);
        put_file(&rest, "there", "newer at the one that left");
        put_file(&rest, "both", "the one that left wrote this");
        put_file(&stage, "both", "the stage wrote that");
        put_file(&rest, "late", "uploaded while it was left");
        put_file(&stage, "early", "uploaded after the move");
        result = carry(true);
        assert_int_equal(result.to_stage, 2);
        assert_int_equal(result.conflicts, 1);
        assert_true(has(&stage, "there", "newer at the one that left") && has(&stage, "late", "uploaded while it was left"));
        assert_true(has(&stage, "both", "the stage wrote that") && has(&rest, "both", "the stage wrote that"));
        assert_true(is_kept(&rest, "the one that left wrote this"));
        assert_true(has(&rest, "early", "uploaded after the move"));
        assert_int_equal(look_at_rest(), 1);
}

/* ---- what is not ---- */

static void rules_hold_where_it_arrives(void **context _unused_)
{
        struct carry_result result;

        stage.area.allow = ~0U; /* the sender lets everything pass */
        put_file(&stage, "shell.php", "words");
        put_file(&stage, "picture.gif", "GIF89a<?php system($_GET[0]); ?>");
        put_file(&stage, "page", "<!doctype html><script src=//malware.invalid/x.js></script>");
        put_file(&stage, ".htaccess", "AddType application/x-httpd-php .gif");
        put_file(&stage, "good.txt", "good");
        assert_int_equal(fchmodat(stage.folder, "good.txt", 0644, 0), 0);
        assert_int_equal(mkdirat(stage.folder, "cgi-bin", 0755), 0);
        put_file(&stage, "cgi-bin/x", "words");
        result = carry(false);
        assert_int_equal(result.to_rest, 1);
        assert_true(result.refused >= 4);
        assert_true(has(&rest, "good.txt", "good"));
        assert_false(is_there(&rest, "shell.php") || is_there(&rest, "picture.gif") || is_there(&rest, "page") ||
                     is_there(&rest, ".htaccess"));
        stage.area.allow = 0;
        result = carry(false);
        assert_true(result.refused >= 4);
        assert_int_equal(result.to_rest, 0);
}

static void what_became_bad_takes_no_place(void **context _unused_)
{
        put_file(&stage, "a.gif", "GIF89a good");
        carry(false);
        put_file(&stage, "a.gif", "<?php");
        assert_int_equal(carry(false).refused, 1);
        assert_true(has(&rest, "a.gif", "GIF89a good"));
        assert_int_equal(look_at_rest(), 1);
}

static void links_lead_nowhere(void **context _unused_)
{
        assert_int_equal(mkdirat(stage.folder, "d", 0755), 0);
        put_file(&stage, "d/file", "mine");
        assert_int_equal(symlinkat("/etc/passwd", stage.folder, "link"), 0);
        assert_int_equal(mkfifoat(stage.folder, "pipe", 0644), 0);
        assert_int_equal(mkdirat(rest.area.state, "outside", 0755), 0);
        {
                char target[TESTS_FOLDER_SIZE + 32];

                snprintf(target, sizeof(target), "%s/web2/state/outside", folder);
                assert_int_equal(symlinkat(target, rest.folder, "d"), 0); /* the intruder's, on the one that rests */
        }
        assert_true(carry(false).refused >= 2);
        assert_int_not_equal(faccessat(rest.area.state, "outside/file", F_OK, 0), 0);
        assert_false(is_there(&rest, "link") || is_there(&rest, "pipe"));
}

static void somebody_else_was_first(void **context _unused_)
{
        rest.before_write = "a";
        put_file(&stage, "a", "mine");
        carry(false);
        assert_true(has(&rest, "a", "mine")); /* the next pass */
        assert_true(is_kept(&rest, "somebody else's"));
        put_file(&stage, "b", "first");
        carry(false);
        put_file(&stage, "b", "second");
        rest.before_write = "b";
        carry(false);
        assert_true(has(&rest, "b", "second") && is_kept(&rest, "somebody else's"));
}

static void an_empty_stage_empties_nothing(void **context _unused_)
{
        struct carry_result result = { 0 };
        struct error error = ERROR_NONE;

        put_file(&stage, "a", "a");
        carry(false);
        assert_int_equal(unlinkat(stage.folder, "a", 0), 0);
        assert_int_equal(batch(false, false, &result, &error), -EPERM);
        carry_result_done(&result);
        assert_non_null(strstr(error.text, "mounted"));
        assert_true(has(&rest, "a", "a"));
}

/* ---- cut off ---- */

static void a_part_is_gone_on_with(void **context _unused_)
{
        struct carry_result result = { 0 };
        struct error error = ERROR_NONE;
        char *text = memory_new(1, 300001);
        unsigned int asked;

        assert_non_null(text);
        memset(text, 'x', 300000);
        put_file(&stage, "large", text);
        rest.fail_at = 9;
        assert_int_equal(batch(false, false, &result, &error), -ECONNRESET);
        carry_result_done(&result);
        assert_false(is_there(&rest, "large"));
        rest.fail_at = 0;
        asked = rest.writes;
        assert_true(asked >= 3);
        rest.writes = 0;
        carry(false);
        assert_true(has(&rest, "large", text));
        assert_true(rest.writes <= 11 - asked); /* one to hear how much there is, and what was missing */
        free(text);
}

/* The connection ends at every request in turn; the next batch brings all of it to its end, and no version is lost. */
static void cut_anywhere(void **context _unused_)
{
        bool through = false;

        for (unsigned int at = 1; !through; at++) {
                struct carry_result result = { 0 };

                assert_true(at < 200);
                if (at > 1)
                        assert_int_equal(set_up(NULL), 0);
                put_file(&stage, "old", "old");
                put_file(&stage, "both", "old");
                put_file(&stage, "deleted", "deleted");
                put_file(&stage, "stays", "stays");
                carry(false);
                put_file(&stage, "new", "new");
                put_file(&stage, "both", "stage's");
                put_file(&rest, "both", "rest's");
                put_file(&rest, "late", "late");
                assert_int_equal(unlinkat(stage.folder, "deleted", 0), 0);
                stage.asked = rest.asked = 0;
                (at % 2 ? &stage : &rest)->fail_at = (at + 1) / 2;
                through = batch(true, false, &result, NULL) == 0 && at > 60;
                carry_result_done(&result);
                stage.fail_at = rest.fail_at = 0;
                carry(true);
                assert_true(has(&stage, "both", "stage's") && has(&rest, "both", "stage's") && is_kept(&rest, "rest's"));
                assert_true(has(&stage, "late", "late") && has(&rest, "new", "new") && has(&rest, "stays", "stays"));
                if (!is_kept(&rest, "deleted") || is_there(&rest, "deleted") || is_there(&stage, "deleted"))
                        fail_msg("cut at %u: what was deleted is kept %d, there %d %d", at, is_kept(&rest, "deleted"),
                                 is_there(&rest, "deleted"), is_there(&stage, "deleted"));
                assert_int_equal(look_at_rest(), 1);
                if (!through)
                        tear_down(NULL);
        }
}

/* Any writing on either side, any number of batches: every content is on stage or was moved aside. */
static void nothing_that_was_written_is_lost(void **context _unused_)
{
        static const char *const names[] = { "a", "b", "c", "d/a", "d/b" };
        char written[LENGTH(names)][2][32];
        uint32_t random = 20090706;

        memset(written, 0, sizeof(written));
        assert_int_equal(mkdirat(stage.folder, "d", 0755), 0);
        assert_int_equal(mkdirat(rest.folder, "d", 0755), 0);
        for (unsigned int i = 0; i < 150; i++) {
                for (unsigned int k = 0; k < 3; k++) {
                        unsigned int name, side;

                        random = random * 1664525 + 1013904223;
                        name = (random >> 8) % LENGTH(names);
                        side = (random >> 16) % 2;
                        snprintf(written[name][side], sizeof(written[name][side]), "%u of %s", i * 3 + k, names[name]);
                        put_file(side ? &rest : &stage, names[name], written[name][side]);
                }
                carry(true);
                for (unsigned int name = 0; name < LENGTH(names); name++)
                        for (unsigned int side = 0; side < 2; side++) {
                                const char *text = written[name][side];

                                if (*text && !has(&stage, names[name], text) && !is_kept(&rest, text))
                                        fail_msg("round %u: '%s' of side %u is lost", i, text, side);
                                written[name][side][0] = '\0';
                        }
                assert_int_equal(look_at_rest(), 1);
        }
}

#define MANY 150 /* more than wait at once, and all of one bucket */

static const char *many_name(unsigned int i)
{
        static char names[MANY][16];

        for (unsigned int k = 0, number = 0; names[MANY - 1][0] == '\0'; number++) {
                const int length = snprintf(names[k], sizeof(names[k]), "file-%u", number);

                if (carry_bucket(names[k], (size_t)length) == 7)
                        k++;
                else
                        names[k][0] = '\0';
        }
        return names[i];
}

static void put_many(unsigned int version)
{
        for (unsigned int i = 0; i < MANY; i++) {
                char text[32];

                snprintf(text, sizeof(text), "%u of %u", version, i);
                put_file(&stage, many_name(i), text);
        }
}

static void check_many(unsigned int version)
{
        _cleanup_(walk_freep) struct walk *walk = NULL;
        const struct walk_item *item;
        unsigned int count = 0;

        for (unsigned int i = 0; i < MANY; i++) {
                char text[32];

                snprintf(text, sizeof(text), "%u of %u", version, i);
                assert_true(has(&rest, many_name(i), text));
        }
        assert_int_equal(walk_new(rest.folder, 0, &walk, NULL), 0);
        while (walk_next(walk, &item)) {
                count += item->folder != NULL;
                if (!item->folder)
                        assert_int_equal(walk_enter(walk), 0);
        }
        assert_int_equal(count, MANY); /* nothing beside them */
}

/* Small ones are put into their places together. */
static void many_at_once(void **context _unused_)
{
        struct carry_result result;

        put_many(1);
        result = carry(false);
        assert_int_equal(result.to_rest, MANY);
        assert_int_equal(result.left, 0);
        check_many(1);
        assert_int_equal(rest.settles, (MANY + CARRY_HELD - 1) / CARRY_HELD);
        put_many(2);
        result = carry(false);
        assert_int_equal(result.to_rest, MANY);
        check_many(2);
        assert_int_equal(look_at_rest(), 1);
        assert_int_equal(carry(false).to_rest, 0);
}

/* Between the last byte and its place. */
static void somebody_else_was_first_while_it_waited(void **context _unused_)
{
        put_file(&stage, "new", "new");
        rest.before_settle = "new";
        assert_int_equal(carry(false).to_rest, 1); /* by the next pass */
        assert_null(rest.before_settle);
        assert_true(has(&rest, "new", "new"));
        assert_true(is_kept(&rest, "somebody else's"));
        assert_int_equal(look_at_rest(), 1);
}

/* What takes the place of a file does not wait, for its old content would be lost to whoever writes it meanwhile. */
static void what_replaces_does_not_wait(void **context _unused_)
{
        put_file(&stage, "old", "old");
        carry(false);
        rest.settles = 0;
        put_file(&stage, "old", "another");
        assert_int_equal(carry(false).to_rest, 1);
        assert_true(has(&rest, "old", "another"));
        assert_int_equal(rest.settles, 0);
}

/* All of them are begun anew, and nothing of ours stays beside them. */
static void cut_while_they_wait(void **context)
{
        for (unsigned int requests = 5; requests < MANY; requests += 22) {
                struct carry_result result = { 0 };

                put_many(requests);
                rest.fail_at = rest.asked + requests;
                assert_int_equal(batch(false, false, &result, NULL), -ECONNRESET);
                carry_result_done(&result);
                rest.fail_at = 0;
                carry(false);
                check_many(requests);
                tear_down(context);
                set_up(context);
        }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(uploads_arrive),
                TEST(changes_and_deletions),
                TEST(the_stage_decides),
                TEST(both_wrote),
                TEST(rules_hold_where_it_arrives),
                TEST(what_became_bad_takes_no_place),
                TEST(links_lead_nowhere),
                TEST(somebody_else_was_first),
                TEST(an_empty_stage_empties_nothing),
                TEST(a_part_is_gone_on_with),
                TEST(cut_anywhere),
                TEST(nothing_that_was_written_is_lost),
                TEST(many_at_once),
                TEST(somebody_else_was_first_while_it_waited),
                TEST(what_replaces_does_not_wait),
                TEST(cut_while_they_wait),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
