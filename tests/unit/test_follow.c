/* A log that is rotated between two steps of one look: each line is handed out once. */
#include <sys/stat.h>
#include <zlib.h>

#include "accesslog/follow_private.h"
#include "tests.h"

struct place {
        char folder[TESTS_FOLDER_SIZE], log[TESTS_FOLDER_SIZE + 16];
        struct follow *follow;
        unsigned int second; /* of the next line */
        char lines[4096];    /* all that was handed out */
};

static void path_of(const struct place *place, const char *name, char path[static TESTS_FOLDER_SIZE + 16])
{
        assert_true(snprintf(path, TESTS_FOLDER_SIZE + 16, "%s/%s", place->folder, name) > 0);
}

/* One line more in the log; page is what it is told by. */
static void request(struct place *place, const char *page)
{
        FILE *file = fopen(place->log, "a");

        assert_non_null(file);
        assert_true(fprintf(file, "192.0.2.1 - - [06/Jul/2009:09:00:%02u +0900] \"GET /%s HTTP/1.1\" 200 12\n", place->second++,
                            page) > 0);
        assert_int_equal(fclose(file), 0);
}

static void rename_log(const struct place *place, const char *name)
{
        char path[TESTS_FOLDER_SIZE + 16];

        path_of(place, name, path);
        assert_int_equal(rename(place->log, path), 0);
}

/* As gzip(1) does: the packed file is whole before the plain one goes. */
static void pack(const struct place *place, const char *name, const char *packed)
{
        char from[TESTS_FOLDER_SIZE + 16], to[TESTS_FOLDER_SIZE + 16], bytes[4096];
        FILE *file;
        gzFile out;
        size_t n;

        path_of(place, name, from);
        path_of(place, packed, to);
        file = fopen(from, "r");
        out = gzopen(to, "w");
        assert_non_null(file);
        assert_non_null(out);
        n = fread(bytes, 1, sizeof(bytes), file);
        assert_int_equal(gzwrite(out, bytes, (unsigned int)n), n);
        assert_int_equal(gzclose(out), Z_OK);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(unlink(from), 0);
}

/* Reads all that there is, as the service does, and keeps the marks. */
static void read_all(struct place *place)
{
        struct follow_block block;
        size_t length = strlen(place->lines);

        while (follow_next(place->follow, &block, NULL) > 0) {
                assert_true(length + block.length < sizeof(place->lines));
                memcpy(place->lines + length, block.bytes, block.length);
                length += block.length;
                place->lines[length] = '\0';
        }
        follow_settle(place->follow);
}

static unsigned int times(const struct place *place, const char *page)
{
        unsigned int n = 0;

        for (const char *at = place->lines; (at = strstr(at, page)); at += strlen(page))
                n++;
        return n;
}

static int setup(void **state)
{
        static struct place place;
        const char *paths[] = { place.log };

        place = (struct place){ 0 };
        close(tests_folder(place.folder));
        path_of(&place, "access.log", place.log);
        assert_int_equal(follow_new(paths, 1, &place.follow, NULL), 0);
        assert_int_equal(follow_look(place.follow, NULL), 0); /* it was there before the first line */
        request(&place, "first");
        read_all(&place);
        assert_int_equal(times(&place, "GET /first "), 1);
        *state = &place;
        return 0;
}

static int teardown(void **state)
{
        struct place *place = *state;

        follow_free(place->follow);
        tests_folder_remove(place->folder);
        return 0;
}

/* The look has opened the file that has the name, and before it looks beside it that one is rotated as well. */
static void test_rotated_while_looked_at(void **state)
{
        static const struct {
                const char *name, *packed;
        } ways[] = { { "access.log.1", NULL }, { "access.log.1", "access.log.1.gz" } };
        struct place *place = *state;

        for (size_t i = 0; i < LENGTH(ways); i++) {
                struct log *log = &place->follow->logs[0];
                size_t count = log->count;
                struct stat status;
                int fd;

                rename_log(place, i ? "access.log.5" : "access.log.7");
                request(place, "between");
                rename_log(place, i ? "access.log.4" : "access.log.6"); /* which nobody has seen */
                request(place, "now");
                fd = open(place->log, O_RDONLY | O_CLOEXEC);
                assert_true(fd >= 0 && fstat(fd, &status) == 0);
                rename_log(place, ways[i].name);
                if (ways[i].packed)
                        pack(place, ways[i].name, ways[i].packed);
                request(place, "next");

                assert_int_equal(log_catch_up(place->follow, log, fd, &status, NULL), 0);
                assert_int_equal(log->count, count + 1);
                assert_int_equal(generation_begin(place->follow, log, fd, place->log, false, false, NULL), 0);
                read_all(place);
                assert_int_equal(times(place, "GET /between "), i + 1);
                assert_int_equal(times(place, "GET /now "), i + 1);
                assert_int_equal(times(place, "GET /next "), i + 1);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_rotated_while_looked_at, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
