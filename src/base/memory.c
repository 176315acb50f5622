#include "memory.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "fault.h"

void *memory_new(size_t count, size_t size)
{
        if (fault_point(FAULT_ALLOCATE))
                return NULL;
        return calloc(count ? count : 1, size ? size : 1);
}

void *memory_resize(void *block, size_t count, size_t size)
{
        if (size && count > SIZE_MAX / size) {
                errno = ENOMEM;
                return NULL;
        }
        if (fault_point(FAULT_ALLOCATE))
                return NULL;
        return realloc(block, count > 0 && size > 0 ? count * size : 1);
}

int memory_grow(void *list, size_t count, size_t size)
{
        void *members;

        if (count & (count - 1))
                return 0;
        memcpy(&members, list, sizeof(members));
        members = memory_resize(members, count ? 2 * count : 1, size);
        if (!members)
                return -ENOMEM;
        memcpy(list, &members, sizeof(members));
        return 0;
}

char *memory_copy(const void *bytes, size_t length)
{
        char *copy;

        if (length == SIZE_MAX)
                return NULL;
        if (fault_point(FAULT_ALLOCATE))
                return NULL;
        copy = malloc(length + 1);
        if (!copy)
                return NULL;
        if (length)
                memcpy(copy, bytes, length);
        copy[length] = '\0';
        return copy;
}

char *memory_string(const char *text)
{
        return memory_copy(text, strlen(text));
}

void memory_wipe(void *bytes, size_t length)
{
        if (length)
                explicit_bzero(bytes, length);
}
