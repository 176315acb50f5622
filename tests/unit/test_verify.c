/* test_verify.c - every way in which a tree can differ is found, named and told in order; with one thread and four. */
#include "tests.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/io.h"
#include "crypto/digest.h"
#include "manifest/inode.h"
#include "manifest/mtree.h"
#include "manifest/walk.h"
#include "tree/verify.h"

#define LONG_NAME                                                                                                      \
        "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"     \
        "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"     \
        "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"

/* A fresh tree "site" in a folder of its own, which is the current one, and its manifest. */
struct fixture {
        char folder[TESTS_FOLDER_SIZE];
        struct buffer manifest;
        struct companion companion;
};

static void put(const char *path, const char *text)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(write_full(fd, text, strlen(text)), 0);
        close(fd);
}

static void append(const char *path, const char *text)
{
        int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(write_full(fd, text, strlen(text)), 0);
        close(fd);
}

/* A manifest of what is there now. */
static void describe(struct fixture *fixture)
{
        int directory = open("site", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_(walk_freep) struct walk *walk = NULL;
        const struct walk_item *item;

        buffer_clear(&fixture->manifest);
        assert_int_equal(mtree_write_head(&fixture->manifest), 0);
        assert_int_equal(walk_new(directory, 0, &walk, NULL), 0);
        while (walk_next(walk, &item)) {
                struct entry entry = { .path = item->path, .path_length = item->path_length };
                char target[ENTRY_LINK_MAXIMUM + 1] = "";

                entry.mode = item->stx.stx_mode & 07777U;
                entry.uid = item->stx.stx_uid;
                entry.gid = item->stx.stx_gid;
                if (S_ISDIR(item->stx.stx_mode)) {
                        entry.type = ENTRY_DIRECTORY;
                        assert_int_equal(walk_enter(walk), 0);
                } else if (S_ISLNK(item->stx.stx_mode)) {
                        entry.type = ENTRY_LINK;
                        entry.target = target;
                        entry.target_length = (size_t)readlinkat(walk_folder_fd(item->folder), item->name, target,
                                                                 sizeof(target) - 1);
                } else {
                        int fd = openat(walk_folder_fd(item->folder), item->name, O_RDONLY | O_CLOEXEC);

                        entry.type = ENTRY_FILE;
                        entry.size = (int64_t)item->stx.stx_size;
                        entry.time = item->stx.stx_mtime.tv_sec;
                        assert_int_equal(digest_of_fd(fd, UINT64_MAX, &entry.digest, &(uint64_t){ 0 }, NULL), 0);
                        close(fd);
                }
                assert_int_equal(mtree_write_entry(&fixture->manifest, &entry), 0);
        }
        close(directory);
}

static int set_up(void **state)
{
        struct fixture *fixture = calloc(1, sizeof(*fixture));

        fixture->manifest.maximum = 1U << 20;
        close(tests_folder(fixture->folder));
        assert_int_equal(chdir(fixture->folder), 0);
        umask(022);
        assert_int_equal(mkdir("site", 0755), 0);
        assert_int_equal(mkdir("site/css", 0755), 0);
        assert_int_equal(mkdir("site/empty", 0755), 0);
        put("site/css/a.css", "a { color: red }\n");
        put("site/css/b.css", "b { color: red }\n");
        put("site/css-old", "between css/ and css.html in no other order\n");
        put("site/index.php", "<?php echo 'hello';\n");
        put("site/null", "");
        assert_int_equal(symlink("css/a.css", "site/style"), 0);
        describe(fixture);
        *state = fixture;
        return 0;
}

static int tear_down(void **state)
{
        struct fixture *fixture = *state;

        assert_int_equal(chdir("/"), 0);
        tests_folder_remove(fixture->folder);
        companion_done(&fixture->companion);
        buffer_done(&fixture->manifest);
        free(fixture);
        return 0;
}

static int collect(void *context, const struct difference *difference, struct error *err)
{
        struct buffer *out = context;

        (void)err;
        assert_string_equal(difference->root, "docroot");
        assert_int_equal(strlen(difference->path), difference->path_length);
        return buffer_printf(out, "%s %s [%s|%s]\n", difference_kind_name(difference->kind), difference->path,
                             difference->expected ? difference->expected : "-",
                             difference->found ? difference->found : "-");
}

static struct verify_result verify_with(struct fixture *fixture, struct verify_options options, struct buffer *out)
{
        _cleanup_(mtree_reader_freep) struct mtree_reader *reader = NULL;
        _cleanup_(fd_closep) int parent = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct verify_result result = { 0 };
        struct error error = ERROR_NONE;

        buffer_clear(out);
        options.root = "docroot";
        options.companion = &fixture->companion;
        options.difference = collect;
        options.context = out;
        assert_int_equal(
                mtree_reader_new_bytes(fixture->manifest.data, fixture->manifest.length, "manifest", &reader, &error),
                0);
        if (tree_verify_at(parent, "site", reader, &options, &result, &error) < 0)
                fail_msg("%s", error.text);
        return result;
}

/* The differences as lines "kind path [expected|found]"; a '*' at the end of a wanted line stands for the rest. */
static void differs(struct fixture *fixture, const char *wanted)
{
        static const unsigned int threads[] = { 1, 2, 4 };

        for (size_t i = 0; i < LENGTH(threads); i++) {
                _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(1U << 20);
                struct verify_result result =
                        verify_with(fixture, (struct verify_options){ .threads = threads[i] }, &out);
                const char *found = buffer_text(&out), *want = wanted;

                while (*want) {
                        size_t length = strcspn(want, "\n"), compared = length;
                        bool rest = length > 0 && want[length - 1] == '*';

                        if (rest)
                                compared--;
                        if (strncmp(found, want, compared) != 0 || (!rest && found[compared] != '\n'))
                                fail_msg("with %u threads: wanted\n%s\nbut found\n%s", threads[i], wanted,
                                         buffer_text(&out));
                        found += strcspn(found, "\n") + 1;
                        want += length + (want[length] == '\n');
                }
                if (*found)
                        fail_msg("with %u threads: not wanted: %s", threads[i], found);
                assert_int_equal(verify_is_genuine(&result), *wanted == '\0');
                if (result.changing)
                        fail_msg("with %u threads: changing: %s %d", threads[i], result.changing_path,
                                 result.clock_stepped);
        }
}

static void a_genuine_tree_is_genuine(void **state)
{
        struct fixture *fixture = *state;
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(4096);
        struct verify_result result;

        differs(fixture, "");
        result = verify_with(fixture, (struct verify_options){ .threads = 2 }, &out);
        assert_int_equal(result.files, 5);
        assert_int_equal(result.bytes, 17 + 17 + 44 + 20);
}

static void content_is_told_by_hash(void **state)
{
        struct fixture *fixture = *state;
        struct stat st;
        int fd = open("site/css/a.css", O_RDWR | O_CLOEXEC);

        /* Same size, same modification time. */
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(pwrite(fd, "b", 1, 0), 1);
        assert_int_equal(futimens(fd, (struct timespec[]){ st.st_atim, st.st_mtim }), 0);
        close(fd);
        append("site/index.php", "<script src=http://malware.invalid/x.js></script>\n");
        differs(fixture, "content css/a.css [*\n"
                         "content index.php [*\n");
}

static void swapped_files_are_both_told(void **state)
{
        assert_int_equal(renameat2(AT_FDCWD, "site/css/a.css", AT_FDCWD, "site/css/b.css", RENAME_EXCHANGE), 0);
        differs(*state, "content css/a.css [*\ncontent css/b.css [*\n");
}

static void a_huge_file_is_not_read(void **state)
{
        struct fixture *fixture = *state;
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(4096);

        assert_int_equal(truncate("site/null", INT64_C(1) << 40), 0);
        differs(fixture, "content null [e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855|size "
                         "1099511627776]\n");
        assert_true(verify_with(fixture, (struct verify_options){ .threads = 1 }, &out).bytes < 1000);
}

static void names_come_and_go(void **state)
{
        assert_int_equal(unlink("site/css/b.css"), 0);
        assert_int_equal(rmdir("site/empty"), 0);
        put("site/index.html", "planted");
        assert_int_equal(mkdir("site/zzz", 0755), 0);
        put("site/zzz/a", "");
        put("site/" LONG_NAME, "");
        put("site/line\nbreak ", "");
        put("site/\377", "");
        differs(*state, "missing css/b.css [file|-]\n"
                        "missing empty [directory|-]\n"
                        "extra index.html [-|file]\n"
                        "extra line*\nbreak  [-|file]\n"
                        "extra " LONG_NAME " [-|file]\n"
                        "extra zzz/ [-|directory]\n"
                        "extra \377 [-|file]\n");
}

static void a_missing_folder_is_told_once(void **state)
{
        assert_int_equal(tree_remove(AT_FDCWD, "site/css", NULL), 0);
        differs(*state, "missing css [directory|-]\n");
}

static void types_are_told(void **state)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "site/null" };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_int_equal(rename("site/css", "elsewhere"), 0);
        assert_int_equal(symlink("../elsewhere", "site/css"), 0);
        assert_int_equal(unlink("site/css-old"), 0);
        assert_int_equal(mkfifo("site/css-old", 0644), 0);
        assert_int_equal(unlink("site/index.php"), 0);
        assert_int_equal(mkdir("site/index.php", 0755), 0);
        assert_int_equal(unlink("site/null"), 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(unlink("site/style"), 0);
        put("site/style", "a { color: red }\n");
        differs(*state, "type css [directory|symlink]\n"
                        "type css-old [file|fifo]\n"
                        "type index.php [file|directory]\n"
                        "type null [file|socket]\n"
                        "type style [symlink|file]\n");
        close(fd);
}

static void a_device_is_not_opened(void **state)
{
        if (geteuid() != 0)
                skip();
        assert_int_equal(unlink("site/null"), 0);
        if (mknod("site/null", S_IFCHR | 0644, makedev(1, 3)) < 0)
                skip();
        differs(*state, "type null [file|character device]\n");
}

static void modes_owners_and_links_are_told_together(void **state)
{
        if (geteuid() != 0)
                skip();
        assert_int_equal(chmod("site/css", 0777), 0);
        assert_int_equal(chown("site/css/a.css", 33, 33), 0);
        assert_int_equal(chmod("site/css/a.css", 04755), 0);
        append("site/css/a.css", "x");
        assert_int_equal(link("site/index.php", "outside"), 0);
        assert_int_equal(unlink("site/style"), 0);
        assert_int_equal(symlink("/etc/passwd", "site/style"), 0);
        assert_int_equal(lchown("site/style", 1, 2), 0);
        differs(*state, "mode css [0755|0777]\n"
                        "content css/a.css [*\n"
                        "mode css/a.css [0644|4755]\n"
                        "owner css/a.css [0:0|33:33]\n"
                        "hardlink index.php [1|2]\n"
                        "owner style [0:0|1:2]\n"
                        "link style [css/a.css|/etc/passwd]\n");
}

static void attributes_are_told(void **state)
{
        struct fixture *fixture = *state;

        if (setxattr("site/css/a.css", "user.note", "hello", 5, 0) < 0)
                skip();
        assert_int_equal(setxattr("site/empty", "user.note", "\1\2", 2, 0), 0);
        differs(fixture, "xattr css/a.css [-|user.note=hello]\n"
                         "xattr empty [-|user.note=0x0102]\n");
}

static void attributes_of_the_release_must_be_there(void **state)
{
        struct fixture *fixture = *state;
        struct attributes attributes = { .path = strdup("css/a.css"), .xattr_count = 1 };
        struct error error = ERROR_NONE;

        attributes.xattrs = calloc(1, sizeof(*attributes.xattrs));
        attributes.xattrs[0] =
                (struct xattr){ .name = strdup("user.note"), .value = (uint8_t *)strdup("hello"), .length = 5 };
        assert_int_equal(companion_add_attributes(&fixture->companion, &attributes, &error), 0);
        differs(fixture, "xattr css/a.css [user.note=hello|-]\n");
        if (setxattr("site/css/a.css", "user.note", "hello", 5, 0) < 0)
                skip();
        differs(fixture, "");
        assert_int_equal(setxattr("site/css/a.css", "user.note", "hellO", 5, 0), 0);
        differs(fixture, "xattr css/a.css [user.note=hello|user.note=hellO]\n");
}

static void flag(const char *path, int flags)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC), set = 0;

        assert_true(fd >= 0);
        if (ioctl(fd, FS_IOC_GETFLAGS, &set) < 0) {
                close(fd);
                skip();
        }
        set = (set & ~(FS_IMMUTABLE_FL | FS_APPEND_FL)) | flags;
        if (ioctl(fd, FS_IOC_SETFLAGS, &set) < 0) {
                close(fd);
                skip();
        }
        close(fd);
}

static void flags_are_told(void **state)
{
        if (geteuid() != 0)
                skip();
        flag("site/index.php", FS_IMMUTABLE_FL);
        flag("site/css", FS_APPEND_FL);
        differs(*state, "flags css [none|append-only]\n"
                        "flags index.php [none|immutable]\n");
        flag("site/index.php", 0);
        flag("site/css", 0);
}

/* A mount is told and never looked behind. */
static void mounts_are_told(void **state)
{
        if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0)
                skip();
        assert_int_equal(mkdir("behind", 0755), 0);
        put("behind/a.css", "a { color: red }\n");
        put("behind/b.css", "b { color: red }\n");
        assert_int_equal(mount("behind", "site/css", "none", MS_BIND, NULL), 0);
        assert_int_equal(mount("behind/a.css", "site/index.php", "none", MS_BIND, NULL), 0);
        assert_int_equal(mkdir("site/new", 0755), 0);
        assert_int_equal(mount("none", "site/new", "tmpfs", 0, NULL), 0);
        differs(*state, "mount css [-|directory]\n"
                        "mount index.php [-|file]\n"
                        "extra new/ [-|directory]\n"
                        "mount new/ [-|directory]\n");
        assert_int_equal(umount("site/new"), 0);
        assert_int_equal(umount("site/index.php"), 0);
        assert_int_equal(umount("site/css"), 0);
        assert_int_equal(rmdir("site/new"), 0);
        differs(*state, "");
        assert_int_equal(mount("site", "site", "none", MS_BIND, NULL), 0);
        differs(*state, "mount . [-|directory]\n");
        assert_int_equal(umount("site"), 0);
}

static void the_root_itself_can_differ(void **state)
{
        struct fixture *fixture = *state;

        assert_int_equal(chmod("site", 0700), 0);
        differs(fixture, "mode . [0755|0700]\n");
        assert_int_equal(rename("site", "site-before"), 0);
        differs(fixture, "missing . [directory|-]\n");
        assert_int_equal(symlink("site-before", "site"), 0);
        differs(fixture, "type . [directory|symlink]\n");
        assert_int_equal(unlink("site"), 0);
        put("site", "");
        differs(fixture, "type . [directory|file]\n");
}

/* Deeper than any manifest, and than PATH_MAX: told once. */
static void a_bottomless_folder_is_told_once(void **state)
{
        _cleanup_(fd_closep) int at = open("site", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        for (int i = 0; i < 400; i++) {
                int next;

                assert_int_equal(mkdirat(at, "a-name-of-some-length", 0755), 0);
                next = openat(at, "a-name-of-some-length", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                assert_true(next >= 0);
                close(at);
                at = next;
        }
        differs(*state, "extra a-name-of-some-length/ [-|directory]\n");
}

static void what_cannot_be_read_is_bad(void **state)
{
        if (geteuid() == 0) { /* root reads everything: be nobody for this test */
                assert_int_equal(chmod((const char *)((struct fixture *)*state)->folder, 0755), 0);
                assert_int_equal(chmod("site/css", 0700), 0);
                assert_int_equal(chmod("site/index.php", 0600), 0);
                assert_int_equal(seteuid(65534), 0);
        }
        differs(*state, "content css [-|unreadable: Permission denied]\n"
                        "mode css [0755|0700]\n"
                        "content index.php [*\n"
                        "mode index.php [0644|0600]\n");
        assert_int_equal(seteuid(0), 0);
}

/* ---- changes while it is read ---- */

static int meddle(void *context, const struct entry *entry, int fd, const struct statx *stx, struct error *err)
{
        (void)context, (void)fd, (void)stx, (void)err;
        /* css-old was verified before index.php is: what is written into it now must not go unseen. */
        if (strcmp(entry->path, "index.php") == 0)
                append("site/css-old", "late");
        return 0;
}

static void a_change_behind_the_reader_is_told(void **state)
{
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(4096);
        struct verify_result result =
                verify_with(*state, (struct verify_options){ .threads = 1, .genuine = meddle }, &out);

        assert_true(result.changing);
        assert_string_equal(result.changing_path, "css-old");
        assert_false(verify_is_genuine(&result));
}

static int swap(void *context, const struct entry *entry, int fd, const struct statx *stx, struct error *err)
{
        (void)context, (void)fd, (void)stx, (void)err;
        if (strcmp(entry->path, "index.php") == 0) {
                assert_int_equal(rename("site/css/a.css", "site/css/x"), 0);
                assert_int_equal(rename("site/css/x", "site/css/a.css"), 0);
        }
        return 0;
}

static void a_rename_there_and_back_is_told(void **state)
{
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(4096);
        struct verify_result result =
                verify_with(*state, (struct verify_options){ .threads = 1, .genuine = swap }, &out);

        assert_true(result.changing);
        assert_int_equal(result.differences, 0);
}

static int refuse(void *context, const struct entry *entry, int fd, const struct statx *stx, struct error *err)
{
        (void)context, (void)entry, (void)fd, (void)stx;
        return error_set(err, -ECANCELED, "enough");
}

static void an_error_of_the_caller_ends_it(void **state)
{
        struct fixture *fixture = *state;

        for (unsigned int threads = 1; threads <= 3; threads++) {
                _cleanup_(mtree_reader_freep) struct mtree_reader *reader = NULL;
                _cleanup_(fd_closep) int fd = open("site", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                const struct verify_options options = { .threads = threads, .parent = -1, .genuine = refuse };
                struct verify_result result = { .files = 77 };
                struct error error = ERROR_NONE;

                assert_int_equal(mtree_reader_new_bytes(fixture->manifest.data, fixture->manifest.length, "manifest",
                                                        &reader, &error),
                                 0);
                assert_int_equal(tree_verify(fd, reader, &options, &result, &error), -ECANCELED);
                assert_string_equal(error.text, "enough");
                assert_int_equal(result.files, 77);
        }
}

/* ---- leases ---- */

static void whoever_can_write_is_told(void **state)
{
        const struct verify_options options = { .threads = 2, .leases = true };
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(4096);
        struct verify_result result = verify_with(*state, options, &out);
        char *mapped;
        int fd;

        if (result.no_leases)
                skip();
        assert_true(verify_is_genuine(&result));
        fd = open("site/css/b.css", O_RDWR | O_CLOEXEC);
        mapped = mmap(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        assert_true(mapped != MAP_FAILED);
        result = verify_with(*state, options, &out);
        assert_int_equal(result.writable, 1);
        assert_string_equal(result.writable_path, "css/b.css");
        close(fd); /* the mapping alone is enough to write */
        result = verify_with(*state, options, &out);
        assert_int_equal(result.writable, 1);
        assert_false(verify_is_genuine(&result));
        assert_int_equal(munmap(mapped, 4), 0);
        result = verify_with(*state, options, &out);
        assert_true(verify_is_genuine(&result));
}

/* ---- mutable areas and ignored paths ---- */

static void areas_obey_their_rules(void **state)
{
        struct fixture *fixture = *state;
        struct error error = ERROR_NONE;

        assert_int_equal(symlink("../../mutable/uploads", "site/css/uploads"), 0);
        describe(fixture);
        assert_int_equal(companion_add_area(&fixture->companion, "css/uploads", "../../mutable/uploads", 0, &error), 0);
        differs(fixture, ""); /* it is not there: no difference */
        assert_int_equal(mkdir("mutable", 0755), 0);
        assert_int_equal(mkdir("mutable/uploads", 0755), 0);
        assert_int_equal(mkdir("mutable/uploads/2009", 0755), 0);
        put("mutable/uploads/2009/photo.txt", "a photo");
        differs(fixture, "");
        put("mutable/uploads/2009/shell.php", "<?php system($_GET['c']);");
        put("mutable/uploads/.htaccess", "AddType x-httpd-php .txt");
        assert_int_equal(symlink("/etc/passwd", "mutable/uploads/2009/link"), 0);
        differs(fixture, "extra css/uploads/.htaccess [*\n"
                         "extra css/uploads/2009/link [*\n"
                         "extra css/uploads/2009/shell.php [*\n");
        assert_int_equal(rename("mutable/uploads", "mutable/other"), 0);
        assert_int_equal(symlink("other", "mutable/uploads"), 0);
        differs(fixture, "extra css/uploads [*\n");
}

static void ignored_paths_obey_their_rules(void **state)
{
        struct fixture *fixture = *state;
        struct error error = ERROR_NONE;

        assert_int_equal(companion_add_ignored(&fixture->companion, "empty/cache", 0, &error), 0);
        differs(fixture, "");
        assert_int_equal(mkdir("site/empty/cache", 0700), 0);
        put("site/empty/cache/note.txt", "x");
        differs(fixture, "");
        put("site/empty/cache/note.php", "x");
        put("site/empty/cache2", "x");
        differs(fixture, "extra empty/cache/note.php [*\n"
                         "extra empty/cache2 [-|file]\n");
}

static void many_files_keep_their_order(void **state)
{
        struct fixture *fixture = *state;
        _cleanup_(buffer_done) struct buffer wanted = BUFFER_INIT(1U << 20);
        char path[64];

        for (int i = 0; i < 3000; i++) {
                snprintf(path, sizeof(path), "site/empty/%04d", i);
                put(path, i % 7 ? "x" : "");
        }
        describe(fixture);
        differs(fixture, "");
        for (int i = 0; i < 3000; i += 3) {
                snprintf(path, sizeof(path), "site/empty/%04d", i);
                append(path, "y");
                assert_int_equal(buffer_printf(&wanted, "content empty/%04d [*\n", i), 0);
        }
        differs(fixture, buffer_text(&wanted));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                CASE(a_genuine_tree_is_genuine),
                CASE(content_is_told_by_hash),
                CASE(swapped_files_are_both_told),
                CASE(a_huge_file_is_not_read),
                CASE(names_come_and_go),
                CASE(a_missing_folder_is_told_once),
                CASE(types_are_told),
                CASE(a_device_is_not_opened),
                CASE(modes_owners_and_links_are_told_together),
                CASE(attributes_are_told),
                CASE(attributes_of_the_release_must_be_there),
                CASE(flags_are_told),
                CASE(mounts_are_told),
                CASE(the_root_itself_can_differ),
                CASE(a_bottomless_folder_is_told_once),
                CASE(what_cannot_be_read_is_bad),
                CASE(a_change_behind_the_reader_is_told),
                CASE(a_rename_there_and_back_is_told),
                CASE(an_error_of_the_caller_ends_it),
                CASE(whoever_can_write_is_told),
                CASE(areas_obey_their_rules),
                CASE(ignored_paths_obey_their_rules),
                CASE(many_files_keep_their_order),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
