/* test_pack.c - packs: what was put in comes out, and nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <zstd.h>

#include "base/buffer.h"
#include "base/io.h"
#include "store/pack.h"

static int memory_file(const void *bytes, size_t length)
{
        int fd = memfd_create("test", MFD_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(write_full(fd, bytes, length), 0);
        return fd;
}

static struct digest digest_of(const void *bytes, size_t length)
{
        struct digest digest;

        assert_int_equal(digest_of_bytes(bytes, length, &digest, NULL), 0);
        return digest;
}

/* Text that compresses neither to nothing nor not at all. */
static void fill(char *bytes, size_t length, uint64_t seed)
{
        for (size_t i = 0; i < length; i++) {
                seed ^= seed << 13; /* xorshift64: no two seeds run into each other here */
                seed ^= seed >> 7;
                seed ^= seed << 17;
                bytes[i] = "abcdefgh <>/\n123"[seed >> 32 & 15];
        }
}

static int append(void *context, const void *bytes, size_t length, struct error *err)
{
        (void)err;
        return buffer_append(context, bytes, length);
}

/* Decodes one object in pieces of `step` bytes. */
static int decode(int pack, const struct pack_entry *entry, const void *base, size_t base_size, size_t step,
                  struct buffer *out)
{
        _cleanup_(pack_decoder_freep) struct pack_decoder *decoder = NULL;
        _cleanup_(buffer_done) struct buffer stored = BUFFER_INIT(64U << 20);
        struct error error = ERROR_NONE;
        int r;

        assert_int_equal(buffer_reserve(&stored, entry->stored), 0);
        assert_int_equal(read_full_at(pack, stored.data, entry->stored, entry->offset), entry->stored);
        assert_int_equal(pack_decoder_new(&decoder, &error), 0);
        r = pack_decoder_begin(decoder, entry, base, base_size, append, out, &error);
        for (uint64_t at = 0; r == 0 && at < entry->stored; at += step)
                r = pack_decoder_add(decoder, stored.data + at, entry->stored - at < step ? entry->stored - at : step,
                                     &error);
        if (r == 0)
                r = pack_decoder_end(decoder, &error);
        assert_true(r == 0 || error.text[0]);
        return r;
}

#define BIG (700U << 10)

struct sample {
        int pack;
        struct pack_index index;
        struct digest id;
        char *big; /* BIG bytes */
};

static int make_sample(void **state)
{
        struct sample *sample = calloc(1, sizeof(*sample));
        _cleanup_(pack_writer_freep) struct pack_writer *writer = NULL;
        struct error error = ERROR_NONE;
        const char *texts[] = { "", "<?php login(); ?>\n", "" };

        sample->big = malloc(BIG);
        fill(sample->big, BIG, 7);
        sample->pack = memory_file("", 0);
        assert_int_equal(pack_writer_new(sample->pack, false, 3, &writer, &error), 0);
        for (size_t i = 0; i <= LENGTH(texts); i++) {
                const char *bytes = i < LENGTH(texts) ? texts[i] : sample->big;
                size_t length = i < LENGTH(texts) ? strlen(texts[i]) : BIG;
                struct digest object = digest_of(bytes, length);
                _cleanup_(fd_closep) int fd = memory_file(bytes, length);

                assert_int_equal(pack_writer_add_fd(writer, &object, length, fd, "x", &error), 0);
        }
        assert_int_equal(pack_writer_finish(writer, &sample->index, &sample->id, &error), 0);
        *state = sample;
        return 0;
}

static int free_sample(void **state)
{
        struct sample *sample = *state;

        fd_close(&sample->pack);
        pack_index_done(&sample->index);
        free(sample->big);
        free(sample);
        return 0;
}

static void test_contents_come_back(void **state)
{
        struct sample *sample = *state;
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(1U << 20);
        struct digest big = digest_of(sample->big, BIG), empty = digest_of("", 0), none = digest_of("none", 4), id;
        const struct pack_entry *entry;
        uint64_t size;

        assert_int_equal(sample->index.count, 3); /* the empty object once */
        assert_null(pack_index_find(&sample->index, &none));
        entry = pack_index_find(&sample->index, &empty);
        assert_non_null(entry);
        assert_int_equal(decode(sample->pack, entry, NULL, 0, 1000, &out), 0);
        assert_int_equal(out.length, 0);
        entry = pack_index_find(&sample->index, &big);
        assert_non_null(entry);
        assert_true(entry->stored < BIG);
        for (size_t step = 1; step <= BIG; step *= 97) {
                buffer_clear(&out);
                assert_int_equal(decode(sample->pack, entry, NULL, 0, step, &out), 0);
                assert_int_equal(out.length, BIG);
                assert_memory_equal(out.data, sample->big, BIG);
        }
        assert_int_equal(digest_of_fd(sample->pack, UINT64_MAX, &id, &size, NULL), 0);
        assert_true(digest_equal(&id, &sample->id)); /* the pack's name is what sha256sum says */
        assert_int_equal(size, sample->index.pack_size);
}

static void test_damage_is_noticed(void **state)
{
        struct sample *sample = *state;
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(1U << 20);
        struct digest big = digest_of(sample->big, BIG);
        struct pack_entry entry = *pack_index_find(&sample->index, &big), wrong = entry;

        wrong.size--;
        assert_int_equal(decode(sample->pack, &wrong, NULL, 0, 4096, &out), -EBADMSG);
        assert_true(out.length <= wrong.size); /* never more than was announced */
        wrong = entry;
        buffer_clear(&out);
        wrong.size++;
        assert_int_equal(decode(sample->pack, &wrong, NULL, 0, 4096, &out), -EBADMSG);
        wrong = entry;
        buffer_clear(&out);
        wrong.stored--;
        assert_int_equal(decode(sample->pack, &wrong, NULL, 0, 4096, &out), -EBADMSG);
        wrong = entry;
        buffer_clear(&out);
        wrong.object.bytes[31] ^= 1;
        assert_int_equal(decode(sample->pack, &wrong, NULL, 0, 4096, &out), -EBADMSG);
}

/* 64 MiB of zeros in a few kilobytes, announced as 10 bytes. */
static void test_bomb(void **state)
{
        size_t size = 64U << 20, room = ZSTD_compressBound(size);
        char *zeros = calloc(size, 1), *frame = malloc(room);
        size_t stored = ZSTD_compress(frame, room, zeros, size, 3);
        struct pack_entry entry = { .stored = stored, .size = 10 };
        _cleanup_(fd_closep) int fd = memory_file(frame, stored);
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(100);

        (void)state;
        assert_int_equal(decode(fd, &entry, NULL, 0, 4096, &out), -EBADMSG);
        assert_int_equal(out.length, 0);
        free(zeros);
        free(frame);
}

static void test_bytes_behind_a_frame(void **state)
{
        char frame[128];
        size_t stored = ZSTD_compress(frame, sizeof(frame), "abc", 3, 3);
        struct pack_entry entry = { .object = digest_of("abc", 3), .stored = 2 * stored, .size = 3 };
        _cleanup_(fd_closep) int fd = -1;
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(100);

        (void)state;
        memcpy(frame + stored, frame, stored);
        fd = memory_file(frame, 2 * stored);
        assert_int_equal(decode(fd, &entry, NULL, 0, 4096, &out), -EBADMSG);
        assert_int_equal(decode(fd, &entry, NULL, 0, 1, &out), -EBADMSG);
}

static void test_changed_source(void **state)
{
        _cleanup_(pack_writer_freep) struct pack_writer *writer = NULL, *second = NULL;
        _cleanup_(fd_closep) int pack = memory_file("", 0), source = memory_file("new content", 11);
        struct digest old = digest_of("old content", 11);
        struct error error = ERROR_NONE;

        (void)state;
        assert_int_equal(pack_writer_new(pack, false, 3, &writer, &error), 0);
        assert_int_equal(pack_writer_add_fd(writer, &old, 11, source, "page.php", &error), -ESTALE);
        assert_non_null(strstr(error.text, "page.php"));
        assert_int_equal(pack_writer_new(pack, false, 3, &second, &error), 0);
        assert_int_equal(pack_writer_add_fd(second, &old, 12, source, "page.php", &error), -ESTALE); /* shorter */
}

static void test_delta(void **state)
{
        struct sample *sample = *state;
        _cleanup_(pack_writer_freep) struct pack_writer *writer = NULL;
        _cleanup_(pack_index_done) struct pack_index index = { 0 };
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(2U << 20);
        _cleanup_(fd_closep) int pack = memory_file("", 0);
        struct digest base = digest_of(sample->big, BIG), object, id;
        struct error error = ERROR_NONE;
        char *changed = malloc(BIG + 20), *other = malloc(BIG);
        const struct pack_entry *entry;

        memcpy(changed, sample->big, BIG / 2);
        memcpy(changed + BIG / 2, "<script src=x>......", 20);
        memcpy(changed + BIG / 2 + 20, sample->big + BIG / 2, BIG / 2);
        object = digest_of(changed, BIG + 20);
        assert_int_equal(pack_writer_new(pack, true, 3, &writer, &error), 0);
        assert_int_equal(
                pack_writer_add_delta(writer, &object, changed, BIG + 20, &base, sample->big, BIG, 300000, &error), 0);
        fill(other, BIG, 99); /* nothing in common */
        id = digest_of(other, BIG);
        assert_int_equal(pack_writer_add_delta(writer, &id, other, BIG, &base, sample->big, BIG, 300000, &error), 1);
        assert_int_equal(pack_writer_finish(writer, &index, &id, &error), 0);
        assert_int_equal(index.count, 1);
        assert_true(index.delta);
        entry = pack_index_find(&index, &object);
        assert_true(digest_equal(&entry->base, &base));
        assert_true(entry->stored < 2000);
        assert_int_equal(decode(pack, entry, sample->big, BIG, 500, &out), 0);
        assert_memory_equal(out.data, changed, BIG + 20);
        buffer_clear(&out);
        assert_int_equal(decode(pack, entry, other, BIG, 500, &out), -EBADMSG); /* another base */
        buffer_clear(&out);
        assert_int_equal(decode(pack, entry, NULL, 0, 500, &out), -EBADMSG);
        free(changed);
        free(other);
}

static void test_copied_frames(void **state)
{
        struct sample *sample = *state;
        _cleanup_(pack_writer_freep) struct pack_writer *writer = NULL;
        _cleanup_(pack_index_done) struct pack_index index = { 0 };
        _cleanup_(buffer_done) struct buffer out = BUFFER_INIT(2U << 20);
        _cleanup_(fd_closep) int pack = memory_file("", 0);
        struct digest big = digest_of(sample->big, BIG), id;
        struct error error = ERROR_NONE;

        assert_int_equal(pack_writer_new(pack, false, 3, &writer, &error), 0);
        for (int twice = 0; twice < 2; twice++)
                assert_int_equal(
                        pack_writer_add_frame(writer, pack_index_find(&sample->index, &big), sample->pack, &error), 0);
        assert_int_equal(pack_writer_finish(writer, &index, &id, &error), 0);
        assert_int_equal(index.count, 1);
        assert_int_equal(index.entries[0].offset, 0);
        assert_int_equal(decode(pack, &index.entries[0], NULL, 0, 4096, &out), 0);
        assert_memory_equal(out.data, sample->big, BIG);
}

static void test_many_objects(void **state)
{
        _cleanup_(pack_writer_freep) struct pack_writer *writer = NULL;
        _cleanup_(pack_index_done) struct pack_index index = { 0 };
        _cleanup_(fd_closep) int pack = memory_file("", 0), source = memory_file("", 0);
        struct digest id;
        struct error error = ERROR_NONE;

        (void)state;
        assert_int_equal(pack_writer_new(pack, false, 3, &writer, &error), 0);
        for (uint32_t i = 0; i < 3000; i++) { /* past several growths; each number comes twice */
                uint32_t number = i / 2;
                struct digest object = digest_of(&number, sizeof(number));

                assert_int_equal(pwrite(source, &number, sizeof(number), 0), sizeof(number));
                assert_int_equal(pack_writer_add_fd(writer, &object, sizeof(number), source, "x", &error), 0);
        }
        assert_int_equal(pack_writer_finish(writer, &index, &id, &error), 0);
        assert_int_equal(index.count, 1500);
        for (uint32_t number = 0; number < 1500; number++) {
                struct digest object = digest_of(&number, sizeof(number));

                assert_non_null(pack_index_find(&index, &object));
        }
}

/* --- the index --- */

static void format_sample(struct sample *sample, struct buffer *text)
{
        assert_int_equal(pack_index_format(&sample->index, text, NULL), 0);
}

static int parse(const struct buffer *text)
{
        _cleanup_(pack_index_done) struct pack_index index = { 0 };
        struct error error = ERROR_NONE;
        int r = pack_index_parse(text->data, text->length, &index, &error);

        assert_true(r == 0 || (error.text[0] && !index.entries));
        return r;
}

static void test_index_round_trip(void **state)
{
        struct sample *sample = *state;
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(4096), again = BUFFER_INIT(4096);
        _cleanup_(pack_index_done) struct pack_index index = { 0 };

        format_sample(sample, &text);
        assert_int_equal(text.length, 32 + 3 * 56);
        assert_int_equal(pack_index_parse(text.data, text.length, &index, NULL), 0);
        assert_int_equal(index.count, 3);
        assert_int_equal(index.pack_size, sample->index.pack_size);
        assert_int_equal(pack_index_format(&index, &again, NULL), 0);
        assert_int_equal(again.length, text.length);
        assert_memory_equal(again.data, text.data, text.length);
}

static void test_index_every_length_and_flag(void **state)
{
        struct sample *sample = *state;
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(4096);
        size_t whole;

        format_sample(sample, &text);
        whole = text.length;
        for (text.length = 0; text.length < whole; text.length++)
                assert_int_equal(parse(&text), -EBADMSG);
        text.length = whole;
        assert_int_equal(parse(&text), 0);
        for (size_t i = 0; i < 32; i++) { /* every byte of the head matters */
                text.data[i] ^= 2;
                assert_int_equal(parse(&text), -EBADMSG);
                text.data[i] ^= 2;
        }
        assert_int_equal(buffer_append(&text, "", 1), 0);
        assert_int_equal(parse(&text), -EBADMSG);
}

static void test_index_lies(void **state)
{
        struct sample *sample = *state;
        struct pack_entry kept;
        static const struct {
                const char *what;
                size_t entry;
                int64_t offset, stored, size;
        } cases[] = {
                {"a frame that overlaps",         0, 1,         0,         0              },
                { "a frame that is longer",       0, 0,         1,         0              },
                { "a frame that is shorter",      1, 0,         -1,        0              },
                { "a frame outside",              2, 1LL << 62, 0,         0              },
                { "lengths that wrap around",     2, 0,         INT64_MIN, 0              },
                { "an object larger than a file", 0, 0,         0,         (1LL << 44) + 1},
        };

        for (size_t i = 0; i < LENGTH(cases); i++) {
                _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(4096);
                struct pack_entry *entry = &sample->index.entries[cases[i].entry];

                kept = *entry;
                entry->offset += (uint64_t)cases[i].offset;
                entry->stored += (uint64_t)cases[i].stored;
                entry->size += (uint64_t)cases[i].size;
                format_sample(sample, &text);
                *entry = kept;
                if (parse(&text) != -EBADMSG)
                        fail_msg("accepted: %s", cases[i].what);
        }
}

static void test_index_order(void **state)
{
        struct sample *sample = *state;
        struct pack_entry kept = sample->index.entries[0];
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(4096), twice = BUFFER_INIT(4096);

        sample->index.entries[0] = sample->index.entries[1];
        sample->index.entries[1] = kept;
        format_sample(sample, &text);
        assert_int_equal(parse(&text), -EBADMSG);
        sample->index.entries[1] = sample->index.entries[0];
        sample->index.entries[0] = kept;
        sample->index.entries[0].object = sample->index.entries[1].object;
        format_sample(sample, &twice);
        sample->index.entries[0] = kept;
        assert_int_equal(parse(&twice), -EBADMSG);
}

static void test_index_empty(void **state)
{
        struct pack_index empty = { 0 }, index = { 0 };
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(4096);
        struct digest object = digest_of("", 0);

        (void)state;
        assert_int_equal(pack_index_format(&empty, &text, NULL), 0);
        assert_int_equal(pack_index_parse(text.data, text.length, &index, NULL), 0);
        assert_null(pack_index_find(&index, &object));
        pack_index_done(&index);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_contents_come_back, make_sample, free_sample),
                cmocka_unit_test_setup_teardown(test_damage_is_noticed, make_sample, free_sample),
                cmocka_unit_test(test_bomb),
                cmocka_unit_test(test_bytes_behind_a_frame),
                cmocka_unit_test(test_changed_source),
                cmocka_unit_test_setup_teardown(test_delta, make_sample, free_sample),
                cmocka_unit_test_setup_teardown(test_copied_frames, make_sample, free_sample),
                cmocka_unit_test(test_many_objects),
                cmocka_unit_test_setup_teardown(test_index_round_trip, make_sample, free_sample),
                cmocka_unit_test_setup_teardown(test_index_every_length_and_flag, make_sample, free_sample),
                cmocka_unit_test_setup_teardown(test_index_lies, make_sample, free_sample),
                cmocka_unit_test_setup_teardown(test_index_order, make_sample, free_sample),
                cmocka_unit_test(test_index_empty),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
