#include "asking.h"

#include <errno.h>
#include <stdlib.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "spread/outside.h"
#include "spread/proof.h"
#include "spread/schema.h"

#define ANSWER_MAXIMUM (256U << 20) /* of one server */

void asking_done(struct asking *asking)
{
        for (size_t i = 0; i < asking->shards->count; i++)
                server_free(asking->servers[i]);
        ask_who_done(&asking->who);
}

/* It is not asked any further. */
static int give_up(struct asking *asking, size_t shard, const struct error *why, struct error *err)
{
        struct ask_silent *silent = &asking->who.silent[asking->who.silent_count];

        server_free(asking->servers[shard]);
        asking->servers[shard] = NULL;
        silent->name = asking->shards->items[shard].name;
        silent->left_out = why->code == -EPERM;
        silent->words = memory_string(why->text);
        if (!silent->words)
                return error_memory(err);
        asking->who.silent_count++;
        asking->who.answered--;
        if (!asking->who.answered && err)
                *err = *why;
        return asking->who.answered ? 0 : why->code;
}

/* asking_all() with a question of its own for each server. */
static int ask_each(struct asking *asking, const char *const sql[], struct buffer answers[SPREAD_SHARDS_MAXIMUM],
                    asking_function *take, void *context, struct error *err)
{
        struct server_question questions[SPREAD_SHARDS_MAXIMUM] = { 0 };
        size_t shards[SPREAD_SHARDS_MAXIMUM], count = 0;
        int r = 0;

        for (size_t i = 0; i < asking->shards->count; i++) {
                if (!asking->servers[i])
                        continue;
                questions[count] = (struct server_question){ .server = asking->servers[i],
                                                             .sql = sql[i],
                                                             .answer = BUFFER_INIT(ANSWER_MAXIMUM) };
                shards[count++] = i;
        }
        server_ask_all(questions, count, asking->shards->deadline_ms);
        for (size_t i = 0; i < count; i++) {
                struct server_question *question = &questions[i];
                size_t shard = shards[i];

                answers[shard] = question->answer;
                if (r == 0 && question->result == 0)
                        question->result = take(context, shard, &answers[shard], &question->error);
                if (r < 0 || question->result == 0)
                        continue;
                r = question->result == -ENOMEM ? error_memory(err) : give_up(asking, shard, &question->error, err);
        }
        return r;
}

int asking_all(struct asking *asking, const char *sql, struct buffer answers[SPREAD_SHARDS_MAXIMUM],
               asking_function *take, void *context, struct error *err)
{
        const char *same[SPREAD_SHARDS_MAXIMUM];

        for (size_t i = 0; i < asking->shards->count; i++)
                same[i] = sql;
        return ask_each(asking, same, answers, take, context, err);
}

void asking_answers_done(struct buffer answers[SPREAD_SHARDS_MAXIMUM])
{
        for (size_t i = 0; i < SPREAD_SHARDS_MAXIMUM; i++)
                buffer_done(&answers[i]);
}

static int take_standing(void *context, size_t shard, const struct buffer *answer, struct error *err)
{
        struct asking *asking = context;
        uint64_t version = 0;
        int r = proof_judge(asking->shards, &asking->shards->items[shard], answer, &version, err);

        if (r == 0 && version < SCHEMA_ROLLUPS)
                asking->rollup = false;
        if (r == 0 && version < SCHEMA_SALTS)
                asking->salted = false;
        return r;
}

static int ask_standing(struct asking *asking, struct error *err)
{
        struct buffer sql[SPREAD_SHARDS_MAXIMUM] = { 0 }, answers[SPREAD_SHARDS_MAXIMUM] = { 0 };
        const char *texts[SPREAD_SHARDS_MAXIMUM];
        int r = 0;

        asking->rollup = asking->salted = true;
        for (size_t i = 0; i < asking->shards->count && r == 0; i++) {
                sql[i].maximum = ASKING_SQL_MAXIMUM;
                r = proof_question(&sql[i], asking->shards, &asking->shards->items[i]) < 0 ? error_memory(err) : 0;
                texts[i] = buffer_text(&sql[i]);
        }
        if (r == 0)
                r = ask_each(asking, texts, answers, take_standing, asking, err);
        asking_answers_done(answers);
        asking_answers_done(sql);
        return r;
}

/* What they give out to visitors. */
static int look_at_scripts(struct asking *asking, struct error *err)
{
        struct outside_look looks[SPREAD_SHARDS_MAXIMUM];
        size_t shards[SPREAD_SHARDS_MAXIMUM], count = 0;
        int r = 0;

        for (size_t i = 0; i < asking->shards->count; i++) {
                const struct spread_shard *shard = &asking->shards->items[i];

                if (!asking->servers[i] || !shard->script)
                        continue;
                looks[count] = (struct outside_look){ .server = shard->name, .place = shard->script, .error = ERROR_NONE };
                shards[count++] = i;
        }
        if (count)
                r = outside_look(looks, count, asking->shards->deadline_ms, err);
        for (size_t i = 0; i < count && r == 0; i++)
                if (looks[i].result < 0)
                        r = give_up(asking, shards[i], &looks[i].error, err);
        return r;
}

int asking_begin(struct asking *asking, struct error *err)
{
        const struct spread_shards *shards = asking->shards;
        int r = 0;

        asking->who.asked = asking->who.answered = shards->count;
        for (size_t i = 0; i < shards->count && r == 0; i++) {
                struct error why = ERROR_NONE;

                r = server_new(&shards->items[i], shards->database, NULL, &asking->servers[i], err);
                if (r == 0 && shards->admits && shards->admits(shards->context, shards->items[i].name, &why) < 0)
                        r = give_up(asking, i, &why, err);
        }
        if (r == 0)
                r = ask_standing(asking, err);
        return r < 0 ? r : look_at_scripts(asking, err);
}

int ask_proven(const struct spread_shards *shards, const char *name, struct error *err)
{
        struct spread_shards one = *shards;
        _cleanup_(asking_done) struct asking asking = { .shards = &one };

        one.count = 0;
        for (size_t i = 0; i < shards->count; i++)
                if (text_equal(shards->items[i].name, name)) {
                        one.items[0] = shards->items[i];
                        one.count = 1;
                }
        if (!one.count)
                return error_refuse(err, _("%s is no analysis server of the configuration"), name);
        return asking_begin(&asking, err);
}

void asking_hand_over(struct asking *asking, struct ask_who *ret_who)
{
        *ret_who = asking->who;
        asking->who = (struct ask_who){ 0 };
}

void ask_who_done(struct ask_who *who)
{
        for (size_t i = 0; i < who->silent_count; i++)
                free(who->silent[i].words);
        *who = (struct ask_who){ 0 };
}

int asking_bad_answer(const struct asking *asking, size_t shard, struct error *err)
{
        return error_set(err, -EBADMSG, _("the analysis server %s answers with what is no row"),
                         asking->shards->items[shard].name);
}
