/* test_repository.c - reading a folder repository through the sandboxed helper: right, damaged, lying. */
#include "tests.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <zstd.h>

#include "base/buffer.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/pack.h"
#include "store/repository.h"
#include "store/repository_url.h"

#define OBJECTS    40
#define LARGE      39 /* this one is streamed in many frames */
#define CHANGED    5  /* this one has a difference, too */
#define LARGE_SIZE (3U << 20)

/* A repository in a folder with one pack of whole objects and one of differences. */
struct fixture {
        char folder[64];
        int folder_fd;
        char *content[OBJECTS];
        size_t size[OBJECTS];
        struct wanted wanted[OBJECTS];
        char base[300000];
        int base_fd;
        struct release release;
        struct release_pack packs[2]; /* differences first */
        struct pack_index index[2];
};

/* What the sink has received. */
struct received {
        struct buffer current;
        size_t ended;
        bool open;
        const struct fixture *fixture;
        uint64_t stop_after;
        bool kill_helper;
};

static struct digest digest_of(const void *bytes, size_t length)
{
        struct digest digest;

        assert_int_equal(digest_of_bytes(bytes, length, &digest, NULL), 0);
        return digest;
}

static void fill(char *bytes, size_t length, uint64_t seed)
{
        for (size_t i = 0; i < length; i++) {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                bytes[i] = "abcdefgh <>/\n123"[seed >> 32 & 15];
        }
}

static void write_file(const struct fixture *fixture, const char *path, const void *bytes, size_t length)
{
        int fd = openat(fixture->folder_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(write_full(fd, bytes, length), 0);
        close(fd);
}

/* Finishes a pack and gives it and its index their names. */
static void finish_pack(struct fixture *fixture, struct pack_writer *writer, int number)
{
        _cleanup_(buffer_done) struct buffer index = BUFFER_INIT(1 << 20);
        struct release_pack *pack = &fixture->packs[number];
        char hex[DIGEST_HEX_SIZE], path[128];
        struct error error = ERROR_NONE;

        assert_int_equal(pack_writer_finish(writer, &fixture->index[number], &pack->id, &error), 0);
        assert_int_equal(pack_index_format(&fixture->index[number], &index, &error), 0);
        digest_hex(&pack->id, hex);
        snprintf(path, sizeof(path), "packs/%s.index", hex);
        write_file(fixture, path, index.data, index.length);
        snprintf(path, sizeof(path), "packs/%s.pack", hex);
        assert_int_equal(renameat(fixture->folder_fd, "packs/new", fixture->folder_fd, path), 0);
        pack->size = fixture->index[number].pack_size;
        pack->index_digest = digest_of(index.data, index.length);
        pack->index_size = index.length;
        pack->delta_base = number == 0;
}

static struct pack_writer *new_pack(struct fixture *fixture, bool delta, int *ret_fd)
{
        struct pack_writer *writer;
        struct error error = ERROR_NONE;

        *ret_fd = openat(fixture->folder_fd, "packs/new", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        assert_true(*ret_fd >= 0);
        assert_int_equal(pack_writer_new(*ret_fd, delta, 3, &writer, &error), 0);
        return writer;
}

static void make_content(struct fixture *fixture)
{
        fill(fixture->base, sizeof(fixture->base), 77);
        for (size_t i = 0; i < OBJECTS; i++) {
                size_t size = i == 0 ? 0 : i == LARGE ? LARGE_SIZE : i == CHANGED ? sizeof(fixture->base) : 100 * i;

                fixture->content[i] = memory_new(size + 1, 1);
                fixture->size[i] = size;
                assert_non_null(fixture->content[i]);
                fill(fixture->content[i], size, 1000 + i);
        }
        memcpy(fixture->content[CHANGED], fixture->base, sizeof(fixture->base));
        memcpy(fixture->content[CHANGED] + 500, "malware", 7);
        fixture->base_fd = memfd_create("base", MFD_CLOEXEC);
        assert_int_equal(write_full(fixture->base_fd, fixture->base, sizeof(fixture->base)), 0);
        for (size_t i = 0; i < OBJECTS; i++)
                fixture->wanted[i] = (struct wanted){ .object = digest_of(fixture->content[i], fixture->size[i]),
                                                      .size = fixture->size[i],
                                                      .base_fd = -1,
                                                      .item = &fixture->content[i] };
        fixture->wanted[CHANGED].base_fd = fixture->base_fd;
        fixture->wanted[CHANGED].base = digest_of(fixture->base, sizeof(fixture->base));
        fixture->wanted[CHANGED].base_size = sizeof(fixture->base);
}

static int setup(void **state)
{
        struct fixture *fixture = memory_new(1, sizeof(*fixture));
        struct error error = ERROR_NONE;
        struct pack_writer *writer;
        int fd;

        snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/test_repository.XXXXXX");
        assert_non_null(mkdtemp(fixture->folder)); /* mode 0700: nobody but its owner could open files in it */
        fixture->folder_fd = open(fixture->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(mkdirat(fixture->folder_fd, "packs", 0700), 0);
        assert_int_equal(mkdirat(fixture->folder_fd, "releases", 0700), 0);
        make_content(fixture);

        writer = new_pack(fixture, true, &fd);
        assert_int_equal(pack_writer_add_delta(writer, &fixture->wanted[CHANGED].object, fixture->content[CHANGED],
                                               fixture->size[CHANGED], &fixture->wanted[CHANGED].base, fixture->base,
                                               sizeof(fixture->base), fixture->size[CHANGED], &error),
                         0);
        finish_pack(fixture, writer, 0);
        pack_writer_free(writer);
        close(fd);
        writer = new_pack(fixture, false, &fd);
        for (size_t i = 0; i < OBJECTS; i++) {
                int source = memfd_create("source", MFD_CLOEXEC);

                assert_int_equal(write_full(source, fixture->content[i], fixture->size[i]), 0);
                assert_int_equal(
                        pack_writer_add_fd(writer, &fixture->wanted[i].object, fixture->size[i], source, "x", &error),
                        0);
                close(source);
        }
        finish_pack(fixture, writer, 1);
        pack_writer_free(writer);
        close(fd);
        fixture->release = (struct release){ .site = "test", .number = 2, .packs = fixture->packs, .pack_count = 2 };
        *state = fixture;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *fixture = *state;
        struct error error = ERROR_NONE;
        int parent = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        assert_int_equal(tree_remove(parent, fixture->folder + strlen("/tmp/"), &error), 0);
        close(parent);
        for (size_t i = 0; i < OBJECTS; i++)
                free(fixture->content[i]);
        for (int i = 0; i < 2; i++)
                pack_index_done(&fixture->index[i]);
        close(fixture->folder_fd);
        close(fixture->base_fd);
        free(fixture);
        return 0;
}

static int begin(void *context, const struct wanted *wanted, struct error *err)
{
        struct received *received = context;

        (void)wanted, (void)err;
        assert_false(received->open);
        received->open = true;
        buffer_clear(&received->current);
        return 0;
}

/* Kills the process's only child. */
static void kill_helper(void)
{
        char path[64], pid[32] = "";
        int fd;

        snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0 && read_full(fd, pid, sizeof(pid) - 1) > 0);
        close(fd);
        assert_int_equal(kill((pid_t)strtol(pid, NULL, 10), SIGKILL), 0);
}

static int data(void *context, const struct wanted *wanted, const void *bytes, size_t length, struct error *err)
{
        struct received *received = context;

        (void)wanted;
        assert_true(received->open);
        assert_int_equal(buffer_append(&received->current, bytes, length), 0);
        if (received->kill_helper)
                kill_helper();
        if (received->stop_after && received->current.length > received->stop_after)
                return error_set(err, -ENOSPC, "the disk is full");
        return 0;
}

static int end(void *context, const struct wanted *wanted, struct error *err)
{
        struct received *received = context;
        size_t i = (size_t)((char *const *)wanted->item - received->fixture->content);

        assert_true(received->open);
        assert_int_equal(received->current.length, received->fixture->size[i]);
        if (memcmp(buffer_text(&received->current), received->fixture->content[i], received->fixture->size[i]) != 0)
                return error_set(err, -EBADMSG, "it is not what was promised");
        received->open = false;
        received->ended++;
        return 0;
}

static struct repository *open_repository(const struct fixture *fixture)
{
        struct repository *repository;
        struct error error = ERROR_NONE;

        assert_int_equal(repository_open(fixture->folder, NULL, &repository, &error), 0);
        return repository;
}

static int fetch_all(struct fixture *fixture, struct received *received, struct repository_traffic *ret_traffic,
                     struct error *err)
{
        _cleanup_(repository_closep) struct repository *repository = open_repository(fixture);
        const struct repository_sink sink = { begin, data, end, received };
        int r;

        received->current = (struct buffer)BUFFER_INIT(LARGE_SIZE);
        received->fixture = fixture;
        r = repository_objects(repository, &fixture->release, fixture->wanted, OBJECTS, &sink, err);
        if (ret_traffic)
                repository_traffic(repository, ret_traffic);
        buffer_done(&received->current);
        return r;
}

static void all_objects_arrive(void **state)
{
        struct received received = { 0 };
        struct repository_traffic traffic;
        struct error error = ERROR_NONE;

        assert_int_equal(fetch_all(*state, &received, &traffic, &error), 0);
        assert_int_equal(received.ended, OBJECTS);
        assert_true(traffic.bytes > 1000);
}

/* The difference costs less than the whole object did. */
static void a_difference_saves_bytes(void **state)
{
        struct fixture *fixture = *state;
        struct received received = { 0 };
        struct repository_traffic with, without;
        struct error error = ERROR_NONE;

        assert_int_equal(fetch_all(fixture, &received, &with, &error), 0);
        fixture->wanted[CHANGED].base_fd = -1;
        assert_int_equal(fetch_all(fixture, &received, &without, &error), 0);
        fixture->wanted[CHANGED].base_fd = fixture->base_fd;
        assert_int_equal(received.ended, 2 * OBJECTS);
        assert_true(with.bytes < without.bytes);
}

/* The base was changed meanwhile, or cannot be read: the object comes whole. */
static void a_wrong_base_is_made_up_for(void **state)
{
        struct fixture *fixture = *state;
        struct received received = { 0 };
        struct error error = ERROR_NONE;

        assert_int_equal(pwrite(fixture->base_fd, "other bytes than before", 23, 9000), 23);
        assert_int_equal(fetch_all(fixture, &received, NULL, &error), 0);
        assert_int_equal(ftruncate(fixture->base_fd, 10), 0);
        assert_int_equal(fetch_all(fixture, &received, NULL, &error), 0);
        assert_int_equal(received.ended, 2 * OBJECTS);
}

static void pack_path(const struct fixture *fixture, int number, const char *suffix, char path[static 128])
{
        char hex[DIGEST_HEX_SIZE];

        digest_hex(&fixture->packs[number].id, hex);
        snprintf(path, 128, "packs/%s.%s", hex, suffix);
}

/* Flips one bit of a file. */
static void damage(const struct fixture *fixture, const char *path, uint64_t offset)
{
        int fd = openat(fixture->folder_fd, path, O_RDWR | O_CLOEXEC);
        char byte;

        assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
        byte ^= 4;
        assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
        close(fd);
}

static void damaged_difference_is_fetched_whole(void **state)
{
        struct fixture *fixture = *state;
        struct received received = { 0 };
        struct error error = ERROR_NONE;
        char path[128];

        pack_path(fixture, 0, "pack", path);
        damage(fixture, path, fixture->packs[0].size / 2);
        assert_int_equal(fetch_all(fixture, &received, NULL, &error), 0);
        assert_int_equal(received.ended, OBJECTS);
}

static void damaged_pack_is_refused(void **state)
{
        struct fixture *fixture = *state;
        struct received received = { 0 };
        struct error error = ERROR_NONE;
        char path[128];

        pack_path(fixture, 1, "pack", path);
        damage(fixture, path, fixture->packs[1].size / 2);
        assert_int_equal(fetch_all(fixture, &received, NULL, &error), -EBADMSG);
        assert_int_equal(error.status, EXIT_FAILED);
        assert_true(received.ended < OBJECTS);
}

static void lying_index_is_refused(void **state)
{
        struct fixture *fixture = *state;
        struct received received = { 0 };
        struct error error = ERROR_NONE;
        char path[128];

        pack_path(fixture, 1, "index", path);
        damage(fixture, path, 60);
        assert_int_equal(fetch_all(fixture, &received, NULL, &error), -EBADMSG);
        assert_non_null(strstr(error.text, "index"));
        assert_int_equal(received.ended, 0 + (fixture->size[0] == 0)); /* the empty file needs nothing */
}

static void short_and_missing_packs_are_told_apart(void **state)
{
        struct fixture *fixture = *state;
        struct received received = { 0 };
        struct error error = ERROR_NONE;
        char path[128];
        int fd;

        pack_path(fixture, 1, "pack", path);
        fd = openat(fixture->folder_fd, path, O_WRONLY | O_CLOEXEC);
        assert_int_equal(ftruncate(fd, 1000), 0);
        close(fd);
        assert_int_equal(fetch_all(fixture, &received, NULL, &error), -EBADMSG);
        assert_int_equal(unlinkat(fixture->folder_fd, path, 0), 0);
        assert_int_equal(fetch_all(fixture, &received, NULL, &error), -ENOENT);
        assert_non_null(strstr(error.text, ".pack"));
}

static void an_object_that_nobody_has_is_named(void **state)
{
        struct fixture *fixture = *state;
        struct received received = { 0 };
        struct error error = ERROR_NONE;

        fixture->wanted[3].object.bytes[0] ^= 1;
        assert_int_equal(fetch_all(fixture, &received, NULL, &error), -ENOENT);
        assert_non_null(strstr(error.text, "no pack"));
}

static void error_of_the_sink_ends_it(void **state)
{
        struct received received = { .stop_after = 1 << 20 };
        struct error error = ERROR_NONE;

        assert_int_equal(fetch_all(*state, &received, NULL, &error), -ENOSPC);
        assert_string_equal(error.text, "the disk is full");
}

static void killed_helper_is_an_error(void **state)
{
        struct received received = { .kill_helper = true };
        struct error error = ERROR_NONE;

        assert_int_equal(fetch_all(*state, &received, NULL, &error), -EPIPE);
        assert_non_null(strstr(error.text, "signal 9"));
}

static void latest_is_a_number(void **state)
{
        static const char *const wrong[] = { "",
                                             "\n",
                                             "12",
                                             "x\n",
                                             "0\n",
                                             "-1\n",
                                             "012\n",
                                             "1\n2\n",
                                             "99999999999\n",
                                             "<html><body>Welcome to the captive portal, dear guest</body></html>" };
        struct fixture *fixture = *state;
        _cleanup_(repository_closep) struct repository *repository = open_repository(fixture);
        struct error error = ERROR_NONE;
        uint64_t number = 0;

        assert_int_equal(repository_latest(repository, &number, &error), -ENOENT);
        write_file(fixture, "latest", "12\n", 3);
        assert_int_equal(repository_latest(repository, &number, &error), 0);
        assert_int_equal(number, 12);
        for (size_t i = 0; i < LENGTH(wrong); i++) {
                write_file(fixture, "latest", wrong[i], strlen(wrong[i]));
                assert_int_equal(repository_latest(repository, &number, &error), -EBADMSG);
        }
        assert_int_equal(number, 12);
}

static void small_files_have_a_maximum(void **state)
{
        struct fixture *fixture = *state;
        _cleanup_(repository_closep) struct repository *repository = open_repository(fixture);
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(700000);
        struct error error = ERROR_NONE;
        char *content = fixture->content[LARGE];

        write_file(fixture, "keys.json", content, 700000);
        assert_int_equal(repository_get(repository, "keys.json", &text, &error), 0);
        assert_int_equal(text.length, 700000);
        assert_memory_equal(text.data, content, 700000);
        buffer_clear(&text);
        write_file(fixture, "keys.json", content, 700001);
        assert_int_equal(repository_get(repository, "keys.json", &text, &error), -EFBIG);
        assert_int_equal(text.length, 0);
        assert_int_equal(repository_get(repository, "none.json", &text, &error), -ENOENT);
}

/* What is in a folder repository in the place of a file is not followed and not waited for. */
static void only_regular_files_are_read(void **state)
{
        struct fixture *fixture = *state;
        _cleanup_(repository_closep) struct repository *repository = open_repository(fixture);
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(10000);
        struct error error = ERROR_NONE;

        assert_int_equal(symlinkat("/etc/passwd", fixture->folder_fd, "link"), 0);
        assert_int_equal(mkfifoat(fixture->folder_fd, "fifo", 0600), 0);
        assert_int_equal(repository_get(repository, "link", &text, &error), -ELOOP);
        assert_int_equal(repository_get(repository, "fifo", &text, &error), -EINVAL);
        assert_int_equal(repository_get(repository, "packs", &text, &error), -EISDIR);
        assert_int_equal(text.length, 0);
}

/* Fetches the large content as a manifest with a base, and says how many bytes came. */
static uint64_t get_manifest(struct fixture *fixture, int base_fd, int expected, struct error *err)
{
        _cleanup_(repository_closep) struct repository *repository = open_repository(fixture);
        struct repository_traffic traffic;
        int fd = memfd_create("manifest", MFD_CLOEXEC);
        char *bytes = memory_new(LARGE_SIZE + 7, 1);

        assert_int_equal(write_full(fd, "before ", 7), 0);
        assert_int_equal(repository_get_file(repository, "releases/manifest.mtree", LARGE_SIZE,
                                             &fixture->wanted[LARGE].object, fd, base_fd, 1, err),
                         expected);
        if (expected == 0) {
                assert_int_equal(lseek(fd, 0, SEEK_END), LARGE_SIZE + 7);
                assert_int_equal(read_full_at(fd, bytes, LARGE_SIZE + 7, 0), LARGE_SIZE + 7);
                assert_memory_equal(bytes, "before ", 7);
                assert_memory_equal(bytes + 7, fixture->content[LARGE], LARGE_SIZE);
        }
        repository_traffic(repository, &traffic);
        close(fd);
        free(bytes);
        return traffic.bytes;
}

static void write_compressed(struct fixture *fixture, const char *path, const char *prefix, size_t prefix_size)
{
        ZSTD_CCtx *compressor = ZSTD_createCCtx();
        size_t room = ZSTD_compressBound(LARGE_SIZE), length;
        char *bytes = memory_new(room, 1);
        char *copy = memory_copy(prefix, prefix_size); /* zstd takes no prefix that overlaps the source */

        ZSTD_CCtx_setParameter(compressor, ZSTD_c_windowLog, 23);
        ZSTD_CCtx_setParameter(compressor, ZSTD_c_enableLongDistanceMatching, 1);
        ZSTD_CCtx_refPrefix(compressor, copy, prefix_size);
        length = ZSTD_compress2(compressor, bytes, room, fixture->content[LARGE], LARGE_SIZE);
        assert_false(ZSTD_isError(length));
        write_file(fixture, path, bytes, length);
        ZSTD_freeCCtx(compressor);
        free(copy);
        free(bytes);
}

static void large_file_comes_in_its_smallest_form(void **state)
{
        struct fixture *fixture = *state;
        struct error error = ERROR_NONE;
        int base_fd = memfd_create("base", MFD_CLOEXEC);
        uint64_t plain, compressed, difference;

        assert_int_equal(write_full(base_fd, fixture->content[LARGE], LARGE_SIZE - 1000), 0);
        get_manifest(fixture, -1, -ENOENT, &error);
        write_file(fixture, "releases/manifest.mtree", fixture->content[LARGE], LARGE_SIZE);
        plain = get_manifest(fixture, -1, 0, &error);
        write_compressed(fixture, "releases/manifest.mtree.zst", "", 0);
        compressed = get_manifest(fixture, base_fd, 0, &error);
        write_compressed(fixture, "releases/manifest.mtree.from-1.zst", fixture->content[LARGE], LARGE_SIZE - 1000);
        difference = get_manifest(fixture, base_fd, 0, &error);
        assert_int_equal(plain, LARGE_SIZE);
        assert_in_range(compressed, LARGE_SIZE / 4, LARGE_SIZE - 1);
        assert_in_range(difference, 1, LARGE_SIZE / 10);
        /* The plain file alone is enough when the other forms are damaged; without it that is an error. */
        damage(fixture, "releases/manifest.mtree.from-1.zst", difference / 2);
        damage(fixture, "releases/manifest.mtree.zst", compressed / 2);
        assert_true(get_manifest(fixture, base_fd, 0, &error) > plain);
        damage(fixture, "releases/manifest.mtree", LARGE_SIZE / 2);
        get_manifest(fixture, base_fd, -EBADMSG, &error);
        assert_non_null(strstr(error.text, "manifest.mtree"));
        close(base_fd);
}

/* Fifty megabytes of one byte in the place of a manifest of three. */
static void bomb_does_not_go_off(void **state)
{
        struct fixture *fixture = *state;
        struct error error = ERROR_NONE;
        size_t size = 50U << 20, room = ZSTD_compressBound(size), length;
        char *content = memory_new(size, 1), *bytes = memory_new(room, 1);

        memset(content, 'a', size);
        length = ZSTD_compress(bytes, room, content, size, 3);
        write_file(fixture, "releases/manifest.mtree.zst", bytes, length);
        get_manifest(fixture, -1, -ENOENT, &error); /* neither is there a plain one */
        free(content);
        free(bytes);
}

static int signatures_match(void *context, const struct buffer *text, const struct buffer *signature, struct error *err)
{
        struct fixture *fixture = context;
        bool holds = text->length == signature->length && memcmp(text->data, signature->data, text->length) == 0;

        write_file(fixture, "keys.json.minisig", "new", 3); /* the publisher has come to the second file */
        return holds ? 0 : error_set(err, -EBADMSG, "the signature does not hold");
}

static void pair_that_is_just_replaced_is_read_again(void **state)
{
        struct fixture *fixture = *state;
        _cleanup_(repository_closep) struct repository *repository = open_repository(fixture);
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(100), signature = BUFFER_INIT(100);
        struct error error = ERROR_NONE;

        write_file(fixture, "keys.json", "new", 3);
        write_file(fixture, "keys.json.minisig", "old", 3);
        assert_int_equal(
                repository_get_signed(repository, "keys.json", &text, &signature, signatures_match, fixture, &error),
                0);
        assert_string_equal(text.data, "new");
        assert_string_equal(signature.data, "new");
        write_file(fixture, "keys.json", "bad", 3);
        buffer_clear(&text);
        buffer_clear(&signature);
        assert_int_equal(
                repository_get_signed(repository, "keys.json", &text, &signature, signatures_match, fixture, &error),
                -EBADMSG);
}

/* A keys.json that somebody took the signature from must not look like a repository that never had a root key. */
static void file_without_its_signature_is_no_file_that_is_not_there(void **state)
{
        struct fixture *fixture = *state;
        _cleanup_(repository_closep) struct repository *repository = open_repository(fixture);
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(100), signature = BUFFER_INIT(100);
        struct error error = ERROR_NONE;

        write_file(fixture, "alone.json", "new", 3);
        assert_int_equal(repository_get_pair(repository, "alone.json", &text, &signature, &error), -EBADMSG);
        assert_non_null(strstr(error.text, "alone.json.minisig"));
        assert_int_equal(repository_get_pair(repository, "neither.json", &text, &signature, &error), -ENOENT);
}

static void check_url(const char *text, const char *address, const char *shown, bool is_folder)
{
        struct repository_url url;
        struct error error = ERROR_NONE;

        assert_int_equal(repository_url_parse(text, &url, &error), 0);
        assert_string_equal(url.address, address);
        assert_string_equal(url.shown, shown);
        assert_int_equal(url.is_folder, is_folder);
        repository_url_done(&url);
}

static void addresses(void **state)
{
        static const char *const wrong[] = {
                "",         "ftp://host/repo",       "file://host/repo",    "file:///srv/%00",
                "https://", "https://host/repo?x=1", "https://host/repo#a", "gopher://host/"
        };

        (void)state;
        check_url("https://example.org/repo/", "https://example.org/repo", "https://example.org/repo", false);
        check_url("http://u:secret@h:81/r", "http://u:secret@h:81/r", "http://h:81/r", false);
        check_url("file:///srv/my%20repo/", "/srv/my repo/", "/srv/my repo", true);
        check_url("file://localhost/srv", "/srv", "/srv", true);
        check_url("../repo//", "../repo//", "../repo", true);
        check_url("/", "/", "/", true);
        check_url("a/b://c", "a/b://c", "a/b://c", true);
        for (size_t i = 0; i < LENGTH(wrong); i++) {
                struct repository_url url;
                struct error error = ERROR_NONE;

                assert_int_equal(repository_url_parse(wrong[i], &url, &error), -EINVAL);
                assert_int_equal(error.status, EXIT_USAGE);
        }
}

static void opening_says_what_is_wrong(void **state)
{
        struct repository *repository = NULL;
        struct error error = ERROR_NONE;
        struct repository_options options = { .user = "no-such-user-here" };

        (void)state;
        assert_int_equal(repository_open("/nonexistent/repo", NULL, &repository, &error), -ENOENT);
        assert_int_equal(repository_open("/etc/passwd", NULL, &repository, &error), -ENOTDIR);
        if (geteuid() == 0)
                assert_int_equal(repository_open("/tmp", &options, &repository, &error), -ENOENT);
        options.user = "root";
        if (geteuid() == 0)
                assert_int_equal(repository_open("/tmp", &options, &repository, &error), -EINVAL);
        options = (struct repository_options){ .ca_file = "/nonexistent/ca.pem" };
        assert_int_equal(repository_open("https://localhost/", &options, &repository, &error), -ENOENT);
        assert_null(repository);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(all_objects_arrive, setup, teardown),
                cmocka_unit_test_setup_teardown(a_difference_saves_bytes, setup, teardown),
                cmocka_unit_test_setup_teardown(a_wrong_base_is_made_up_for, setup, teardown),
                cmocka_unit_test_setup_teardown(damaged_difference_is_fetched_whole, setup, teardown),
                cmocka_unit_test_setup_teardown(damaged_pack_is_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(lying_index_is_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(short_and_missing_packs_are_told_apart, setup, teardown),
                cmocka_unit_test_setup_teardown(an_object_that_nobody_has_is_named, setup, teardown),
                cmocka_unit_test_setup_teardown(error_of_the_sink_ends_it, setup, teardown),
                cmocka_unit_test_setup_teardown(killed_helper_is_an_error, setup, teardown),
                cmocka_unit_test_setup_teardown(latest_is_a_number, setup, teardown),
                cmocka_unit_test_setup_teardown(small_files_have_a_maximum, setup, teardown),
                cmocka_unit_test_setup_teardown(only_regular_files_are_read, setup, teardown),
                cmocka_unit_test_setup_teardown(large_file_comes_in_its_smallest_form, setup, teardown),
                cmocka_unit_test_setup_teardown(bomb_does_not_go_off, setup, teardown),
                cmocka_unit_test_setup_teardown(pair_that_is_just_replaced_is_read_again, setup, teardown),
                cmocka_unit_test_setup_teardown(file_without_its_signature_is_no_file_that_is_not_there, setup, teardown),
                cmocka_unit_test(addresses),
                cmocka_unit_test(opening_says_what_is_wrong),
        };

        if (tests_under_valgrind())
                return 0;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
