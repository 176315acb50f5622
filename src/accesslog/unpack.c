/* unpack.c - zlib and libzstd behind one read(). */
#include "unpack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"

#define INPUT_BYTES (128U << 10)

struct unpack {
        enum { UNPACK_PLAIN, UNPACK_GZIP, UNPACK_ZSTD } kind;
        int fd;
        const char *name;
        bool at_end;  /* of the file */
        bool pending; /* inside of a member or frame: the end must not come now */
        size_t begin, end;
        uint64_t used;
        z_stream gzip;
        bool gzip_ready;
        ZSTD_DStream *zstd;
        char input[INPUT_BYTES];
};

static int fill(struct unpack *unpack, size_t length, struct error *err)
{
        ssize_t n = 1;

        memmove(unpack->input, unpack->input + unpack->begin, unpack->end - unpack->begin);
        unpack->end -= unpack->begin;
        unpack->begin = 0;
        while (unpack->end < length && n > 0) {
                n = fault_point(FAULT_READ)
                            ? -1
                            : read(unpack->fd, unpack->input + unpack->end, sizeof(unpack->input) - unpack->end);
                if (n < 0 && errno == EINTR) {
                        n = 1;
                        continue;
                }
                if (n < 0)
                        return error_errno(err, errno, _("cannot read %s"), unpack->name);
                unpack->end += (size_t)n;
        }
        unpack->at_end = n == 0;
        return 0;
}

static bool begins_with(const struct unpack *unpack, const char *magic, size_t length)
{
        return unpack->end - unpack->begin >= length && memcmp(unpack->input + unpack->begin, magic, length) == 0;
}

static int start(struct unpack *unpack, struct error *err)
{
        int r = fill(unpack, 4, err);

        if (r < 0)
                return r;
        if (begins_with(unpack, "\x1f\x8b", 2)) {
                unpack->kind = UNPACK_GZIP;
                unpack->gzip_ready = inflateInit2(&unpack->gzip, 15 + 16) == Z_OK;
                return unpack->gzip_ready ? 0 : error_memory(err);
        }
        if (begins_with(unpack, "\x28\xb5\x2f\xfd", 4)) {
                unpack->kind = UNPACK_ZSTD;
                unpack->zstd = ZSTD_createDStream();
                return unpack->zstd ? 0 : error_memory(err);
        }
        return 0;
}

int unpack_new(int fd, const char *name, struct unpack **ret_unpack, struct error *err)
{
        struct unpack *unpack = memory_new(1, sizeof(*unpack));
        int r;

        if (!unpack)
                return error_memory(err);
        unpack->fd = fd;
        unpack->name = name;
        r = start(unpack, err);
        if (r < 0) {
                unpack_free(unpack);
                return r;
        }
        *ret_unpack = unpack;
        return 0;
}

void unpack_free(struct unpack *unpack)
{
        if (!unpack)
                return;
        if (unpack->gzip_ready)
                inflateEnd(&unpack->gzip);
        ZSTD_freeDStream(unpack->zstd);
        free(unpack);
}

bool unpack_is_plain(const struct unpack *unpack)
{
        return unpack->kind == UNPACK_PLAIN;
}

uint64_t unpack_used(const struct unpack *unpack)
{
        return unpack->used;
}

static void use(struct unpack *unpack, size_t length)
{
        unpack->begin += length;
        unpack->used += length;
}

static int damaged(const struct unpack *unpack, struct error *err)
{
        return error_set(err, -EBADMSG, _("the compressed data of %s are damaged; the lines before that were read"),
                         unpack->name);
}

/* Several members may follow each other, as logrotate and cat make them; zeros behind the last are padding. */
static ssize_t read_gzip(struct unpack *unpack, char *bytes, size_t length, struct error *err)
{
        z_stream *gzip = &unpack->gzip;
        size_t offered = unpack->end - unpack->begin;
        int r;

        if (!unpack->pending) {
                if (unpack->input[unpack->begin] == '\0') {
                        use(unpack, 1);
                        return 0;
                }
                if (inflateReset(gzip) != Z_OK)
                        return damaged(unpack, err);
                unpack->pending = true;
        }
        gzip->next_in = (Bytef *)unpack->input + unpack->begin;
        gzip->avail_in = (uInt)offered;
        gzip->next_out = (Bytef *)bytes;
        gzip->avail_out = (uInt)length;
        r = inflate(gzip, Z_NO_FLUSH);
        use(unpack, offered - gzip->avail_in);
        if (r == Z_STREAM_END)
                unpack->pending = false;
        else if (r != Z_OK && r != Z_BUF_ERROR)
                return damaged(unpack, err);
        return (ssize_t)(length - gzip->avail_out);
}

static ssize_t read_zstd(struct unpack *unpack, char *bytes, size_t length, struct error *err)
{
        ZSTD_inBuffer in = { unpack->input + unpack->begin, unpack->end - unpack->begin, 0 };
        ZSTD_outBuffer out = { bytes, length, 0 };
        size_t r = ZSTD_decompressStream(unpack->zstd, &out, &in);

        if (ZSTD_isError(r))
                return damaged(unpack, err);
        use(unpack, in.pos);
        unpack->pending = r != 0;
        return (ssize_t)out.pos;
}

static ssize_t read_plain(struct unpack *unpack, char *bytes, size_t length)
{
        size_t n = unpack->end - unpack->begin;

        if (n > length)
                n = length;
        memcpy(bytes, unpack->input + unpack->begin, n);
        use(unpack, n);
        return (ssize_t)n;
}

ssize_t unpack_read(struct unpack *unpack, char *bytes, size_t length, struct error *err)
{
        for (;;) {
                bool dry = unpack->begin == unpack->end;
                ssize_t n;
                int r;

                if (dry && !unpack->at_end) {
                        r = fill(unpack, 1, err);
                        if (r < 0)
                                return r;
                        dry = unpack->begin == unpack->end;
                }
                if (dry && !unpack->pending)
                        return 0;
                switch (unpack->kind) {
                case UNPACK_GZIP: n = read_gzip(unpack, bytes, length, err); break;
                case UNPACK_ZSTD: n = read_zstd(unpack, bytes, length, err); break;
                default: n = read_plain(unpack, bytes, length); break;
                }
                if (n != 0)
                        return n;
                if (dry && unpack->pending) /* nothing more comes in, nothing more comes out */
                        return error_set(err, -EBADMSG,
                                         _("%s is cut off: its compressed data end in the middle; the "
                                           "lines before that were read"),
                                         unpack->name);
        }
}
