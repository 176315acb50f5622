/*
 * buffer.h - the one growing byte buffer.
 *
 * A buffer is told its maximum when it is made: what grows on outside input can never grow without end. `data` is
 * always followed by a NUL that `length` does not count, so text in a buffer is a string.
 *
 *     _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(64 * 1024);
 *     if (buffer_printf(&text, "release=%" PRIu64 "\n", number) < 0)
 *             return error_memory(err);
 *
 * Appending returns 0, -ENOMEM, or -E2BIG past the maximum; a buffer that failed keeps what it had.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stddef.h>

#include "attributes.h"

struct buffer {
        char *data;      /* owned; NULL until the first byte */
        size_t length;   /* bytes in use */
        size_t capacity; /* bytes allocated, the NUL included */
        size_t maximum;  /* most bytes that length may reach */
};

#define BUFFER_INIT(maximum_bytes)                                                                                     \
        {                                                                                                              \
                NULL, 0, 0, (maximum_bytes)                                                                            \
        }

void buffer_done(struct buffer *buffer);

/* The same for passwords and keys: overwrites what it holds. (Reserve the room at once: growing leaves copies behind.) */
void buffer_wipe(struct buffer *buffer);

/* Empties it; the memory stays for the next use. */
void buffer_clear(struct buffer *buffer);

/* Room for `more` further bytes behind the length (and a NUL). */
int buffer_reserve(struct buffer *buffer, size_t more) _must_check_;

int buffer_append(struct buffer *buffer, const void *bytes, size_t length) _must_check_;
/* As much of it as there is room for below the maximum; -E2BIG all the same when that was not all. */
int buffer_append_fitting(struct buffer *buffer, const void *bytes, size_t length) _must_check_;
int buffer_append_text(struct buffer *buffer, const char *text) _must_check_;
int buffer_append_byte(struct buffer *buffer, char byte) _must_check_;
int buffer_printf(struct buffer *buffer, const char *format, ...) _printf_(2, 3) _must_check_;

/* Hands the bytes (NUL-terminated, never NULL but for lack of memory) to the caller, who frees them; the buffer is
 * empty afterwards. */
char *buffer_steal(struct buffer *buffer);

/* The text so far; "" when nothing was appended. Borrowed until the next change. */
const char *buffer_text(const struct buffer *buffer);

#endif
