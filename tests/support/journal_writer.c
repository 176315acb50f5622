/*
 * journal_writer.c - appends to a journal, one commit a record, and says of each when it is told that it is durable:
 * what the crash tests kill.
 *
 *     journal_writer FOLDER COUNT [WORD [UNDERSTUDY]]     prints the sequence of each record that is in; the word
 * "batch" makes one commit of all. With the program it has witnesses told; "insist" goes on when the disk is full, till
 * all are in
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "journal/journal.h"

static void say(void *context, const char *sentence)
{
        (void)context;
        fprintf(stderr, "journal_writer: %s\n", sentence);
}

/* A daemon's way: what cannot be written waits; "failed" and "appended" tell the test how far it is. */
static int insist(struct journal *journal, uint64_t count, struct error *err)
{
        bool failed = false;
        int r = 0;

        for (uint64_t i = 0; i < count; i++) {
                char what[40];
                struct journal_record record = { .actor = "test", .kind = "test", .what = what };

                snprintf(what, sizeof(what), "insist %" PRIu64, i);
                r = journal_append(journal, &record, NULL, err);
                if (r < 0)
                        return r;
                r = journal_commit(journal, err);
                if (r < 0 && !failed) {
                        say(NULL, err->text);
                        printf("failed\n");
                        fflush(stdout);
                }
                failed = failed || r < 0;
                usleep(20000);
        }
        printf("appended\n");
        fflush(stdout);
        for (int i = 0; i < 600 && r < 0; i++) {
                usleep(50000);
                r = journal_commit(journal, err);
        }
        return r;
}

int main(int argc, char *argv[])
{
        struct journal_options options = { .program = argc > 4 ? argv[4] : NULL, .note = say };
        struct journal *journal = NULL;
        struct error error = ERROR_NONE;
        struct checkpoint checkpoint;
        struct note_key key;
        uint64_t count = 0;
        bool batch = argc > 3 && text_equal(argv[3], "batch");
        int r;

        if (argc < 3 || text_parse_u64(argv[2], strlen(argv[2]), 1000000, &count) < 0)
                return EXIT_USAGE;
        r = journal_open(argv[1], &options, &journal, &error);
        if (r == 0 && argc > 3 && text_equal(argv[3], "insist")) {
                r = insist(journal, count, &error);
                count = 0;
        }
        for (uint64_t i = 0; i < count && r == 0; i++) {
                struct journal_record record = { .actor = "test", .kind = "test", .what = argc > 3 ? argv[3] : "test" };
                uint64_t ticket = 0, seconds;

                if (argc > 3 && *argv[3] == '@' &&
                    text_parse_u64(argv[3] + 1, strlen(argv[3] + 1), INT32_MAX, &seconds) == 0)
                        record.time_us = (int64_t)seconds * 1000000;
                r = journal_append(journal, &record, &ticket, &error);
                if (r == 0 && batch && i + 1 < count)
                        continue;
                if (r == 0)
                        r = journal_wait(journal, ticket, &error);
                if (r < 0)
                        break;
                journal_latest(journal, &checkpoint, &key);
                printf("%" PRIu64 "\n", checkpoint.size - 1);
                fflush(stdout);
        }
        journal_close(journal);
        if (r < 0)
                fprintf(stderr, "journal_writer: %s\n", error.text);
        return r < 0 ? EXIT_FAILED : EXIT_DONE;
}
