/* inquiry.c - two lists and a thread between them. */
#include "guard/inquiry.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "guard/holder.h"

#define END_S 2

struct list {
        struct inquiry_case *first, **last;
};

struct inquiry {
        pthread_t thread;
        bool thread_runs;
        int answered;         /* eventfd */
        pthread_mutex_t lock; /* of all that follows */
        pthread_cond_t asked;
        struct list questions, answers;
        size_t count; /* in both, and in the thread's hand */
        bool stop;
};

/* ---- lists ---- */

static void put(struct list *list, struct inquiry_case *one)
{
        one->next = NULL;
        *list->last = one;
        list->last = &one->next;
}

static struct inquiry_case *take(struct list *list)
{
        struct inquiry_case *one = list->first;

        if (!one)
                return NULL;
        list->first = one->next;
        if (!list->first)
                list->last = &list->first;
        one->next = NULL;
        return one;
}

struct inquiry_case *inquiry_case_new(void)
{
        struct inquiry_case *one = memory_new(1, sizeof(*one));

        if (one)
                one->file = -1;
        return one;
}

void inquiry_case_free(struct inquiry_case *one)
{
        if (!one)
                return;
        fd_close(&one->file);
        free(one);
}

/* ---- the thread ---- */

/* The descriptor keeps the inode from being another file's while its holder is looked for. */
static void find_holder(struct inquiry_case *one)
{
        struct stat st;
        int pidfd = -1;
        pid_t pid;

        if (fstat(one->file, &st) < 0)
                return;
        pid = holder_find(st.st_dev, st.st_ino, &pidfd);
        if (pid)
                who_ask(pidfd, pid, &one->who);
        one->found = pid != 0;
        fd_close(&pidfd);
        fd_close(&one->file);
}

static void *run(void *context)
{
        struct inquiry *inquiry = context;
        struct inquiry_case *one;

        pthread_mutex_lock(&inquiry->lock);
        while (!inquiry->stop) {
                one = take(&inquiry->questions);
                if (!one) {
                        pthread_cond_wait(&inquiry->asked, &inquiry->lock);
                        continue;
                }
                pthread_mutex_unlock(&inquiry->lock);
                if (one->file >= 0)
                        find_holder(one);
                if (one->found)
                        who_resolve(&one->who, NULL);
                pthread_mutex_lock(&inquiry->lock);
                put(&inquiry->answers, one);
                (void)eventfd_write(inquiry->answered, 1);
        }
        pthread_mutex_unlock(&inquiry->lock);
        return NULL;
}

/* ---- the loop's side ---- */

bool inquiry_ask(struct inquiry *inquiry, struct inquiry_case *one)
{
        bool room;

        pthread_mutex_lock(&inquiry->lock);
        room = inquiry->count < INQUIRY_WAITING;
        if (room) {
                put(&inquiry->questions, one);
                inquiry->count++;
                pthread_cond_signal(&inquiry->asked);
        }
        pthread_mutex_unlock(&inquiry->lock);
        return room;
}

struct inquiry_case *inquiry_next(struct inquiry *inquiry)
{
        struct inquiry_case *one;
        eventfd_t count;

        pthread_mutex_lock(&inquiry->lock);
        one = take(&inquiry->answers);
        if (one)
                inquiry->count--;
        else
                (void)eventfd_read(inquiry->answered, &count);
        pthread_mutex_unlock(&inquiry->lock);
        return one;
}

int inquiry_fd(const struct inquiry *inquiry)
{
        return inquiry->answered;
}

/* ---- life ---- */

int inquiry_open(struct inquiry **ret_inquiry, struct error *err)
{
        struct inquiry *inquiry = memory_new(1, sizeof(*inquiry));

        if (!inquiry)
                return error_memory(err);
        inquiry->questions.last = &inquiry->questions.first;
        inquiry->answers.last = &inquiry->answers.first;
        pthread_mutex_init(&inquiry->lock, NULL);
        pthread_cond_init(&inquiry->asked, NULL);
        inquiry->answered = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (inquiry->answered < 0 || pthread_create(&inquiry->thread, NULL, run, inquiry) != 0) {
                inquiry_close(inquiry);
                return error_errno(err, EAGAIN, _("cannot start the thread that asks who wrote"));
        }
        inquiry->thread_runs = true;
        *ret_inquiry = inquiry;
        return 0;
}

/* A name service that never answers cannot be hurried: the thread is left to the end of the process then, with what it
 * reads and writes. Here a leak checker finds it. */
static struct inquiry *abandoned;

static bool end_thread(struct inquiry *inquiry)
{
        struct timespec until;

        if (!inquiry->thread_runs)
                return true;
        pthread_mutex_lock(&inquiry->lock);
        inquiry->stop = true;
        pthread_cond_signal(&inquiry->asked);
        pthread_mutex_unlock(&inquiry->lock);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += END_S;
        return pthread_timedjoin_np(inquiry->thread, NULL, &until) == 0;
}

void inquiry_close(struct inquiry *inquiry)
{
        struct inquiry_case *one;

        if (!inquiry)
                return;
        if (!end_thread(inquiry)) {
                abandoned = inquiry;
                return;
        }
        while ((one = take(&inquiry->questions)))
                inquiry_case_free(one);
        while ((one = take(&inquiry->answers)))
                inquiry_case_free(one);
        pthread_cond_destroy(&inquiry->asked);
        pthread_mutex_destroy(&inquiry->lock);
        fd_close(&inquiry->answered);
        free(inquiry);
}
