/* publish_pack.c - a pack in the making: two files with temporary names, and how they get their final ones. */
#include "store/publish_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"

void publish_pack_file(const struct digest *id, const char *ending, char name[static PUBLISH_PACK_NAME_SIZE])
{
        digest_hex(id, name);
        snprintf(name + DIGEST_HEX_SIZE - 1, PUBLISH_PACK_NAME_SIZE - DIGEST_HEX_SIZE + 1, "%s", ending);
}

int publish_pack_begin(struct publish_pack *pack, const struct publish_place *place, bool delta, int level,
                       struct error *err)
{
        char name[PUBLISH_TEMPORARY_SIZE];
        int r = publish_temporary_name(name, err);

        if (r < 0)
                return r;
        pack->place = place;
        pack->fd = fault_point(FAULT_OPEN)
                           ? -1
                           : openat(pack->place->packs, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (pack->fd < 0)
                return error_errno(err, errno, _("cannot make a pack in the repository %s"),
                                   pack->place->repository.path);
        memcpy(pack->pack_name, name, sizeof(name));
        return pack_writer_new(pack->fd, delta, level, &pack->writer, err);
}

static int write_index(struct publish_pack *pack, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(PACK_INDEX_MAXIMUM);
        _cleanup_(fd_closep) int fd = -1;
        char name[PUBLISH_TEMPORARY_SIZE];
        int r = pack_index_format(&pack->index, &text, err);

        if (r == 0)
                r = digest_of_bytes(text.data, text.length, &pack->listed.index_digest, err);
        if (r == 0)
                r = publish_temporary_name(name, err);
        if (r < 0)
                return r;
        pack->listed.index_size = text.length;
        fd = fault_point(FAULT_OPEN)
                     ? -1
                     : openat(pack->place->packs, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (fd < 0)
                return error_errno(err, errno, _("cannot make an index in the repository %s"),
                                   pack->place->repository.path);
        memcpy(pack->index_name, name, sizeof(name));
        r = write_full(fd, text.data, text.length);
        if (r == 0)
                r = fd_sync(fd);
        return r < 0 ? error_errno(err, -r, _("cannot write an index in the repository %s"),
                                   pack->place->repository.path)
                     : 0;
}

int publish_pack_finish(struct publish_pack *pack, uint64_t delta_base, struct error *err)
{
        int r = pack_writer_finish(pack->writer, &pack->index, &pack->listed.id, err);

        if (r < 0)
                return r;
        pack_writer_free(pack->writer);
        pack->writer = NULL;
        pack->listed.size = pack->index.pack_size;
        pack->listed.delta_base = delta_base;
        pack->wanted = pack->index.count > 0;
        return pack->wanted ? write_index(pack, err) : 0;
}

void publish_pack_drop(struct publish_pack *pack)
{
        pack_writer_free(pack->writer);
        pack->writer = NULL;
        if (pack->pack_name[0])
                unlinkat(pack->place->packs, pack->pack_name, 0);
        if (pack->index_name[0])
                unlinkat(pack->place->packs, pack->index_name, 0);
        pack->pack_name[0] = pack->index_name[0] = '\0';
        pack_index_done(&pack->index);
        fd_close(&pack->fd);
        pack->wanted = false;
}

int publish_pack_name_taken(const struct publish_pack *pack, struct error *err)
{
        _cleanup_(fd_closep) int fd = -1;
        char name[PUBLISH_PACK_NAME_SIZE];
        struct digest digest;
        uint64_t size;
        int r;

        publish_pack_file(&pack->listed.id, ".index", name);
        fd = open_beneath(pack->place->packs, name, O_RDONLY, 0, BENEATH_ANY_MOUNT);
        if (fd == -ENOENT)
                return 0;
        if (fd < 0)
                return error_errno(err, -fd, _("cannot open %s"), name);
        r = digest_of_fd(fd, PACK_INDEX_MAXIMUM, &digest, &size, err);
        return r < 0 ? r : !digest_equal(&digest, &pack->listed.index_digest);
}

static int place_file(const struct publish_place *place, char *temporary, const struct digest *id, const char *ending,
                      struct error *err)
{
        char name[PUBLISH_PACK_NAME_SIZE];
        int r;

        /* Over one of the same name, if an interrupted run left it: its bytes are the same. */
        publish_pack_file(id, ending, name);
        r = rename_at(place->packs, temporary, place->packs, name, 0);
        if (r < 0)
                return error_errno(err, -r, _("cannot put %s into the repository %s"), name, place->repository.path);
        temporary[0] = '\0';
        return 0;
}

int publish_pack_place(struct publish_pack *pack, struct error *err)
{
        int r = place_file(pack->place, pack->pack_name, &pack->listed.id, ".pack", err);

        return r < 0 ? r : place_file(pack->place, pack->index_name, &pack->listed.id, ".index", err);
}
