/* test_lock.c - lock.h: who gets a lock that somebody holds, and when. */
#include "tests.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"

static char path[] = "/tmp/understudy-lock-XXXXXX";

static int open_it(void)
{
        int fd = open(path, O_RDWR | O_CLOEXEC);

        assert_true(fd >= 0);
        return fd;
}

static void free_ones_are_got_at_once(void **state)
{
        int reader = open_it(), another = open_it();

        (void)state;
        assert_int_equal(lock_wait(reader, LOCK_SH, LOCK_NOW), 0);
        assert_int_equal(lock_wait(another, LOCK_SH, LOCK_NOW), 0);
        close(reader);
        assert_int_equal(lock_wait(another, LOCK_EX, LOCK_NOW), 0); /* nobody else reads any more */
        close(another);
}

static void held_ones_are_waited_for_and_no_longer(void **state)
{
        int holder = open_it(), waiter = open_it();
        int64_t start = clock_monotonic_ms();

        (void)state;
        assert_int_equal(lock_wait(holder, LOCK_SH, LOCK_NOW), 0);
        assert_int_equal(lock_wait(waiter, LOCK_EX, LOCK_NOW), -EBUSY);
        assert_int_equal(lock_wait(waiter, LOCK_EX, 60), -EBUSY);
        assert_true(clock_monotonic_ms() - start >= 60);
        close(holder);
        close(waiter);
}

static void *give_back(void *context)
{
        const int *holder = context;

        usleep(50000);
        close(*holder);
        return NULL;
}

static void what_is_given_back_goes_to_who_waits(void **state)
{
        int holder = open_it(), waiter = open_it();
        pthread_t thread;

        (void)state;
        assert_int_equal(lock_wait(holder, LOCK_EX, LOCK_NOW), 0);
        assert_int_equal(pthread_create(&thread, NULL, give_back, &holder), 0);
        assert_int_equal(lock_wait(waiter, LOCK_EX, 60000), 0);
        pthread_join(thread, NULL);
        close(waiter);
}

static void other_errors_are_told_as_they_are(void **state)
{
        (void)state;
        assert_int_equal(lock_wait(-1, LOCK_EX, 60000), -EBADF);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(free_ones_are_got_at_once),
                cmocka_unit_test(held_ones_are_waited_for_and_no_longer),
                cmocka_unit_test(what_is_given_back_goes_to_who_waits),
                cmocka_unit_test(other_errors_are_told_as_they_are),
        };
        int fd = mkstemp(path), failed;

        if (fd < 0)
                return EXIT_FAILURE;
        close(fd);
        failed = cmocka_run_group_tests(tests, NULL, NULL);
        unlink(path);
        return failed;
}
