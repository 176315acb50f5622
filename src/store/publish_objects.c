/* publish_objects.c - contents go into packs, unless a pack that the release before lists has them already. */
#include "store/publish_parts.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "manifest/mtree.h"

#define DEFAULT_LEVEL 3
#define DELTA_LEVEL   9 /* delta packs are small, read by every server, and made once */
#define PIECE_SIZE    (128U << 10)

/* A pack of the release before, which the next one may go on using. */
struct old_pack {
        struct release_pack listed;
        struct pack_index index;
        int fd;
        bool used; /* an object of the new release is in it */
};

/* A path's content became another one: worth trying as a difference. */
struct step {
        struct digest object, base;
};

struct publish_objects {
        const struct publish_place *place;
        const struct publish_options *options;
        uint64_t base_number; /* of the release before; 0: none */
        struct old_pack *old;
        size_t old_count;
        struct publish_pack fresh, delta, full;
        struct step *steps;
        size_t step_count, step_capacity;
        struct pack_decoder *decoder;
        uint8_t *piece; /* PIECE_SIZE */
        uint64_t new_count;
};

/* --- packs of the release before --- */

static int read_index(int packs, const struct release_pack *listed, struct pack_index *ret_index, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(PACK_INDEX_MAXIMUM);
        char name[PUBLISH_PACK_NAME_SIZE];
        struct digest digest;
        int r;

        publish_pack_file(&listed->id, ".index", name);
        r = file_read(packs, name, &text, err);
        if (r == 0)
                r = digest_of_bytes(text.data, text.length, &digest, err);
        if (r == 0 && !digest_equal(&digest, &listed->index_digest))
                r = error_set(err, -EBADMSG, _("%s is not the index that the release before lists"), name);
        return r < 0 ? r : pack_index_parse(text.data, text.length, ret_index, err);
}

static int open_pack(int packs, const struct release_pack *listed, struct error *err)
{
        _cleanup_(fd_closep) int fd = -1;
        char name[PUBLISH_PACK_NAME_SIZE];
        struct stat st;

        publish_pack_file(&listed->id, ".pack", name);
        fd = open_beneath(packs, name, O_RDONLY, 0, BENEATH_ANY_MOUNT);
        if (fd < 0)
                return error_errno(err, -fd, _("cannot open %s"), name);
        if (fstat(fd, &st) < 0)
                return error_errno(err, errno, _("cannot look at %s"), name);
        if ((uint64_t)st.st_size != listed->size)
                return error_set(err, -EBADMSG, _("%s does not have the size that its release says"), name);
        return fd_steal(&fd);
}

/* A pack that is gone or damaged is told and not used: its objects are stored anew, and the next release is whole. */
static int load_old(struct publish_objects *objects, const struct release_pack *listed)
{
        struct old_pack *old = &objects->old[objects->old_count];
        struct error error = ERROR_NONE;

        *old = (struct old_pack){ .listed = *listed, .fd = -1 };
        old->fd = open_pack(objects->place->packs, listed, &error);
        if (old->fd >= 0 && read_index(objects->place->packs, listed, &old->index, &error) == 0) {
                objects->old_count++;
                return 0;
        }
        fd_close(&old->fd);
        if (error.code == -ENOMEM)
                return -ENOMEM;
        if (objects->options->note)
                objects->options->note(objects->options->context, error.text);
        return 0;
}

int publish_objects_new(const struct publish_place *place, const struct publish_previous *previous,
                        const struct publish_options *options, struct publish_objects **ret_objects, struct error *err)
{
        _cleanup_(publish_objects_freep) struct publish_objects *objects = memory_new(1, sizeof(*objects));
        int r;

        if (!objects)
                return error_memory(err);
        objects->place = place;
        objects->options = options;
        objects->base_number = previous->release.number;
        objects->fresh = objects->delta = objects->full = PUBLISH_PACK_NONE;
        objects->piece = memory_new(PIECE_SIZE, 1);
        objects->old = memory_new(previous->release.pack_count, sizeof(*objects->old));
        if (!objects->old || !objects->piece)
                return error_memory(err);
        r = pack_decoder_new(&objects->decoder, err);
        if (r < 0)
                return r;
        for (size_t i = 0; i < previous->release.pack_count; i++)
                if (previous->release.packs[i].delta_base == 0 && load_old(objects, &previous->release.packs[i]) < 0)
                        return error_memory(err);
        *ret_objects = objects;
        objects = NULL;
        return 0;
}

static const struct pack_entry *find_old(const struct publish_objects *objects, const struct digest *object,
                                         struct old_pack **ret_pack)
{
        for (size_t i = 0; i < objects->old_count; i++) {
                const struct pack_entry *entry = pack_index_find(&objects->old[i].index, object);

                if (entry) {
                        *ret_pack = &objects->old[i];
                        return entry;
                }
        }
        return NULL;
}

static int level(const struct publish_objects *objects)
{
        return objects->options->level ? objects->options->level : DEFAULT_LEVEL;
}

/* --- adding --- */

static int remember_step(struct publish_objects *objects, const struct digest *object, const struct digest *base,
                         struct error *err)
{
        if (objects->step_count == objects->step_capacity) {
                size_t capacity = objects->step_capacity ? objects->step_capacity * 2 : 64;
                struct step *steps = memory_resize(objects->steps, capacity, sizeof(*steps));

                if (!steps)
                        return error_memory(err);
                objects->steps = steps;
                objects->step_capacity = capacity;
        }
        objects->steps[objects->step_count++] = (struct step){ *object, *base };
        return 0;
}

int publish_objects_add(struct publish_objects *objects, const struct digest *object, uint64_t size, int fd,
                        const char *name, const struct digest *base, struct error *err)
{
        struct old_pack *old = NULL;
        int r = 0;

        if (find_old(objects, object, &old)) {
                old->used = true;
                return 0;
        }
        if (!objects->fresh.writer)
                r = publish_pack_begin(&objects->fresh, objects->place, false, level(objects), err);
        if (r < 0 || pack_writer_has(objects->fresh.writer, object))
                return r;
        r = pack_writer_add_fd(objects->fresh.writer, object, size, fd, name, err);
        if (r < 0)
                return r;
        objects->new_count++;
        if (base && objects->options->delta && size <= PACK_DELTA_SIZE_MAXIMUM)
                return remember_step(objects, object, base, err);
        return 0;
}

/* --- reading objects back --- */

static int decode(struct publish_objects *objects, int pack, const struct pack_entry *entry, pack_write_function *write,
                  void *context, struct error *err)
{
        int r = pack_decoder_begin(objects->decoder, entry, NULL, 0, write, context, err);

        for (uint64_t done = 0; r == 0 && done < entry->stored;) {
                size_t wanted = entry->stored - done < PIECE_SIZE ? (size_t)(entry->stored - done) : PIECE_SIZE;
                ssize_t n = read_full_at(pack, objects->piece, wanted, entry->offset + done);

                if (n < 0)
                        return error_errno(err, (int)-n, _("cannot read a pack of the repository %s"),
                                           objects->place->repository.path);
                r = pack_decoder_add(objects->decoder, objects->piece, (size_t)n, err);
                if ((size_t)n < wanted)
                        break; /* shorter than its index says: pack_decoder_end() notices */
                done += wanted;
        }
        return r < 0 ? r : pack_decoder_end(objects->decoder, err);
}

struct content {
        uint8_t *bytes;
        size_t length;
};

static void content_done(struct content *content)
{
        free(content->bytes);
}

static int content_write(void *context, const void *bytes, size_t length, struct error *err)
{
        struct content *content = context;

        (void)err;
        memcpy(content->bytes + content->length, bytes, length); /* the decoder gives out entry->size at the most */
        content->length += length;
        return 0;
}

static int content_read(struct publish_objects *objects, int pack, const struct pack_entry *entry,
                        struct content *content, struct error *err)
{
        content->bytes = memory_new(entry->size, 1);
        if (!content->bytes)
                return error_memory(err);
        return decode(objects, pack, entry, content_write, content, err);
}

/* --- the delta pack --- */

static int add_step(struct publish_objects *objects, const struct step *step, struct error *err)
{
        _cleanup_(content_done) struct content before = { NULL, 0 }, after = { NULL, 0 };
        const struct pack_entry *entry = pack_index_find(&objects->fresh.index, &step->object), *base;
        struct old_pack *old = NULL;
        int r;

        base = find_old(objects, &step->base, &old);
        if (!base || base->size > PACK_DELTA_SIZE_MAXIMUM || base->size == 0)
                return 0;
        r = content_read(objects, old->fd, base, &before, err);
        if (r == -EBADMSG)
                return 0; /* a damaged base is nothing to build upon; the object is there as a whole */
        if (r == 0)
                r = content_read(objects, objects->fresh.fd, entry, &after, err);
        if (r < 0)
                return r;
        r = pack_writer_add_delta(objects->delta.writer, &step->object, after.bytes, after.length, &step->base,
                                  before.bytes, before.length, entry->stored, err);
        return r < 0 ? r : 0;
}

static int make_delta(struct publish_objects *objects, struct error *err)
{
        int r;

        if (objects->step_count == 0)
                return 0;
        r = publish_pack_begin(&objects->delta, objects->place, true,
                               level(objects) < DELTA_LEVEL ? DELTA_LEVEL : level(objects), err);
        for (size_t i = 0; i < objects->step_count && r == 0; i++) {
                r = add_step(objects, &objects->steps[i], err);
                if (objects->options->progress)
                        objects->options->progress(objects->options->context, _("making differences"), i + 1,
                                                   objects->step_count);
        }
        if (r == 0)
                r = publish_pack_finish(&objects->delta, objects->base_number, err);
        if (r == 0 && objects->delta.wanted)
                r = publish_pack_name_taken(&objects->delta, err);
        if (r < 0)
                return r;
        if (r > 0 || !objects->delta.wanted)
                publish_pack_drop(&objects->delta);
        return 0;
}

/* --- the full pack --- */

static int copy_object(struct publish_objects *objects, const struct digest *object, struct error *err)
{
        const struct pack_entry *entry = pack_index_find(&objects->fresh.index, object);
        struct old_pack *old = NULL;
        int fd = objects->fresh.fd, r;

        if (!entry) {
                entry = find_old(objects, object, &old);
                assert(entry); /* publish_objects_add() saw to it */
                fd = old->fd;
        }
        if (pack_writer_has(objects->full.writer, object))
                return 0;
        r = decode(objects, fd, entry, NULL, NULL, err); /* a damaged frame must not be handed on */
        return r < 0 ? r : pack_writer_add_frame(objects->full.writer, entry, fd, err);
}

static int make_full(struct publish_objects *objects, const int manifests[], size_t count, struct error *err)
{
        int r = publish_pack_begin(&objects->full, objects->place, false, level(objects), err);

        for (size_t i = 0; i < count && r == 0; i++) {
                _cleanup_(mtree_reader_freep) struct mtree_reader *reader = NULL;
                struct entry entry;

                r = mtree_reader_new_fd(manifests[i], _("the new manifest"), &reader, err);
                if (r < 0)
                        return r;
                while ((r = mtree_reader_next(reader, &entry, err)) > 0) {
                        r = entry.type == ENTRY_FILE ? copy_object(objects, &entry.digest, err) : 0;
                        if (r < 0)
                                return r;
                }
        }
        return r < 0 ? r : publish_pack_finish(&objects->full, 0, err);
}

/* --- the end --- */

static size_t count_listed(const struct publish_objects *objects)
{
        size_t count = (objects->delta.wanted ? 1 : 0) + (objects->fresh.wanted ? 1 : 0);

        for (size_t i = 0; i < objects->old_count; i++)
                count += objects->old[i].used;
        return count;
}

static int list_packs(struct publish_objects *objects, struct release *release, struct error *err)
{
        const struct publish_pack *made[] = { &objects->delta, &objects->fresh, &objects->full };

        release->pack_count = 0;
        release->packs = memory_new(count_listed(objects) + 1, sizeof(*release->packs));
        if (!release->packs)
                return error_memory(err);
        for (size_t i = 0; i < LENGTH(made); i++)
                if (made[i]->wanted)
                        release->packs[release->pack_count++] = made[i]->listed;
        for (size_t i = 0; i < objects->old_count && !objects->full.wanted; i++)
                if (objects->old[i].used)
                        release->packs[release->pack_count++] = objects->old[i].listed;
        return 0;
}

int publish_objects_finish(struct publish_objects *objects, const int manifests[], size_t count,
                           struct release *release, struct error *err)
{
        int r = objects->fresh.writer ? publish_pack_finish(&objects->fresh, 0, err) : 0;

        if (r == 0)
                r = make_delta(objects, err);
        if (r == 0 && count_listed(objects) > PUBLISH_PACKS_MAXIMUM) {
                r = make_full(objects, manifests, count, err);
                if (r == 0)
                        publish_pack_drop(&objects->fresh);
        }
        return r < 0 ? r : list_packs(objects, release, err);
}

int publish_objects_place(struct publish_objects *objects, struct error *err)
{
        struct publish_pack *made[] = { &objects->delta, &objects->fresh, &objects->full };
        int r = 0;

        for (size_t i = 0; i < LENGTH(made) && r == 0; i++) {
                if (made[i]->wanted)
                        r = publish_pack_place(made[i], err);
        }
        if (r < 0)
                return r;
        r = fd_sync(objects->place->packs);
        return r < 0 ? error_errno(err, -r, _("cannot make sure that the packs survive a crash")) : 0;
}

uint64_t publish_objects_new_count(const struct publish_objects *objects)
{
        return objects->new_count;
}

uint64_t publish_objects_stored(const struct publish_objects *objects)
{
        const struct publish_pack *made[] = { &objects->delta, &objects->fresh, &objects->full };
        uint64_t stored = 0;

        for (size_t i = 0; i < LENGTH(made); i++)
                if (made[i]->wanted)
                        stored += made[i]->listed.size + made[i]->listed.index_size;
        return stored;
}

void publish_objects_free(struct publish_objects *objects)
{
        if (!objects)
                return;
        publish_pack_drop(&objects->fresh);
        publish_pack_drop(&objects->delta);
        publish_pack_drop(&objects->full);
        for (size_t i = 0; i < objects->old_count; i++) {
                fd_close(&objects->old[i].fd);
                pack_index_done(&objects->old[i].index);
        }
        free(objects->old);
        free(objects->steps);
        free(objects->piece);
        pack_decoder_free(objects->decoder);
        free(objects);
}

void publish_objects_freep(struct publish_objects **objects)
{
        publish_objects_free(*objects);
}
