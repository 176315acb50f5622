/*
 * mtree_write.c - entries to lines of a manifest, in the one spelling that the reader accepts.
 */
#include "manifest/mtree.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "manifest/mtree_names.h"

/* The worst line fits: a path of eight bytes a byte, a target of four, and the keywords. */
static_assert(2 + 8 * ENTRY_PATH_MAXIMUM + 4 * ENTRY_LINK_MAXIMUM + 256 <= MTREE_LINE_MAXIMUM, "longest line");

static char *put_byte(char *out, unsigned char byte)
{
        if (mtree_literal(byte)) {
                *out++ = (char)byte;
                return out;
        }
        *out++ = '\\';
        *out++ = (char)('0' + (byte >> 6));
        *out++ = (char)('0' + (byte >> 3 & 7));
        *out++ = (char)('0' + (byte & 7));
        return out;
}

static char *put_bytes(char *out, const char *bytes, size_t length)
{
        for (size_t i = 0; i < length; i++)
                out = put_byte(out, (unsigned char)bytes[i]);
        return out;
}

/* One component. After decoding, mtree takes a name with a pattern character for a pattern, so there the characters
 * that mean something in a pattern get a backslash of their own. */
static char *put_component(char *out, const char *name, size_t length)
{
        bool magic = false;

        for (size_t i = 0; i < length && !magic; i++)
                magic = mtree_magic((unsigned char)name[i]);
        if (!magic)
                return put_bytes(out, name, length);
        for (size_t i = 0; i < length; i++) {
                unsigned char byte = (unsigned char)name[i];

                if (mtree_magic(byte) || byte == '\\')
                        out = put_byte(out, '\\');
                out = put_byte(out, byte);
        }
        return out;
}

static char *put_path(char *out, const char *path, size_t length)
{
        const char *end = path + length;

        *out++ = '.';
        if (length == 0)
                return out;
        for (const char *name = path;;) {
                const char *slash = memchr(name, '/', (size_t)(end - name));

                *out++ = '/';
                out = put_component(out, name, (size_t)((slash ? slash : end) - name));
                if (!slash)
                        return out;
                name = slash + 1;
        }
}

static char *put_number(char *out, const char *keyword, uint64_t value)
{
        char digits[20];
        size_t n = sizeof(digits), length = strlen(keyword);

        do
                digits[--n] = (char)('0' + value % 10);
        while (value /= 10);
        memcpy(out, keyword, length);
        memcpy(out + length, digits + n, sizeof(digits) - n);
        return out + length + sizeof(digits) - n;
}

static char *put_text(char *out, const char *text)
{
        size_t length = strlen(text);

        memcpy(out, text, length);
        return out + length;
}

static char *put_mode(char *out, uint32_t mode)
{
        *out++ = '0';
        if (mode > 0777)
                *out++ = (char)('0' + (mode >> 9));
        for (int shift = 6; shift >= 0; shift -= 3)
                *out++ = (char)('0' + (mode >> shift & 7));
        return out;
}

int mtree_write_head(struct buffer *out)
{
        return buffer_append_text(out, "#mtree\n");
}

int mtree_write_entry(struct buffer *out, const struct entry *entry)
{
        static const char *const types[] = { [ENTRY_DIRECTORY] = " type=dir mode=",
                                             [ENTRY_FILE] = " type=file mode=",
                                             [ENTRY_LINK] = " type=link mode=" };
        char line[MTREE_LINE_MAXIMUM], *p = line;

        assert(entry->path_length <= ENTRY_PATH_MAXIMUM && entry->mode <= 07777);
        p = put_path(p, entry->path, entry->path_length);
        p = put_mode(put_text(p, types[entry->type]), entry->mode);
        p = put_number(p, " uid=", entry->uid);
        p = put_number(p, " gid=", entry->gid);
        if (entry->type == ENTRY_FILE) {
                assert(entry->size >= 0 && entry->time >= 0 && entry->time <= ENTRY_TIME_MAXIMUM);
                p = put_number(p, " nlink=1 size=", (uint64_t)entry->size);
                p = put_number(p, " time=", (uint64_t)entry->time);
                p = put_text(p, ".0 sha256=");
                digest_hex(&entry->digest, p);
                p += DIGEST_HEX_SIZE - 1;
        } else if (entry->type == ENTRY_LINK) {
                assert(entry->target_length > 0 && entry->target_length <= ENTRY_LINK_MAXIMUM);
                p = put_text(p, " link=");
                p = put_bytes(p, entry->target, entry->target_length);
        }
        *p++ = '\n';
        return buffer_append(out, line, (size_t)(p - line));
}
