/* repository_url.c - telling addresses of repositories apart, and hiding the credentials that one may hold. */

#include "repository_url.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "late/curl.h"

static void curlu_freep(CURLU **parts)
{
        curl_url_cleanup(*parts);
}

static void curl_freep(char **text)
{
        curl_free(*text);
}

void repository_url_done(struct repository_url *url)
{
        free(url->address);
        free(url->shown);
        url->address = url->shown = NULL;
}

char *repository_url_without_secrets(const char *url)
{
        _cleanup_(curlu_freep) CURLU *parts = curl_url();
        _cleanup_(curl_freep) char *shown = NULL;

        if (!parts || curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
            curl_url_set(parts, CURLUPART_USER, NULL, 0) != CURLUE_OK ||
            curl_url_set(parts, CURLUPART_PASSWORD, NULL, 0) != CURLUE_OK ||
            curl_url_get(parts, CURLUPART_URL, &shown, 0) != CURLUE_OK)
                return NULL;
        return memory_string(shown);
}

static size_t length_without_slashes(const char *text, size_t minimum)
{
        size_t length = strlen(text);

        while (length > minimum && text[length - 1] == '/')
                length--;
        return length;
}

static int finish(struct repository_url *url, struct repository_url *ret_url, struct error *err)
{
        if (!url->address || !url->shown) {
                repository_url_done(url);
                return error_memory(err);
        }
        *ret_url = *url;
        return 0;
}

/* "file:///srv/repo", with %XX for odd bytes. */
static int parse_file(const char *url, struct repository_url *ret_url, struct error *err)
{
        struct repository_url found = { .is_folder = true };
        const char *path = url + strlen("file://");
        _cleanup_(curl_freep) char *decoded = NULL;
        int length = 0;

        if (text_starts(path, "localhost/"))
                path += strlen("localhost");
        if (*path != '/')
                return error_usage(err, _("%s names a host; write file:/// and the path of a folder on this machine"),
                                   url);
        decoded = curl_easy_unescape(NULL, path, 0, &length);
        if (!decoded)
                return error_memory(err);
        if (strlen(decoded) != (size_t)length)
                return error_usage(err, _("%s has a NUL byte in its path"), url);
        found.address = memory_string(decoded);
        found.shown = memory_copy(decoded, length_without_slashes(decoded, 1));
        return finish(&found, ret_url, err);
}

static int parse_http(const char *url, struct repository_url *ret_url, struct error *err)
{
        _cleanup_(curlu_freep) CURLU *parts = curl_url();
        _cleanup_(curl_freep) char *query = NULL, *fragment = NULL, *whole = NULL;
        _cleanup_(memory_freep) char *shown = NULL;
        struct repository_url found = { 0 };
        CURLUcode code;

        if (!parts)
                return error_memory(err);
        code = curl_url_set(parts, CURLUPART_URL, url, 0);
        if (code == CURLUE_OUT_OF_MEMORY)
                return error_memory(err);
        if (code != CURLUE_OK) /* the URL itself may hold a password */
                return error_usage(err,
                                   _("the address of the repository is not a URL (%s); write it as "
                                     "https://HOST/PATH"),
                                   curl_url_strerror(code));
        curl_url_get(parts, CURLUPART_QUERY, &query, 0);
        curl_url_get(parts, CURLUPART_FRAGMENT, &fragment, 0);
        if (query || fragment)
                return error_usage(err, "%s",
                                   _("the address of a repository cannot have a ? or # part; name the folder alone"));
        if (curl_url_get(parts, CURLUPART_URL, &whole, 0) != CURLUE_OK ||
            !(shown = repository_url_without_secrets(whole)))
                return error_memory(err);
        found.address = memory_copy(whole, length_without_slashes(whole, 0));
        found.shown = memory_copy(shown, length_without_slashes(shown, 0));
        return finish(&found, ret_url, err);
}

int repository_url_parse(const char *url, struct repository_url *ret_url, struct error *err)
{
        struct repository_url found = { .is_folder = true };
        const char *colon = strstr(url, "://");
        bool is_http = strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;

        if (is_http || text_starts(url, "file://")) {
                int r = late_load(&late_curl, err);

                return r < 0 ? r : is_http ? parse_http(url, ret_url, err) : parse_file(url, ret_url, err);
        }
        if (*url == '\0')
                return error_usage(err, "%s", _("the address of the repository is empty"));
        if (colon && !memchr(url, '/', (size_t)(colon - url)))
                return error_usage(err,
                                   _("%.*s:// is not a way to read a repository; write https://, http://, file:// or a "
                                     "folder"),
                                   (int)(colon - url), url);
        found.address = memory_string(url);
        found.shown = memory_copy(url, length_without_slashes(url, 1));
        return finish(&found, ret_url, err);
}
