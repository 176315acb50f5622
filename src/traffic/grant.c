#include "grant.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "peer.h"

struct grant_page {
        _Atomic int64_t last;
        char boot_id[CLOCK_BOOT_ID_SIZE];
};

int64_t grant_now_ms(void)
{
        struct timespec now;

        clock_gettime(CLOCK_BOOTTIME, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The clock begins anew with each boot. */
static void adopt(struct grant_page *page, bool fresh)
{
        char boot_id[CLOCK_BOOT_ID_SIZE] = "";

        clock_boot_id(boot_id);
        if (memcmp(page->boot_id, boot_id, sizeof(boot_id)) == 0)
                return;
        if (!fresh)
                atomic_store(&page->last, grant_now_ms());
        memcpy(page->boot_id, boot_id, sizeof(boot_id));
}

int grant_open(int folder, const char *server, struct grant *ret_grant, struct error *err)
{
        char name[PEER_NAME_SIZE + 8];
        _cleanup_(fd_closep) int fd = -1;
        struct stat status;
        void *page;
        int r;

        snprintf(name, sizeof(name), "grant-%s", server);
        fd = openat(folder, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0 || fstat(fd, &status) < 0)
                return error_errno(err, errno, _("cannot open %s in the fence's folder"), name);
        /* Its blocks now: a full disk later must not end whoever writes into the page. */
        r = status.st_size < (off_t)sizeof(struct grant_page) ? posix_fallocate(fd, 0, sizeof(struct grant_page)) : 0;
        if (r > 0)
                return error_errno(err, r, _("cannot make %s in the fence's folder"), name);
        page = mmap(NULL, sizeof(struct grant_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (page == MAP_FAILED)
                return error_errno(err, errno, _("cannot map %s"), name);
        *ret_grant = (struct grant){ .page = page };
        adopt(page, status.st_size == 0);
        return 0;
}

void grant_close(struct grant *grant)
{
        if (grant->page)
                munmap(grant->page, sizeof(*grant->page));
        *grant = (struct grant){ 0 };
}

void grant_begin(struct grant *grant)
{
        grant->at = grant_now_ms();
        grant->before = atomic_load(&grant->page->last);
        while (grant->before < grant->at && !atomic_compare_exchange_weak(&grant->page->last, &grant->before, grant->at))
                ;
}

/* Another's, which came after, stays. */
void grant_revoke(struct grant *grant)
{
        int64_t mine = grant->at;

        if (grant->before < grant->at)
                atomic_compare_exchange_strong(&grant->page->last, &mine, grant->before);
}

int grant_last(int folder, const char *server, int64_t *ret_last_ms, struct error *err)
{
        struct grant grant = { 0 };
        int r = grant_open(folder, server, &grant, err);

        if (r < 0)
                return r;
        *ret_last_ms = atomic_load(&grant.page->last);
        grant_close(&grant);
        return 0;
}
