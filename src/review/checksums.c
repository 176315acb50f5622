/*
 * checksums.c - lists of checksums, sorted for look-up.
 */
#include "review/checksums.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/md5.h"

#define DPKG_INFO "/var/lib/dpkg/info"

struct checksums {
        struct checksum *list;
        size_t count, capacity;
        char **sources;
        size_t source_count;
};

int checksums_new(struct checksums **ret_checksums, struct error *err)
{
        struct checksums *checksums = memory_new(1, sizeof(*checksums));

        if (!checksums)
                return error_memory(err);
        *ret_checksums = checksums;
        return 0;
}

void checksums_free(struct checksums *checksums)
{
        if (!checksums)
                return;
        for (size_t i = 0; i < checksums->count; i++)
                free(checksums->list[i].path);
        for (size_t i = 0; i < checksums->source_count; i++)
                free(checksums->sources[i]);
        free(checksums->sources);
        free(checksums->list);
        free(checksums);
}

void checksums_freep(struct checksums **checksums)
{
        checksums_free(*checksums);
}

static char *add_source(struct checksums *checksums, const char *name)
{
        char **sources = memory_resize(checksums->sources, checksums->source_count + 1, sizeof(*sources)), *copy;

        if (!sources)
                return NULL;
        checksums->sources = sources;
        copy = memory_string(name);
        if (copy)
                checksums->sources[checksums->source_count++] = copy;
        return copy;
}

static int add(struct checksums *checksums, struct checksum checksum)
{
        if (checksums->count == checksums->capacity) {
                size_t capacity = checksums->capacity ? 2 * checksums->capacity : 256;
                struct checksum *list = memory_resize(checksums->list, capacity, sizeof(*list));

                if (!list)
                        return -ENOMEM;
                checksums->list = list;
                checksums->capacity = capacity;
        }
        checksum.path = memory_string(checksum.path);
        if (!checksum.path)
                return -ENOMEM;
        checksums->list[checksums->count++] = checksum;
        return 0;
}

static int compare(const void *a, const void *b)
{
        return strcmp(((const struct checksum *)a)->path, ((const struct checksum *)b)->path);
}

static void sort(struct checksums *checksums)
{
        if (checksums->count > 1)
                qsort(checksums->list, checksums->count, sizeof(*checksums->list), compare);
}

/*
 * "DIGEST  name", "DIGEST *name"; a line that begins with a backslash has \\ and \n in its name (coreutils). False when
 * the line is none of these. `name` has room for the line.
 */
static bool parse_line(const char *line, size_t length, struct checksum *checksum, char *name)
{
        bool escaped = length > 0 && line[0] == '\\';
        size_t hex, n = 0;

        line += escaped;
        length -= escaped;
        hex = strcspn(line, " ") < length ? strcspn(line, " ") : length;
        checksum->sha256 = hex == 64;
        if ((hex != 64 && hex != 32) || length < hex + 3 || (line[hex + 1] != ' ' && line[hex + 1] != '*') ||
            text_unhex(line, hex, checksum->bytes, hex / 2) < 0)
                return false;
        for (size_t i = hex + 2; i < length; i++) {
                char c = line[i];

                if (escaped && c == '\\' && i + 1 < length)
                        c = line[++i] == 'n' ? '\n' : line[i];
                name[n++] = c;
        }
        name[n] = '\0';
        checksum->path = name;
        return n > 0 && !memchr(name, '\0', n);
}

/* All lines whose name lies below `prefix`, which is cut off. Returns how many lines were none of ours, or -ENOMEM. */
static int add_lines(struct checksums *checksums, const struct buffer *text, const char *prefix, const char *source)
{
        _cleanup_(memory_freep) char *name = memory_new(text->length + 1, 1);
        const char *cursor = buffer_text(text), *line;
        char *owned_source = NULL;
        size_t length, prefix_length = strlen(prefix);
        int broken = 0;

        if (!name)
                return -ENOMEM;
        while (text_next_line(&cursor, buffer_text(text) + text->length, &line, &length)) {
                struct checksum checksum;

                if (!parse_line(line, length, &checksum, name)) {
                        broken += length > 0;
                        continue;
                }
                if (text_starts(name, "./"))
                        checksum.path += 2;
                if (!text_starts(checksum.path, prefix))
                        continue;
                checksum.path += prefix_length;
                if (!owned_source && !(owned_source = add_source(checksums, source)))
                        return -ENOMEM;
                checksum.source = owned_source;
                if (add(checksums, checksum) < 0)
                        return -ENOMEM;
        }
        return broken;
}

int checksums_add_dpkg(struct checksums *checksums, const char *folder, struct error *err)
{
        _cleanup_(dir_closep) DIR *dir = opendir(DPKG_INFO);
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(CHECKSUMS_FILE_MAXIMUM), prefix = BUFFER_INIT(8192);
        struct dirent *entry;

        if (!dir)
                return 0;
        if (buffer_printf(&prefix, "%s%s", folder + (folder[0] == '/'), text_equal(folder, "/") ? "" : "/") < 0)
                return error_memory(err);
        while ((entry = readdir(dir))) {
                char package[256];
                int r;

                if (!text_ends(entry->d_name, ".md5sums"))
                        continue;
                buffer_clear(&text);
                r = file_read(dirfd(dir), entry->d_name, &text, err);
                if (r < 0)
                        return error_prefix(err, _("cannot read the distributor's checksums"));
                memcpy(package, entry->d_name, strlen(entry->d_name) + 1);
                package[strlen(package) - strlen(".md5sums")] = '\0';
                if (add_lines(checksums, &text, buffer_text(&prefix), package) == -ENOMEM)
                        return error_memory(err);
        }
        sort(checksums);
        return 0;
}

int checksums_add_file(struct checksums *checksums, const char *file, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(CHECKSUMS_FILE_MAXIMUM);
        _cleanup_(fd_closep) int fd = open(file, O_RDONLY | O_CLOEXEC);
        int r;

        if (fd < 0)
                return error_errno(err, errno, _("cannot open the checksums in %s"), file);
        r = read_to_end(fd, &text);
        if (r < 0)
                return error_errno(err, -r, _("cannot read the checksums in %s"), file);
        r = add_lines(checksums, &text, "", file);
        if (r == -ENOMEM)
                return error_memory(err);
        if (r > 0)
                return error_usage(err,
                                   _("%s is no list of checksums: %d of its lines are not as sha256sum or md5sum "
                                     "write them"),
                                   file, r);
        sort(checksums);
        return 0;
}

const struct checksum *checksums_find(const struct checksums *checksums, const char *path)
{
        struct checksum key = { .path = (char *)(uintptr_t)path };

        if (!checksums || checksums->count == 0)
                return NULL;
        return bsearch(&key, checksums->list, checksums->count, sizeof(key), compare);
}

size_t checksums_count(const struct checksums *checksums)
{
        return checksums ? checksums->count : 0;
}

int checksum_check(const struct checksum *checksum, int fd, struct error *err)
{
        struct digest digest;
        struct md5 md5;
        uint64_t size;
        int r;

        r = checksum->sha256 ? digest_of_fd(fd, UINT64_MAX, &digest, &size, err) : md5_of_fd(fd, &md5, err);
        if (r < 0)
                return r;
        return checksum->sha256 ? memcmp(digest.bytes, checksum->bytes, DIGEST_SIZE) == 0
                                : memcmp(md5.bytes, checksum->bytes, MD5_SIZE) == 0;
}
