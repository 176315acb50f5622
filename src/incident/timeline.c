/* timeline.c - reading logs into events, and their order. */
#include "incident/timeline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "accesslog/source.h"
#include "accesslog/unpack.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "journal/reader.h"
#include "journal/record.h"

#define TEXTS_MAXIMUM 4000000
#define LINE_MAXIMUM  (64U << 10)
#define SESSIONS      1024 /* of sftp, at once */
#define STREAM_BYTES  (256U << 10)

int timeline_init(struct timeline *timeline, const struct intervals *intervals, int64_t from_us, int64_t to_us,
                  struct error *err)
{
        *timeline = (struct timeline){ .from_us = from_us, .to_us = to_us, .intervals = intervals };
        return intern_init(&timeline->texts, TEXTS_MAXIMUM, err);
}

void timeline_done(struct timeline *timeline)
{
        free(timeline->events);
        intern_done(&timeline->texts);
        *timeline = (struct timeline){ 0 };
}

const char *timeline_text(const struct timeline *timeline, uint32_t number)
{
        size_t length;

        return intern_text(&timeline->texts, number, &length);
}

/* ---- events ---- */

static int keep_text(struct timeline *timeline, struct trace_text text, uint32_t *ret_number, struct error *err)
{
        if (text.length == 0)
                return 0;
        return intern_add(&timeline->texts, text.text, text.length, ret_number, err);
}

static int add(struct timeline *timeline, const struct trace *trace, const char *server, uint32_t file, uint64_t line,
               struct error *err)
{
        struct timeline_event event = { .time_us = trace->time_us,
                                        .source = trace->source,
                                        .act = trace->act,
                                        .file = file,
                                        .line = (uint32_t)line,
                                        .process = trace->process };
        int r;

        if (trace->act != TRACE_TOLD && (trace->time_us < timeline->from_us || trace->time_us > timeline->to_us))
                return 0;
        if (timeline->count == TIMELINE_EVENTS)
                return error_set(err, -E2BIG, _("there are more than %d events in that time; look at less of it"),
                                 TIMELINE_EVENTS);
        r = keep_text(timeline, (struct trace_text){ server, strlen(server) }, &event.server, err);
        if (r == 0)
                r = keep_text(timeline, trace->account, &event.account, err);
        if (r == 0)
                r = keep_text(timeline, trace->address, &event.address, err);
        if (r == 0)
                r = keep_text(timeline, trace->path, &event.path, err);
        if (r == 0)
                r = keep_text(timeline, trace->service, &event.service, err);
        if (r < 0)
                return r;
        if (memory_grow(&timeline->events, timeline->count, sizeof(*timeline->events)) < 0)
                return error_memory(err);
        timeline->events[timeline->count++] = event;
        return 0;
}

static int add_file(struct timeline *timeline, const char *server, const char *path, struct timeline_file **ret_file,
                    struct error *err)
{
        if (timeline->file_count == TIMELINE_FILES)
                return error_usage(err, _("at most %d logs can be read at once"), TIMELINE_FILES);
        *ret_file = &timeline->files[timeline->file_count++];
        **ret_file = (struct timeline_file){ .path = path, .server = server };
        return 0;
}

static void see(struct timeline_file *file, int64_t time_us)
{
        if (!file->first_us || time_us < file->first_us)
                file->first_us = time_us;
        if (time_us > file->last_us)
                file->last_us = time_us;
}

/* ---- logs of lines ---- */

/* A log as a stream, packed or not. */
struct packed {
        int fd;
        struct unpack *unpack;
        struct error error; /* why it cannot be read on */
};

static ssize_t packed_read(void *cookie, char *bytes, size_t length)
{
        struct packed *packed = cookie;
        ssize_t n = unpack_read(packed->unpack, bytes, length, &packed->error);

        if (n >= 0)
                return n;
        errno = EIO;
        return -1;
}

static void packed_done(struct packed *packed)
{
        unpack_free(packed->unpack);
        fd_close(&packed->fd);
}

static int packed_open(const char *path, struct packed *packed, FILE **ret_stream, struct error *err)
{
        struct stat stat;
        int r;

        packed->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (packed->fd < 0)
                return error_errno(err, errno, _("cannot open %s"), path);
        if (fstat(packed->fd, &stat) < 0 || !S_ISREG(stat.st_mode))
                return error_usage(err, _("%s is no regular file"), path);
        r = unpack_new(packed->fd, path, &packed->unpack, err);
        if (r < 0)
                return r;
        *ret_stream = fopencookie(packed, "r", (cookie_io_functions_t){ .read = packed_read });
        if (!*ret_stream)
                return error_memory(err);
        setvbuf(*ret_stream, NULL, _IOFBF, STREAM_BYTES);
        __fsetlocking(*ret_stream, FSETLOCKING_BYCALLER);
        return 0;
}

static int read_lines(struct timeline *timeline, struct timeline_file *file, FILE *stream, struct error *err)
{
        _cleanup_(memory_freep) char *line = NULL;
        size_t size = 0;
        ssize_t length;
        int r = 0;

        while (r == 0 && (length = getline(&line, &size, stream)) > 0) {
                struct trace trace;

                file->lines++;
                if (line[length - 1] == '\n')
                        length--;
                if ((size_t)length > LINE_MAXIMUM ||
                    !trace_line(file->kind, line, (size_t)length, timeline->from_us, &trace))
                        continue;
                see(file, trace.time_us);
                r = add(timeline, &trace, file->server, (uint32_t)(file - timeline->files), file->lines, err);
        }
        return r;
}

static int read_wtmp(struct timeline *timeline, struct timeline_file *file, FILE *stream, struct error *err)
{
        unsigned char record[TRACE_WTMP_SIZE];
        int r = 0;

        while (r == 0 && fread(record, sizeof(record), 1, stream) == 1) {
                struct trace trace;

                file->lines++;
                if (!trace_wtmp(record, &trace))
                        continue;
                see(file, trace.time_us);
                r = add(timeline, &trace, file->server, (uint32_t)(file - timeline->files), file->lines, err);
        }
        return r;
}

int timeline_read(struct timeline *timeline, const char *server, enum trace_kind kind, const char *path,
                  struct error *err)
{
        _cleanup_(packed_done) struct packed packed = { .fd = -1, .error = ERROR_NONE };
        struct timeline_file *file = NULL;
        FILE *stream = NULL;
        int r = add_file(timeline, server, path, &file, err);

        if (r < 0 || !file)
                return r;
        file->kind = kind;
        r = packed_open(path, &packed, &stream, err);
        if (r < 0)
                return r;
        r = kind == TRACE_WTMP ? read_wtmp(timeline, file, stream, err) : read_lines(timeline, file, stream, err);
        if (r == 0 && ferror(stream)) {
                *err = packed.error;
                r = err->code;
        }
        fclose(stream);
        return r;
}

/* ---- access logs ---- */

static bool is_tampered(const struct timeline *timeline, const char *server, struct span path)
{
        for (size_t i = 0; i < timeline->intervals->count; i++) {
                const struct interval *interval = &timeline->intervals->list[i];

                if (text_equal(interval->server, server) && strlen(interval->path) == path.length &&
                    memcmp(interval->path, path.text, path.length) == 0)
                        return true;
        }
        return false;
}

static bool may_write(struct span method)
{
        static const char *const methods[] = { "POST", "PUT", "DELETE", "PATCH", "MOVE", "COPY" };

        for (size_t i = 0; i < LENGTH(methods); i++)
                if (strlen(methods[i]) == method.length && memcmp(methods[i], method.text, method.length) == 0)
                        return true;
        return false;
}

static struct trace_text text_of(struct span span)
{
        return (struct trace_text){ span.text ? span.text : "", span.length };
}

static int take_block(struct timeline *timeline, struct timeline_file *file, const struct log_block *block,
                      char *scratch, struct error *err)
{
        const char *cursor = block->bytes, *end = block->bytes + block->length, *line;
        struct log_format format = block->format;
        struct log_line parsed;
        size_t length;
        int r = 0;

        while (r == 0 && text_next_line(&cursor, end, &line, &length)) {
                struct trace trace = { .source = TRACE_BY_WEB, .act = TRACE_REQUESTED };

                file->lines++;
                if (log_parse(&format, line, length, scratch, &parsed) != LOG_OK)
                        continue;
                see(file, parsed.time_us);
                if (!may_write(parsed.method) && !is_tampered(timeline, file->server, parsed.path))
                        continue;
                if (!may_write(parsed.method) || parsed.status >= 400)
                        trace.act = TRACE_FAILED; /* it was asked for, and wrote nothing */
                trace.time_us = parsed.time_us;
                trace.account = text_of(parsed.user);
                trace.address = text_of(parsed.address_text);
                trace.path = text_of(parsed.request.length ? parsed.request : parsed.path);
                r = add(timeline, &trace, file->server, (uint32_t)(file - timeline->files), file->lines, err);
        }
        return r;
}

int timeline_read_web(struct timeline *timeline, const char *server, const char *path, struct error *err)
{
        _cleanup_(memory_freep) char *scratch = memory_new(1, LOG_LINE_MAXIMUM);
        struct log_source *source = NULL;
        struct timeline_file *file = NULL;
        struct log_block block;
        int r = scratch ? add_file(timeline, server, path, &file, err) : error_memory(err);

        if (r == 0 && file) {
                file->web = true;
                r = log_source_open(&path, 1, LOG_BLOCK_BYTES, &source, err);
        }
        while (r == 0 && (r = log_source_next(source, 0, &block, err)) > 0) {
                r = take_block(timeline, file, &block, scratch, err);
                log_source_release(source, &block);
        }
        log_source_close(source);
        return r;
}

/* ---- journals ---- */

struct journal_reading {
        struct timeline *timeline;
        uint32_t file;
};

static struct trace_text member(const json_t *object, const char *name)
{
        const char *text = json_string_value(json_object_get(object, name));

        return (struct trace_text){ text ? text : "", text ? strlen(text) : 0 };
}

/* "2009-07-06T09:00:00.000001Z" */
static int64_t time_of(const json_t *record)
{
        const char *text = json_string_value(json_object_get(record, "time"));
        char whole[32];
        int64_t seconds = 0;

        if (!text || strlen(text) < 19)
                return 0;
        snprintf(whole, sizeof(whole), "%.19sZ", text);
        return clock_parse_utc(whole, &seconds) < 0 ? 0 : seconds * 1000000;
}

/* A finding: who it was, is the program and the user; `account` and `address` those of its session. */
static int take_record(void *context, uint64_t sequence, const char *bytes, size_t length, struct error *err)
{
        struct journal_reading *reading = context;
        struct trace trace = { .source = TRACE_BY_GUARD, .act = TRACE_FOUND };
        const json_t *process, *service;
        json_t *record = NULL;
        const char *kind, *server;
        int r = record_parse(bytes, length, sequence, &record, err);

        if (r < 0)
                return r;
        kind = json_string_value(json_object_get(record, "kind"));
        server = json_string_value(json_object_get(record, "server"));
        if (kind && server && (text_equal(kind, "finding") || text_equal(kind, "difference"))) {
                process = json_object_get(record, "process");
                service = json_object_get(process, "service");
                trace.time_us = time_of(record);
                trace.path = member(record, "path");
                trace.account = member(service, "account");
                trace.service = member(service, "kind");
                if (!trace.service.length && json_is_integer(json_object_get(process, "uid")) &&
                    json_integer_value(json_object_get(process, "uid")) == 0)
                        trace.service = (struct trace_text){ "root", 4 };
                trace.address = member(json_object_get(process, "remote"), "address");
                if (!trace.account.length)
                        trace.account = member(process, "user");
                r = add(reading->timeline, &trace, server, reading->file, sequence, err);
        }
        json_decref(record);
        return r;
}

int timeline_read_journal(struct timeline *timeline, const char *path, struct error *err)
{
        struct journal_reader *reader = NULL;
        struct journal_reading reading = { .timeline = timeline };
        struct timeline_file *file = NULL;
        int r = add_file(timeline, "", path, &file, err);

        if (r == 0)
                r = journal_reader_open(path, &reader, err);
        reading.file = r == 0 ? (uint32_t)(file - timeline->files) : 0;
        if (r == 0)
                r = journal_read(reader, 0, take_record, &reading, err);
        journal_reader_close(reader);
        return r < 0 ? r : 0;
}

/* ---- what was told ---- */

int timeline_add_told(struct timeline *timeline, int64_t time_us, const char *source, const char *path, int64_t number,
                      struct error *err)
{
        static const char casebook[] = "casebook";
        const struct trace trace = { .time_us = time_us,
                                     .source = TRACE_BY_OUTSIDE,
                                     .act = TRACE_TOLD,
                                     .path = { path, strlen(path) },
                                     .service = { source, strlen(source) } };
        struct timeline_file *file = timeline->file_count ? &timeline->files[timeline->file_count - 1] : NULL;
        int r = file && file->path == casebook ? 0 : add_file(timeline, "", casebook, &file, err);

        return r < 0 ? r : add(timeline, &trace, "", (uint32_t)(file - timeline->files), (uint64_t)number, err);
}

/* ---- order ---- */

static int by_time(const void *a, const void *b)
{
        const struct timeline_event *one = a, *other = b;

        if (one->time_us != other->time_us)
                return one->time_us < other->time_us ? -1 : 1;
        if (one->file != other->file)
                return one->file < other->file ? -1 : 1;
        return one->line < other->line ? -1 : one->line > other->line;
}

/* A file that sftp wrote is of the last session with its process on that server. */
static void join_sessions(struct timeline *timeline)
{
        struct timeline_event sessions[SESSIONS];
        size_t count = 0;

        for (size_t i = 0; i < timeline->count; i++) {
                struct timeline_event *event = &timeline->events[i];

                if (event->source != TRACE_BY_SFTP || !event->process)
                        continue;
                if (event->act == TRACE_LOGGED_IN) {
                        sessions[count++ % SESSIONS] = *event;
                        continue;
                }
                for (size_t j = count; j > 0 && j + SESSIONS > count; j--) {
                        const struct timeline_event *session = &sessions[(j - 1) % SESSIONS];

                        if (session->process != event->process || session->server != event->server)
                                continue;
                        event->account = session->account;
                        event->address = session->address;
                        break;
                }
        }
}

void timeline_sort(struct timeline *timeline)
{
        if (timeline->count)
                qsort(timeline->events, timeline->count, sizeof(*timeline->events), by_time);
        join_sessions(timeline);
}
