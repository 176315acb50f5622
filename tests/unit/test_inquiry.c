/* inquiry.c - answers in the order of the questions, the writer that holds a file, and a queue that has an end. */
#include "tests.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "guard/inquiry.h"

static struct inquiry *inquiry;
static char folder[TESTS_FOLDER_SIZE];
static int base = -1;

static int begin(void **state)
{
        (void)state;
        base = tests_folder(folder);
        return inquiry_open(&inquiry, NULL);
}

static int end(void **state)
{
        (void)state;
        inquiry_close(inquiry);
        close(base);
        tests_folder_remove(folder);
        return 0;
}

static struct inquiry_case *question(unsigned int number, const char *file)
{
        struct inquiry_case *one = inquiry_case_new();

        assert_non_null(one);
        one->site = number;
        one->file = openat(base, file, O_RDONLY | O_CREAT | O_CLOEXEC, 0644);
        assert_true(one->file >= 0);
        return one;
}

static struct inquiry_case *answer(void)
{
        struct pollfd wait = { .fd = inquiry_fd(inquiry), .events = POLLIN };
        struct inquiry_case *one = inquiry_next(inquiry);

        while (!one && poll(&wait, 1, 20000) > 0)
                one = inquiry_next(inquiry);
        return one;
}

/* Holds a file open for writing until it is killed. */
static pid_t start_holder(const char *file)
{
        int ends[2], fd;
        pid_t pid;
        char byte;

        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        pid = fork();
        if (pid == 0) {
                fd = openat(base, file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
                if (fd >= 0 && write(ends[1], "x", 1) == 1)
                        pause();
                _exit(1);
        }
        assert_int_equal(read(ends[0], &byte, 1), 1);
        close(ends[0]);
        close(ends[1]);
        return pid;
}

static void whoever_holds_it_is_found(void **state)
{
        pid_t holder = start_holder("held");
        struct inquiry_case *one;

        (void)state;
        assert_true(inquiry_ask(inquiry, question(1, "held")));
        assert_true(inquiry_ask(inquiry, question(2, "nobody's")));
        one = answer();
        assert_non_null(one);
        assert_int_equal(one->site, 1);
        assert_true(one->found);
        assert_int_equal(one->who.pid, holder);
        assert_int_equal(one->who.process.uid, geteuid());
        assert_int_equal(one->file, -1); /* nothing is kept open longer than needed */
        inquiry_case_free(one);
        one = answer();
        assert_non_null(one);
        assert_int_equal(one->site, 2);
        assert_false(one->found);
        inquiry_case_free(one);
        assert_null(inquiry_next(inquiry));
        kill(holder, SIGKILL);
        waitpid(holder, NULL, 0);
}

static void what_was_asked_already_is_resolved(void **state)
{
        struct inquiry_case *one = inquiry_case_new();
        int pidfd = (int)syscall(SYS_pidfd_open, getppid(), 0);

        (void)state;
        assert_true(pidfd >= 0);
        who_ask(pidfd, getppid(), &one->who);
        close(pidfd);
        one->found = true;
        assert_true(inquiry_ask(inquiry, one));
        one = answer();
        assert_non_null(one);
        assert_true(one->found);
        assert_int_equal(one->who.pid, getppid());
        assert_int_not_equal(one->who.why[WHO_USER], WHO_WHY_NOT_ASKED);
        inquiry_case_free(one);
}

static void too_many_are_not_asked(void **state)
{
        struct inquiry_case *one;

        (void)state;
        for (unsigned int i = 0; i < INQUIRY_WAITING; i++)
                assert_true(inquiry_ask(inquiry, question(i, "file")));
        one = question(99, "file");
        assert_false(inquiry_ask(inquiry, one)); /* and nobody has waited */
        inquiry_case_free(one);
        one = answer();
        assert_non_null(one);
        assert_int_equal(one->site, 0);
        inquiry_case_free(one);
        assert_true(inquiry_ask(inquiry, question(100, "file"))); /* there is room again */
        for (unsigned int i = 1; i < INQUIRY_WAITING; i++) {
                one = answer();
                assert_non_null(one);
                assert_int_equal(one->site, i);
                inquiry_case_free(one);
        }
}

/* The leak checks see it when a case is left behind. */
static void what_waits_at_the_end_is_let_go(void **state)
{
        (void)state;
        for (unsigned int i = 0; i < 10; i++)
                assert_true(inquiry_ask(inquiry, question(i, "file")));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(whoever_holds_it_is_found, begin, end),
                cmocka_unit_test_setup_teardown(what_was_asked_already_is_resolved, begin, end),
                cmocka_unit_test_setup_teardown(too_many_are_not_asked, begin, end),
                cmocka_unit_test_setup_teardown(what_waits_at_the_end_is_let_go, begin, end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
