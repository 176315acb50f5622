/* test_source.c - source.h: every line once and whole, whatever the block's size; damaged files; changing #Fields. */
#include "tests.h"

#include "accesslog/source.h"
#include "base/buffer.h"
#include "base/text.h"

static char folder[TESTS_FOLDER_SIZE];
static int folder_fd;

static int set_up(void **state)
{
        (void)state;
        folder_fd = tests_folder(folder);
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        fd_close(&folder_fd);
        tests_folder_remove(folder);
        return 0;
}

static void put(const char *name, const char *bytes, size_t length)
{
        struct error error = ERROR_NONE;

        assert_int_equal(file_replace(folder_fd, name, bytes, length, 0644, &error), 0);
}

/* All lines of a file in blocks of this size, each with '\n' behind it; a line that is too long as "LONG". Positions
 * must grow, and say where the line is. */
static void read_all(const char *name, size_t block_bytes, const char *content, struct buffer *lines)
{
        char path[TESTS_FOLDER_SIZE + 32];
        const char *paths[] = { path };
        _cleanup_(log_source_closep) struct log_source *source = NULL;
        struct error error = ERROR_NONE;
        struct log_block block;
        int r;

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        assert_int_equal(log_source_open(paths, 1, block_bytes, &source, &error), 0);
        buffer_clear(lines);
        while ((r = log_source_next(source, 0, &block, &error)) > 0) {
                const char *cursor = block.bytes, *line;
                size_t length;

                while (text_next_line(&cursor, block.bytes + block.length, &line, &length)) {
                        bool is_long = length > LOG_LINE_MAXIMUM;

                        if (content && length)
                                assert_int_equal(content[log_position(&block, line)], *line);
                        assert_int_equal(buffer_append(lines, is_long ? "LONG" : line, is_long ? 4 : length), 0);
                        assert_int_equal(buffer_append_byte(lines, '\n'), 0);
                }
                log_source_release(source, &block);
        }
        assert_int_equal(r, 0);
}

/* Several readers take turns in an odd order: each line comes once, whoever it comes to. */
static void readers_share_a_file(void **state)
{
        char path[TESTS_FOLDER_SIZE + 32];
        const char *paths[] = { path, path };
        static char content[2000];
        static unsigned char times[2][sizeof(content)];

        (void)state;
        memset(times, 0, sizeof(times));
        memset(content, 'x', sizeof(content));
        for (size_t i = 0; i < sizeof(content); i += 1 + i % 37)
                content[i] = '\n';
        put("shared", content, sizeof(content));
        snprintf(path, sizeof(path), "%s/shared", folder);
        for (size_t block_bytes = 1; block_bytes < 700; block_bytes += 13) {
                _cleanup_(log_source_closep) struct log_source *source = NULL;
                struct error error = ERROR_NONE;
                struct log_block block;

                assert_int_equal(log_source_open(paths, 2, block_bytes, &source, &error), 0);
                for (unsigned int turn = 0, idle = 0; idle < 7; turn++) {
                        if (log_source_next(source, turn * turn % 7, &block, &error) == 0) {
                                idle++;
                                continue;
                        }
                        idle = 0;
                        for (size_t i = 0; i < block.length; i++) {
                                uint64_t position = log_position(&block, block.bytes + i);

                                times[position / sizeof(content)][position % sizeof(content)]++;
                        }
                        log_source_release(source, &block);
                }
                for (size_t i = 0; i < sizeof(content); i++) {
                        assert_int_equal(times[0][i], block_bytes / 13 + 1);
                        assert_int_equal(times[1][i], block_bytes / 13 + 1);
                }
        }
}

static void every_line_once(void **state)
{
        static const char content[] = "one\n\ntwo two\nthree\r\n\n\nthe last one has no newline";
        struct buffer lines = BUFFER_INIT(1U << 20);

        (void)state;
        put("plain", content, sizeof(content) - 1);
        for (size_t block = 1; block < sizeof(content) + 2; block++) {
                read_all("plain", block, content, &lines);
                assert_string_equal(buffer_text(&lines), "one\n\ntwo two\nthree\r\n\n\nthe last one has no newline\n");
        }
        put("empty", "", 0);
        read_all("empty", 100, NULL, &lines);
        assert_int_equal(lines.length, 0);
        put("newline", "\n", 1);
        read_all("newline", 100, NULL, &lines);
        assert_string_equal(buffer_text(&lines), "\n");
        buffer_done(&lines);
}

static void a_long_line_counts_once(void **state)
{
        static const size_t sizes[] = { 1000, 65536, 65537, 65538, 100000, 131072, 1U << 20 };
        static const size_t lengths[] = { LOG_LINE_MAXIMUM - 1, LOG_LINE_MAXIMUM, LOG_LINE_MAXIMUM + 1, 200000,
                                          700000 };
        struct buffer lines = BUFFER_INIT(4U << 20), content = BUFFER_INIT(4U << 20);

        (void)state;
        for (size_t k = 0; k < LENGTH(lengths); k++) {
                char *line = malloc(lengths[k]);
                bool is_long = lengths[k] > LOG_LINE_MAXIMUM;

                assert_non_null(line);
                memset(line, 'x', lengths[k]);
                buffer_clear(&content);
                assert_int_equal(buffer_append_text(&content, "before\n"), 0);
                assert_int_equal(buffer_append(&content, line, lengths[k]), 0);
                assert_int_equal(buffer_append_text(&content, "\nbehind\n"), 0);
                put("long", content.data, content.length);
                assert_int_equal(buffer_append_text(&content, "#Fields: x\n"), 0);
                for (size_t i = 0; i < LENGTH(sizes); i++) {
                        const char *end;

                        read_all("long", sizes[i], content.data, &lines);
                        end = lines.data + lines.length;
                        assert_memory_equal(lines.data, "before\n", 7);
                        assert_int_equal(lines.length, 7 + (is_long ? 4 : lengths[k]) + 1 + 7);
                        assert_memory_equal(end - 8, "\nbehind\n", 8);
                }
                free(line);
        }
        buffer_done(&lines);
        buffer_done(&content);
}

/* Each block says which fields are in force at its first line. */
static void fields_travel_with_the_blocks(void **state)
{
        struct buffer content = BUFFER_INIT(8U << 20);
        char path[TESTS_FOLDER_SIZE + 32], *scratch = malloc(LOG_LINE_MAXIMUM);
        const char *paths[] = { path };
        _cleanup_(log_source_closep) struct log_source *source = NULL;
        struct error error = ERROR_NONE;
        struct log_block block;
        size_t good = 0, blocks = 0;

        (void)state;
        assert_non_null(scratch);
        for (int part = 0; part < 4; part++) {
                assert_int_equal(buffer_append_text(&content, part % 2 ? "#Fields: sc-status date time c-ip\n"
                                                                       : "#Fields: date time c-ip sc-status\n"),
                                 0);
                for (int i = 0; i < 10000; i++)
                        assert_int_equal(buffer_append_text(&content, part % 2 ? "200 2015-05-17 10:05:03 192.0.2.1\n"
                                                                               : "2015-05-17 10:05:03 192.0.2.1 200\n"),
                                         0);
        }
        put("w3c", content.data, content.length);
        snprintf(path, sizeof(path), "%s/w3c", folder);
        assert_int_equal(log_source_open(paths, 1, 100000, &source, &error), 0);
        for (; log_source_next(source, 0, &block, &error) > 0; blocks++) {
                struct log_format format = block.format;
                const char *cursor = block.bytes, *line;
                struct log_line parsed;
                size_t length;

                while (text_next_line(&cursor, block.bytes + block.length, &line, &length)) {
                        enum log_parsed result = log_parse(&format, line, length, scratch, &parsed);

                        assert_int_not_equal(result, LOG_INVALID);
                        good += result == LOG_OK && parsed.status == 200;
                }
                log_source_release(source, &block);
        }
        assert_int_equal(good, 40000);
        assert_true(blocks > 2);
        buffer_done(&content);
        free(scratch);
}

static void what_cannot_be_read_is_said(void **state)
{
        /* gzip of "hello\n", cut off and damaged. */
        static const char packed[] =
                "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\xe7\x02\x00\x20\x30\x3a"
                "\x36\x06\x00\x00\x00";
        char path[TESTS_FOLDER_SIZE + 32];
        const char *paths[] = { path };
        struct buffer lines = BUFFER_INIT(1000);

        (void)state;
        put("packed", packed, sizeof(packed) - 1);
        read_all("packed", 100, NULL, &lines);
        assert_string_equal(buffer_text(&lines), "hello\n");
        buffer_done(&lines);
        snprintf(path, sizeof(path), "%s/packed", folder);
        for (size_t length = 10; length < sizeof(packed) - 1; length++) {
                _cleanup_(log_source_closep) struct log_source *source = NULL;
                struct error error = ERROR_NONE;
                struct log_block block;
                int r;

                put("packed", packed, length);
                assert_int_equal(log_source_open(paths, 1, 100, &source, &error), 0);
                while ((r = log_source_next(source, 0, &block, &error)) > 0)
                        log_source_release(source, &block);
                assert_int_equal(r, -EBADMSG);
                assert_non_null(strstr(error.text, "cut off"));
                assert_int_equal(log_source_next(source, 0, &block, &error), 0); /* said once */
        }
        snprintf(path, sizeof(path), "%s", folder);
        {
                struct log_source *source = NULL;
                struct error error = ERROR_NONE;

                assert_int_equal(log_source_open(paths, 1, 100, &source, &error), -EISDIR);
                snprintf(path, sizeof(path), "%s/nothing", folder);
                assert_int_equal(log_source_open(paths, 1, 100, &source, &error), -ENOENT);
                assert_null(source);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(every_line_once, set_up, tear_down),
                cmocka_unit_test_setup_teardown(readers_share_a_file, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_long_line_counts_once, set_up, tear_down),
                cmocka_unit_test_setup_teardown(fields_travel_with_the_blocks, set_up, tear_down),
                cmocka_unit_test_setup_teardown(what_cannot_be_read_is_said, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
