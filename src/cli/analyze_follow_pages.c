/* analyze_follow_pages.c - the pages that analyze --follow keeps up to date. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "cli/analyze.h"
#include "cli/analyze_follow.h"

/* As file_replace(), without waiting for the disk: after a crash the page is made anew anyway. */
static int replace_page(const char *path, const char *bytes, size_t length, struct error *err)
{
        _cleanup_(buffer_done) struct buffer name = BUFFER_INIT(PATH_MAX);
        _cleanup_(fd_closep) int fd = -1;
        int r;

        if (buffer_printf(&name, "%s.%d.tmp", path, (int)getpid()) < 0)
                return error_memory(err);
        unlink(buffer_text(&name));
        fd = open(buffer_text(&name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0)
                return error_errno(err, errno, _("cannot make the page %s"), path);
        r = write_full(fd, bytes, length);
        if (r == 0)
                r = rename_at(AT_FDCWD, buffer_text(&name), AT_FDCWD, path, 0);
        if (r == 0)
                return 0;
        unlink(buffer_text(&name));
        return error_errno(err, -r, _("cannot write the page %s"), path);
}

/* `obstacle`: why this server does not take part, or NULL. */
static int write_json(const struct follow_request *request, const struct summary *summary, const char *obstacle,
                      struct error *err)
{
        json_t *value = analyze_json(summary, NULL);
        char *text;
        int r;

        if (obstacle)
                json_object_set_new(value, "left_out", json_string(obstacle));
        text = value ? json_dumps(value, JSON_COMPACT) : NULL;
        r = text ? replace_page(request->json_file, text, strlen(text), err) : error_memory(err);

        free(text);
        json_decref(value);
        return r;
}

static int write_html(const struct follow_request *request, const struct summary *summary, const char *obstacle,
                      struct error *err)
{
        _cleanup_(html_done) struct html html = HTML_INIT(WEBPAGE_MAXIMUM);
        const struct webpage page = { .files = (const char *const *)request->paths,
                                      .file_count = request->path_count,
                                      .command = buffer_text(&request->command),
                                      .made = clock_now(),
                                      .damage = obstacle };
        int r = webpage_write(&page, summary, &html, err);

        return r < 0 ? r : replace_page(request->html, html.text.data, html.text.length, err);
}

int follow_write_pages(const struct follow_request *request, struct store *store, const char *obstacle,
                       struct error *err)
{
        struct summary summary = { 0 };
        int r;

        if (!request->json_file && !request->html)
                return 0;
        r = store_summary(store, &request->page, &summary, err);
        if (r < 0)
                return r;
        if (request->json_file)
                r = write_json(request, &summary, obstacle, err);
        if (r == 0 && request->html)
                r = write_html(request, &summary, obstacle, err);
        summary_done(&summary);
        return r;
}
