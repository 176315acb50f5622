/* tag.c - names, hashes and writes the script. */
#include "tag.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "crypto/digest.h"

#define PREFIX_MAXIMUM 1024
#define FOLDER         "understudy" /* as in TAG_PREFIX and nginx-beacon.conf */

/* It becomes a part of an attribute, so letters that mean something there are refused. */
static bool is_prefix(const char *prefix)
{
        size_t length = strlen(prefix);

        return length && length < PREFIX_MAXIMUM && prefix[length - 1] == '/' && text_is_printable(prefix, length) &&
               (prefix[0] == '/' || text_starts(prefix, "https://") || text_starts(prefix, "http://")) &&
               strcspn(prefix, " \"'<>&?#\\") == length;
}

static int name_and_hash(struct tag *tag, struct error *err)
{
        _cleanup_(buffer_done) struct buffer hash = BUFFER_INIT(TAG_NAME_SIZE);
        char hex[DIGEST_HEX_SIZE];
        struct digest digest;
        int r = digest_of_bytes(tag_script, strlen(tag_script), &digest, err);

        if (r < 0)
                return r;
        if (text_base64(&hash, digest.bytes, sizeof(digest.bytes)) < 0)
                return error_memory(err);
        digest_hex(&digest, hex);
        snprintf(tag->name, sizeof(tag->name), "visits-%d-%.16s.js", TAG_VERSION, hex);
        snprintf(tag->integrity, sizeof(tag->integrity), "sha256-%s", buffer_text(&hash));
        return 0;
}

int tag_make(const char *prefix, struct tag *ret_tag, struct error *err)
{
        struct tag tag = { .text = BUFFER_INIT(4 * PREFIX_MAXIMUM) };
        int r;

        if (!is_prefix(prefix))
                return error_usage(err,
                                   _("'%s' is no place for the script; write /understudy/ or "
                                     "https://stats.example.org/understudy/"),
                                   prefix);
        r = name_and_hash(&tag, err);
        if (r < 0)
                return r;
        if (buffer_printf(&tag.text,
                          "<script async src=\"%s%s\" integrity=\"%s\" crossorigin=\"anonymous\"></script>\n"
                          "<noscript><img src=\"%sp.gif\" width=\"1\" height=\"1\" alt=\"\" "
                          "referrerpolicy=\"no-referrer-when-downgrade\"></noscript>\n",
                          prefix, tag.name, tag.integrity, prefix) < 0) {
                tag_done(&tag);
                return error_memory(err);
        }
        *ret_tag = tag;
        return 0;
}

void tag_done(struct tag *tag)
{
        buffer_done(&tag->text);
}

/* Whether the file is there already, as it is to be. -EEXIST when it is another. */
static int is_there(int directory, const char *name, const char *folder, struct error *err)
{
        _cleanup_(buffer_done) struct buffer bytes = BUFFER_INIT(TAG_SCRIPT_MAXIMUM + 1);
        int r = file_read(directory, name, &bytes, err);

        if (r == -ENOENT)
                return 0;
        if (r == 0 && bytes.length == strlen(tag_script) && memcmp(bytes.data, tag_script, bytes.length) == 0)
                return 1;
        return error_set(err, -EEXIST,
                         _("%s/understudy/%s is there and is not what its name says; look at it, and remove it"),
                         folder, name);
}

int tag_write(const struct tag *tag, const char *folder, struct error *err)
{
        _cleanup_(fd_closep) int root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_(fd_closep) int directory = -1;
        int r;

        if (root < 0)
                return error_errno(err, errno, _("cannot open the folder %s"), folder);
        if (mkdirat(root, FOLDER, 0755) < 0 && errno != EEXIST)
                return error_errno(err, errno, _("cannot make the folder %s/%s"), folder, FOLDER);
        directory = openat(root, FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (directory < 0)
                return error_errno(err, errno, _("cannot open the folder %s/%s"), folder, FOLDER);
        r = is_there(directory, tag->name, folder, err);
        if (r == 0)
                r = file_replace(directory, tag->name, tag_script, strlen(tag_script), 0644, err);
        return r < 0 ? r : 0;
}
