/* gather.c - workers over blocks of lines. */
#include "gather.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "accesslog/readers.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "incident/linehash.h"

#define CHUNK_RECORDS 4096

struct chunk {
        struct chunk *next;
        size_t count;
        struct response responses[CHUNK_RECORDS];
};

struct run {
        const struct gather_options *options;
        struct gather_texts *texts;
        struct worker *workers;
        unsigned int worker_count;
        struct error damage;
        pthread_mutex_t lock; /* for what follows, and the texts */
        size_t count;
};

struct worker {
        struct run *run;
        char *scratch; /* LOG_LINE_MAXIMUM */
        struct chunk *chunks;
        struct gather_file *files;
        struct coverage coverage[GATHER_SERVERS];
};

/* ---- texts ---- */

int gather_texts_init(struct gather_texts *texts, struct error *err)
{
        int r;

        memset(texts, 0, sizeof(*texts));
        r = intern_init(&texts->addresses, TEXTS_MAXIMUM, err);
        if (r == 0)
                r = intern_init(&texts->agents, TEXTS_MAXIMUM, err);
        if (r == 0)
                r = intern_init(&texts->tags, TEXTS_MAXIMUM, err);
        if (r == 0)
                r = intern_init(&texts->accounts, TEXTS_MAXIMUM, err);
        if (r == 0)
                r = intern_init(&texts->embedders, TEXTS_MAXIMUM, err);
        if (r < 0)
                gather_texts_done(texts);
        return r;
}

void gather_texts_done(struct gather_texts *texts)
{
        struct intern *all[] = { &texts->addresses, &texts->agents, &texts->tags, &texts->accounts,
                                 &texts->embedders };

        for (size_t i = 0; i < LENGTH(all); i++)
                intern_done(all[i]);
}

int gather_address(struct gather_texts *texts, const struct log_address *address, struct span text,
                   uint32_t *ret_number, struct error *err)
{
        char name[INTERN_TEXT_MAXIMUM] = "=";
        size_t length = text.length < sizeof(name) - 1 ? text.length : sizeof(name) - 1;

        if (address->numeric)
                return intern_add(&texts->addresses, address->bytes, sizeof(address->bytes), ret_number, err);
        if (length)
                memcpy(name + 1, text.text, length);
        return intern_add(&texts->addresses, name, length ? length + 1 : 0, ret_number, err);
}

/* The host of a referrer: the site that embeds a script of ours. */
static struct span host_of(struct span url)
{
        const char *end = url.text + url.length, *at;

        if (!url.length)
                return (struct span){ 0 };
        at = memmem(url.text, url.length, "://", 3);
        if (!at)
                return (struct span){ 0 };
        at += 3;
        for (const char *c = at; c < end; c++)
                if (*c == '/' || *c == '?' || *c == '#')
                        end = c;
        return (struct span){ at, (uint32_t)(end - at) };
}

/* ---- one line ---- */

static bool is_word(struct span span, const char *word)
{
        return span.length == strlen(word) && strncasecmp(span.text, word, span.length) == 0;
}

/* nginx's $upstream_cache_status, when what was sent did not come from the file. */
static bool is_cached(struct span upstream)
{
        return is_word(upstream, "HIT") || is_word(upstream, "STALE") || is_word(upstream, "UPDATING") ||
               is_word(upstream, "REVALIDATED");
}

static uint16_t flags_of(const struct log_line *line)
{
        unsigned int flags = 0;

        flags |= line->present & LOG_HAS_BYTES ? RESPONSE_HAS_BYTES : 0;
        flags |= line->present & LOG_HAS_DURATION ? RESPONSE_HAS_DURATION : 0;
        flags |= line->present & LOG_HAS_COMPLETE ? RESPONSE_HAS_COMPLETE : 0;
        flags |= line->complete ? RESPONSE_COMPLETE : 0;
        flags |= is_word(line->method, "HEAD") ? RESPONSE_HEAD : 0;
        flags |= is_word(line->method, "POST") ? RESPONSE_POST : 0;
        flags |= line->encoding.length ? RESPONSE_PACKED : 0;
        flags |= line->range.length ? RESPONSE_RANGE : 0;
        flags |= is_cached(line->upstream) ? RESPONSE_CACHED : 0;
        flags |= line->time_us % 1000000 ? RESPONSE_FRACTION : 0;
        flags |= line->format == LOG_UNDERSTUDY_JSON || line->format == LOG_CADDY_JSON ? RESPONSE_END_TIME : 0;
        return (uint16_t)flags;
}

static int fill_texts(struct gather_texts *texts, const struct log_line *line, struct response *response,
                      struct error *err)
{
        struct span host = host_of(line->referrer);
        int r = gather_address(texts, &line->address, line->address_text, &response->address, err);

        if (r == 0)
                r = intern_add(&texts->agents, line->agent.text, line->agent.length, &response->agent, err);
        if (r == 0)
                r = intern_add(&texts->tags, line->tag.text, line->tag.length, &response->tag, err);
        if (r == 0)
                r = intern_add(&texts->embedders, host.text, host.length, &response->embedder, err);
        return r;
}

static struct response *new_response(struct worker *worker)
{
        if (!worker->chunks || worker->chunks->count == CHUNK_RECORDS) {
                struct chunk *chunk = memory_new(1, sizeof(*chunk));

                if (!chunk)
                        return NULL;
                chunk->next = worker->chunks;
                worker->chunks = chunk;
        }
        return &worker->chunks->responses[worker->chunks->count++];
}

static int keep(struct worker *worker, const struct log_block *block, const char *text, const struct log_line *line,
                uint16_t path, struct error *err)
{
        struct run *run = worker->run;
        struct response *response = new_response(worker);
        int64_t duration_ms = line->duration_us / 1000 + (line->duration_us % 1000 != 0);
        int r;

        if (!response)
                return error_memory(err);
        *response = (struct response){
                .time_us = line->time_us,
                .offset = block->offset + (uint64_t)(text - block->bytes),
                .duration_ms = duration_ms < 0 || duration_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)duration_ms,
                .bytes = line->bytes < GATHER_BYTES_LARGE ? (uint32_t)line->bytes : GATHER_BYTES_LARGE,
                .file = (uint16_t)block->file,
                .path = path,
                .status = line->status,
                .flags = flags_of(line),
                .server = run->options->logs[block->file].server,
        };
        pthread_mutex_lock(&run->lock);
        r = ++run->count > RESPONSES_MAXIMUM
                    ? error_set(err, -E2BIG, _("more than %u answers to affected paths are in the logs: take fewer days"),
                                RESPONSES_MAXIMUM)
                    : fill_texts(run->texts, line, response, err);
        pthread_mutex_unlock(&run->lock);
        return r;
}

static int take_line(struct worker *worker, const struct log_block *block, const char *text,
                     const struct log_line *line, struct error *err)
{
        const struct gather_options *options = worker->run->options;
        struct gather_file *file = &worker->files[block->file];
        uint16_t path;

        file->lines++;
        if (line->time_us < file->first_us)
                file->first_us = line->time_us;
        if (line->time_us > file->last_us)
                file->last_us = line->time_us;
        if (coverage_mark(&worker->coverage[options->logs[block->file].server], line->time_us) < 0)
                return error_memory(err);
        path = targets_find(options->targets, line->path.text, line->path.length);
        if (path != TARGET_NONE) {
                int r = keep(worker, block, text, line, path, err);

                if (r < 0)
                        return r;
        }
        if (is_word(line->method, "POST") && line->status < 400 &&
            targets_find(options->login_targets, line->path.text, line->path.length) != TARGET_NONE)
                return keep(worker, block, text, line, GATHER_LOGIN, err);
        return 0;
}

/* Every line that is whole, readable or not: whoever edits a log later changes the sum. */
static void add_to_sum(struct worker *worker, const struct log_block *block, const char *text, size_t length)
{
        const struct gather_options *options = worker->run->options;
        struct gather_file *file = &worker->files[block->file];
        const uint64_t offset = block->offset + (uint64_t)(text - block->bytes), end = offset + length + 1;
        uint64_t hash;

        if (text + length == block->bytes + block->length) /* no newline: it may still be written */
                return;
        hash = line_hash(options->key, text, length);
        file->sum += hash;
        if (offset < options->logs[block->file].known_bytes)
                file->known_sum += hash;
        if (end > file->bytes)
                file->bytes = end;
}

static int take_block(void *context, unsigned int number, const struct log_block *block, struct error *err)
{
        struct worker *worker = &((struct run *)context)->workers[number];
        struct log_format format = block->format;
        const char *cursor = block->bytes, *end = block->bytes + block->length, *text;
        size_t length;
        int r = 0;

        while (r == 0 && text_next_line(&cursor, end, &text, &length)) {
                struct log_line line;

                add_to_sum(worker, block, text, length);
                switch (log_parse(&format, text, length, worker->scratch, &line)) {
                case LOG_OK: r = take_line(worker, block, text, &line, err); break;
                case LOG_INVALID: worker->files[block->file].invalid++; break;
                default: break;
                }
        }
        return r;
}

/* ---- workers ---- */

static void show_progress(void *context, uint64_t done, uint64_t total)
{
        const struct gather_options *options = ((const struct run *)context)->options;

        if (options->progress)
                options->progress(options->context, done, total);
}

static struct gather_file *new_files(size_t count)
{
        struct gather_file *files = memory_new(count ? count : 1, sizeof(*files));

        for (size_t i = 0; files && i < count; i++)
                files[i] = (struct gather_file){ .first_us = INT64_MAX, .last_us = INT64_MIN };
        return files;
}

static int worker_init(struct worker *worker, struct run *run, struct error *err)
{
        worker->run = run;
        worker->scratch = memory_new(1, LOG_LINE_MAXIMUM);
        worker->files = new_files(run->options->log_count);
        return worker->scratch && worker->files ? 0 : error_memory(err);
}

/* ---- the result ---- */

static void merge_files(struct gather_file *into, const struct gather_file *from, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                into[i].lines += from[i].lines;
                into[i].invalid += from[i].invalid;
                into[i].sum += from[i].sum;
                into[i].known_sum += from[i].known_sum;
                if (from[i].bytes > into[i].bytes)
                        into[i].bytes = from[i].bytes;
                if (from[i].first_us < into[i].first_us)
                        into[i].first_us = from[i].first_us;
                if (from[i].last_us > into[i].last_us)
                        into[i].last_us = from[i].last_us;
        }
}

/* Moves a worker's chunks, giving back each as it goes: the records are never there twice. */
static void take_chunks(struct gathered *out, struct worker *worker)
{
        while (worker->chunks) {
                struct chunk *chunk = worker->chunks;

                memcpy(out->responses + out->count, chunk->responses, chunk->count * sizeof(*out->responses));
                out->count += chunk->count;
                worker->chunks = chunk->next;
                free(chunk);
        }
}

static int collect(struct run *run, struct gathered *out, struct error *err)
{
        struct worker *workers = run->workers;

        out->responses = memory_new(run->count ? run->count : 1, sizeof(*out->responses));
        out->files = new_files(run->options->log_count);
        if (!out->responses || !out->files)
                return error_memory(err);
        for (unsigned int i = 0; i < run->worker_count; i++) {
                take_chunks(out, &workers[i]);
                if (workers[i].files)
                        merge_files(out->files, workers[i].files, run->options->log_count);
                for (unsigned int server = 0; server < GATHER_SERVERS; server++)
                        if (coverage_merge(&out->coverage[server], &workers[i].coverage[server]) < 0)
                                return error_memory(err);
        }
        for (size_t i = 0; i < run->options->log_count; i++) {
                out->lines += out->files[i].lines;
                out->invalid += out->files[i].invalid;
        }
        out->incomplete = run->damage.code != 0;
        out->damage = run->damage;
        return 0;
}

static void worker_done(struct worker *worker)
{
        while (worker->chunks) {
                struct chunk *next = worker->chunks->next;

                free(worker->chunks);
                worker->chunks = next;
        }
        for (unsigned int server = 0; server < GATHER_SERVERS; server++)
                coverage_done(&worker->coverage[server]);
        free(worker->files);
        free(worker->scratch);
}

void gathered_done(struct gathered *gathered)
{
        for (unsigned int server = 0; server < GATHER_SERVERS; server++)
                coverage_done(&gathered->coverage[server]);
        free(gathered->responses);
        free(gathered->files);
        memset(gathered, 0, sizeof(*gathered));
}

static int run_workers(struct run *run, struct log_source *source, struct gathered *out, struct error *err)
{
        const struct log_readers readers = { .block = take_block, .progress = show_progress, .context = run };
        int r = 0;

        run->worker_count = log_readers_count(run->options->workers);
        run->workers = memory_new(run->worker_count, sizeof(*run->workers));
        if (!run->workers)
                return error_memory(err);
        for (unsigned int i = 0; i < run->worker_count && r == 0; i++)
                r = worker_init(&run->workers[i], run, err);
        if (r == 0)
                r = log_readers_run(source, run->worker_count, &readers, &run->damage, err);
        if (r == 0)
                r = collect(run, out, err);
        for (unsigned int i = 0; i < run->worker_count; i++)
                worker_done(&run->workers[i]);
        free(run->workers);
        return r;
}

int gather(const struct gather_options *options, struct gather_texts *texts, struct gathered *ret_gathered,
           struct error *err)
{
        struct run run = { .options = options, .texts = texts, .damage = ERROR_NONE };
        _cleanup_(memory_freep) const char **paths = memory_new(options->log_count ? options->log_count : 1, sizeof(*paths));
        _cleanup_(log_source_closep) struct log_source *source = NULL;
        struct gathered out = { .damage = ERROR_NONE };
        int r;

        if (!paths)
                return error_memory(err);
        for (size_t i = 0; i < options->log_count; i++)
                paths[i] = options->logs[i].path;
        r = options->log_count ? log_source_open(paths, options->log_count, LOG_BLOCK_BYTES, &source, err) : 0;
        pthread_mutex_init(&run.lock, NULL);
        if (r == 0 && options->log_count)
                r = run_workers(&run, source, &out, err);
        pthread_mutex_destroy(&run.lock);
        if (r < 0) {
                gathered_done(&out);
                return r;
        }
        *ret_gathered = out;
        return 0;
}
