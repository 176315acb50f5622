/* test_inode.c - what an inode carries beside its bytes: compared, and given so that it compares as equal. */
#include "tests.h"

#include <errno.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "manifest/inode.h"

static char folder[TESTS_FOLDER_SIZE];

static int set_up(void **state)
{
        (void)state;
        close(tests_folder(folder));
        assert_int_equal(chdir(folder), 0);
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        assert_int_equal(chdir("/"), 0);
        tests_folder_remove(folder);
        return 0;
}

static int make(const char *name)
{
        int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        return fd;
}

static struct entry entry_of(const struct statx *stx)
{
        return (struct entry){
                .type = ENTRY_FILE,
                .path = "file",
                .path_length = 4,
                .mode = stx->stx_mode & 07777U,
                .uid = stx->stx_uid,
                .gid = stx->stx_gid,
        };
}

static void each_difference_has_its_kind(void **state)
{
        _cleanup_(fd_closep) int fd = make("file");
        struct entry entry;
        struct statx stx;

        (void)state;
        assert_int_equal(inode_stat(fd, &stx), 0);
        entry = entry_of(&stx);
        assert_int_equal(inode_compare(&stx, &entry, 0), 0);
        entry.mode ^= 04000;
        assert_int_equal(inode_compare(&stx, &entry, 0), DIFFERENCE_MODE);
        entry = entry_of(&stx);
        entry.gid++;
        assert_int_equal(inode_compare(&stx, &entry, 0), DIFFERENCE_OWNER);
        entry = entry_of(&stx);
        assert_int_equal(inode_compare(&stx, &entry, FS_IMMUTABLE_FL), DIFFERENCE_FLAGS);
        assert_int_equal(link("file", "other"), 0);
        assert_int_equal(inode_stat(fd, &stx), 0);
        entry.uid++;
        assert_int_equal(inode_compare(&stx, &entry, 0), DIFFERENCE_OWNER | DIFFERENCE_HARDLINK);
        entry.type = ENTRY_DIRECTORY; /* a folder has as many links as it has */
        entry.uid--;
        assert_int_equal(inode_compare(&stx, &entry, 0), 0);
}

static void a_links_mode_says_nothing(void **state)
{
        struct statx stx;
        struct entry entry;

        (void)state;
        assert_int_equal(symlink("target", "link"), 0);
        assert_int_equal(inode_stat_at(AT_FDCWD, "link", &stx), 0);
        assert_true(S_ISLNK(stx.stx_mode));
        entry = entry_of(&stx);
        entry.type = ENTRY_LINK;
        entry.mode = 0;
        assert_int_equal(inode_compare(&stx, &entry, 0), 0);
}

static void two_looks_differ_after_any_change(void **state)
{
        _cleanup_(fd_closep) int fd = make("file");
        struct statx before, after;

        (void)state;
        assert_int_equal(inode_stat(fd, &before), 0);
        assert_int_equal(inode_stat_at(AT_FDCWD, "file", &after), 0);
        assert_true(inode_same(&before, &after));
        usleep(20000);                         /* more than the ticks in which ctime is counted */
        assert_int_equal(fchmod(fd, 0600), 0); /* the same mode: only ctime tells */
        assert_int_equal(inode_stat(fd, &after), 0);
        assert_false(inode_same(&before, &after));
}

static void attributes_are_compared_exactly(void **state)
{
        _cleanup_(fd_closep) int fd = make("file");
        _cleanup_(buffer_done) struct buffer found = BUFFER_INIT(4096);
        _cleanup_(attributes_done) struct attributes read = { 0 };

        (void)state;
        assert_int_equal(inode_attributes_equal(fd, NULL, &found, NULL), 1);
        if (fsetxattr(fd, "user.b", "\0\1", 2, 0) < 0)
                skip();
        assert_int_equal(fsetxattr(fd, "user.a", "text", 4, 0), 0);
        assert_int_equal(inode_attributes_equal(fd, NULL, &found, NULL), 0);
        assert_string_equal(buffer_text(&found), "user.a=text, user.b=0x0001");
        assert_int_equal(inode_attributes(fd, &read, NULL), 0);
        assert_int_equal(read.xattr_count, 2);
        assert_string_equal(read.xattrs[0].name, "user.a");
        assert_null(read.path);
        assert_int_equal(inode_attributes_equal(fd, &read, &found, NULL), 1);
        assert_int_equal(fsetxattr(fd, "user.a", "texT", 4, 0), 0);
        assert_int_equal(inode_attributes_equal(fd, &read, &found, NULL), 0);
        assert_int_equal(fremovexattr(fd, "user.a"), 0);
        assert_int_equal(inode_attributes_equal(fd, &read, &found, NULL), 0);
}

static void more_names_than_fit_a_small_list_are_read(void **state)
{
        _cleanup_(fd_closep) int fd = make("file");
        _cleanup_(attributes_done) struct attributes read = { 0 };
        char name[256];

        (void)state;
        for (int i = 0; i < 12; i++) { /* 12 x 200 bytes of names */
                snprintf(name, sizeof(name), "user.%0195d", i);
                if (fsetxattr(fd, name, "x", 1, 0) < 0)
                        skip();
        }
        assert_int_equal(inode_attributes(fd, &read, NULL), 0);
        assert_int_equal(read.xattr_count, 12);
}

static void a_links_own_attributes_are_read(void **state)
{
        _cleanup_(buffer_done) struct buffer found = BUFFER_INIT(4096);
        _cleanup_(fd_closep) int file = make("file");
        _cleanup_(fd_closep) int fd = -1;

        (void)state;
        assert_int_equal(symlink("file", "link"), 0);
        fd = open("link", O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fsetxattr(file, "user.of-the-target", "x", 1, 0) < 0)
                skip();
        assert_int_equal(inode_link_attributes_equal(fd, NULL, &found, NULL), 1);
        if (lsetxattr("link", "trusted.of-the-link", "x", 1, 0) < 0)
                skip();
        assert_int_equal(inode_link_attributes_equal(fd, NULL, &found, NULL), 0);
        assert_string_equal(buffer_text(&found), "trusted.of-the-link=x");
}

static void what_is_applied_compares_as_equal(void **state)
{
        _cleanup_(fd_closep) int fd = make("file");
        _cleanup_(buffer_done) struct buffer found = BUFFER_INIT(4096);
        struct xattr xattr = { .name = (char[]){ "user.note" }, .value = (uint8_t[]){ 'x' }, .length = 1 };
        const struct attributes attributes = { .xattrs = &xattr, .xattr_count = 1 };
        struct error error = ERROR_NONE;
        struct entry entry;
        struct statx stx;

        (void)state;
        if (geteuid() != 0 || fsetxattr(fd, "user.inherited", "x", 1, 0) < 0)
                skip();
        assert_int_equal(inode_stat(fd, &stx), 0);
        entry = entry_of(&stx);
        entry.uid = 1234;
        entry.gid = 4321;
        entry.mode = 06755; /* chown clears them: the order matters */
        entry.time = 1246838400;
        if (inode_apply(fd, &entry, &attributes, &error) < 0)
                fail_msg("%s", error.text);
        assert_int_equal(inode_stat(fd, &stx), 0);
        assert_int_equal(inode_compare(&stx, &entry, 0), 0);
        assert_int_equal(stx.stx_mtime.tv_sec, 1246838400);
        assert_int_equal(stx.stx_mtime.tv_nsec, 0);
        assert_int_equal(inode_attributes_equal(fd, &attributes, &found, NULL), 1);
        /* And back: what a release does not have is taken away. */
        assert_int_equal(inode_apply(fd, &entry, NULL, &error), 0);
        assert_int_equal(inode_attributes_equal(fd, NULL, &found, NULL), 1);
}

static void flags_are_applied_last(void **state)
{
        _cleanup_(fd_closep) int fd = make("file");
        const struct attributes attributes = { .flags = FS_IMMUTABLE_FL };
        struct error error = ERROR_NONE;
        struct entry entry;
        struct statx stx;
        int flags = 0;

        (void)state;
        if (geteuid() != 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
                skip();
        assert_int_equal(inode_stat(fd, &stx), 0);
        entry = entry_of(&stx);
        entry.mode = 0444;
        if (inode_apply(fd, &entry, &attributes, &error) < 0)
                fail_msg("%s", error.text);
        assert_int_equal(inode_stat(fd, &stx), 0);
        assert_int_equal(inode_flags(&stx), FS_IMMUTABLE_FL);
        assert_int_equal(inode_compare(&stx, &entry, FS_IMMUTABLE_FL), 0);
        assert_int_equal(inode_compare(&stx, &entry, 0), DIFFERENCE_FLAGS);
}

static void types_have_the_names_of_the_contract(void **state)
{
        (void)state;
        assert_string_equal(inode_type_name(S_IFREG | 0644), "file");
        assert_string_equal(inode_type_name(S_IFDIR), "directory");
        assert_string_equal(inode_type_name(S_IFLNK), "symlink");
        assert_string_equal(inode_type_name(S_IFIFO), "fifo");
        assert_string_equal(inode_type_name(S_IFSOCK), "socket");
        assert_string_equal(inode_type_name(S_IFBLK), "block device");
        assert_string_equal(inode_type_name(S_IFCHR), "character device");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                CASE(each_difference_has_its_kind),
                CASE(a_links_mode_says_nothing),
                CASE(two_looks_differ_after_any_change),
                CASE(attributes_are_compared_exactly),
                CASE(more_names_than_fit_a_small_list_are_read),
                CASE(a_links_own_attributes_are_read),
                CASE(what_is_applied_compares_as_equal),
                CASE(flags_are_applied_last),
                CASE(types_have_the_names_of_the_contract),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
