/* mark.c - what a mark knows of a file, and what follows from what is seen of it now. */
#include "mark.h"

/* It must be the same in every process and version, and nobody gains by a collision with his own log. */
uint64_t mark_hash(uint64_t start, const char *bytes, size_t length)
{
        return fnv1a(start, bytes, length);
}

static void extend_head(struct log_mark *mark, const char *bytes, size_t length)
{
        size_t room = MARK_HEAD_MAXIMUM - mark->head_length;

        if (mark->head_length == 0)
                mark->head_hash = MARK_HASH_START;
        if (length > room)
                length = room;
        mark->head_hash = mark_hash(mark->head_hash, bytes, length);
        mark->head_length += (uint32_t)length;
}

void mark_peek(struct log_mark *mark, const char *bytes, size_t length)
{
        if (length > mark->head_length)
                extend_head(mark, bytes + mark->head_length, length - mark->head_length);
}

void mark_advance(struct log_mark *mark, const char *bytes, size_t length)
{
        size_t tail = length < MARK_TAIL_MAXIMUM ? length : MARK_TAIL_MAXIMUM;

        if (length == 0)
                return;
        if (mark->head_length >= mark->offset && mark->head_length < mark->offset + length) {
                size_t known = (size_t)(mark->head_length - mark->offset);

                extend_head(mark, bytes + known, length - known);
        }
        mark->tail_hash = mark_hash(MARK_HASH_START, bytes + length - tail, tail);
        mark->tail_length = (uint32_t)tail;
        mark->offset += length;
}

enum follow_verdict follow_decide(const struct log_mark *mark, const struct follow_sight *sight)
{
        bool content = sight->size >= mark->offset && sight->head && sight->tail;

        if (!sight->exists)
                return FOLLOW_GONE;
        if (!sight->same_inode) /* a file that was empty is like no other one */
                return content && mark->head_length ? FOLLOW_MOVED : FOLLOW_REPLACED;
        if (!content)
                return FOLLOW_TRUNCATED;
        return sight->size > mark->offset ? FOLLOW_GROWN : FOLLOW_IDLE;
}
