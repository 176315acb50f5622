/* What looks planted: contents, names, control files, checksums; and that honest code is left alone. */
#include <sys/stat.h>

#include "base/attributes.h"
#include "base/io.h"
#include "base/memory.h"
#include "review/checksums.h"
#include "review/private.h"
#include "review/proposal.h"
#include "tests.h"

static struct content scan(const char *text, enum content_language language)
{
        struct content content;

        content_scan(text, strlen(text), language, &content);
        return content;
}

static void code_that_hides_is_planted(void **state)
{
        static const char *const texts[] = {
                "<?php eval(base64_decode('x'));",
                "<?php @EVAL ( GzInflate(base64_decode($x)));",
                "<?php eval(\"?>\".str_rot13($x));",
                "<?php assert($_POST['x']);",
                "<?php system($_GET[0]);",
                "<?php echo shell_exec(\"id \" . $_REQUEST['c']);",
                "<?php $_GET['f']($_GET['x']);",
                "<?php $_COOKIE[ 1 ] ($y);",
                "<?php eval(file_get_contents('php://input'));",
                "<?php passthru($_SERVER['HTTP_X']);",
        };

        (void)state;
        for (size_t i = 0; i < LENGTH(texts); i++) {
                struct content content = scan(texts[i], CONTENT_CODE);

                if (!content.obfuscated || !content.planted)
                        fail_msg("not seen: %s", texts[i]);
        }
}

static void scripts_that_hide_are_planted(void **state)
{
        static const char *const texts[] = {
                "eval(unescape('%61'))",
                "eval(atob('YQ=='))",
                "document.write(unescape('%3Cscript'))",
                "eval(String.fromCharCode(1,2))",
                "x=String.fromCharCode(104,116,116,112,58,47,47,104,116,116,112,58,47,47,104,116,116,112)",
                "new Function(atob('x'))()",
        };

        (void)state;
        for (size_t i = 0; i < LENGTH(texts); i++)
                if (!scan(texts[i], CONTENT_SCRIPT).planted)
                        fail_msg("not seen: %s", texts[i]);
}

static void honest_code_is_left_alone(void **state)
{
        static const struct {
                const char *text;
                enum content_language language;
        } cases[] = {
                {"<?php $x = base64_decode($_POST['image']);",                                                  CONTENT_CODE  },
                { "<?php $this->evaluate(base64_decode($x));",                                                  CONTENT_CODE  },
                { "<?php if ($_GET['a'] == 1) (f)();",                                                          CONTENT_CODE  },
                { "<?php $statement->execute($_POST);",                                                         CONTENT_CODE  },
                { "<?php echo chr(13) . chr(10);",                                                              CONTENT_CODE  },
                { "function(e){return unescape(e)}",                                                            CONTENT_SCRIPT},
                { "m = /x/.exec(s); eval(x)",                                                                   CONTENT_SCRIPT},
                { "document.write(unescape(\"%3Cscript src='\" + gaJsHost + \"google-analytics.com/ga.js'\"))",
                 CONTENT_PAGE                                                                                                 },
                { "eval(base64_decode(x))",                                                                     CONTENT_PAGE  }, /* a text about PHP */
        };

        (void)state;
        for (size_t i = 0; i < LENGTH(cases); i++)
                if (scan(cases[i].text, cases[i].language).obfuscated)
                        fail_msg("seen: %s", cases[i].text);
}

static void outside_hosts_are_named(void **state)
{
        static const struct {
                const char *text, *host;
                bool frame;
        } cases[] = {
                {"<script src=\"http://malware.invalid/x.js\">",                         "malware.invalid", false},
                { "<SCRIPT type=x SRC = 'HTTPS://CDN.Example:8443/x'>",                  "cdn.example",     false},
                { "<script src=//cdn.example/x.js>",                                     "cdn.example",     false},
                { "<script\nasync\nsrc=\"https://user@cdn.example/\">",                  "cdn.example",     false},
                { "echo \"<script src=\\\"http://a.example/\\\">\"",                     "a.example",       false},
                { "{\"h\":\"<script src='https:\\/\\/a.example\\/'>\"}",                 "a.example",       false},
                { "document.write(\"<scr\"+\"ipt src='//a.example/x'>\")",               "a.example",       false},
                { "<iframe src=http://f.example/>",                                      "f.example",       true },
                { "<base href=\"http://b.example/\">",                                   "b.example",       false},
                { "<object data='//o.example/x.swf'>",                                   "o.example",       true },
                { "<meta http-equiv=refresh content=\"0; url=http://m.example/\">",      "m.example",       true },
                { "s=document.createElement('script');s.src = 'https://j.example/x.js'", "j.example",       false},
        };
        static const char *const none[] = {
                "<script src=\"/x.js\">",
                "<script src=\"x.js\">",
                "<script>var src='http://x.example'</script>",
                "<a href=\"http://x.example/\">",
                "<img src=\"http://x.example/\">",
                "<script data-src=\"//x.example/\">",
                "<script src=\"http://{host}/x\">",
                "<script src=\"https://$host/\">",
                "<scripts src=\"//x.example/\">",
                "img.src = 'https://x.example/pixel.gif'",
        };

        (void)state;
        for (size_t i = 0; i < LENGTH(cases); i++) {
                struct content content = scan(cases[i].text, CONTENT_PAGE);

                if (content.host_count != 1)
                        fail_msg("%zu hosts in %s", content.host_count, cases[i].text);
                assert_string_equal(content.hosts[0].name, cases[i].host);
                assert_int_equal(content.hosts[0].frame, cases[i].frame);
        }
        for (size_t i = 0; i < LENGTH(none); i++)
                if (scan(none[i], CONTENT_PAGE).host_count)
                        fail_msg("a host in %s", none[i]);
}

static void hidden_frames_are_seen(void **state)
{
        (void)state;
        assert_non_null(scan("<iframe src=http://x.example/ width=0 height=0>", CONTENT_PAGE).hidden_frame);
        assert_non_null(scan("<iframe width='1' height='1' src='//x.example/'>", CONTENT_PAGE).hidden_frame);
        assert_non_null(scan("<iframe style=\"display:none\" src=//x.example/>", CONTENT_PAGE).hidden_frame);
        assert_non_null(scan("<iframe style='left:-999px' src=//x.example/>", CONTENT_PAGE).hidden_frame);
        assert_null(scan("<iframe width=100 height=100 src=//x.example/>", CONTENT_PAGE).hidden_frame);
        assert_null(scan("<iframe style=display:none src=/own>", CONTENT_PAGE).hidden_frame);
        assert_null(
                scan("<iframe src=\"https://www.googletagmanager.com/ns.html\" height=\"0\" width=\"0\">", CONTENT_PAGE)
                        .hidden_frame);
}

static void cut_off_texts_are_no_trouble(void **state)
{
        static const char text[] = "<script src=\"http://a.example/\"><iframe width=0 src=//b.example/ height=0>"
                                   "eval(base64_decode($_POST['a']($x));x.src='//c.example'";

        (void)state;
        for (size_t length = 1; length < sizeof(text); length++) {
                char *exact = memory_new(length, 1); /* nothing behind it: a sanitizer sees each byte too far */
                struct content content;

                assert_non_null(exact);
                memcpy(exact, text, length);
                content_scan(exact, length, CONTENT_CODE, &content);
                content_control(exact, length);
                assert_true(content.host_count <= 3);
                free(exact);
        }
}

static const char *control(const char *text)
{
        return content_control(text, strlen(text));
}

static void control_files_that_act_are_seen(void **state)
{
        (void)state;
        assert_non_null(control("php_value auto_prepend_file /tmp/x"));
        assert_non_null(control("\n  AUTO_APPEND_FILE = x\n"));
        assert_non_null(control("AddHandler application/x-httpd-php .jpg"));
        assert_non_null(control("AddType application/x-httpd-php .gif"));
        assert_non_null(control("RewriteRule .* http://elsewhere.example/ [R]"));
        assert_non_null(control("ErrorDocument 404 http://elsewhere.example/"));
        assert_null(control("# AddHandler php"));
        assert_null(control("Deny from all\nOptions -Indexes\n"));
        assert_null(control("RewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R]"));
        assert_null(control("RewriteRule . /index.php [L]"));
        assert_null(control("AddType font/woff .woff"));
}

static void names_are_told_apart(void **state)
{
        char program[256];

        (void)state;
        assert_true(name_shadows("index.html", program));
        assert_string_equal(program, "index.php");
        assert_true(name_shadows("login.HTM", program));
        assert_string_equal(program, "login.php");
        assert_false(name_shadows("index.php", program));
        assert_false(name_shadows("html", program));
        assert_true(name_is_doubled("x.php.gif"));
        assert_false(name_is_doubled("x.gif.php"));
        assert_false(name_is_doubled("x.php"));
        assert_true(path_is_upload("wp-content/uploads/2009/x"));
        assert_true(path_is_upload("sites/default/files/x"));
        assert_false(path_is_upload("includes/upload/Hook.php"));
        assert_false(path_is_upload("uploads.php"));
}

/* ---------------------------------------------------------------- trees */

struct place {
        char path[TESTS_FOLDER_SIZE];
        int fd;
};

static void place_make(struct place *place)
{
        place->fd = tests_folder(place->path);
}

static void place_remove(struct place *place)
{
        fd_close(&place->fd);
        tests_folder_remove(place->path);
}

static void put(struct place *place, const char *path, const char *text)
{
        assert_int_equal(file_replace(place->fd, path, text, strlen(text), 0644, NULL), 0);
}

static const struct finding *found(const struct review *review, const char *path, enum finding_kind kind)
{
        for (size_t i = 0; i < review->finding_count; i++)
                if (strcmp(review->findings[i].path, path) == 0 && review->findings[i].kind == kind)
                        return &review->findings[i];
        return NULL;
}

static bool planted(const struct review *review, const char *path, enum finding_kind kind)
{
        const struct finding *finding = found(review, path, kind);

        return finding && finding->planted;
}

static void a_tree_is_looked_through(void **state)
{
        const struct review_options options = { .web_uid = -1 };
        struct review review = REVIEW_EMPTY;
        struct place place = { .fd = -1 };

        (void)state;
        place_make(&place);
        assert_int_equal(directory_make(place.fd, "a/uploads", 0755, NULL), 0);
        put(&place, "index.php", "<?php echo 1;");
        put(&place, "index.html", "<p><script src=//malware.invalid/x.js></script>");
        put(&place, "a/help.html", "<p>fine");
        put(&place, "a/uploads/index.php", "<?php // Silence is golden.\n");
        put(&place, "a/uploads/shell.php", "<?php echo 2;");
        assert_int_equal(symlinkat("/etc/passwd", place.fd, "a/accounts"), 0);
        assert_int_equal(symlinkat("help.html", place.fd, "a/inside"), 0);
        assert_int_equal(review_scan(place.fd, &options, &review, NULL), 0);
        assert_int_equal(review.files, 5);
        assert_true(planted(&review, "index.html", FINDING_SHADOW));
        assert_true(planted(&review, "index.html", FINDING_HOST));
        assert_true(planted(&review, "a/uploads/shell.php", FINDING_UPLOAD));
        assert_true(planted(&review, "a/accounts", FINDING_LINK));
        assert_null(found(&review, "a/uploads/index.php", FINDING_UPLOAD));
        assert_null(found(&review, "a/inside", FINDING_LINK));
        assert_int_equal(review.finding_count, 4);
        assert_int_equal(review.host_count, 1);
        assert_true(review.hosts[0].lone);
        review_done(&review);
        place_remove(&place);
}

static void add(struct buffer *manifest, struct place *place, const char *path)
{
        struct entry entry = { .type = *path ? ENTRY_FILE : ENTRY_DIRECTORY,
                               .path = path,
                               .path_length = strlen(path),
                               .mode = *path ? 0644 : 0755 };
        _cleanup_(fd_closep) int fd = *path ? openat(place->fd, path, O_RDONLY | O_CLOEXEC) : -1;
        uint64_t size = 0;

        if (*path)
                assert_int_equal(digest_of_fd(fd, 1 << 20, &entry.digest, &size, NULL), 0);
        entry.size = (int64_t)size;
        assert_int_equal(mtree_write_entry(manifest, &entry), 0);
}

static void write_manifest(struct buffer *manifest, struct place *place, const char *const *paths)
{
        assert_int_equal(mtree_write_head(manifest), 0);
        for (; *paths; paths++)
                add(manifest, place, *paths);
}

static void two_releases_are_compared(void **state)
{
        static const char *const before[] = { "", "a.html", "b.php", "c.txt", NULL };
        static const char *const after[] = { "", "b.php", "c.txt", "d.js", "e.html", NULL };
        _cleanup_(buffer_done) struct buffer old = BUFFER_INIT(1 << 20), new = BUFFER_INIT(1 << 20);
        _cleanup_(mtree_reader_freep) struct mtree_reader *old_reader = NULL, *new_reader = NULL;
        const struct review_options options = { .web_uid = -1 };
        struct review_changes changes = { 0 };
        struct place place = { .fd = -1 };

        (void)state;
        place_make(&place);
        put(&place, "a.html", "a");
        put(&place, "b.php", "<?php");
        put(&place, "c.txt", "<html><script src=//known.example/>");
        write_manifest(&old, &place, before);
        put(&place, "b.php", "<?php ?><script src=//new.example/>");
        put(&place, "d.js", "");
        put(&place, "e.html", "<script src=//known.example/>");
        write_manifest(&new, &place, after);
        put(&place, "e.html", "<script src=//later.example/>"); /* after it was hashed */

        assert_int_equal(mtree_reader_new_bytes(old.data, old.length, "old", &old_reader, NULL), 0);
        assert_int_equal(mtree_reader_new_bytes(new.data, new.length, "new", &new_reader, NULL), 0);
        assert_int_equal(review_compare(place.fd, old_reader, new_reader, &options, &changes, NULL), 0);
        assert_int_equal(changes.removed.total, 1);
        assert_string_equal(changes.removed.paths[0], "a.html");
        assert_int_equal(changes.changed.total, 1);
        assert_string_equal(changes.changed.paths[0], "b.php");
        assert_int_equal(changes.added.total, 2);
        assert_int_equal(changes.code.total, 3);
        assert_int_equal(changes.new_hosts.total, 2);
        assert_string_equal(changes.new_hosts.paths[0], "later.example");
        assert_string_equal(changes.new_hosts.paths[1], "new.example");
        assert_true(planted(&changes.found, "e.html", FINDING_CHANGED));
        review_changes_done(&changes);
        place_remove(&place);
}

static void checksums_are_held_against_files(void **state)
{
        _cleanup_(checksums_freep) struct checksums *sums = NULL;
        struct error error = ERROR_NONE;
        struct place place = { .fd = -1 };
        char list[TESTS_FOLDER_SIZE + 16];
        int fd;

        (void)state;
        place_make(&place);
        put(&place, "empty", "");
        put(&place, "full", "x");
        put(&place, "list",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  ./empty\n"
            "d41d8cd98f00b204e9800998ecf8427e *full\n"
            "\\d41d8cd98f00b204e9800998ecf8427e  a\\\\b\\nc\n");
        put(&place, "broken", "this is no list\n");
        snprintf(list, sizeof(list), "%s/list", place.path);
        assert_int_equal(checksums_new(&sums, NULL), 0);
        assert_int_equal(checksums_add_file(sums, list, NULL), 0);
        assert_int_equal(checksums_count(sums), 3);
        assert_non_null(checksums_find(sums, "a\\b\nc"));
        assert_null(checksums_find(sums, "other"));
        fd = openat(place.fd, "empty", O_RDONLY | O_CLOEXEC);
        assert_int_equal(checksum_check(checksums_find(sums, "empty"), fd, NULL), 1);
        fd_close(&fd);
        fd = openat(place.fd, "full", O_RDONLY | O_CLOEXEC);
        assert_int_equal(checksum_check(checksums_find(sums, "full"), fd, NULL), 0);
        fd_close(&fd);
        snprintf(list, sizeof(list), "%s/broken", place.path);
        assert_int_equal(checksums_add_file(sums, list, &error), -EINVAL);
        assert_int_equal(error.status, EXIT_USAGE);
        place_remove(&place);
}

static void folders_of_the_application_are_proposed(void **state)
{
        struct proposal proposal = { 0 };
        struct place place = { .fd = -1 };

        (void)state;
        place_make(&place);
        assert_int_equal(directory_make(place.fd, "wp/uploads/2009", 0755, NULL), 0);
        assert_int_equal(directory_make(place.fd, "cache", 0755, NULL), 0);
        assert_int_equal(directory_make(place.fd, "lib/Cache", 0755, NULL), 0);
        assert_int_equal(directory_make(place.fd, "open", 0755, NULL), 0);
        assert_int_equal(fchmodat(place.fd, "open", 0777, 0), 0);
        put(&place, "lib/Cache/Base.php", "<?php");
        put(&place, "wp/uploads/2009/a.jpg", "x");
        put(&place, "wp/uploads/2009/b.html", "x");
        put(&place, "wp/uploads/2009/c.php", "x");
        assert_int_equal(proposal_make(place.fd, -1, &proposal, NULL), 0);
        assert_int_equal(proposal.count, 3);
        assert_string_equal(proposal.folders[0].path, "cache");
        assert_null(proposal.folders[0].target);
        assert_string_equal(proposal.folders[1].path, "open");
        assert_string_equal(proposal.folders[1].target, "../mutable/open");
        assert_string_equal(proposal.folders[2].target, "../../mutable/wp/uploads");
        assert_int_equal(proposal.folders[2].files, 3);
        assert_int_equal(proposal.folders[2].breaches[BREACH_CODE], 1);
        assert_int_equal(proposal.folders[2].breaches[BREACH_HTML], 1);
        assert_string_equal(proposal.folders[2].example, "wp/uploads/2009/c.php");
        proposal_done(&proposal);
        place_remove(&place);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(code_that_hides_is_planted),
                cmocka_unit_test(scripts_that_hide_are_planted),
                cmocka_unit_test(honest_code_is_left_alone),
                cmocka_unit_test(outside_hosts_are_named),
                cmocka_unit_test(hidden_frames_are_seen),
                cmocka_unit_test(cut_off_texts_are_no_trouble),
                cmocka_unit_test(control_files_that_act_are_seen),
                cmocka_unit_test(names_are_told_apart),
                cmocka_unit_test(a_tree_is_looked_through),
                cmocka_unit_test(two_releases_are_compared),
                cmocka_unit_test(checksums_are_held_against_files),
                cmocka_unit_test(folders_of_the_application_are_proposed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
