#include "ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "journal/journal.h"
#include "journal/reader.h"

#define LOCK_FILE     "move.lock"
#define POINTER_FILE  "move.json"
#define FILE_MAXIMUM  4096

struct ledger {
        int folder, lock;
        char journal_path[PATH_MAX];
        char actor[200];
        unsigned int left; /* of the last move, when that has ended: what the next one takes over */
        struct journal *journal;
};

/* ---- words of the records ---- */

static const char *const kind_names[] = { [MOVE_PLANNED] = "planned", [MOVE_FAILOVER] = "failover" };

static const char *const record_names[] = {
        [RECORD_INTENT] = "step_intent",           [RECORD_DONE] = "step_done",     [RECORD_LEFT] = "step_left",
        [RECORD_UNDO_INTENT] = "step_undo_intent", [RECORD_UNDONE] = "step_undone",
};

static enum record record_of(const struct machine *machine, enum action action)
{
        switch (action) {
        case ACTION_RECORD_INTENT: return machine->back ? RECORD_UNDO_INTENT : RECORD_INTENT;
        case ACTION_RECORD_LEFT: return RECORD_LEFT;
        default: return machine->back ? RECORD_UNDONE : RECORD_DONE;
        }
}

/* ---- open ---- */

static int take_lock(struct ledger *ledger, struct error *err)
{
        ledger->lock = openat(ledger->folder, LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (ledger->lock < 0)
                return error_errno(err, errno, _("cannot open %s in the state folder"), LOCK_FILE);
        if (flock(ledger->lock, LOCK_EX | LOCK_NB) == 0)
                return 0;
        if (errno != EWOULDBLOCK)
                return error_errno(err, errno, _("cannot lock %s in the state folder"), LOCK_FILE);
        error_refuse(err, _("another switch, return or failover is being made by this controller; 'understudy status' shows "
                            "it; wait until it has ended"));
        return -EBUSY;
}

static int join_journal(const char *state, char path[static PATH_MAX], struct error *err)
{
        if ((size_t)snprintf(path, PATH_MAX, "%s/journal", state) >= PATH_MAX)
                return error_set(err, -ENAMETOOLONG, _("the path of the state folder is too long: %s"), state);
        return 0;
}

int ledger_open(const struct ledger_options *options, struct ledger **ret_ledger, struct error *err)
{
        const struct journal_options journal = { .program = options->program, .note = options->note,
                                                 .context = options->context };
        _cleanup_(ledger_closep) struct ledger *ledger = memory_new(1, sizeof(*ledger));
        int r;

        if (!ledger)
                return error_memory(err);
        ledger->lock = -1;
        ledger->folder = open(options->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (ledger->folder < 0)
                return error_errno(err, errno, _("cannot open the state folder %s"), options->state);
        r = join_journal(options->state, ledger->journal_path, err);
        snprintf(ledger->actor, sizeof(ledger->actor), "%s", options->actor);
        if (r == 0)
                r = take_lock(ledger, err);
        if (r == 0)
                r = journal_open(ledger->journal_path, &journal, &ledger->journal, err);
        if (r < 0)
                return r;
        *ret_ledger = ledger;
        ledger = NULL;
        return 0;
}

void ledger_close(struct ledger *ledger)
{
        if (!ledger)
                return;
        journal_close(ledger->journal);
        fd_close(&ledger->lock);
        fd_close(&ledger->folder);
        free(ledger);
}

void ledger_closep(struct ledger **ledger)
{
        ledger_close(*ledger);
}

/* ---- what was ---- */

struct reading {
        char id[MOVE_ID_SIZE];
        struct move *move;
        struct machine *machine;
        unsigned int left; /* steps, as bits: left, and not made up for */
        bool began, ended;
};

#define MADE_UP "step_made_up"
_Static_assert(STEPS <= 32, "a bit for each step");

static bool text_member(const json_t *object, const char *key, char *to, size_t size)
{
        const char *text = json_string_value(json_object_get(object, key));

        return text && (size_t)snprintf(to, size, "%s", text) < size;
}

static unsigned int by_of(const json_t *list)
{
        unsigned int by = 0;

        for (size_t i = 0; i < json_array_size(list); i++) {
                const char *word = json_string_value(json_array_get(list, i));

                by |= word && text_equal(word, "address") ? MOVE_BY_ADDRESS : 0;
                by |= word && text_equal(word, "dns") ? MOVE_BY_DNS : 0;
                by |= word && text_equal(word, "keeping-connections") ? MOVE_KEEPS : 0;
                by |= word && text_equal(word, "exec") ? MOVE_BY_EXEC : 0;
        }
        return by;
}

static unsigned int left_of(const json_t *list)
{
        unsigned int left = 0;

        for (size_t i = 0; i < json_array_size(list); i++) {
                const char *name = json_string_value(json_array_get(list, i));
                const enum step step = name ? step_of(name) : STEPS;

                left |= step < STEPS ? 1U << step : 0;
        }
        return left;
}

static bool read_beginning(struct reading *reading, const json_t *record)
{
        struct move *move = reading->move;
        char kind[16];

        if (reading->began || !text_member(record, "from", move->from, sizeof(move->from)) ||
            !text_member(record, "to", move->to, sizeof(move->to)) || !text_member(record, "move_kind", kind, sizeof(kind)))
                return false;
        memcpy(move->id, reading->id, sizeof(move->id));
        move->kind = text_equal(kind, kind_names[MOVE_FAILOVER]) ? MOVE_FAILOVER : MOVE_PLANNED;
        move->by = by_of(json_object_get(record, "by"));
        machine_begin(reading->machine, move->kind, move->by);
        reading->left = left_of(json_object_get(record, "left"));
        reading->began = true;
        return move->by != 0;
}

/* A TTL that is lowered again, or given back, is this move's own from then on. */
static void note_left(struct reading *reading, enum record kind, enum step step)
{
        const unsigned int own = 1U << (step == STEP_LOWER_TTL ? STEP_RESTORE_TTL : step);

        if (kind == RECORD_LEFT)
                reading->left |= own;
        else if (kind == RECORD_DONE || kind == RECORD_UNDONE)
                reading->left &= ~own;
}

static bool read_step(struct reading *reading, const json_t *record, enum record kind)
{
        const char *name = json_string_value(json_object_get(record, "step"));
        const enum step step = name ? step_of(name) : STEPS;

        if (!reading->began || !machine_restore(reading->machine, kind, step))
                return false;
        note_left(reading, kind, step);
        return true;
}

static bool read_made_up(struct reading *reading, const json_t *record)
{
        const char *name = json_string_value(json_object_get(record, "step"));
        const enum step step = name ? step_of(name) : STEPS;

        if (step < STEPS)
                reading->left &= ~(1U << step);
        return reading->ended && step < STEPS;
}

/* One record of this move; false when it cannot follow what came before. */
static bool read_record(struct reading *reading, const json_t *record)
{
        const char *kind = json_string_value(json_object_get(record, "kind"));

        if (text_equal(kind, "move_began"))
                return read_beginning(reading, record);
        for (size_t i = 0; i < LENGTH(record_names); i++)
                if (text_equal(kind, record_names[i]))
                        return read_step(reading, record, (enum record)i);
        if (text_equal(kind, MADE_UP))
                return read_made_up(reading, record);
        if (text_equal(kind, "move_ended"))
                reading->ended = true;
        return reading->began;
}

static int on_record(void *context, uint64_t sequence, const char *bytes, size_t length, struct error *err)
{
        struct reading *reading = context;
        json_t *record = NULL;
        const char *id;
        int r = record_parse(bytes, length, sequence, &record, err);

        if (r < 0)
                return r;
        id = json_string_value(json_object_get(record, "move"));
        if (id && text_equal(id, reading->id) && !read_record(reading, record))
                r = error_set(err, -EBADMSG,
                              _("record %" PRIu64 " of the journal cannot be of the move that is under way; 'understudy "
                                "journal verify' tells whether it was changed. Nothing is done on its word"),
                              sequence);
        json_decref(record);
        return r;
}

/* Where the last move is in the journal: 1, or 0 when there never was one. */
static int read_pointer(int folder, char id[static MOVE_ID_SIZE], uint64_t *ret_first, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(FILE_MAXIMUM);
        int r = file_read(folder, POINTER_FILE, &text, err);
        json_t *pointer;
        json_int_t first;

        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;
        pointer = json_loadb(buffer_text(&text), text.length, JSON_REJECT_DUPLICATES, NULL);
        first = json_integer_value(json_object_get(pointer, "first"));
        r = text_member(pointer, "move", id, MOVE_ID_SIZE) && first >= 0;
        json_decref(pointer);
        if (!r)
                return error_set(err, -EBADMSG, _("%s in the state folder is damaged; restore it from a copy, or remove it if "
                                                  "'understudy journal show' has no move without its end"), POINTER_FILE);
        *ret_first = (uint64_t)first;
        return 1;
}

/* The last move: 1, or 0 when there never was one. */
static int read_last(int folder, const char *journal_path, struct reading *reading, struct error *err)
{
        _cleanup_(journal_reader_closep) struct journal_reader *reader = NULL;
        uint64_t first = 0;
        int r = read_pointer(folder, reading->id, &first, err);

        if (r <= 0)
                return r;
        r = journal_reader_open(journal_path, &reader, err);
        if (r == 0 && first > journal_reader_checkpoint(reader)->size)
                r = error_set(err, -EBADMSG, _("the journal is shorter than it was when the last move began; 'understudy "
                                               "journal verify' tells more. Nothing is done on its word"));
        if (r == 0)
                r = journal_read(reader, first, on_record, reading, err);
        return r < 0 ? r : reading->began;
}

int ledger_current(struct ledger *ledger, struct move *ret_move, struct machine *ret_machine, struct error *err)
{
        struct reading reading = { .move = ret_move, .machine = ret_machine };
        int r = read_last(ledger->folder, ledger->journal_path, &reading, err);

        /* The other steps that may be left each move makes anew. */
        ledger->left = r > 0 && reading.ended ? reading.left & 1U << STEP_RESTORE_TTL : 0;
        return r <= 0 ? r : !reading.ended;
}

static int read_left(int folder, const char *journal_path, enum step step, struct move *ret_move, struct error *err)
{
        struct machine machine;
        struct reading reading = { .move = ret_move, .machine = &machine };
        int r = read_last(folder, journal_path, &reading, err);

        return r <= 0 ? r : reading.ended && (reading.left & 1U << step) != 0;
}

int ledger_left(struct ledger *ledger, enum step step, struct move *ret_move, struct error *err)
{
        return read_left(ledger->folder, ledger->journal_path, step, ret_move, err);
}

int ledger_left_in(const char *state, enum step step, struct move *ret_move, struct error *err)
{
        _cleanup_(fd_closep) int folder = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        char path[PATH_MAX];

        if (folder < 0)
                return errno == ENOENT ? 0 : error_errno(err, errno, _("cannot open the state folder %s"), state);
        return join_journal(state, path, err) < 0 ? -ENAMETOOLONG : read_left(folder, path, step, ret_move, err);
}

/* ---- what is ---- */

static int append(struct ledger *ledger, const char *kind, json_t *details, const char *what, bool durable,
                  struct error *err)
{
        const struct journal_record record = { .actor = ledger->actor, .kind = kind, .what = what, .details = details };
        uint64_t ticket;
        int r = details ? journal_append(ledger->journal, &record, &ticket, err) : error_memory(err);

        json_decref(details);
        return r < 0 || !durable ? r : journal_wait(ledger->journal, ticket, err);
}

static uint64_t journal_size(struct ledger *ledger)
{
        _cleanup_(journal_reader_closep) struct journal_reader *reader = NULL;

        return journal_reader_open(ledger->journal_path, &reader, NULL) < 0 ? 0 : journal_reader_checkpoint(reader)->size;
}

static json_t *by_names(unsigned int by)
{
        json_t *list = json_array();

        if (by & MOVE_BY_ADDRESS)
                json_array_append_new(list, json_string("address"));
        if (by & MOVE_BY_DNS)
                json_array_append_new(list, json_string("dns"));
        if (by & MOVE_KEEPS)
                json_array_append_new(list, json_string("keeping-connections"));
        if (by & MOVE_BY_EXEC)
                json_array_append_new(list, json_string("exec"));
        return list;
}

static int write_pointer(struct ledger *ledger, const char *id, uint64_t first, struct error *err)
{
        char text[128];
        int length = snprintf(text, sizeof(text), "{\"first\":%" PRIu64 ",\"move\":\"%s\"}\n", first, id);

        return file_replace(ledger->folder, POINTER_FILE, text, (size_t)length, 0600, err);
}

static json_t *left_names(unsigned int left)
{
        json_t *list = json_array();

        for (int step = 0; step < STEPS; step++)
                if (left & 1U << step)
                        json_array_append_new(list, json_string(step_name((enum step)step)));
        return list;
}

/*
 * The pointer first: a crash behind it leaves one to a move that never began, which is none; the other way round there
 * could be steps that nobody finds.
 */
int ledger_begin(struct ledger *ledger, struct move *move, struct error *err)
{
        unsigned char random[(MOVE_ID_SIZE - 1) / 2];
        char what[256];
        int r;

        if (getrandom(random, sizeof(random), 0) != sizeof(random))
                return error_errno(err, errno, _("cannot get random bytes from the system"));
        text_hex(random, sizeof(random), move->id);
        r = write_pointer(ledger, move->id, journal_size(ledger), err);
        if (r < 0)
                return r;
        snprintf(what, sizeof(what), "a %s move from %s to %s begins", kind_names[move->kind], move->from, move->to);
        return append(ledger, "move_began",
                      json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "move", move->id, "move_kind", kind_names[move->kind], "from",
                                move->from, "to", move->to, "by", by_names(move->by), "left", left_names(ledger->left)),
                      what, false, err);
}

int ledger_step(struct ledger *ledger, const struct move *move, const struct machine *machine, enum action action,
                const char *what, struct error *err)
{
        return append(ledger, record_names[record_of(machine, action)],
                      json_pack("{s:s, s:s}", "move", move->id, "step", step_name(machine->at)), what,
                      action == ACTION_RECORD_INTENT && machine_binds(machine), err);
}

int ledger_end(struct ledger *ledger, const struct move *move, const struct machine *machine, enum action action,
               const char *what, struct error *err)
{
        if (action == ACTION_STOP)
                return append(ledger, "move_stopped",
                              json_pack("{s:s, s:s}", "move", move->id, "step", step_name(machine->at)), what, true, err);
        return append(ledger, "move_ended",
                      json_pack("{s:s, s:s}", "move", move->id, "outcome", machine->back ? "undone" : "done"), what, true,
                      err);
}

int ledger_made_up(struct ledger *ledger, const struct move *move, enum step step, struct error *err)
{
        char what[256];

        snprintf(what, sizeof(what), "%s: %s, which the move had to leave, is done, and was seen to be", move->to, step_name(step));
        return append(ledger, MADE_UP, json_pack("{s:s, s:s}", "move", move->id, "step", step_name(step)), what, true, err);
}
