/*
 * chunk.h - memory in whole pages for what grows with the number of visitors and names: records, tables, texts.
 *
 * malloc() would take each page by a fault of its own when it is first touched, which costs more than counting what is
 * on it, and would not hand what one thread gave back to another. Here pages come many at a time, huge ones where the
 * kernel has them, and a piece that was given back goes to whoever next asks for that size, in any thread. All goes
 * back to the kernel when the last piece was given back.
 */
#ifndef ANALYZE_CHUNK_H
#define ANALYZE_CHUNK_H

#include <stddef.h>

/* So many bytes, not zeroed, aligned to a page; NULL when there is no memory. */
void *chunk_take(size_t bytes);

/* `bytes` as it was asked for. */
void chunk_give(void *chunk, size_t bytes);

#endif
