#include "buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

#define FIRST_CAPACITY 128

void buffer_done(struct buffer *buffer)
{
        free(buffer->data);
        buffer->data = NULL;
        buffer->length = buffer->capacity = 0;
}

void buffer_wipe(struct buffer *buffer)
{
        if (buffer->data)
                memory_wipe(buffer->data, buffer->capacity);
        buffer_done(buffer);
}

void buffer_clear(struct buffer *buffer)
{
        buffer->length = 0;
        if (buffer->data)
                buffer->data[0] = '\0';
}

int buffer_reserve(struct buffer *buffer, size_t more)
{
        size_t wanted, capacity;
        char *data;

        if (more > buffer->maximum || buffer->length > buffer->maximum - more)
                return -E2BIG;
        wanted = buffer->length + more + 1;
        if (wanted <= buffer->capacity)
                return 0;
        capacity = buffer->capacity ? buffer->capacity : FIRST_CAPACITY;
        while (capacity < wanted)
                capacity = capacity > buffer->maximum / 2 ? buffer->maximum + 1 : capacity * 2;
        data = memory_resize(buffer->data, capacity, 1);
        if (!data)
                return -ENOMEM;
        buffer->data = data;
        buffer->capacity = capacity;
        buffer->data[buffer->length] = '\0';
        return 0;
}

int buffer_append(struct buffer *buffer, const void *bytes, size_t length)
{
        int r = buffer_reserve(buffer, length);

        if (r < 0)
                return r;
        if (length)
                memcpy(buffer->data + buffer->length, bytes, length);
        buffer->length += length;
        buffer->data[buffer->length] = '\0';
        return 0;
}

int buffer_append_fitting(struct buffer *buffer, const void *bytes, size_t length)
{
        const size_t room = buffer->maximum - buffer->length;
        int r = buffer_append(buffer, bytes, length < room ? length : room);

        return r < 0 ? r : length <= room ? 0 : -E2BIG;
}

int buffer_append_text(struct buffer *buffer, const char *text)
{
        return buffer_append(buffer, text, strlen(text));
}

int buffer_append_byte(struct buffer *buffer, char byte)
{
        return buffer_append(buffer, &byte, 1);
}

int buffer_printf(struct buffer *buffer, const char *format, ...)
{
        va_list arguments;
        int length, r;

        va_start(arguments, format);
        length = vsnprintf(NULL, 0, format, arguments);
        va_end(arguments);
        if (length < 0)
                return -EINVAL;
        r = buffer_reserve(buffer, (size_t)length);
        if (r < 0)
                return r;
        va_start(arguments, format);
        vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, arguments);
        va_end(arguments);
        buffer->length += (size_t)length;
        return 0;
}

char *buffer_steal(struct buffer *buffer)
{
        char *data = buffer->data;

        if (!data)
                return memory_string("");
        buffer->data = NULL;
        buffer->length = buffer->capacity = 0;
        return data;
}

const char *buffer_text(const struct buffer *buffer)
{
        return buffer->data ? buffer->data : "";
}
