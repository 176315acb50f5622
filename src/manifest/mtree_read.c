/*
 * mtree_read.c - a manifest as a stream of checked entries.
 *
 * What the writer would not have written is refused, to the byte: then a manifest has one meaning, here and for mtree.
 * Nothing is allocated for an entry; what the rules need to know of the past is the path before this one:
 *
 *     the parent of a path is the path before it, or a folder above that (the order brings all that is below a folder
 *     right behind it), and beside its sibling's name the new name is the greater one.
 *
 * With that, duplicates, wrong order, missing parents and entries below a file or a link are all found.
 */
#include "manifest/mtree.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "manifest/mtree_names.h"

#define CHUNK (256U * 1024U) /* read at once; room for a whole line is always beside it */

struct mtree_reader {
        int fd;       /* -1: from memory */
        off_t offset; /* of the next pread */
        bool ended;   /* nothing more comes behind `end` */
        char *block;  /* owned: CHUNK + MTREE_LINE_MAXIMUM bytes; NULL from memory */
        const char *start, *cursor, *end;
        struct hasher *hasher;
        char *name;
        uint64_t line; /* number of the line that is looked at, from 1 */
        uint64_t entries;
        bool done;   /* the end was reached, in order */
        bool broken; /* a rule was broken: nothing more is given out */

        char paths[2][ENTRY_PATH_MAXIMUM + 1]; /* of this entry and of the one before */
        unsigned int current;                  /* which of them is this entry's */
        size_t previous_length;
        enum entry_type previous_type;
        char target[ENTRY_LINK_MAXIMUM + 1];
};

/* What is left of a line. */
struct rest {
        const char *cursor, *end;
};

static int reader_new(const char *name, struct mtree_reader **ret_reader, struct error *err)
{
        struct mtree_reader *reader = memory_new(1, sizeof(*reader));
        int r;

        if (!reader)
                return error_memory(err);
        reader->fd = -1;
        reader->name = memory_string(name);
        if (!reader->name) {
                mtree_reader_free(reader);
                return error_memory(err);
        }
        r = hasher_new(&reader->hasher, err);
        if (r == 0 && hasher_begin(reader->hasher) < 0)
                r = error_set(err, -EIO, _("cannot compute the SHA-256 of %s"), name);
        if (r < 0) {
                mtree_reader_free(reader);
                return r;
        }
        *ret_reader = reader;
        return 0;
}

int mtree_reader_new_fd(int fd, const char *name, struct mtree_reader **ret_reader, struct error *err)
{
        struct mtree_reader *reader;
        int r = reader_new(name, &reader, err);

        if (r < 0)
                return r;
        reader->fd = fd;
        reader->block = memory_new(CHUNK + MTREE_LINE_MAXIMUM, 1);
        if (!reader->block) {
                mtree_reader_free(reader);
                return error_memory(err);
        }
        reader->start = reader->cursor = reader->end = reader->block;
        *ret_reader = reader;
        return 0;
}

int mtree_reader_new_bytes(const char *bytes, size_t length, const char *name, struct mtree_reader **ret_reader,
                           struct error *err)
{
        struct mtree_reader *reader;
        int r = reader_new(name, &reader, err);

        if (r < 0)
                return r;
        reader->start = reader->cursor = bytes;
        reader->end = bytes + length;
        reader->ended = true;
        if (hasher_add(reader->hasher, bytes, length) < 0) {
                mtree_reader_free(reader);
                return error_set(err, -EIO, _("cannot compute the SHA-256 of %s"), name);
        }
        *ret_reader = reader;
        return 0;
}

void mtree_reader_free(struct mtree_reader *reader)
{
        if (!reader)
                return;
        hasher_free(reader->hasher);
        free(reader->block);
        free(reader->name);
        free(reader);
}

void mtree_reader_freep(struct mtree_reader **reader)
{
        mtree_reader_free(*reader);
}

static int broken(struct mtree_reader *reader, struct error *err, const char *why)
{
        reader->broken = true;
        return error_set(err, -EBADMSG, _("%s, line %" PRIu64 ": %s"), reader->name, reader->line, why);
}

/* Moves what is left to the front and reads more behind it. */
static int refill(struct mtree_reader *reader, struct error *err)
{
        size_t left = (size_t)(reader->end - reader->cursor);
        ssize_t n;

        assert(left <= MTREE_LINE_MAXIMUM);
        memmove(reader->block, reader->cursor, left);
        reader->cursor = reader->block;
        do
                n = fault_point(FAULT_READ) ? -1 : pread(reader->fd, reader->block + left, CHUNK, reader->offset);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return error_errno(err, errno, _("cannot read %s"), reader->name);
        if (hasher_add(reader->hasher, reader->block + left, (size_t)n) < 0)
                return error_set(err, -EIO, _("cannot compute the SHA-256 of %s"), reader->name);
        reader->offset += n;
        reader->end = reader->block + left + n;
        reader->ended = n == 0;
        return 0;
}

/* The next line without its newline: 1, 0 at the end. */
static int next_line(struct mtree_reader *reader, struct rest *ret_line, struct error *err)
{
        reader->line++;
        for (;;) {
                size_t left = (size_t)(reader->end - reader->cursor);
                const char *newline = left ? memchr(reader->cursor, '\n', left) : NULL;
                int r;

                if (newline && newline - reader->cursor < MTREE_LINE_MAXIMUM) {
                        *ret_line = (struct rest){ reader->cursor, newline };
                        reader->cursor = newline + 1;
                        return 1;
                }
                if (left >= MTREE_LINE_MAXIMUM)
                        return broken(reader, err, _("the line is too long"));
                if (reader->ended)
                        return left ? broken(reader, err, _("the last line has no end; the file was cut off")) : 0;
                r = refill(reader, err);
                if (r < 0)
                        return r;
        }
}

/* Takes `text` off the front of the line. */
static bool take(struct rest *line, const char *text)
{
        size_t length = strlen(text);

        if ((size_t)(line->end - line->cursor) < length || memcmp(line->cursor, text, length) != 0)
                return false;
        line->cursor += length;
        return true;
}

/* Takes a keyword and all up to the next space. */
static bool take_value(struct rest *line, const char *keyword, struct rest *ret_value)
{
        const char *space;

        if (!take(line, keyword))
                return false;
        space = memchr(line->cursor, ' ', (size_t)(line->end - line->cursor));
        *ret_value = (struct rest){ line->cursor, space ? space : line->end };
        line->cursor = ret_value->end;
        return true;
}

static bool take_number(struct rest *line, const char *keyword, uint64_t maximum, uint64_t *ret_value)
{
        struct rest value;

        return take_value(line, keyword, &value) &&
               text_parse_u64(value.cursor, (size_t)(value.end - value.cursor), maximum, ret_value) == 0;
}

static bool take_mode(struct rest *line, uint32_t *ret_mode)
{
        struct rest value;
        uint64_t mode;
        size_t length;

        if (!take_value(line, " mode=", &value))
                return false;
        length = (size_t)(value.end - value.cursor);
        if ((length != 4 && length != 5) || value.cursor[0] != '0' || (length == 5 && value.cursor[1] == '0') ||
            text_parse_octal(value.cursor, length, 07777, &mode) < 0)
                return false;
        *ret_mode = (uint32_t)mode;
        return true;
}

/* One byte of a name: itself, or \ooo where it may not stand for itself. -1 when it is written in any other way. */
static int take_byte(struct rest *text)
{
        unsigned char byte = (unsigned char)*text->cursor;
        uint64_t value;

        if (mtree_literal(byte)) {
                text->cursor++;
                return byte;
        }
        if (byte != '\\' || text->end - text->cursor < 4 || text_parse_octal(text->cursor + 1, 3, 0377, &value) < 0 ||
            value == 0 || mtree_literal((unsigned char)value))
                return -1;
        text->cursor += 4;
        return (int)value;
}

/*
 * Takes a component with pattern characters back to the name: each of * ? [ \ must have its backslash. False when one
 * has not, for then mtree would see a pattern.
 */
static bool unescape_pattern(char *name, size_t *length)
{
        size_t out = 0;

        for (size_t in = 0; in < *length; in++) {
                if (mtree_magic((unsigned char)name[in]))
                        return false;
                if (name[in] == '\\') {
                        if (++in == *length || (name[in] != '\\' && !mtree_magic((unsigned char)name[in])))
                                return false;
                }
                name[out++] = name[in];
        }
        *length = out;
        return true;
}

/* One component up to '/' or the end of `text`, decoded behind `path`. NULL, or why it is refused. */
static const char *take_component(struct rest *text, char *path, size_t *length)
{
        char name[2 * ENTRY_NAME_MAXIMUM]; /* decoded once: with the backslashes of a pattern */
        size_t n = 0;
        bool magic = false;

        while (text->cursor < text->end && *text->cursor != '/') {
                int byte = take_byte(text);

                if (byte < 0)
                        return _("the name holds a byte that must be written otherwise");
                if (n == sizeof(name))
                        return _("a name is too long");
                magic |= mtree_magic((unsigned char)byte);
                name[n++] = (char)byte;
        }
        if (magic && !unescape_pattern(name, &n))
                return _("the name would be taken for a pattern");
        if (n == 0)
                return _("a path may have no empty part");
        if (name[0] == '.' && (n == 1 || (n == 2 && name[1] == '.')))
                return _("a path may not go through \".\" or \"..\"");
        if (n > ENTRY_NAME_MAXIMUM || *length + n > ENTRY_PATH_MAXIMUM)
                return _("a name or path is too long");
        memcpy(path + *length, name, n);
        *length += n;
        return NULL;
}

/* "." or "./a/b" up to the first space. NULL, or why it is refused; *ret_parent is the length of its folder's path. */
static const char *take_path(struct rest *line, char *path, size_t *ret_length, size_t *ret_parent)
{
        const char *space = memchr(line->cursor, ' ', (size_t)(line->end - line->cursor));
        struct rest text = { line->cursor, space ? space : line->end };
        size_t length = 0, parent = 0, depth = 0;

        if (!take(&text, "."))
                return _("a path must begin with \"./\"");
        while (text.cursor < text.end) {
                const char *why;

                if (!take(&text, "/"))
                        return _("a path must begin with \"./\"");
                if (++depth > ENTRY_DEPTH_MAXIMUM)
                        return _("the path is too deep");
                parent = length;
                if (depth > 1) {
                        if (length == ENTRY_PATH_MAXIMUM)
                                return _("a name or path is too long");
                        path[length++] = '/';
                }
                why = take_component(&text, path, &length);
                if (why)
                        return why;
        }
        path[length] = '\0';
        line->cursor = text.end;
        *ret_length = length;
        *ret_parent = parent;
        return NULL;
}

/* Where `path` stands to the path before it; `parent` bytes of it are its folder. NULL when that is allowed. */
static const char *check_order(const struct mtree_reader *reader, const char *path, size_t length, size_t parent)
{
        const char *previous = reader->paths[!reader->current];

        if (reader->previous_length == parent && memcmp(previous, path, parent) == 0 && length > 0)
                return reader->previous_type == ENTRY_DIRECTORY ? NULL
                                                                : _("the entry lies below one that is no folder");
        if (path_compare(previous, reader->previous_length, path, length) >= 0)
                return _("the entry is out of order, or there twice");
        if (reader->previous_length < parent || memcmp(previous, path, parent) != 0 ||
            (parent > 0 && previous[parent] != '/'))
                return _("the folder of this entry did not come before it");
        return NULL;
}

static const char *take_file(struct rest *line, struct entry *entry)
{
        struct rest value;
        uint64_t number;

        if (!take(line, " nlink=1"))
                return _("a file must have nlink=1");
        if (!take_number(line, " size=", ENTRY_SIZE_MAXIMUM, &number))
                return _("the size is missing or not a plain number within the limit");
        entry->size = (int64_t)number;
        if (!take_value(line, " time=", &value) || value.end - value.cursor < 3 ||
            memcmp(value.end - 2, ".0", 2) != 0 ||
            text_parse_u64(value.cursor, (size_t)(value.end - value.cursor) - 2, ENTRY_TIME_MAXIMUM, &number) < 0)
                return _("the time is missing or not written as SECONDS.0");
        entry->time = (int64_t)number;
        if (!take_value(line, " sha256=", &value) ||
            digest_parse(value.cursor, (size_t)(value.end - value.cursor), &entry->digest) < 0)
                return _("the sha256 is missing or not 64 lower-case hex digits");
        return NULL;
}

static const char *take_link(struct mtree_reader *reader, struct rest *line, struct entry *entry)
{
        struct rest value;
        size_t length = 0;

        if (entry->mode != 0777)
                return _("a link must have mode=0777");
        if (!take_value(line, " link=", &value) || value.cursor == value.end)
                return _("the target of the link is missing");
        while (value.cursor < value.end) {
                int byte = take_byte(&value);

                if (byte < 0)
                        return _("the target holds a byte that must be written otherwise");
                if (length == ENTRY_LINK_MAXIMUM)
                        return _("the target is too long");
                reader->target[length++] = (char)byte;
        }
        reader->target[length] = '\0';
        entry->target = reader->target;
        entry->target_length = length;
        return NULL;
}

/* A whole line into an entry; NULL, or why it is refused. */
static const char *take_entry(struct mtree_reader *reader, struct rest *line, struct entry *entry)
{
        char *path = reader->paths[reader->current];
        uint64_t uid, gid;
        size_t parent = 0;
        const char *why;

        why = take_path(line, path, &entry->path_length, &parent);
        if (!why && reader->entries > 0)
                why = check_order(reader, path, entry->path_length, parent);
        if (why)
                return why;
        entry->path = path;
        if (take(line, " type=file"))
                entry->type = ENTRY_FILE;
        else if (take(line, " type=dir"))
                entry->type = ENTRY_DIRECTORY;
        else if (take(line, " type=link"))
                entry->type = ENTRY_LINK;
        else
                return _("the type is missing or none of dir, file, link");
        if (reader->entries == 0 && (entry->path_length || entry->type != ENTRY_DIRECTORY))
                return _("the first entry must be the folder \".\"");
        if (!take_mode(line, &entry->mode))
                return _("the mode is missing or not written as 0644 or 04755");
        if (!take_number(line, " uid=", ENTRY_OWNER_MAXIMUM, &uid) ||
            !take_number(line, " gid=", ENTRY_OWNER_MAXIMUM, &gid))
                return _("uid or gid is missing or not a plain number within the limit");
        entry->uid = (uint32_t)uid;
        entry->gid = (uint32_t)gid;
        if (entry->type == ENTRY_FILE)
                why = take_file(line, entry);
        else if (entry->type == ENTRY_LINK)
                why = take_link(reader, line, entry);
        if (!why && line->cursor != line->end)
                why = _("there is more on the line than belongs to the entry");
        return why;
}

static int read_head(struct mtree_reader *reader, struct error *err)
{
        struct rest line;
        int r = next_line(reader, &line, err);

        if (r < 0)
                return r;
        if (r == 0 || !take(&line, "#mtree") || line.cursor != line.end)
                return broken(reader, err, _("this is no manifest: its first line is not \"#mtree\""));
        return 0;
}

int mtree_reader_next(struct mtree_reader *reader, struct entry *ret_entry, struct error *err)
{
        struct entry entry = { 0 };
        struct rest line;
        const char *why;
        int r;

        if (reader->done)
                return 0;
        if (reader->broken)
                return broken(reader, err, _("the manifest was refused before"));
        if (reader->line == 0) {
                r = read_head(reader, err);
                if (r < 0)
                        return r;
        }
        r = next_line(reader, &line, err);
        if (r < 0)
                return r;
        if (r == 0) {
                if (reader->entries == 0)
                        return broken(reader, err, _("the manifest has no entries"));
                reader->done = true;
                return 0;
        }
        if (reader->entries == ENTRY_COUNT_MAXIMUM)
                return broken(reader, err, _("the manifest has too many entries"));
        why = take_entry(reader, &line, &entry);
        if (why)
                return broken(reader, err, why);
        reader->entries++;
        reader->previous_length = entry.path_length;
        reader->previous_type = entry.type;
        reader->current = !reader->current;
        *ret_entry = entry;
        return 1;
}

int mtree_reader_digest(struct mtree_reader *reader, struct digest *ret_digest, struct error *err)
{
        assert(reader->done);
        if (hasher_end(reader->hasher, ret_digest) < 0)
                return error_set(err, -EIO, _("cannot compute the SHA-256 of %s"), reader->name);
        return 0;
}
