/* Manifests: what is written is read back, what would not be written is refused, and the real mtree agrees. */
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/child.h"
#include "base/io.h"
#include "manifest/mtree.h"
#include "tests.h"

#define SHA    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HEAD   "#mtree\n. type=dir mode=0755 uid=0 gid=0\n"
#define FOLDER " type=dir mode=0755 uid=0 gid=0\n"
#define FILE_  " type=file mode=0644 uid=33 gid=33 nlink=1 size=0 time=1246870800.0 sha256=" SHA "\n"
#define LINK_  " type=link mode=0777 uid=0 gid=0 link="

static void add(struct buffer *out, enum entry_type type, const char *path, size_t length, const char *target)
{
        struct entry entry = { .type = type,
                               .path = path,
                               .path_length = length,
                               .mode = type == ENTRY_LINK        ? 0777
                                       : type == ENTRY_DIRECTORY ? 0755
                                                                 : 0644,
                               .time = type == ENTRY_FILE ? 1246870800 : 0,
                               .target = target,
                               .target_length = target ? strlen(target) : 0 };

        if (type == ENTRY_FILE)
                assert_int_equal(digest_parse(SHA, 64, &entry.digest), 0);
        assert_int_equal(mtree_write_entry(out, &entry), 0);
}

/* Reads all; the number of entries, or the error. Writes each entry again into `again` unless it is NULL. */
static int read_all(const char *text, size_t length, struct buffer *again, struct error *err)
{
        _cleanup_(mtree_reader_freep) struct mtree_reader *reader = NULL;
        struct entry entry;
        int r, count = 0;

        assert_int_equal(mtree_reader_new_bytes(text, length, "m", &reader, err), 0);
        if (again)
                assert_int_equal(mtree_write_head(again), 0);
        while ((r = mtree_reader_next(reader, &entry, err)) > 0) {
                assert_int_equal(path_check(entry.path, entry.path_length, NULL), 0);
                assert_int_equal(strlen(entry.path), entry.path_length);
                if (again)
                        assert_int_equal(mtree_write_entry(again, &entry), 0);
                count++;
        }
        return r < 0 ? r : count;
}

static void an_entry_comes_back_as_it_was(void **state)
{
        static const char text[] =
                HEAD "./a\\040b type=file mode=04755 uid=33 gid=4294967294 nlink=1 size=17592186044416 "
                     "time=253402300799.0 sha256=" SHA "\n"
                     "./c" LINK_ "../\\134\\075x\n";
        _cleanup_(mtree_reader_freep) struct mtree_reader *reader = NULL;
        struct digest digest, expected;
        struct entry entry;

        (void)state;
        assert_int_equal(mtree_reader_new_bytes(text, strlen(text), "m", &reader, NULL), 0);
        assert_int_equal(mtree_reader_next(reader, &entry, NULL), 1);
        assert_string_equal(entry.path, "");
        assert_int_equal(entry.type, ENTRY_DIRECTORY);
        assert_int_equal(mtree_reader_next(reader, &entry, NULL), 1);
        assert_string_equal(entry.path, "a b");
        assert_int_equal(entry.type, ENTRY_FILE);
        assert_int_equal(entry.mode, 04755);
        assert_int_equal(entry.uid, 33);
        assert_int_equal(entry.gid, 4294967294U);
        assert_int_equal(entry.size, INT64_C(1) << 44);
        assert_int_equal(entry.time, 253402300799);
        assert_int_equal(digest_parse(SHA, 64, &expected), 0);
        assert_true(digest_equal(&entry.digest, &expected));
        assert_null(entry.target);
        assert_int_equal(mtree_reader_next(reader, &entry, NULL), 1);
        assert_int_equal(entry.type, ENTRY_LINK);
        assert_string_equal(entry.target, "../\\=x");
        assert_int_equal(entry.target_length, 6);
        assert_int_equal(mtree_reader_next(reader, &entry, NULL), 0);
        assert_int_equal(mtree_reader_next(reader, &entry, NULL), 0);
        assert_int_equal(mtree_reader_digest(reader, &digest, NULL), 0);
        assert_int_equal(digest_of_bytes(text, strlen(text), &expected, NULL), 0);
        assert_true(digest_equal(&digest, &expected));
}

static void the_spelling_is_that_of_the_documents(void **state)
{
        static const struct {
                const char *path, *line;
        } cases[] = {
                {"a/b.html",  "./a/b.html"             },
                { "a b",      "./a\\040b"              },
                { "a\nb",     "./a\\012b"              },
                { "a#b=c]",   "./a\\043b\\075c\\135"   },
                { "\xff\x7f", "./\\377\\177"           },
                { "a*b",      "./a\\134\\052b"         },
                { "a?[",      "./a\\134\\077\\134\\133"},
                { "a\\b",     "./a\\134b"              },
                { "a*\\",     "./a\\134\\052\\134\\134"},
                { "x*/a\\b",  "./x\\134\\052/a\\134b"  },
        };

        (void)state;
        for (size_t i = 0; i < LENGTH(cases); i++) {
                _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(4096);

                add(&text, ENTRY_DIRECTORY, cases[i].path, strlen(cases[i].path), NULL);
                assert_int_equal(memcmp(text.data, cases[i].line, strlen(cases[i].line)), 0);
                assert_string_equal(text.data + strlen(cases[i].line), FOLDER);
        }
}

static void every_byte_of_a_name_and_target_survives(void **state)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(1 << 20), again = BUFFER_INIT(1 << 20);
        struct error error = ERROR_NONE;

        (void)state;
        assert_int_equal(mtree_write_head(&text), 0);
        add(&text, ENTRY_DIRECTORY, "", 0, NULL);
        for (int byte = 1; byte < 256; byte++) {
                char path[8] = { (char)byte, 'x', (char)byte }, target[3] = { 't', (char)byte, '\0' };

                if (byte != '/')
                        add(&text, ENTRY_LINK, path, 3, target);
        }
        assert_int_equal(read_all(text.data, text.length, &again, &error), 255);
        assert_int_equal(text.length, again.length);
        assert_memory_equal(text.data, again.data, text.length);
}

static void the_longest_line_passes(void **state)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(2 << 20), again = BUFFER_INIT(2 << 20);
        char path[ENTRY_PATH_MAXIMUM + 1] = "", target[ENTRY_LINK_MAXIMUM + 1] = "";
        struct error error = ERROR_NONE;

        (void)state;
        memset(path, '*', ENTRY_PATH_MAXIMUM);
        memset(target, ' ', ENTRY_LINK_MAXIMUM);
        assert_int_equal(mtree_write_head(&text), 0);
        add(&text, ENTRY_DIRECTORY, "", 0, NULL);
        for (size_t i = 255; i < ENTRY_PATH_MAXIMUM; i += 256) {
                add(&text, ENTRY_DIRECTORY, path, i, NULL);
                path[i] = '/';
        }
        add(&text, ENTRY_LINK, path, ENTRY_PATH_MAXIMUM, target);
        assert_int_equal(read_all(text.data, text.length, &again, &error), 17);
        assert_memory_equal(text.data, again.data, text.length);
}

/* Each is one broken rule; the number of the line is in the words. */
static void what_would_not_be_written_is_refused(void **state)
{
        static const struct {
                const char *text;
                int line;
        } cases[] = {
                {"",                                                                                                1},
                { "#mtree",                                                                                         1},
                { "#mtree\n",                                                                                       2},
                { "#mtree 2.0\n",                                                                                   1},
                { "#mtree\r\n. type=dir mode=0755 uid=0 gid=0\r\n",                                                 1},
                { "\n" HEAD,                                                                                        1},
                { "#mtree\n./a" FOLDER,                                                                             2},
                { "#mtree\n. type=file mode=0644 uid=0 gid=0 nlink=1 size=0 time=0.0 sha256=" SHA "\n",             2},
                { "#mtree\n. type=dir mode=0755 uid=0 gid=0",                                                       2},
                { HEAD "\n",                                                                                        3},
                { HEAD "# comment\n",                                                                               3},
                { HEAD "/set type=file\n",                                                                          3},
                { HEAD "..\n",                                                                                      3},
                { HEAD "." FOLDER,                                                                                  3},
                { HEAD "./" FOLDER,                                                                                 3},
                { HEAD "/etc" FOLDER,                                                                               3},
                { HEAD "a" FOLDER,                                                                                  3},
                { HEAD "./.." FOLDER,                                                                               3},
                { HEAD "./../a" FOLDER,                                                                             3},
                { HEAD "./." FOLDER,                                                                                3},
                { HEAD "./a" FOLDER "./a/../b" FOLDER,                                                              4},
                { HEAD "./a" FOLDER "./a//b" FOLDER,                                                                4},
                { HEAD "./a" FOLDER "./a/" FOLDER,                                                                  4},
                { HEAD "./\\056\\056" FOLDER,                                                                       3},
                { HEAD "./a\\057b" FOLDER,                                                                          3},
                { HEAD "./a\\000b" FOLDER,                                                                          3},
                { HEAD "./\\141" FOLDER,                                                                            3},
                { HEAD "./a\\12" FOLDER,                                                                            3},
                { HEAD "./a\\400" FOLDER,                                                                           3},
                { HEAD "./a\\nb" FOLDER,                                                                            3},
                { HEAD "./a\tb" FOLDER,                                                                             3},
                { HEAD "./a\xff" FOLDER,                                                                            3},
                { HEAD "./a*" FOLDER,                                                                               3},
                { HEAD "./a\\052" FOLDER,                                                                           3}, /* a pattern to mtree */
                { HEAD "./a\\052\\134\\052" FOLDER,                                                                 3}, /* one of two */
                { HEAD "./a\\134\\052\\134" FOLDER,                                                                 3}, /* backslash at the end of a pattern */
                { HEAD "./a\\134\\052\\134b" FOLDER,                                                                3}, /* a backslash that escapes nothing special */
                { HEAD "./a" FOLDER "./a" FOLDER,                                                                   4}, /* twice */
                { HEAD "./b" FOLDER "./a" FOLDER,                                                                   4}, /* order */
                { HEAD "./a-b" FOLDER "./a" FOLDER,                                                                 4}, /* order */
                { HEAD "./a" FOLDER "./a-b" FOLDER "./a/x" FOLDER,                                                  5},
                { HEAD "./a/b" FOLDER,                                                                              3}, /* no parent */
                { HEAD "./a" FOLDER "./b/c" FOLDER,                                                                 4}, /* no parent */
                { HEAD "./ab" FOLDER "./ab/a" FOLDER "./ab/b/c" FOLDER,                                             5},
                { HEAD "./a" FILE_ "./a/b" FILE_,                                                                   4}, /* below a file */
                { HEAD "./a" LINK_ "b\n./a/b" FILE_,                                                                4}, /* below a link */
                { HEAD "./a  type=dir mode=0755 uid=0 gid=0\n",                                                     3},
                { HEAD "./a type=dir mode=0755 uid=0 gid=0 \n",                                                     3},
                { HEAD "./a type=dir mode=755 uid=0 gid=0\n",                                                       3},
                { HEAD "./a type=dir mode=00755 uid=0 gid=0\n",                                                     3},
                { HEAD "./a type=dir mode=075 uid=0 gid=0\n",                                                       3},
                { HEAD "./a type=dir mode=010755 uid=0 gid=0\n",                                                    3},
                { HEAD "./a type=dir mode=08755 uid=0 gid=0\n",                                                     3},
                { HEAD "./a type=dir uid=0 gid=0 mode=0755\n",                                                      3},
                { HEAD "./a type=dir mode=0755 uid=00 gid=0\n",                                                     3},
                { HEAD "./a type=dir mode=0755 uid=-1 gid=0\n",                                                     3},
                { HEAD "./a type=dir mode=0755 uid=4294967295 gid=0\n",                                             3},
                { HEAD "./a type=dir mode=0755 uid=0 gid=4294967295\n",                                             3},
                { HEAD "./a type=dir mode=0755 uid=0\n",                                                            3},
                { HEAD "./a type=dir mode=0755 uid=0 gid=0 optional\n",                                             3},
                { HEAD "./a type=dir mode=0755 uid=0 gid=0 ignore\n",                                               3},
                { HEAD "./a type=dir mode=0755 uid=0 gid=0 \\\n",                                                   3},
                { HEAD "./a type=char mode=0755 uid=0 gid=0\n",                                                     3},
                { HEAD "./a type=link mode=0755 uid=0 gid=0 link=b\n",                                              3},
                { HEAD "./a" LINK_ "\n",                                                                            3},
                { HEAD "./a" LINK_ "a b\n",                                                                         3},
                { HEAD "./a" LINK_ "a\\000\n",                                                                      3},
                { HEAD "./a type=file mode=0644 uid=0 gid=0 size=0 time=0.0 sha256=" SHA "\n",                      3},
                { HEAD "./a type=file mode=0644 uid=0 gid=0 nlink=2 size=0 time=0.0 sha256=" SHA "\n",              3},
                { HEAD "./a type=file mode=0644 uid=0 gid=0 nlink=1 size=17592186044417 time=0.0 sha256=" SHA "\n", 3},
                { HEAD "./a type=file mode=0644 uid=0 gid=0 nlink=1 size=0 time=0 sha256=" SHA "\n",                3},
                { HEAD "./a type=file mode=0644 uid=0 gid=0 nlink=1 size=0 time=0.5 sha256=" SHA "\n",              3},
                { HEAD "./a type=file mode=0644 uid=0 gid=0 nlink=1 size=0 time=.0 sha256=" SHA "\n",               3},
                { HEAD "./a type=file mode=0644 uid=0 gid=0 nlink=1 size=0 time=0.0 sha256=E3" SHA "\n",            3},
                { HEAD "./a type=file mode=0644 uid=0 gid=0 nlink=1 size=0 time=0.0\n",                             3},
                { HEAD "./a type=file mode=0644 uid=0 gid=0 nlink=1 size=0 time=0.0 sha256=" SHA " md5=0\n",        3},
        };

        (void)state;
        for (size_t i = 0; i < LENGTH(cases); i++) {
                struct error error = ERROR_NONE;
                char words[32];

                if (read_all(cases[i].text, strlen(cases[i].text), NULL, &error) != -EBADMSG)
                        fail_msg("accepted: %s", cases[i].text);
                snprintf(words, sizeof(words), "m, line %d:", cases[i].line);
                if (!strstr(error.text, words))
                        fail_msg("%s: %s", cases[i].text, error.text);
        }
}

static void a_nul_in_the_text_is_refused(void **state)
{
        static const char text[] = HEAD "./a\0" FOLDER;

        (void)state;
        assert_int_equal(read_all(text, sizeof(text) - 1, NULL, NULL), -EBADMSG);
}

static void too_long_a_name_is_refused(void **state)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(1 << 20);

        (void)state;
        for (size_t length = 254; length <= 258; length++) {
                buffer_clear(&text);
                assert_int_equal(buffer_append_text(&text, HEAD "./"), 0);
                for (size_t i = 0; i < length; i++)
                        assert_int_equal(buffer_append_text(&text, "\\134\\052"), 0);
                assert_int_equal(buffer_append_text(&text, FOLDER), 0);
                assert_int_equal(read_all(text.data, text.length, NULL, NULL), length <= 255 ? 2 : -EBADMSG);
        }
}

/* A file of several chunks, read by descriptor: lines that lie across them, and one that never ends. */
static void a_large_file_streams(void **state)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(8 << 20);
        _cleanup_(mtree_reader_freep) struct mtree_reader *reader = NULL;
        _cleanup_(fd_closep) int fd = memfd_create("manifest", MFD_CLOEXEC);
        struct digest digest, expected;
        struct error error = ERROR_NONE;
        struct entry entry;
        int r, count = 0;

        (void)state;
        assert_int_equal(buffer_append_text(&text, HEAD), 0);
        for (int i = 0; i < 10000; i++)
                assert_int_equal(buffer_printf(&text, "./%05d%s" FILE_, i, i % 97 ? "" : "\\040"), 0);
        assert_int_equal(write_full(fd, text.data, text.length), 0);
        assert_int_equal(mtree_reader_new_fd(fd, "m", &reader, &error), 0);
        while ((r = mtree_reader_next(reader, &entry, &error)) > 0) {
                if (count > 0) {
                        char name[16];

                        snprintf(name, sizeof(name), "%05d%s", count - 1, (count - 1) % 97 ? "" : " ");
                        assert_string_equal(entry.path, name);
                }
                count++;
        }
        assert_int_equal(r, 0);
        assert_int_equal(count, 10001);
        assert_int_equal(mtree_reader_digest(reader, &digest, &error), 0);
        assert_int_equal(digest_of_bytes(text.data, text.length, &expected, &error), 0);
        assert_true(digest_equal(&digest, &expected));
}

static void an_endless_line_ends_with_an_error(void **state)
{
        _cleanup_(mtree_reader_freep) struct mtree_reader *reader = NULL;
        _cleanup_(fd_closep) int fd = memfd_create("manifest", MFD_CLOEXEC);
        static char zeros[MTREE_LINE_MAXIMUM];
        struct entry entry;

        (void)state;
        memset(zeros, 'a', sizeof(zeros));
        assert_int_equal(write_full(fd, HEAD "./", strlen(HEAD "./")), 0);
        for (int i = 0; i < 20; i++)
                assert_int_equal(write_full(fd, zeros, sizeof(zeros)), 0);
        assert_int_equal(mtree_reader_new_fd(fd, "m", &reader, NULL), 0);
        assert_int_equal(mtree_reader_next(reader, &entry, NULL), 1);
        assert_int_equal(mtree_reader_next(reader, &entry, NULL), -EBADMSG);
        assert_int_equal(mtree_reader_next(reader, &entry, NULL), -EBADMSG);
}

/* Names and targets that an attacker or a careless editor leaves behind, in order. */
static const struct {
        const char *path, *target; /* target NULL: a file; "": a folder */
} odd[] = {
        {"\n",             NULL                 },
        { " ",             ""                   },
        { " / ",           NULL                 },
        { "#",             NULL                 },
        { "*",             NULL                 },
        { "*?[]\\#=",      ""                   },
        { "*?[]\\#=/a\\b", NULL                 },
        { "*?[]\\#=/a]b",  NULL                 },
        { "-rf",           NULL                 },
        { "..a",           NULL                 },
        { ".htaccess",     NULL                 },
        { "=",             NULL                 },
        { "[!a]",          NULL                 },
        { "[a-z]",         "no/where [*]\\ \n=#"},
        { "\\",            NULL                 },
        { "\\052",         NULL                 },
        { "a",             ""                   },
        { "a/b",           ""                   },
        { "a/b/c",         NULL                 },
        { "a-b",           NULL                 },
        { "a.html",        NULL                 },
        { "optional",      NULL                 },
        { "trailing ",     NULL                 },
        { "type=file",     NULL                 },
        { "~",             "/etc/passwd"        },
        { "\x7f",          NULL                 },
        { "\x80",          NULL                 },
        { "\xc3\xa4",      NULL                 },
        { "\xff\xfe",      "\xff"               },
};

static void make_odd_tree(int folder, struct buffer *manifest)
{
        char longest[256];

        assert_int_equal(mtree_write_head(manifest), 0);
        add(manifest, ENTRY_DIRECTORY, "", 0, NULL);
        for (size_t i = 0; i < LENGTH(odd); i++) {
                const char *path = odd[i].path, *target = odd[i].target;

                if (!target)
                        assert_int_equal(file_create(folder, path, "", 0, 0644, NULL), 0);
                else if (!target[0])
                        assert_int_equal(mkdirat(folder, path, 0755), 0);
                else
                        assert_int_equal(symlinkat(target, folder, path), 0);
                add(manifest,
                    !target     ? ENTRY_FILE
                    : target[0] ? ENTRY_LINK
                                : ENTRY_DIRECTORY,
                    path, strlen(path), target);
        }
        memset(longest, 0xff, 255);
        longest[255] = '\0';
        assert_int_equal(mkdirat(folder, longest, 0755), 0);
        add(manifest, ENTRY_DIRECTORY, longest, 255, NULL);
}

/* What `mtree -C ... | mtree -p` says of the tree. */
static int run_mtree(const char *folder, struct buffer *output)
{
        const char *argv[] = { "sh", "-c",   "mtree -C -R time,uid,gid -K sha256 -f \"$1.mtree\" | mtree -p \"$1\"",
                               "sh", folder, NULL };
        const struct child_options options = { .input = -1, .output = output, .timeout_ms = 30000 };

        buffer_clear(output);
        return child_run(argv, &options, NULL);
}

static void the_real_mtree_agrees(void **state)
{
        _cleanup_(buffer_done) struct buffer manifest = BUFFER_INIT(1 << 20), again = BUFFER_INIT(1 << 20),
                                             output = BUFFER_INIT(1 << 16);
        char folder[TESTS_FOLDER_SIZE], file[TESTS_FOLDER_SIZE + 8];
        _cleanup_(fd_closep) int fd = -1, manifest_fd = -1;
        struct error error = ERROR_NONE;

        (void)state;
        fd = tests_folder(folder);
        assert_int_equal(fchmod(fd, 0755), 0);
        snprintf(file, sizeof(file), "%s.mtree", folder);
        make_odd_tree(fd, &manifest);
        assert_int_equal(read_all(manifest.data, manifest.length, &again, &error), LENGTH(odd) + 2);
        assert_memory_equal(manifest.data, again.data, manifest.length);
        manifest_fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        assert_int_equal(write_full(manifest_fd, manifest.data, manifest.length), 0);

        if (run_mtree(folder, &output) == -ENOENT) {
                print_message("# mtree is not installed (package mtree-netbsd): not compared\n");
        } else {
                assert_string_equal(buffer_text(&output), "");
                /* ... and it would have said something. */
                assert_int_equal(file_replace(fd, "*", "changed", 7, 0644, &error), 0);
                assert_int_equal(file_create(fd, "[b]", "", 0, 0644, &error), 0);
                run_mtree(folder, &output);
                assert_non_null(strstr(buffer_text(&output), "sha256"));
                assert_non_null(strstr(buffer_text(&output), "extra: [b]"));
        }
        unlink(file);
        tests_folder_remove(folder);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_entry_comes_back_as_it_was),
                cmocka_unit_test(the_spelling_is_that_of_the_documents),
                cmocka_unit_test(every_byte_of_a_name_and_target_survives),
                cmocka_unit_test(the_longest_line_passes),
                cmocka_unit_test(what_would_not_be_written_is_refused),
                cmocka_unit_test(a_nul_in_the_text_is_refused),
                cmocka_unit_test(too_long_a_name_is_refused),
                cmocka_unit_test(a_large_file_streams),
                cmocka_unit_test(an_endless_line_ends_with_an_error),
                cmocka_unit_test(the_real_mtree_agrees),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
