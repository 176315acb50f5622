/*
 * journal_writer.c - appends to a journal, one commit a record, and says of each when it is told that it is durable:
 * what the crash tests kill.
 *
 *     journal_writer FOLDER COUNT [WORD [UNDERSTUDY]]     prints the sequence of each record that is in; the word "batch"
 *                                                         makes one commit of all. With the program it has witnesses told
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "journal/journal.h"

static void say(void *context, const char *sentence)
{
        (void)context;
        fprintf(stderr, "journal_writer: %s\n", sentence);
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
        for (uint64_t i = 0; i < count && r == 0; i++) {
                struct journal_record record = { .actor = "test", .kind = "test", .what = argc > 3 ? argv[3] : "test" };
                uint64_t ticket = 0;

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
