#include "password_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "i18n.h"
#include "io.h"

static int take_line(const char *path, const struct buffer *text, struct buffer *password, struct error *err)
{
        const size_t length = strcspn(buffer_text(text), "\r\n");
        int r;

        if (length == 0)
                return error_set(err, -EINVAL, _("the password file %s has no password in its first line"), path);
        r = buffer_append(password, buffer_text(text), length);
        if (r == -E2BIG)
                return error_set(err, r, _("the password file %s is longer than %d bytes"), path, PASSWORD_MAXIMUM);
        return r < 0 ? error_memory(err) : 0;
}

int password_file_read(const char *path, struct buffer *password, struct error *err)
{
        _cleanup_(buffer_wipe) struct buffer text = BUFFER_INIT(PASSWORD_MAXIMUM + 2);
        _cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        struct stat st;
        int r;

        if (fd < 0 || fstat(fd, &st) < 0)
                return error_errno(err, errno, _("cannot open the password file %s"), path);
        if (S_ISREG(st.st_mode) && (st.st_mode & 077))
                return error_set(err, -EACCES, _("others may read the password file %s; run: chmod 600 %s"), path,
                                 path);
        r = buffer_reserve(&text, PASSWORD_MAXIMUM + 2); /* at once: growing would leave copies behind in memory */
        if (r == 0)
                r = read_to_end(fd, &text);
        if (r == -E2BIG)
                return error_set(err, r, _("the password file %s is longer than %d bytes"), path, PASSWORD_MAXIMUM);
        if (r < 0)
                return error_errno(err, -r, _("cannot read the password file %s"), path);
        return take_line(path, &text, password, err);
}
