/*
 * names.c - what names tell, by the same rules as for mutable areas.
 */
#include "review/private.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/attributes.h"
#include "base/text.h"
#include "manifest/policy.h"

#define ALLOW_ALL (ALLOW_CODE | ALLOW_HTML | ALLOW_CONTROL | ALLOW_LINKS | ALLOW_EXECUTE)

bool name_is_code(const char *name)
{
        return policy_check(ALLOW_ALL & ~ALLOW_CODE, name, S_IFREG | 0644, NULL, 0) == BREACH_CODE;
}

bool name_is_control(const char *name)
{
        return policy_check(ALLOW_ALL & ~ALLOW_CONTROL, name, S_IFREG | 0644, NULL, 0) == BREACH_CONTROL;
}

bool name_is_static(const char *name)
{
        return !name_is_code(name) &&
               policy_check(ALLOW_ALL & ~ALLOW_HTML, name, S_IFREG | 0644, NULL, 0) == BREACH_HTML;
}

bool name_is_picture(const char *name)
{
        static const char *const extensions[] = { "jpg", "jpeg", "png", "gif",  "ico",  "bmp",  "webp", "avif",  "tif",
                                                  "pdf", "doc",  "xls", "zip",  "mp3",  "mp4",  "woff", "woff2", "ttf",
                                                  "eot", "rar",  "gz",  "tiff", "docx", "xlsx", "jfif", "svgz" };
        const char *dot = strrchr(name, '.');

        for (size_t i = 0; dot && i < LENGTH(extensions); i++)
                if (strcasecmp(dot + 1, extensions[i]) == 0)
                        return true;
        return false;
}

bool name_is_doubled(const char *name)
{
        const char *dot = strrchr(name, '.');

        return dot && dot > name && name_is_code(name) && !name_is_code(dot);
}

static bool has_component(const char *path, const char *const *words, size_t count)
{
        for (const char *name = path; *name;) {
                size_t length = strcspn(name, "/");

                for (size_t i = 0; i < count; i++)
                        if (strlen(words[i]) == length && strncasecmp(name, words[i], length) == 0)
                                return true;
                name += length;
                name += *name == '/';
        }
        return false;
}

bool path_is_upload(const char *path)
{
        static const char *const words[] = { "upload",  "uploads",  "uploaded",    "userfiles", "user_files",
                                             "avatars", "userpics", "attachments", "userimages" };
        /* The part of an application that handles uploads is no place where they go. */
        static const char *const source[] = { "includes",  "include", "lib",     "libs",   "library",
                                              "libraries", "src",     "classes", "vendor", "node_modules" };
        const char *files = strstr(path, "/files");

        if (has_component(path, source, LENGTH(source)))
                return false;
        /* Drupal's sites/NAME/files. */
        return has_component(path, words, LENGTH(words)) ||
               (text_starts(path, "sites/") && files && (files[6] == '/' || files[6] == '\0'));
}

bool path_is_cache(const char *path)
{
        static const char *const words[] = { "cache",   "caches",   "tmp",         "temp",
                                             "session", "sessions", "templates_c", "compiled" };

        return has_component(path, words, LENGTH(words));
}

bool name_shadows(const char *name, char program[static 256])
{
        const char *dot = strrchr(name, '.');

        if (!dot || (strcasecmp(dot, ".html") != 0 && strcasecmp(dot, ".htm") != 0))
                return false;
        return (size_t)snprintf(program, 256, "%.*s.php", (int)(dot - name), name) < 256;
}
