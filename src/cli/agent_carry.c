/*
 * agent_carry.c - the agent's verbs about mutable areas: carry/area.h for what the release in place and the request name.
 *
 * The process that does one does the next, too: a batch is thousands of requests about the same area, and the release, its
 * signature and the folder are looked at once as long as no pull has put another one in its place.
 */
#include "cli/agent_verbs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "carry/area.h"
#include "traffic/agent_site.h"

static struct carry_area open_now = CARRY_AREA_NONE;

/* ---- arguments ---- */

static const char *const types[] = { "file", "folder", NULL };

#define AREA   { "area", AGENT_TEXT, true, CARRY_AREA_NAME - 1, NULL }
#define PATH   { "path", AGENT_TEXT, true, CARRY_NAME_MAXIMUM, NULL }
#define EXPECT { "expect", AGENT_TEXT, true, DIGEST_HEX_SIZE - 1, NULL }
#define LAST   { NULL, AGENT_FLAG, false, 0, NULL }

const struct agent_argument agent_area_scan_arguments[] = { AREA, LAST };
const struct agent_argument agent_area_list_arguments[] = {
        AREA,
        { "scan", AGENT_NUMBER, true, INT64_MAX, NULL },
        { "bucket", AGENT_NUMBER, true, CARRY_BUCKETS - 1, NULL },
        { "after", AGENT_TEXT, true, CARRY_NAME_MAXIMUM, NULL },
        LAST
};
const struct agent_argument agent_area_read_arguments[] = {
        AREA, PATH, { "offset", AGENT_NUMBER, true, CARRY_FILE_MAXIMUM, NULL }, LAST
};
const struct agent_argument agent_area_keep_arguments[] = { AREA, PATH, EXPECT, LAST };
const struct agent_argument agent_area_write_arguments[] = {
        AREA,
        PATH,
        EXPECT,
        { "type", AGENT_WORD, true, 0, types },
        { "mode", AGENT_TEXT, true, 5, NULL },
        { "uid", AGENT_NUMBER, true, ENTRY_OWNER_MAXIMUM, NULL },
        { "gid", AGENT_NUMBER, true, ENTRY_OWNER_MAXIMUM, NULL },
        { "size", AGENT_NUMBER, false, CARRY_FILE_MAXIMUM, NULL },
        { "time", AGENT_NUMBER, false, ENTRY_TIME_MAXIMUM, NULL },
        { "sha256", AGENT_TEXT, false, DIGEST_HEX_SIZE - 1, NULL },
        { "offset", AGENT_NUMBER, true, CARRY_FILE_MAXIMUM, NULL },
        { "data", AGENT_TEXT, false, CARRY_CHUNK_TEXT, NULL },
        { "hold", AGENT_FLAG, false, 0, NULL },
        LAST
};
const struct agent_argument agent_area_settle_arguments[] = { AREA, LAST };

/* What the request says that the thing is to be: -EINVAL for what cannot be. `bytes` has room for CARRY_CHUNK. */
static int take_wanted(const struct agent_call *call, struct carry_wanted *wanted, uint8_t *bytes, struct error *err)
{
        const char *mode = agent_text(call, "mode", ""), *hex = agent_text(call, "sha256", ""), *data = agent_text(call, "data", "");
        struct carry_entry *entry = &wanted->entry;
        uint64_t number = 0;

        entry->type = text_equal(agent_text(call, "type", ""), "folder") ? CARRY_FOLDER : CARRY_FILE;
        if (text_parse_octal(mode, strlen(mode), entry->type == CARRY_FOLDER ? 03777 : 0777, &number) < 0 ||
            (entry->type == CARRY_FILE && digest_parse(hex, strlen(hex), &entry->digest) < 0) ||
            text_unbase64(data, strlen(data), bytes, CARRY_CHUNK, &wanted->length) < 0)
                return error_usage(err, _("mode, sha256 or data of the request is not what it must be"));
        entry->mode = (uint32_t)number;
        entry->uid = (uint32_t)agent_number(call, "uid", 0);
        entry->gid = (uint32_t)agent_number(call, "gid", 0);
        entry->size = agent_number(call, "size", 0);
        entry->time = (int64_t)agent_number(call, "time", 0);
        wanted->expected = agent_text(call, "expect", "");
        wanted->offset = agent_number(call, "offset", 0);
        wanted->bytes = bytes;
        wanted->hold = agent_flag(call, "hold");
        return 0;
}

/* ---- the area ---- */

static int site_of(const struct agent_call *call, struct public_key *pub, struct carry_site *ret_site, struct error *err)
{
        const struct agent_site *site = call->context;
        const char *dest = config_root_dest(site->server, "docroot");

        if (!dest)
                return error_usage(err, _("server %s has no docroot in its configuration"), site->server->name);
        if (!site->config->repository.present)
                return error_usage(err, _("the configuration has no repository, whose key says which areas there are"));
        *ret_site = (struct carry_site){ site->state, dest, pub };
        return public_key_read(site->config->repository.pub, pub, err);
}

static int open_area(const struct agent_call *call, struct error *err)
{
        const char *name = agent_text(call, "area", "");
        struct carry_site site;
        struct public_key pub;
        int r;

        if (carry_area_is(&open_now, name))
                return 0;
        carry_area_close(&open_now);
        r = site_of(call, &pub, &site, err);
        if (r == 0)
                r = carry_area_open(&site, name, &open_now, err);
        if (r < 0)
                carry_area_close(&open_now);
        return r;
}

void agent_carry_warm(void *context _unused_)
{
        /* Nothing: it is there so that one process does them all. */
}

/* ---- the verbs ---- */

int agent_areas(struct agent_call *call, struct error *err)
{
        json_t *areas = json_array();
        struct carry_site site;
        struct public_key pub;
        int r = site_of(call, &pub, &site, err);

        if (r == 0)
                r = carry_areas(&site, areas, err);
        if (json_object_set_new(call->result, "areas", areas) < 0)
                return error_memory(err);
        return r;
}

int agent_area_scan(struct agent_call *call, struct error *err)
{
        int r;

        carry_area_close(&open_now); /* something may have been mounted there since */
        r = open_area(call, err);
        if (r == 0)
                r = carry_scan(&open_now, call->result, err);
        carry_area_unlock(&open_now);
        return r;
}

int agent_area_list(struct agent_call *call, struct error *err)
{
        int r = open_area(call, err);

        return r < 0 ? r : carry_list(&open_now, agent_number(call, "scan", 0), (unsigned int)agent_number(call, "bucket", 0),
                                      agent_text(call, "after", ""), call->result, err);
}

int agent_area_read(struct agent_call *call, struct error *err)
{
        _cleanup_(memory_freep) char *path = NULL;
        size_t length = 0;
        int r = carry_path_parse(agent_text(call, "path", ""), &path, &length, err);

        if (r == 0)
                r = open_area(call, err);
        return r < 0 ? r : carry_read(&open_now, path, agent_number(call, "offset", 0), call->result, err);
}

int agent_area_write(struct agent_call *call, struct error *err)
{
        _cleanup_(memory_freep) uint8_t *bytes = memory_new(1, CARRY_CHUNK);
        struct carry_wanted wanted = { 0 };
        int r = bytes ? take_wanted(call, &wanted, bytes, err) : error_memory(err);

        if (r == 0)
                r = carry_path_parse(agent_text(call, "path", ""), &wanted.entry.path, &wanted.entry.path_length, err);
        if (r == 0)
                r = open_area(call, err);
        if (r == 0)
                r = carry_write(&open_now, &wanted, call->result, err);
        carry_area_unlock(&open_now);
        free(wanted.entry.path);
        return r;
}

/* When a pull came in between, nothing is held any more, and the answer has no outcome: they are looked at again. */
int agent_area_settle(struct agent_call *call, struct error *err)
{
        int r = open_area(call, err);

        if (r == 0)
                r = carry_settle(&open_now, call->result, err);
        carry_area_unlock(&open_now);
        return r;
}

int agent_area_keep(struct agent_call *call, struct error *err)
{
        _cleanup_(memory_freep) char *path = NULL;
        size_t length = 0;
        int r = carry_path_parse(agent_text(call, "path", ""), &path, &length, err);

        if (r == 0)
                r = open_area(call, err);
        if (r == 0)
                r = carry_keep(&open_now, path, agent_text(call, "expect", ""), call->result, err);
        carry_area_unlock(&open_now);
        return r;
}
