/* publish_compress.c - manifests as a server wants them: compressed, or as the difference to the release before. */
#include "store/publish_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"

#define LEVEL            12 /* most of a manifest is digests, which no level makes smaller */
#define PIECE_SIZE       (256U << 10)
#define TOGETHER_MAXIMUM (UINT64_C(1) << PACK_WINDOW_LOG_MAXIMUM) /* base and content must lie in the window */

struct mapping {
        uint8_t *bytes; /* owned */
        size_t length;
};

static void mapping_done(struct mapping *mapping)
{
        free(mapping->bytes);
}

static int read_whole(int fd, uint64_t size, struct mapping *mapping)
{
        ssize_t n;

        mapping->bytes = memory_new(size, 1);
        if (!mapping->bytes)
                return -ENOMEM;
        n = read_full_at(fd, mapping->bytes, size, 0);
        if (n < 0)
                return (int)n;
        mapping->length = (size_t)n;
        return mapping->length == size ? 0 : -ESTALE;
}

static void compressor_free(ZSTD_CCtx **compressor)
{
        ZSTD_freeCCtx(*compressor);
}

static int open_output(int folder, const char *name, struct error *err)
{
        int fd = fault_point(FAULT_OPEN)
                         ? -1
                         : openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);

        return fd < 0 ? error_errno(err, errno, _("cannot write %s of the new release"), name) : fd;
}

/* The content of `in`, `size` bytes, through the compressor into `out`, which is synced. */
static int stream(ZSTD_CCtx *compressor, int in, uint64_t size, int out, const char *name, struct error *err)
{
        _cleanup_(memory_freep) uint8_t *input = memory_new(PIECE_SIZE, 1), *output = memory_new(PIECE_SIZE, 1);
        uint64_t done = 0;
        size_t left;
        int r = 0;

        if (!input || !output)
                return error_memory(err);
        do {
                ssize_t n = read_full_at(in, input, PIECE_SIZE, done);
                ZSTD_inBuffer from = { input, n > 0 ? (size_t)n : 0, 0 };

                if (n < 0)
                        return error_errno(err, (int)-n, _("cannot read %s again"), name);
                done += (uint64_t)n;
                do {
                        ZSTD_outBuffer to = { output, PIECE_SIZE, 0 };

                        left = ZSTD_compressStream2(compressor, &to, &from, n == 0 ? ZSTD_e_end : ZSTD_e_continue);
                        if (ZSTD_isError(left))
                                return error_set(err, -EIO, _("cannot compress %s: %s"), name, ZSTD_getErrorName(left));
                        r = write_full(out, to.dst, to.pos);
                } while (r == 0 && (n == 0 ? left > 0 : from.pos < from.size));
                if (n == 0)
                        break;
        } while (r == 0);
        if (r == 0 && done != size)
                r = -ESTALE;
        if (r == 0)
                r = fd_sync(out);
        return r < 0 ? error_errno(err, -r, _("cannot write the compressed form of %s"), name) : 0;
}

static int open_input(int folder, const char *name, uint64_t *ret_size, struct error *err)
{
        int fd = open_beneath(folder, name, O_RDONLY, 0, BENEATH_STRICT);
        struct stat st;

        if (fd < 0)
                return error_errno(err, -fd, _("cannot read %s again"), name);
        if (fstat(fd, &st) < 0) {
                error_errno(err, errno, _("cannot read %s again"), name);
                fd_close(&fd);
                return -EIO;
        }
        *ret_size = (uint64_t)st.st_size;
        return fd;
}

int publish_compress(int folder, const char *name, struct error *err)
{
        _cleanup_(compressor_free) ZSTD_CCtx *compressor = NULL;
        _cleanup_(fd_closep) int in = -1, out = -1;
        char compressed[RELEASE_FILE_SIZE + 8];
        uint64_t size;

        in = open_input(folder, name, &size, err);
        if (in < 0)
                return in;
        snprintf(compressed, sizeof(compressed), "%s.zst", name);
        out = open_output(folder, compressed, err);
        if (out < 0)
                return out;
        compressor = fault_point(FAULT_ALLOCATE) ? NULL : ZSTD_createCCtx();
        if (!compressor)
                return error_memory(err);
        ZSTD_CCtx_setParameter(compressor, ZSTD_c_compressionLevel, LEVEL);
        ZSTD_CCtx_setPledgedSrcSize(compressor, size);
        return stream(compressor, in, size, out, name, err);
}

int publish_compress_from(int folder, const char *name, int base, uint64_t base_number, struct error *err)
{
        _cleanup_(compressor_free) ZSTD_CCtx *compressor = NULL;
        _cleanup_(mapping_done) struct mapping prefix = { NULL, 0 };
        _cleanup_(fd_closep) int in = -1, out = -1;
        char compressed[RELEASE_FILE_SIZE + 48];
        struct stat st;
        uint64_t size;
        int r, log = 10;

        in = open_input(folder, name, &size, err);
        if (in < 0)
                return in;
        if (fstat(base, &st) < 0)
                return error_errno(err, errno, _("cannot read %s of the release before"), name);
        if (size > TOGETHER_MAXIMUM || (uint64_t)st.st_size > TOGETHER_MAXIMUM - size)
                return 0;
        r = read_whole(base, (uint64_t)st.st_size, &prefix);
        if (r < 0)
                return error_errno(err, -r, _("cannot read %s of the release before"), name);
        snprintf(compressed, sizeof(compressed), "%s.from-%" PRIu64 ".zst", name, base_number);
        out = open_output(folder, compressed, err);
        if (out < 0)
                return out;
        compressor = fault_point(FAULT_ALLOCATE) ? NULL : ZSTD_createCCtx();
        if (!compressor)
                return error_memory(err);
        while ((UINT64_C(1) << log) < size + prefix.length)
                log++;
        ZSTD_CCtx_setParameter(compressor, ZSTD_c_compressionLevel, LEVEL);
        ZSTD_CCtx_setParameter(compressor, ZSTD_c_windowLog, log);
        ZSTD_CCtx_setParameter(compressor, ZSTD_c_enableLongDistanceMatching, 1);
        ZSTD_CCtx_setPledgedSrcSize(compressor, size);
        ZSTD_CCtx_refPrefix(compressor, prefix.bytes, prefix.length);
        return stream(compressor, in, size, out, name, err);
}
