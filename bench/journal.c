/*
 * journal.c - how fast the journal is: appending with group commit, the time until one record is on the disk, proofs,
 * and verification. Prints one JSON object.
 *
 *     journal FOLDER [RECORDS]     FOLDER must not be there; it is made on the file system that is to be measured
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "journal/journal.h"
#include "journal/reader.h"
#include "journal/verify.h"

#define SINGLES 500
#define PROOFS  2000

static double now_ms(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1e6;
}

static void stop(const struct error *err)
{
        fprintf(stderr, "journal: %s\n", err->text);
        exit(EXIT_FAILED);
}

static int compare(const void *a, const void *b)
{
        const double *left = a, *right = b;

        return (*left > *right) - (*left < *right);
}

/* "NAME_p50": ..., "NAME_p99": ... in milliseconds. */
static void print_quantiles(const char *name, double *times, size_t count)
{
        qsort(times, count, sizeof(times[0]), compare);
        printf(", \"%s_ms_p50\": %.3f, \"%s_ms_p99\": %.3f", name, times[count / 2], name, times[count * 99 / 100]);
}

static uint64_t append(struct journal *journal, uint64_t number)
{
        struct error error = ERROR_NONE;
        char what[100];
        struct journal_record record = { .actor = "bench", .kind = "finding", .what = what };
        uint64_t ticket = 0;
        int r;

        snprintf(what, sizeof(what), "docs/page-%" PRIu64 ".html differs from its release: content", number);
        /* When the queue is full a guard would go on; here everything must get in. */
        while ((r = journal_append(journal, &record, &ticket, &error)) == -EAGAIN)
                nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
        if (r < 0)
                stop(&error);
        return ticket;
}

static void measure_appending(const char *folder, uint64_t records)
{
        static double times[SINGLES];
        struct error error = ERROR_NONE;
        struct journal *journal = NULL;
        uint64_t ticket = 0;
        double start;

        if (journal_open(folder, NULL, &journal, &error) < 0 || journal_start(journal, &error) < 0)
                stop(&error);
        start = now_ms();
        for (uint64_t i = 0; i < records; i++)
                ticket = append(journal, i);
        if (journal_wait(journal, ticket, &error) < 0)
                stop(&error);
        printf("{\"records\": %" PRIu64 ", \"append_per_s\": %.0f", records,
               (double)records / (now_ms() - start) * 1000);
        for (size_t i = 0; i < SINGLES; i++) {
                start = now_ms();
                if (journal_wait(journal, append(journal, records + i), &error) < 0)
                        stop(&error);
                times[i] = now_ms() - start;
        }
        print_quantiles("one_record", times, SINGLES);
        journal_close(journal);
}

/* What a record costs at least on this disk: a file is written anew and put in place of the old one, so that it survives. */
static void measure_disk(const char *folder)
{
        static double times[SINGLES];
        static const char bytes[300];
        struct error error = ERROR_NONE;
        int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);

        for (size_t i = 0; i < SINGLES; i++) {
                double start = now_ms();

                if (fd < 0 || file_replace(fd, "bench-disk", bytes, sizeof(bytes), 0600, &error) < 0)
                        stop(&error);
                times[i] = now_ms() - start;
        }
        print_quantiles("one_file", times, SINGLES);
        (void)unlinkat(fd, "bench-disk", 0);
        close(fd);
}

static void measure_proofs(const char *folder)
{
        static double times[PROOFS];
        struct error error = ERROR_NONE;
        uint64_t random = 1;

        for (size_t i = 0; i < PROOFS; i++) {
                struct journal_reader *reader = NULL;
                struct merkle_proof proof;
                struct digest leaf;
                double start = now_ms();

                /* Each from nothing: opening, the checkpoint's signature, the tiles. */
                if (journal_reader_open(folder, &reader, &error) < 0)
                        stop(&error);
                random = random * 6364136223846793005U + 1442695040888963407U;
                if (journal_prove(reader, (random >> 20) % journal_reader_checkpoint(reader)->size, &leaf, &proof,
                                  &error) < 0)
                        stop(&error);
                journal_reader_close(reader);
                times[i] = now_ms() - start;
        }
        print_quantiles("proof", times, PROOFS);
}

static void measure_verifying(const char *folder)
{
        struct journal_verdict verdict;
        struct error error = ERROR_NONE;
        double start = now_ms();

        if (journal_verify(folder, NULL, 0, NULL, 0, NULL, NULL, &verdict, &error) < 0)
                stop(&error);
        printf(", \"verify_s\": %.3f", (now_ms() - start) / 1000);
        printf(", \"verify_per_s\": %.0f, \"whole\": %s}\n", (double)verdict.records / (now_ms() - start) * 1000,
               verdict.fault == JOURNAL_WHOLE ? "true" : "false");
}

int main(int argc, char *argv[])
{
        uint64_t records = 1000000;

        if (argc < 2 || (argc > 2 && text_parse_u64(argv[2], strlen(argv[2]), UINT32_MAX, &records) < 0)) {
                fprintf(stderr, "usage: journal FOLDER [RECORDS]\n");
                return EXIT_USAGE;
        }
        measure_appending(argv[1], records);
        measure_disk(argv[1]);
        measure_proofs(argv[1]);
        measure_verifying(argv[1]);
        return EXIT_DONE;
}
