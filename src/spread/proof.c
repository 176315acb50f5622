#include "proof.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/i18n.h"
#include "base/text.h"
#include "spread/row.h"
#include "spread/schema.h"

int proof_question(struct buffer *sql, const struct spread_shards *shards, const struct spread_shard *shard)
{
        if (shards->unproven)
                return buffer_append_text(sql, SCHEMA_VERSION);
        return buffer_printf(sql,
                             "SELECT assumeNotNull((SELECT toUInt64(max(version)) FROM schema)), "
                             "toUInt64(toUInt32(now()) - toUInt32(max(time))), argMax(obstacle, time) "
                             "FROM standing WHERE server = '%s' FORMAT RowBinary",
                             shard->name);
}

/* What a server says of itself is shown, so it is escaped. */
static int leave_out(const struct spread_shard *shard, const char *obstacle, size_t length, struct error *err)
{
        _cleanup_(buffer_done) struct buffer words = BUFFER_INIT(4 * ERROR_TEXT_SIZE);

        if (text_escape(&words, obstacle, length < ERROR_TEXT_SIZE ? length : ERROR_TEXT_SIZE) < 0)
                return error_memory(err);
        return error_refuse(err, _("the analysis server %s is left out: %s"), shard->name, buffer_text(&words));
}

int proof_judge(const struct spread_shards *shards, const struct spread_shard *shard, const struct buffer *answer,
                uint64_t *ret_version, struct error *err)
{
        const char *at = buffer_text(answer), *end = at + answer->length, *obstacle = NULL;
        uint64_t version, age = 0;
        size_t length = 0;

        if (!row_take_u64(&at, end, &version) ||
            (!shards->unproven && (!row_take_u64(&at, end, &age) || !row_take_text(&at, end, &obstacle, &length))) ||
            at != end)
                return error_set(err, -EBADMSG, _("the analysis server %s answers with what is no row"), shard->name);
        if (version > SCHEMA_LATEST)
                return error_set(err, -ENOTSUP,
                                 _("the tables of the analysis server %s were made by a newer version of Understudy "
                                   "(schema %d, this one knows %d)"),
                                 shard->name, (int)version, SCHEMA_LATEST);
        if (age > PROOF_FRESH_SECONDS)
                return error_refuse(err,
                                    _("the analysis server %s is left out: nobody vouches for it; is 'understudy analyze vouch' "
                                   "running there?"),
                                    shard->name);
        if (length)
                return leave_out(shard, obstacle, length, err);
        *ret_version = version;
        return 0;
}

int proof_say(struct buffer *sql, const char *shard, const char *obstacle)
{
        int r = buffer_printf(sql, "INSERT INTO standing (server, time, obstacle) SELECT '%s', now(), ", shard);

        return r < 0 ? r : row_put_sql(sql, obstacle ? obstacle : "", obstacle ? strlen(obstacle) : 0);
}
