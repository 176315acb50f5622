/* analyze_html.c - a summary as a page: where it goes to. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "cli/analyze.h"

static int write_into(const char *path, const struct html *html, struct error *err)
{
        _cleanup_(fd_closep) int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
        int r = fd < 0 ? -errno : write_full(fd, html->text.data, html->text.length);

        return r < 0 ? error_errno(err, -r, _("cannot write the page %s"), path) : 0;
}

int analyze_html(const char *path, const struct webpage *page, const struct summary *summary, struct error *err)
{
        _cleanup_(html_done) struct html html = HTML_INIT(WEBPAGE_MAXIMUM);
        int r = webpage_write(page, summary, &html, err);

        if (r == -E2BIG)
                return error_set(
                        err, r,
                        _("cannot write %s: the page would be larger than %u MB; ask for fewer rows with --top"), path,
                        WEBPAGE_MAXIMUM >> 20);
        if (r < 0)
                return r;
        if (path_is_stream(path))
                return write_into(path, &html, err);
        if (!text_equal(path, "-"))
                return file_replace(AT_FDCWD, path, html.text.data, html.text.length, 0644, err);
        r = write_full(STDOUT_FILENO, html.text.data, html.text.length);
        return r < 0 ? error_errno(err, -r, _("cannot write the page to standard output")) : 0;
}

static bool is_plain(const char *argument)
{
        static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./=:@%+,-";

        return *argument && argument[strspn(argument, plain)] == '\0';
}

static int append_argument(struct buffer *text, const char *argument)
{
        int r = buffer_append_byte(text, ' ');

        if (is_plain(argument))
                return r < 0 ? r : buffer_append_text(text, argument);
        if (r == 0)
                r = buffer_append_byte(text, '\'');
        for (const char *at = argument; *at && r == 0; at++)
                r = *at == '\'' ? buffer_append_text(text, "'\\''") : buffer_append_byte(text, *at);
        return r < 0 ? r : buffer_append_byte(text, '\'');
}

int analyze_command_text(int argc, char *const argv[], struct buffer *text)
{
        int r = buffer_append_text(text, "understudy");

        for (int i = 0; i < argc && r == 0; i++)
                r = append_argument(text, argv[i]);
        return r == -E2BIG ? 0 : r;
}
