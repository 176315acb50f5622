/* mount_table.c - the lines that concern a tree, hashed. */
#include "guard/mount_table.h"

#include <limits.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/fnv1a.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "tree/mounts.h"

#define TABLE_MAXIMUM (4U << 20)

static bool concerns(const char *line, const struct site *site)
{
        char point[PATH_MAX];

        if (mounts_parse_point(line, point, sizeof(point)) < 0)
                return true; /* better once too often */
        for (size_t i = 0; i < site->tree_count; i++)
                if (text_path_inside(point, site->trees[i].real) || text_path_inside(site->trees[i].real, point))
                        return true;
        return false;
}

uint64_t mount_table_hash(int table, const struct site *site, uint64_t hash)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(TABLE_MAXIMUM);
        const char *cursor, *line;
        size_t length;

        if (lseek(table, 0, SEEK_SET) < 0 || read_to_end(table, &text) < 0)
                return hash + 1; /* unknown: as if it had changed */
        cursor = buffer_text(&text);
        while (text_next_line(&cursor, text.data + text.length, &line, &length)) {
                _cleanup_(memory_freep) char *copy = memory_copy(line, length);

                if (!copy || !concerns(copy, site))
                        continue;
                hash = fnv1a(hash, line, length);
        }
        return hash;
}
