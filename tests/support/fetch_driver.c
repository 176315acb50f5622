/*
 * fetch_driver.c - reads a repository without making a tree of it, for tests of what fetches.
 *
 * fetch_driver [-s STALL_MS] [-t TRIES] [-b FILE] URL latest | get PATH MAXIMUM | file PATH SIZE SHA256 | objects N
 *
 * `objects` takes release N as it is (no signature is looked at) and lines "SHA256 SIZE" on standard input; -b names a
 * file that is the base of the first of them. Prints what it got, what it cost, and the helper's peak memory. Ends as
 * a command would.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/repository.h"

struct tally {
        struct hasher *hasher;
        uint64_t objects, bytes;
};

static int begin(void *context, const struct wanted *wanted, struct error *err)
{
        struct tally *tally = context;

        (void)wanted, (void)err;
        return hasher_begin(tally->hasher);
}

static int data(void *context, const struct wanted *wanted, const void *bytes, size_t length, struct error *err)
{
        struct tally *tally = context;

        (void)wanted, (void)err;
        tally->bytes += length;
        return hasher_add(tally->hasher, bytes, length);
}

static int end(void *context, const struct wanted *wanted, struct error *err)
{
        struct tally *tally = context;
        struct digest found;

        if (hasher_end(tally->hasher, &found) < 0 || !digest_equal(&found, &wanted->object))
                return error_set(err, -EBADMSG, "wrong content came through");
        tally->objects++;
        return 0;
}

/* Lines "SHA256 SIZE" from standard input. */
static int read_wanted(struct wanted **ret_wanted, size_t *ret_count)
{
        size_t count = 0, capacity = 0;
        struct wanted *wanted = NULL;
        char hex[65], size[24];

        while (scanf("%64s %23s", hex, size) == 2) {
                if (count == capacity) {
                        capacity = capacity ? 2 * capacity : 1024;
                        wanted = memory_resize(wanted, capacity, sizeof(*wanted));
                        if (!wanted)
                                return -ENOMEM;
                }
                wanted[count] = (struct wanted){ .base_fd = -1 };
                if (digest_parse(hex, strlen(hex), &wanted[count].object) < 0 ||
                    text_parse_u64(size, strlen(size), INT64_MAX, &wanted[count].size) < 0)
                        return -EINVAL;
                count++;
        }
        *ret_wanted = wanted;
        *ret_count = count;
        return 0;
}

static int objects(struct repository *repository, const char *number, const char *base, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(RELEASE_MAXIMUM);
        _cleanup_(memory_freep) struct wanted *wanted = NULL;
        struct tally tally = { 0 };
        const struct repository_sink sink = { begin, data, end, &tally };
        struct release release = { 0 };
        size_t count = 0;
        char path[64];
        int r;

        snprintf(path, sizeof(path), "releases/%s/release.json", number);
        r = repository_get(repository, path, &text, err);
        if (r == 0)
                r = release_parse(text.data, text.length, &release, err);
        if (r == 0 && read_wanted(&wanted, &count) < 0)
                r = error_usage(err, "the list of wanted objects is not one");
        if (r == 0)
                r = hasher_new(&tally.hasher, err);
        if (r == 0 && base && count > 0) {
                wanted[0].base_fd = open(base, O_RDONLY | O_CLOEXEC);
                r = digest_of_fd(wanted[0].base_fd, INT64_MAX, &wanted[0].base, &wanted[0].base_size, err);
        }
        if (r == 0)
                r = repository_objects(repository, &release, wanted, count, &sink, err);
        printf("objects %" PRIu64 " of %zu content %" PRIu64 "\n", tally.objects, count, tally.bytes);
        hasher_free(tally.hasher);
        release_done(&release);
        return r;
}

static int run(struct repository *repository, char *words[], const char *base, struct error *err)
{
        uint64_t number;
        int r;

        if (text_equal(words[0], "latest")) {
                r = repository_latest(repository, &number, err);
                if (r == 0)
                        printf("latest %" PRIu64 "\n", number);
                return r;
        }
        if (!words[1] || (!words[2] && !text_equal(words[0], "objects")))
                return error_usage(err, "too few words");
        if (text_equal(words[0], "objects"))
                return objects(repository, words[1], base, err);
        if (text_parse_u64(words[2], strlen(words[2]), INT64_MAX, &number) < 0)
                return error_usage(err, "'%s' is not a number", words[2]);
        if (text_equal(words[0], "get")) {
                _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(number);

                r = repository_get(repository, words[1], &text, err);
                printf("bytes %zu\n", text.length);
                return r;
        }
        if (text_equal(words[0], "file") && words[3]) {
                _cleanup_(fd_closep) int fd = memfd_create("file", MFD_CLOEXEC);
                struct digest digest;

                if (digest_parse(words[3], strlen(words[3]), &digest) < 0)
                        return error_usage(err, "'%s' is not a SHA-256", words[3]);
                return repository_get_file(repository, words[1], number, &digest, fd, -1, 0, err);
        }
        return error_usage(err, "what is '%s'?", words[0]);
}

int main(int argc, char *argv[])
{
        struct repository_options options = { 0 };
        struct repository_traffic traffic = { 0 };
        struct repository *repository = NULL;
        struct error error = ERROR_NONE;
        const char *base = NULL;
        int64_t start = clock_monotonic_ms();
        struct rusage usage;
        int letter, r;

        while ((letter = getopt(argc, argv, "s:t:b:c:")) != -1) {
                switch (letter) {
                case 's': options.stall_ms = (int)strtol(optarg, NULL, 10); break;
                case 't': options.tries = (int)strtol(optarg, NULL, 10); break;
                case 'b': base = optarg; break;
                case 'c': options.ca_file = optarg; break;
                default: return EXIT_USAGE;
                }
        }
        if (argc - optind < 2)
                return EXIT_USAGE;
        r = repository_open(argv[optind], &options, &repository, &error);
        if (r == 0)
                r = run(repository, argv + optind + 1, base, &error);
        if (repository)
                repository_traffic(repository, &traffic);
        repository_close(repository);
        getrusage(RUSAGE_CHILDREN, &usage);
        printf("received %" PRIu64 " requests %" PRIu64 " ms %" PRId64 " helper_kb %ld\n", traffic.bytes,
               traffic.requests, clock_monotonic_ms() - start, usage.ru_maxrss);
        if (r < 0)
                fprintf(stderr, "fetch_driver: %s\n", error.text);
        return r < 0 ? (int)error.status : EXIT_DONE;
}
