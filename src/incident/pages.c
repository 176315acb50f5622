/* pages.c - attributes, resolved against the page, compared as paths. */
#include "pages.h"

#include <errno.h>
#include <fts.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "incident/target.h"

/* "https://host/x" and "//host/x" may be this site: the host is not looked at. */
static const char *skip_host(const char *at, const char *end)
{
        const char *scheme = memmem(at, (size_t)(end - at), "://", 3);

        if (scheme && !memchr(at, '/', (size_t)(scheme - at)))
                at = scheme + 3;
        else if (end - at >= 2 && at[0] == '/' && at[1] == '/')
                at += 2;
        else
                return at;
        while (at < end && *at != '/')
                at++;
        return at;
}

static bool resolves_to(const char *at, const char *end, const char *page, const char *path)
{
        char joined[2 * TARGET_PATH_MAXIMUM], normal[TARGET_PATH_MAXIMUM];
        const char *slash = strrchr(page, '/'), *stop;
        size_t folder = slash ? (size_t)(slash - page) + 1 : 0, length;

        at = skip_host(at, end);
        for (stop = at; stop < end && *stop != '?' && *stop != '#'; stop++)
                ;
        length = (size_t)(stop - at);
        if (length == 0 || length > TARGET_PATH_MAXIMUM || folder > TARGET_PATH_MAXIMUM - 1)
                return false;
        if (*at == '/')
                folder = 0;
        memcpy(joined, page, folder);
        memcpy(joined + folder, at, length);
        length = target_normalise(joined, folder + length, normal);
        return length == strlen(path) && memcmp(normal, path, length) == 0;
}

static const char *skip_space(const char *at, const char *end)
{
        while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r' || *at == '\f'))
                at++;
        return at;
}

/* The value behind the '=' at `at`. */
static bool value_matches(const char *at, const char *end, const char *page, const char *path)
{
        const char *begin = skip_space(at + 1, end), *stop;
        char quote = begin < end && (*begin == '"' || *begin == '\'') ? *begin : '\0';

        if (quote)
                begin++;
        for (stop = begin; stop < end && (quote ? *stop != quote : !strchr(" \t\r\n\f>", *stop)); stop++)
                ;
        begin = skip_space(begin, stop);
        while (stop > begin && strchr(" \t\r\n\f", stop[-1]))
                stop--;
        return resolves_to(begin, stop, page, path);
}

bool pages_include(const char *html, size_t length, const char *page, const char *path)
{
        const char *end = html + length;

        for (const char *equals = html; (equals = memchr(equals, '=', (size_t)(end - equals))); equals++) {
                const char *name = equals;

                while (name > html && strchr(" \t\r\n\f", name[-1]))
                        name--;
                if (((name - html >= 3 && strncasecmp(name - 3, "src", 3) == 0) ||
                     (name - html >= 4 && strncasecmp(name - 4, "href", 4) == 0)) &&
                    value_matches(equals, end, page, path))
                        return true;
        }
        return false;
}

/* ---- a folder ---- */

static bool is_page_name(const char *name)
{
        return text_ends(name, ".html") || text_ends(name, ".htm") || text_ends(name, ".xhtml") ||
               text_ends(name, ".php");
}

static int look(const FTSENT *entry, size_t root, const char *path,
                int (*each)(void *context, const char *page, struct error *err), void *context, struct error *err)
{
        _cleanup_(buffer_done) struct buffer html = BUFFER_INIT(PAGES_FILE_MAXIMUM);
        const char *page = entry->fts_path + root;
        int r = file_read(AT_FDCWD, entry->fts_accpath, &html, err);

        if (r == -E2BIG)
                return 0;
        if (r < 0)
                return r;
        return pages_include(buffer_text(&html), html.length, page, path) ? each(context, page, err) : 0;
}

int pages_find(const char *folder, const char *path, int (*each)(void *context, const char *page, struct error *err),
               void *context, struct error *err)
{
        char *const roots[] = { (char *)(uintptr_t)folder, NULL };
        FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
        size_t root = strlen(folder);
        const FTSENT *entry;
        int r = 0;

        if (!walk)
                return error_errno(err, errno, _("cannot read the folder %s"), folder);
        while (root > 1 && folder[root - 1] == '/')
                root--;
        while (r == 0 && (entry = fts_read(walk))) {
                if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR)
                        r = error_errno(err, entry->fts_errno, _("cannot read the folder %s"), entry->fts_path);
                else if ((entry->fts_info == FTS_F || entry->fts_info == FTS_NSOK) && is_page_name(entry->fts_name) &&
                         entry->fts_level > 0)
                        r = look(entry, root, path, each, context, err);
        }
        fts_close(walk);
        return r;
}
